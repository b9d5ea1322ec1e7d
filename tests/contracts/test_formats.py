"""Every format under the one suite. The other reader is never the one that hygge reads with."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from hygge.formats.arrow import Arrow
from hygge.formats.csv import Csv
from hygge.formats.format import Format
from hygge.formats.ndjson import Ndjson
from hygge.formats.parquet import Parquet
from hygge.testing.contracts.format import FormatContract


class TestParquet(FormatContract):
    def build(self, **options: Any) -> Format[Any]:
        return Parquet.build(options)

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def look(self, data: bytes) -> list[tuple[Any, ...]]:
        path = self.folder / "looked-at.parquet"
        path.write_bytes(data)
        return duckdb.connect().execute("from read_parquet($1)", [str(path)]).fetchall()


class TestCsv(FormatContract):
    def build(self, **options: Any) -> Format[Any]:
        return Csv.build(options)

    def look(self, data: bytes) -> list[tuple[Any, ...]]:
        header, *rows = csv.reader(io.StringIO(data.decode(), newline=""), strict=True)
        assert header == ["id", "word", "share"]
        found = [(int(a), b, float(c) if c else None) for a, b, c in rows]
        # Python's reader does not tell NULL from an empty text: both are seen, and only these two
        assert [n for n, row in enumerate(found) if row[1] == ""] == [
            n for n in range(40) if n % 10 in (1, 2)
        ]
        return [(a, None if n % 10 == 1 else b, c) for n, (a, b, c) in enumerate(found)]


class TestNdjson(FormatContract):
    def build(self, **options: Any) -> Format[Any]:
        return Ndjson.build(options)

    def look(self, data: bytes) -> list[tuple[Any, ...]]:
        return [tuple(json.loads(line).values()) for line in data.decode().split("\n")[:-1]]


class TestArrow(FormatContract):
    def build(self, **options: Any) -> Format[Any]:
        return Arrow.build(options)

    def look(self, data: bytes) -> list[tuple[Any, ...]]:
        table = pa.ipc.open_file(data).read_all()
        return [tuple(row.values()) for row in table.to_pylist()]
