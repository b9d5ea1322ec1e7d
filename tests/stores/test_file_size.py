"""A table larger than one file is to be goes into several, in order."""

from __future__ import annotations

import asyncio
from pathlib import Path

import polars as pl
import pytest

from hygge.core.schema import TableSchema
from hygge.core.store import Mode, StoreConfig
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
