"""What a Delta home does beyond the contract: versions, others' commits, files that say little."""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction

from hygge.connections.named import NamedConnections
from hygge.core.errors import ConfigError, HomeError, HyggeError, Unsupported
from hygge.core.home import HomeConfig, ReadRequest
from hygge.core.schema import Column
from hygge.core.watermark import Watermark
from hygge.formats import delta_rows
from hygge.homes import delta as delta_home
from hygge.homes.delta import DeltaHome, DeltaHomeConfig
from hygge.homes.files import FileHome, FileHomeConfig
from hygge.testing.harness import gathered, people, rows_of, unordered


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "people"


def home(folder: Path, **more: Any) -> DeltaHome:
    config = HomeConfig.create({"type": "delta", "path": str(folder), **more})
    assert isinstance(config, DeltaHomeConfig)
    return DeltaHome.build(config, NamedConnections())


def read(made: DeltaHome, request: ReadRequest | None = None) -> list[Any]:
    return rows_of(asyncio.run(gathered(made, request)))


def write(folder: Path, *frames: pl.DataFrame, **more: Any) -> None:
    for frame in frames:
        deltalake.write_deltalake(folder, frame, mode="append", **more)


# versions


def test_a_version_and_a_moment_may_be_asked_for(folder: Path) -> None:
    write(folder, people(0, 2), people(2, 2), people(4, 2))
    assert read(home(folder, version=1)) == people(0, 4).rows()
    first = folder / "_delta_log" / f"{0:020}.json"
    told = json.loads(first.read_text().splitlines()[0])["commitInfo"]["timestamp"]
    moment = datetime.fromtimestamp(told / 1000, UTC).isoformat()
    assert len(read(home(folder, timestamp=moment))) in (2, 4, 6)  # within one millisecond
    assert read(home(folder)) == people(0, 6).rows()


def test_a_version_that_is_not_there_is_told(folder: Path) -> None:
    write(folder, people(0, 2))
    with pytest.raises(HomeError, match="its version 7 cannot be had"):
        read(home(folder, version=7))
    with pytest.raises(ConfigError, match="one is enough"):
        home(folder, version=1, timestamp="2024-01-01T00:00:00Z")


def test_a_load_reads_one_version_whoever_commits_meanwhile(folder: Path) -> None:
    write(folder, people(0, 2), people(2, 2))
    made = home(folder, partition_mb=0.000_1)

    async def story() -> list[Any]:
        asked = ReadRequest(schema=await made.schema())
        async with made.reading(asked) as parts:
            assert len(parts) == 2
            found = rows_of(await gathered(made, asked, parts[0]))
            other = pl.DataFrame({"unlike": [1]})
            deltalake.write_deltalake(folder, other, mode="overwrite", schema_mode="overwrite")
            return found + rows_of(await gathered(made, asked, parts[1]))

    assert unordered(asyncio.run(story())) == unordered(people(0, 4).rows())
    assert read(made) == [(1,)]


def test_a_file_that_was_vacuumed_is_told(folder: Path) -> None:
    write(folder, people(0, 2))
    deltalake.write_deltalake(folder, people(5, 1), mode="overwrite")
    table = deltalake.DeltaTable(folder)
    table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    with pytest.raises(HomeError, match="VACUUM has deleted it") as failed:
        read(home(folder, version=0))
    assert "newest version" in str(failed.value.hint)


# what files say


def test_values_that_only_the_path_tells(folder: Path) -> None:
    rows = pl.DataFrame(
        {
            "id": range(6),
            "where": ["a/b c", "ü%2F", None, "x", "x", "x"],
            "day": [date(2024, 1, 1 + n % 2) for n in range(6)],
            "much": [Decimal("1.50")] * 6,
            "yes": [True, False, None, True, True, True],
            "at": [datetime(2024, 1, 1, 12, 0, 0, 5, tzinfo=UTC)] * 6,
        }
    ).cast({"much": pl.Decimal(10, 2)})
    write(folder, rows, partition_by=["where", "day", "much", "yes", "at"])
    made = home(folder)
    schema = asyncio.run(made.schema())
    assert schema.polars() == rows.schema
    assert unordered(read(made)) == unordered(rows.rows())
    asked = ReadRequest(columns=("day", "id"), where="\"where\" = 'x' and id > 3")
    assert unordered(read(made, asked)) == unordered([(date(2024, 1, 1), 4), (date(2024, 1, 2), 5)])
    only = ReadRequest(columns=("where",))
    assert unordered(read(made, only)) == unordered([(value,) for value in rows["where"]])
    mark = asyncio.run(made.upper_bound("day")).watermark
    assert mark is not None
    assert mark.value == date(2024, 1, 2)

    async def by_parts() -> list[Any]:
        small = home(folder, partition_mb=0.000_1)
        asked = ReadRequest(schema=await small.schema())
        async with small.reading(asked) as parts:
            return [row for p in parts for row in rows_of(await gathered(small, asked, p))]

    assert unordered(asyncio.run(by_parts())) == unordered(rows.rows())


def test_columns_that_came_later_are_null_in_older_files(folder: Path) -> None:
    write(folder, people(0, 2))
    write(folder, people(2, 1).with_columns(extra=pl.lit(7)), schema_mode="merge")
    assert [row[-1] for row in sorted(read(home(folder)))] == [None, None, 7]


def test_nullability_is_the_tables(folder: Path) -> None:
    fields = [
        deltalake.Field("id", PrimitiveType("long"), nullable=False),
        deltalake.Field("n", PrimitiveType("string"), nullable=True),
    ]
    deltalake.DeltaTable.create(folder, deltalake.Schema(fields))
    schema = asyncio.run(home(folder).schema())
    assert schema.columns == (Column("id", pl.Int64(), nullable=False), Column("n", pl.String()))


def placed(folder: Path, name: str, rows: pa.Table, **how: Any) -> None:
    """A file as another writer would have written it."""
    pq.write_table(rows, folder / name, **how)
    table = deltalake.DeltaTable(folder)
    size = (folder / name).stat().st_size
    action = AddAction(name, size, {}, 1, True, json.dumps({"numRecords": rows.num_rows}))
    table.create_write_transaction([action], "append", table.schema())


def test_moments_as_old_writers_have_them(folder: Path) -> None:
    at = datetime(2024, 2, 29, 1, 2, 3, 456789)
    whole = pl.DataFrame({"z": [at.replace(tzinfo=UTC)], "n": [at]})
    write(folder, whole.clear())
    plain = pa.table(
        {"z": pa.array([at], pa.timestamp("us")), "n": pa.array([at], pa.timestamp("us"))}
    )
    placed(folder, "old.parquet", plain, use_deprecated_int96_timestamps=True)
    placed(
        folder,
        "ms.parquet",
        plain.cast(
            pa.schema([("z", pa.timestamp("ms", "UTC")), ("n", pa.timestamp("ns"))]), safe=False
        ),
    )
    found = pl.concat(asyncio.run(gathered(home(folder))))
    assert found.schema == whole.schema
    coarse = at.replace(microsecond=456000, tzinfo=UTC)
    assert unordered(found.rows()) == unordered([(coarse, at), *whole.rows()])
    mark = asyncio.run(home(folder).upper_bound("z")).watermark
    assert mark is not None
    assert mark.value == at.replace(tzinfo=UTC)


# what is new


def test_files_outside_the_window_are_not_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(folder, people(0, 5), people(5, 5), people(10, 5))
    opened = list[str]()
    real = delta_rows.delta_rows

    def reading(source: Any, *rest: Any, **more: Any) -> Any:
        opened.append(source.path)
        return real(source, *rest, **more)

    monkeypatch.setattr(delta_home, "delta_rows", reading)
    low, bound = Watermark("id", "int64", 4, closed=False), Watermark("id", "int64", 9)
    asked = ReadRequest(low=low, bound=bound)
    assert [row[0] for row in read(home(folder), asked)] == [5, 6, 7, 8, 9]
    assert len(opened) == 1
    made = home(folder)
    assert len(asyncio.run(made.partitions(asked))) == 1


@pytest.mark.parametrize("column", ["seen", "word", "born"])
def test_the_window_of_other_columns(folder: Path, column: str) -> None:
    frames = [people(5 * n, 5).with_columns(pl.col("word").fill_null("z")) for n in range(4)]
    write(folder, *frames)
    rows = pl.concat(frames)
    mark = asyncio.run(home(folder).upper_bound(column)).watermark
    assert mark is not None
    assert mark.value == rows[column].max()
    middle = rows[column].sort()[9]
    low = Watermark(column, mark.type, middle, closed=False)
    found = read(home(folder), ReadRequest(low=low, bound=mark))
    assert unordered(found) == unordered(rows.filter(pl.col(column) > middle).rows())


# what is refused


def demand(folder: Path, **more: Any) -> None:
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, **more}
    version = deltalake.DeltaTable(folder).version() + 1
    file = folder / "_delta_log" / f"{version:020}.json"
    file.write_text(json.dumps({"protocol": protocol}))


def test_mapped_columns_are_refused(folder: Path) -> None:
    write(folder, people(0, 2))
    names = ["columnMapping"]
    demand(folder, readerFeatures=names, writerFeatures=names)
    assert len(read(home(folder))) == 2  # that it could be used does no harm
    log = folder / "_delta_log"
    lines = (log / f"{0:020}.json").read_text().splitlines()
    (told,) = (json.loads(line) for line in lines if "metaData" in line)
    schema = json.loads(told["metaData"]["schemaString"])
    for number, field in enumerate(schema["fields"]):
        field["metadata"] = {
            "delta.columnMapping.id": number,
            "delta.columnMapping.physicalName": f"col-{number}",
        }
    told["metaData"]["schemaString"] = json.dumps(schema)
    told["metaData"]["configuration"] = {"delta.columnMapping.mode": "name"}
    (log / f"{2:020}.json").write_text(json.dumps(told))
    with pytest.raises(HyggeError, match="mapped to other names"):
        asyncio.run(home(folder).check())


Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
B85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"


def deletion_vector(first: int, second: int) -> dict[str, Any]:
    """Two rows of a file that are deleted, as the protocol has them written within the log."""
    bitmap = struct.pack("<IIHHIHH", 12346, 1, 0, 1, 16, first, second)
    told = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    text = base64.b85encode(told).decode().translate(str.maketrans(B85, Z85))
    size = {"sizeInBytes": len(told), "cardinality": 2}
    return {"storageType": "i", "pathOrInlineDv": text, **size}


@pytest.mark.parametrize("whole", [True, False])
def test_rows_that_are_deleted_beside_their_file_are_refused(folder: Path, whole: bool) -> None:
    """They would be read as if they were there."""
    write(folder, people(0, 30))
    names = ["deletionVectors"]
    demand(folder, readerFeatures=names, writerFeatures=names)
    assert len(read(home(folder))) == 30
    log = folder / "_delta_log"
    lines = (log / f"{0:020}.json").read_text().splitlines()
    (told,) = (json.loads(line)["add"] for line in lines if line.startswith('{"add"'))
    vector = deletion_vector(3, 7)
    if not whole:
        vector["pathOrInlineDv"] = "0" * len(vector["pathOrInlineDv"])
    again = {"add": {**told, "deletionVector": vector}}
    gone = {"path": told["path"], "deletionTimestamp": 1, "dataChange": True}
    (log / f"{2:020}.json").write_text("\n".join(map(json.dumps, [{"remove": gone}, again])))
    for ask in (home(folder).check, lambda: gathered(home(folder))):
        with pytest.raises(Unsupported, match="deletion vectors") as failed:
            asyncio.run(ask())
    assert "PURGE" in str(failed.value.hint)


def test_what_readers_must_know_and_we_do_not_is_refused(folder: Path) -> None:
    write(folder, people(0, 2))
    demand(folder, readerFeatures=["typeWidening"], writerFeatures=["typeWidening"])
    with pytest.raises(HyggeError, match="typeWidening"):
        asyncio.run(home(folder).check())


def test_a_log_that_cannot_be_read_is_told(folder: Path) -> None:
    write(folder, people(0, 2))
    (folder / "_delta_log" / f"{1:020}.json").write_text("{not json")
    with pytest.raises(HomeError, match="the log of this Delta table cannot be read"):
        asyncio.run(home(folder).check())


def test_a_place_that_the_library_cannot_reach_is_refused() -> None:
    config = HomeConfig.create({"type": "delta", "path": "memory://lake/people"})
    assert isinstance(config, DeltaHomeConfig)
    with pytest.raises(Unsupported, match="cannot be read from memory"):
        asyncio.run(DeltaHome.build(config, NamedConnections()).check())


def test_its_files_are_not_read_without_its_log(folder: Path) -> None:
    """Rows that are gone would be read, and those that are not published yet."""
    write(folder, people(0, 2))
    for path in (folder, folder.parent):
        config = HomeConfig.create({"type": "parquet", "path": str(path)})
        assert isinstance(config, FileHomeConfig)
        with pytest.raises(ConfigError, match="only its log tells") as failed:
            asyncio.run(FileHome.build(config, NamedConnections()).check())
        assert failed.value.hint == f"type: delta, path: {folder}"
