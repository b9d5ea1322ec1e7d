"""The rig for Delta tables in an S3 bucket. The library reads them; objects are listed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import obstore
from tests.rigs.delta import read
from tests.rigs.files import HARMS
from tests.rigs.s3 import S3FolderRig
from tests.servers import s3

from hygge.core.store import StagedPart, StoreConfig
from hygge.stores.delta import DeltaStore
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.testing.harness import Harm, Row


def options() -> Mapping[str, str]:
    told = {f"aws_{key}": value for key, value in s3.KEYS.items()}
    return {**told, "aws_endpoint": s3.url(), "aws_allow_http": "true"}


class DeltaS3Rig(S3FolderRig):
    ordered = False

    def store(self) -> Any:
        settings = {"type": "delta", "connection": "lake", "path": "raw/people"}
        config = StoreConfig.create(settings)
        assert isinstance(config, DeltaStoreConfig)
        return DeltaStore.build(config, self.connections)

    def look(self) -> list[Row] | None:
        return read(f"s3://{self.bucket}/raw/people", options())

    def named(self) -> set[str]:
        """Every file that some version has, or had."""
        log = self.objects("raw/people/_delta_log")
        lines = (
            line
            for name, text in log.items()
            if name.endswith(".json")
            for line in text.splitlines()
        )
        added = (json.loads(line).get("add") for line in lines)
        return {f"raw/people/{told['path']}" for told in added if told}

    def leftovers(self) -> Sequence[str]:
        staged = self.objects("raw/_hygge/staging")
        there = {n for n in self.objects("raw/people") if "/_delta_log/" not in n}
        strangers = {name for name in there if not name.endswith("/.hygge-folder")} - self.named()
        return [*staged, *strangers]

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        there = self.objects(f"raw/people/{part.load_id}")
        (name,) = (path for path in there if path.endswith(part.pieces[0].name))
        file = Path(self.tmp / "harmed")
        file.write_bytes(there[name])
        HARMS[harm](file)
        if file.exists():
            obstore.put(self.eyes, name, file.read_bytes())
        else:
            obstore.delete(self.eyes, name)


HOMES: list[type] = []
STORES: list[type] = []
