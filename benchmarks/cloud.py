"""hygge beside Polars and obstore, up to our ADLS server and down from it. `make bench-cloud`."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.servers.adls import shared as adls

from benchmarks.contestants import HYGGE, Contestant
from benchmarks.data import CLOUD_TABLE, Dataset
from benchmarks.jobs import MB, Job, Targets
from benchmarks.landing import TARGET, Files, files_told
from benchmarks.running import arguments, run_all

BAR = "bare obstore"
TARGETS = Targets(times=1.25, plus=0.0, peak=300 * MB)
_ACCOUNT = "lake"
_NAME = "there/0.parquet"


class Container:
    """One of the server's containers, which lies on this disk as a folder."""

    def __init__(self) -> None:
        self._name = adls.new_container(_ACCOUNT)
        self.settings = adls.settings(_ACCOUNT, self._name)
        self.folder = adls.folder() / _ACCOUNT / self._name

    def filled(self, file: Path) -> None:
        """With this file, if it is not there."""
        there = self.folder / _NAME
        if not there.exists():
            there.parent.mkdir(parents=True)
            shutil.copyfile(file, there)

    def clear(self) -> None:
        shutil.rmtree(self.folder / TARGET, ignore_errors=True)
        shutil.rmtree(self.folder / "_hygge", ignore_errors=True)

    def found(self, folder: Path, like: Path, *, whole: bool) -> dict[str, Any]:
        return files_told(sorted((self.folder / TARGET).rglob("*.parquet")), None, whole=whole)

    def bare(self, way: str, file: Path, name: str) -> list[str]:
        script = str(Path(__file__).with_name("bare_cloud.py"))
        return [sys.executable, script, way, json.dumps(self.settings), str(file), name]


def up(letter: str, there: Container) -> Job:
    def bare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        return there.bare("up", dataset.paths(source)[0], f"{TARGET}/0.parquet")

    def hygge(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        home = {"type": "parquet", "path": str(dataset.paths(source)[0])}
        store = {"type": "parquet", "connection": "there", "path": TARGET}
        return _hygge(folder, there, home, store)

    return _job(letter, "parquet up to ADLS", there, hygge, bare)


def down(letter: str, there: Container) -> Job:
    def bare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        there.filled(dataset.paths(source)[0])
        (folder / TARGET).mkdir()
        return there.bare("down", folder / TARGET / "0.parquet", _NAME)

    def hygge(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        there.filled(dataset.paths(source)[0])
        home = {"type": "parquet", "connection": "there", "path": _NAME}
        return _hygge(folder, there, home, {"type": "parquet", "path": TARGET})

    return _job(letter, "parquet down from ADLS", Files(), hygge, bare)


WAYS = {"a": up, "b": down}


def _job(letter: str, title: str, landing: Any, hygge: Any, bare: Any) -> Job:
    both = (Contestant(HYGGE.name, hygge), Contestant(BAR, bare))
    return Job(letter, title, CLOUD_TABLE, both, TARGETS, bar=BAR, landing=landing, served=True)


def _hygge(folder: Path, there: Container, home: Any, store: Any) -> list[str]:
    connections = {"there": {"type": "adls", **there.settings}}
    flows = {"move": {"home": home, "store": store}}
    (folder / "hygge.yml").write_text(json.dumps({"connections": connections, "flows": flows}))
    return [sys.executable, "-m", "hygge", "go"]


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments("make bench-cloud", __doc__, "".join(WAYS)).parse_args(given)
    there = Container()
    return run_all([WAYS[letter](letter, there) for letter in asked.jobs], asked)


if __name__ == "__main__":
    sys.exit(main())
