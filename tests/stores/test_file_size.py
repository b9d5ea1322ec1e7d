"""A table larger than one file is to be goes into several, in order; and none is larger than its
place can move."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import ConfigError, StoreError
from hygge.core.schema import TableSchema
from hygge.core.store import Mode, StoreConfig
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.memory import MemoryFileSystem, forget
from hygge.filesystems.s3 import S3FileSystem
from hygge.stores.delta import DeltaStore
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.stores.file_config import FileStoreConfig
from hygge.stores.files import FileStore
from hygge.testing.harness import request, staged


@pytest.mark.parametrize("form", ["parquet", "csv"])
def test_a_new_file_is_begun_at_the_target_size(tmp_path: Path, form: str) -> None:
    config = StoreConfig.create({"type": form, "path": str(tmp_path / "t"), "target_file_mb": 1})
    assert isinstance(config, FileStoreConfig)
    rows = pl.DataFrame({"id": range(1_500_000)}).with_columns(
        noise=pl.col("id").hash(7).cast(pl.String)
    )

    async def story() -> None:
        what = request(Mode.REPLACE, schema=TableSchema.of(rows.schema))
        async with FileStore(config).load(what) as load:
            await load.commit([await staged(load, "whole", *rows.iter_slices(100_000))])

    asyncio.run(story())
    files = sorted((tmp_path / "t").glob(f"*.{form}"))
    assert len(files) > 1
    read = pl.read_parquet if form == "parquet" else pl.read_csv
    assert pl.concat(map(read, files))["id"].to_list() == list(range(1_500_000))


def of_size(target: int, files: FileSystem) -> FileStore:
    config = StoreConfig.create({"type": "parquet", "path": "lake/t", "target_file_mb": target})
    assert isinstance(config, FileStoreConfig)
    return FileStore(config, (files, "lake/t"))


def test_a_file_that_could_be_staged_and_not_published_is_refused_at_once() -> None:
    """S3 copies five gigabytes in one request, and a copy is what publishes."""
    files = S3FileSystem("bucket")
    of_size(4864, files)
    with pytest.raises(ConfigError, match="moves no file of more than 5120 MB") as failed:
        of_size(4865, files)
    assert failed.value.hint == "target_file_mb: 4864, or less"


def test_what_is_not_moved_may_be_larger() -> None:
    of_size(8192, MemoryFileSystem("large"))
    told: dict[str, Any] = {"type": "delta", "path": "s3://bucket/t", "target_file_mb": 8192}
    config = StoreConfig.create(told)
    assert isinstance(config, DeltaStoreConfig)
    DeltaStore(config, (S3FileSystem("bucket"), "t"))


def test_a_file_that_became_too_large_is_told_before_a_record_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One batch may be larger than anybody thought."""
    few = replace(MemoryFileSystem.capabilities, moves_at_most=1000)
    store = of_size(1, MemoryFileSystem("too-large"))
    monkeypatch.setattr(MemoryFileSystem, "capabilities", few)
    rows = pl.DataFrame({"id": range(10_000)})

    async def story() -> None:
        what = request(Mode.REPLACE, schema=TableSchema.of(rows.schema))
        async with store.load(what) as load:
            await load.commit([await staged(load, "whole", rows)])

    with pytest.raises(StoreError, match="than can be moved here") as failed:
        asyncio.run(story())
    assert not failed.value.transient
    assert store.table.log.numbers() == []
    assert store.table.data_files() == []
    forget("too-large")
