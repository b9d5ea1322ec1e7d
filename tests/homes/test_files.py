"""Tables in files: which files, one schema for all, partitions, and what is refused."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hygge.connections.named import NamedConnections
from hygge.core.errors import ConfigError, HomeError, SchemaMismatch, SourceChanged, SourceMissing
from hygge.core.home import HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import TableSchema
from hygge.core.types import type_name
from hygge.core.watermark import Watermark
from hygge.filesystems.memory import MemoryFileSystem, forget
from hygge.homes.files import FileHome, FileHomeConfig, ParquetHome

ALL = ReadRequest()


def home(path: Path | str, **settings: Any) -> FileHome:
    config = HomeConfig.create({"type": "files", "path": str(path), **settings})
    assert isinstance(config, FileHomeConfig)
    return FileHome.build(config, NamedConnections())


def ids(start: int, count: int = 3) -> pl.DataFrame:
    return pl.DataFrame({"id": range(start, start + count)}, schema={"id": pl.Int64})


def put(path: Path, frame: pl.DataFrame | None = None, **columns: Any) -> Path:
    """A file with these rows, in the format of its suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(columns) if frame is None else frame
    if path.suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    return path


def rows(
    source: FileHome, request: ReadRequest = ALL, partition: Partition = WHOLE
) -> list[tuple[Any, ...]]:
    return [row for batch in source.batches(request, partition) for row in batch.rows()]


def by_partition(source: FileHome, request: ReadRequest = ALL) -> list[tuple[Any, ...]]:
    return [row for part in source.split(request) for row in rows(source, request, part)]


# -- which files -------------------------------------------------------------------------------


def test_a_folder_is_read_at_any_depth_in_order_of_paths(tmp_path: Path) -> None:
    put(tmp_path / "t/b/2.parquet", ids(20))
    put(tmp_path / "t/b.parquet", ids(30))
    put(tmp_path / "t/a.parquet", ids(10))
    names = ["t/a.parquet", "t/b.parquet", "t/b/2.parquet"]
    expected = [10, 11, 12, 30, 31, 32, 20, 21, 22]
    assert names == sorted(names)
    assert [row[0] for row in rows(home(tmp_path / "t"))] == expected
    assert [row[0] for row in by_partition(home(tmp_path / "t"))] == expected


@pytest.mark.parametrize(
    "hidden", [".a.parquet", "_a.parquet", ".h/a.parquet", "_s/a.parquet", "x/_s/y/a.parquet"]
)
def test_hidden_names_are_never_read(tmp_path: Path, hidden: str) -> None:
    put(tmp_path / "t/1.parquet", ids(1))
    put(tmp_path / "t" / hidden, other=["not data"])
    assert rows(home(tmp_path / "t")) == [(1,), (2,), (3,)]
    assert rows(home(tmp_path / "t/**/*.parquet")) == [(1,), (2,), (3,)]


def test_a_folder_whose_own_name_is_hidden_can_be_asked_for(tmp_path: Path) -> None:
    put(tmp_path / "_t/1.parquet", ids(1))
    assert len(rows(home(tmp_path / "_t"))) == 3
    assert len(rows(home(tmp_path / "_t/1.parquet"))) == 3


def test_hygges_own_folder_cannot(tmp_path: Path) -> None:
    put(tmp_path / "_hygge/staging/t/1/a.parquet", ids(1))
    with pytest.raises(ConfigError, match="hygge's own"):
        home(tmp_path / "_hygge/staging/t").table_schema()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("t/*.parquet", [1]),
        ("t/**/*.parquet", [1, 2, 3]),
        ("t/2*/*.parquet", [2]),
        ("t/20[01]?/x.parquet", [2]),
        ("t/[!3]*/x.parquet", [2]),
        ("t/**", [1, 2, 3]),
    ],
)
def test_a_glob(tmp_path: Path, pattern: str, expected: list[int]) -> None:
    for name, number in (("x.parquet", 1), ("2013/x.parquet", 2), ("30/y/x.parquet", 3)):
        put(tmp_path / "t" / name, id=[number])
    read = [row[0] for row in rows(home(tmp_path / pattern))]
    assert sorted(read) == expected


def test_a_file_with_a_wild_name_is_that_file(tmp_path: Path) -> None:
    put(tmp_path / "a[1].parquet", id=[1])
    put(tmp_path / "a1.parquet", id=[2])
    assert rows(home(tmp_path / "a[1].parquet")) == [(1,)]


@pytest.mark.parametrize("made", ["users/1.parquet", "users.parquet", "users.csv", "users/x/1.csv"])
def test_a_name_finds_its_folder_or_its_file(tmp_path: Path, made: str) -> None:
    put(tmp_path / made, ids(1))
    assert rows(home(tmp_path / "users")) == [(1,), (2,), (3,)]


def test_a_name_with_a_dot_finds_its_file(tmp_path: Path) -> None:
    put(tmp_path / "dbo.users.parquet", ids(1))
    assert len(rows(home(tmp_path / "dbo.users"))) == 3


def test_two_files_of_one_name_are_told_and_a_format_chooses(tmp_path: Path) -> None:
    put(tmp_path / "users.csv", id=[1])
    put(tmp_path / "users.parquet", id=[2])
    with pytest.raises(ConfigError, match=r"users\.parquet and users\.csv") as failed:
        home(tmp_path / "users").table_schema()
    assert "try: " in str(failed.value)
    assert rows(home(tmp_path / "users", format="csv")) == [(1,)]
    assert rows(home(tmp_path / "users", type="parquet")) == [(2,)]


def test_a_named_format_reads_only_its_files_and_says_what_it_leaves(tmp_path: Path) -> None:
    put(tmp_path / "t/1.csv", id=[1])
    put(tmp_path / "t/1.parquet", id=[2])
    with pytest.raises(ConfigError, match="several formats"):
        home(tmp_path / "t").table_schema()
    source = home(tmp_path / "t", format="csv")
    assert rows(source) == [(1,)]
    assert [remark for remark in source.table_schema().notes if "1.parquet" in remark]


def test_a_named_file_is_read_in_the_format_that_is_said(tmp_path: Path) -> None:
    put(tmp_path / "users.csv", ids(1)).rename(tmp_path / "users.dat")
    assert rows(home(tmp_path / "users.dat", type="csv")) == [(1,), (2,), (3,)]


def test_suffixes_are_known_in_any_case(tmp_path: Path) -> None:
    put(tmp_path / "t/a.parquet", ids(1)).rename(tmp_path / "t/A.PARQUET")
    assert len(rows(home(tmp_path / "t"))) == 3


@pytest.mark.parametrize("path", ["t", "t/1.parquet.gz", "t/*"])
def test_a_compressed_file_is_not_passed_over(tmp_path: Path, path: str) -> None:
    put(tmp_path / "t/1.parquet", ids(1)).rename(tmp_path / "t/1.parquet.gz")
    with pytest.raises(HomeError, match="compressed"):
        home(tmp_path / path).table_schema()
    put(tmp_path / "t/2.parquet", ids(1))
    if path != "t/1.parquet.gz":
        with pytest.raises(HomeError, match="compressed"):
            home(tmp_path / path).table_schema()


def test_key_value_folders_are_remarked_upon(tmp_path: Path) -> None:
    put(tmp_path / "t/year=2013/1.parquet", ids(1))
    assert [remark for remark in home(tmp_path / "t").table_schema().notes if "year=2013" in remark]


def test_a_table_in_memory(tmp_path: Path) -> None:
    name = f"home-{tmp_path.name}"
    buffer = io.BytesIO()
    ids(1).write_parquet(buffer)
    files = MemoryFileSystem(name)
    try:
        files.put_once("lake/users/1.parquet", buffer.getvalue())
        source = home(f"memory://{name}/lake/users")
        assert rows(source) == [(1,), (2,), (3,)]
        assert by_partition(source) == [(1,), (2,), (3,)]
        assert source.identity == f"memory://{name}/lake/users"
        for table in ("users", "orders"):
            told = {"fate": "published", "load_id": table, "flow": "f"}
            files.put_once(f"_hygge/commits/{table}/{1:020}.json", json.dumps(told).encode())
        files.make_folder("_hygge/staging/users/orders")
        assert rows(home(f"memory://{name}")) == [(1,), (2,), (3,)]
    finally:
        forget(name)


# -- what is not there -------------------------------------------------------------------------


def test_a_missing_path_is_named_in_full_with_what_is_near(tmp_path: Path) -> None:
    put(tmp_path / "users.parquet", ids(1))
    with pytest.raises(SourceMissing) as failed:
        home(tmp_path / "usrs.parquet").table_schema()
    assert str(tmp_path / "usrs.parquet") in str(failed.value)
    assert "did you mean 'users.parquet'?" in str(failed.value)
    with pytest.raises(SourceMissing, match=r"beside it: users\.parquet"):
        home(tmp_path / "zzz").table_schema()
    with pytest.raises(SourceMissing) as failed:
        home(tmp_path / "deep/er/users").table_schema()
    assert f"there is no folder {tmp_path}/deep" in str(failed.value)
    assert f"{tmp_path}/deep/er\n" not in str(failed.value) + "\n"


@pytest.mark.parametrize("content", [None, "t/.hidden.parquet", "t/notes.txt", "t/_x/1.parquet"])
def test_a_folder_without_data_is_missing_not_empty(tmp_path: Path, content: str | None) -> None:
    (tmp_path / "t").mkdir()
    if content is not None:
        put(tmp_path / content, ids(1))
    for settings in ({}, {"format": "csv"}):
        with pytest.raises(SourceMissing, match="no data files") as failed:
            home(tmp_path / "t", **settings).table_schema()
        assert str(tmp_path / "t") in str(failed.value)
        assert "try: " in str(failed.value)


def test_a_glob_that_matches_nothing_is_missing(tmp_path: Path) -> None:
    put(tmp_path / "t/1.parquet", ids(1))
    (tmp_path / "t/_hidden").touch()
    for path, there in (
        ("t/*.csv", f"in {tmp_path}/t there is 1.parquet"),
        ("*.csv", f"in {tmp_path} there is t"),
        ("taes/*.csv", f"there is no folder {tmp_path}/taes"),
    ):
        with pytest.raises(SourceMissing, match="no file matches") as failed:
            home(tmp_path / path).table_schema()
        assert failed.value.hint == there


def test_a_file_without_rows_is_an_empty_table(tmp_path: Path) -> None:
    put(tmp_path / "t.parquet", ids(0, 0))
    source = home(tmp_path / "t.parquet")
    assert source.table_schema().names == ("id",)
    assert by_partition(source) == []
    assert source.bound("id").watermark is None


def test_a_text_of_nothing_among_others_is_skipped_and_told(tmp_path: Path) -> None:
    put(tmp_path / "t/1.csv", ids(1))
    (tmp_path / "t/0.csv").touch()
    source = home(tmp_path / "t")
    assert source.table_schema().notes == ("1 file is empty, without even a header: 0.csv",)
    assert rows(source) == [(1,), (2,), (3,)]
    (tmp_path / "t/1.csv").unlink()
    with pytest.raises(HomeError, match="the file is empty"):
        home(tmp_path / "t").table_schema()


def test_a_file_of_an_unknown_kind_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "t.xlsx").write_bytes(b"PK is a workbook")
    with pytest.raises(ConfigError, match=r"nothing tells what is in t\.xlsx"):
        home(tmp_path / "t.xlsx").table_schema()
    put(tmp_path / "u.parquet", ids(1)).rename(tmp_path / "u.snap")
    assert rows(home(tmp_path / "u.snap")) == [(1,), (2,), (3,)]


def test_a_declared_column_that_no_file_has(tmp_path: Path) -> None:
    put(tmp_path / "t/1.csv", ids(1))
    put(tmp_path / "t/2.csv", name=["x"])
    assert home(
        tmp_path / "t", format="csv", options={"schema": {"name": "string"}}
    ).table_schema().names == ("id", "name")
    with pytest.raises(ConfigError, match="no file has: 'nmae'") as failed:
        home(tmp_path / "t", format="csv", options={"schema": {"nmae": "string"}}).table_schema()
    assert failed.value.hint == "did you mean 'name'?"


@pytest.mark.parametrize("content", [b"", b"PAR1 no parquet at all"])
def test_a_corrupt_file_is_named(tmp_path: Path, content: bytes) -> None:
    put(tmp_path / "t/1.parquet", ids(1))
    (tmp_path / "t/2.parquet").write_bytes(content)
    with pytest.raises(HomeError) as failed:
        home(tmp_path / "t").probe()
    assert str(tmp_path / "t/2.parquet") in str(failed.value)


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from hygge.core.errors import HyggeError
from hygge.homes.files import FileHome, FileHomeConfig
import hygge.formats.parquet, polars, pyarrow.parquet

FileHome(FileHomeConfig(path="/nowhere", format="parquet"))
os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
home = FileHome(FileHomeConfig(path="/t", format="parquet"))
home.fs.root = "."
try:
    print("no error", home.table_schema())
except HyggeError as failed:
    print(type(failed).__name__, str(failed).replace(chr(10), " "))
"""


@pytest.mark.parametrize("closed", ["t", "t/1.parquet"])
def test_a_table_that_may_not_be_read(tmp_path: Path, closed: str) -> None:
    put(tmp_path / "t/1.parquet", ids(1))
    tmp_path.chmod(0o755)
    (tmp_path / closed).chmod(0)
    try:
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, str(tmp_path)],
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        (tmp_path / closed).chmod(0o755)
    assert done.stdout.startswith("HomeError"), done
    assert "ermission denied" in done.stdout
    assert f"`ls -ld {closed}`" in done.stdout, "what may not be read is to be looked at"


# -- one schema for all files ------------------------------------------------------------------


def test_drift_that_loses_nothing_is_read_and_told(tmp_path: Path) -> None:
    put(tmp_path / "t/1.parquet", pl.DataFrame({"id": [1]}, schema={"id": pl.Int32}))
    put(tmp_path / "t/2.parquet", pl.DataFrame({"id": [2**40], "name": ["x"]}))
    source = home(tmp_path / "t")
    schema = source.table_schema()
    assert [str(column) for column in schema.columns] == ["id int64", "name string"]
    assert rows(source) == [(1, None), (2**40, "x")]
    told = "\n".join(source.table_schema().notes)
    assert "column 'name' is NULL for 1 of 2 files" in told
    assert "column 'id' is int32 in 1.parquet, int64 in 2.parquet; read as int64" in told


@pytest.mark.parametrize(
    ("one", "other"),
    [(pl.String(), pl.Int64()), (pl.Boolean(), pl.Int8()), (pl.UInt64(), pl.Int8())],
)
def test_files_that_do_not_go_together_are_both_named(
    tmp_path: Path, one: pl.DataType, other: pl.DataType
) -> None:
    put(tmp_path / "t/1.parquet", pl.DataFrame({"id": [1]}, schema={"id": pl.Int64}))
    put(tmp_path / "t/2.parquet", pl.DataFrame({"id": [1], "x": pl.Series([1]).cast(one)}))
    put(tmp_path / "t/3.parquet", pl.DataFrame({"id": [1], "x": pl.Series([1]).cast(other)}))
    with pytest.raises(SchemaMismatch, match=r"2\.parquet.*3\.parquet") as failed:
        home(tmp_path / "t").probe()
    assert "column x" in str(failed.value)


def test_whole_numbers_among_fractions_are_read_unless_they_would_be_rounded(
    tmp_path: Path,
) -> None:
    put(tmp_path / "t/1.parquet", x=[2**53])
    put(tmp_path / "t/2.parquet", x=[0.5])
    source = home(tmp_path / "t")
    assert rows(source) == [(2.0**53,), (0.5,)]
    put(tmp_path / "t/1.parquet", x=[2**53 + 1])
    with pytest.raises(SchemaMismatch, match="without loss"):
        rows(source)


def test_leading_zeros_in_one_csv_keep_the_others_text_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/1.csv").write_text("zip;n\n10115;1\n")
    (tmp_path / "t/2.csv").write_text("zip;n\n01067;2.5\n")
    source = home(tmp_path / "t", type="csv", delimiter=";")
    assert rows(source) == [("10115", 1.0), ("01067", 2.5)]
    assert by_partition(source) == rows(source)
    assert len(source.table_schema().notes) == 2


def test_files_that_agree_say_nothing(tmp_path: Path) -> None:
    put(tmp_path / "t/1.parquet", ids(1))
    put(tmp_path / "t/2.parquet", ids(1))
    assert home(tmp_path / "t").table_schema().notes == ()


def test_a_file_written_anew_is_looked_at_anew(tmp_path: Path) -> None:
    path = put(tmp_path / "t.parquet", ids(1))
    source = home(path)
    assert source.table_schema().names == ("id",)
    path.unlink()
    put(path, other=["x", "y"])
    assert source.table_schema().names == ("other",)


# -- what is asked for -------------------------------------------------------------------------


def test_columns_that_only_the_condition_needs_are_not_given(tmp_path: Path) -> None:
    put(tmp_path / "t.parquet", a=[1, 2, 3], b=["x", "y", None], c=[1.0, 2.0, 3.0], d=[7, 8, 9])
    low = Watermark("d", "int64", 8)
    request = ReadRequest(columns=("c", "a"), where="b = 'x' or b is null", low=low)
    (batch,) = home(tmp_path / "t.parquet").batches(request, WHOLE)
    assert batch.columns == ["c", "a"]
    assert batch.rows() == [(3.0, 3)]


def test_batches_are_what_was_announced(tmp_path: Path) -> None:
    put(tmp_path / "t.parquet", a=[1], b=["x"], c=[True])
    announced = TableSchema.of(pl.Schema({"b": pl.String(), "a": pl.Decimal(38, 2)}))
    request = ReadRequest(schema=announced, where="c and a = 1")
    (batch,) = home(tmp_path / "t.parquet").batches(request, WHOLE)
    announced.check(batch)
    assert batch.rows() == [("x", 1)]
    gone = TableSchema.of(pl.Schema({"b": pl.String(), "gone": pl.String()}))
    with pytest.raises(ConfigError, match="gone"):
        rows(home(tmp_path / "t.parquet"), ReadRequest(schema=gone))


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("id >", "cannot be used"),
        ("idd > 1", "did you mean 'id'"),
        ("id", "boolean"),
        ("sum(id) > 1", "more than one row"),
        ("row_number() over (order by id) > 1", "more than one row"),
        ("id in (select 1)", "more than one row"),
        ("at > '2024-01-01'", "timestamp '2024-01-31"),
        ("id > 1; drop table t", "cannot be used"),
    ],
)
def test_a_condition_that_cannot_be(tmp_path: Path, where: str, told: str) -> None:
    put(tmp_path / "t.parquet", id=[1], at=[datetime(2024, 1, 1, tzinfo=UTC)])
    source = home(tmp_path / "t.parquet")
    for ask in (source.split, lambda r: rows(source, r)):
        with pytest.raises(ConfigError, match=r"(?i)where: ") as failed:
            ask(ReadRequest(where=where))
        assert told.lower() in str(failed.value).lower()


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("word = 'Agg' or word = 'Len'", [1]),
        ("word like 'x%'", [2]),
        ("id % 2 = 1 and day >= date '2024-01-03'", [3]),
        ("coalesce(word, '') = '' or id between 5 and 9", [3]),
        ("extract(year from day) = 2024", [1, 2, 3]),
    ],
)
def test_conditions_in_sql(tmp_path: Path, where: str, expected: list[int]) -> None:
    days = [date(2024, 1, n) for n in (1, 2, 3)]
    put(tmp_path / "t.parquet", id=[1, 2, 3], word=["Agg", "xy", None], day=days)
    read = rows(home(tmp_path / "t.parquet"), ReadRequest(columns=("id",), where=where))
    assert [row[0] for row in read] == expected


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    put(tmp_path / "t.parquet", ids(1))
    source = home(tmp_path / "t.parquet")
    with pytest.raises(ConfigError, match="did you mean 'id'"):
        rows(source, ReadRequest(columns=("idd",)))
    with pytest.raises(ConfigError, match="did you mean 'id'"):
        source.bound("idd")


def test_nanoseconds_are_not_cut(tmp_path: Path) -> None:
    at = pl.Series([1_700_000_000_000_000_001, 1_700_000_000_000_000_002]).cast(pl.Datetime("ns"))
    put(tmp_path / "t.parquet", id=[1, 2], at=at)
    source = home(tmp_path / "t.parquet")
    mark = source.bound("at").watermark
    assert mark is not None
    assert (mark.type, mark.value) == ("datetime(ns)", 1_700_000_000_000_000_002)
    above = ReadRequest(columns=("id",), low=Watermark("at", mark.type, mark.value - 1, False))
    assert rows(source, above) == [(2,)]


def test_the_bound_is_the_greatest_of_all_files(tmp_path: Path) -> None:
    put(tmp_path / "t/1.parquet", id=[1, 9, None])
    put(tmp_path / "t/2.parquet", id=[3])
    put(tmp_path / "t/3.parquet", other=[99])
    bound = home(tmp_path / "t").bound("id")
    assert bound.watermark == Watermark("id", "int64", 9, True, None)
    assert bound.exact


# -- partitions --------------------------------------------------------------------------------


def test_small_files_are_packed_in_order(tmp_path: Path) -> None:
    for number in range(10):
        put(tmp_path / f"t/{number}.parquet", ids(number * 10))
    size = (tmp_path / "t/0.parquet").stat().st_size
    source = home(tmp_path / "t", partition_mb=3.5 * size / 1e6)
    parts = source.split(ALL)
    assert [len(part.where) for part in parts] == [3, 3, 3, 1]
    assert parts[0].where == ("0.parquet", "1.parquet", "2.parquet")
    assert by_partition(source) == rows(source)
    assert len(home(tmp_path / "t").split(ALL)) == 1


def test_many_small_files_make_few_batches(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / f"t/{number:02}.parquet", ids(number * 3))
    (batch,) = home(tmp_path / "t").batches(ALL, WHOLE)
    assert batch["id"].to_list() == list(range(60))


def test_a_big_file_is_cut_between_its_blocks(tmp_path: Path) -> None:
    put(tmp_path / "t/a.parquet", ids(1))
    words = [os.urandom(5000).hex() for _ in range(40)]
    frame = pl.DataFrame({"id": range(100, 140), "word": words})
    (tmp_path / "t").mkdir(exist_ok=True)
    frame.write_parquet(tmp_path / "t/b.parquet", row_group_size=5)
    put(tmp_path / "t/c.parquet", ids(200))
    size = (tmp_path / "t/b.parquet").stat().st_size
    source = home(tmp_path / "t", partition_mb=size / 3 / 1e6)
    parts = source.split(ALL)
    assert [part.where[0] for part in parts] == ["a.parquet", *["b.parquet"] * 4, "c.parquet"]
    ends = [word for part in parts[1:-1] for word in part.where[1:]]
    assert ends == [0, 2, 2, 4, 4, 6, 6, 8]
    assert by_partition(source) == rows(source)
    assert len({part.name for part in parts}) == 6


def test_a_version_tells_the_content(tmp_path: Path) -> None:
    put(tmp_path / "t/1.parquet", ids(1))
    put(tmp_path / "t/2.parquet", ids(4))
    source = home(tmp_path / "t", partition_mb=1e-6)
    first, second = source.split(ALL)
    assert source.split(ALL) == [first, second]
    (tmp_path / "t/2.parquet").unlink()
    put(tmp_path / "t/2.parquet", ids(7))
    put(tmp_path / "t/3.parquet", ids(9))
    again = source.split(ALL)
    assert again[0] == first
    assert (again[1].name, again[1].version != second.version) == (second.name, True)
    put(tmp_path / "t/4.parquet", id=[1], new=["column"])
    assert source.split(ALL)[0] != first, "its rows have a column more"


@pytest.mark.parametrize("harm", ["rewritten", "deleted", "another column"])
def test_a_partition_that_changed_since_it_was_planned_is_not_read(
    tmp_path: Path, harm: str
) -> None:
    path = put(tmp_path / "t/1.parquet", ids(1))
    put(tmp_path / "t/2.parquet", ids(4))
    source = home(tmp_path / "t", partition_mb=1e-6)
    part = source.split(ALL)[0]
    if harm == "another column":
        put(tmp_path / "t/3.parquet", id=[1], new=["x"])
    else:
        path.unlink()
    if harm == "rewritten":
        put(path, ids(2))
    with pytest.raises(SourceChanged) as failed:
        rows(source, ALL, part)
    assert failed.value.transient


def test_a_file_that_is_gone_once_listed_is_told_as_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "t/1.parquet", ids(1))
    path = put(tmp_path / "t/2.parquet", ids(4))
    source = home(tmp_path / "t")
    listing = source.fs.list

    def list_then_delete(folder: str = "") -> Any:
        found = list(listing(folder))
        if "_hygge" not in folder:
            path.unlink()
        return found

    monkeypatch.setattr(source.fs, "list", list_then_delete)
    with pytest.raises(SourceChanged) as failed:
        source.table_schema()
    assert str(path) in str(failed.value)


@pytest.mark.parametrize("harm", ["rewritten", "grown", "deleted"])
def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path, harm: str) -> None:
    path = put(tmp_path / "t.parquet", ids(0, 600_000))
    source = home(path)
    batches = source.batches(ALL, source.split(ALL)[0])
    assert next(batches).height < 600_000
    if harm == "grown":
        with path.open("ab") as file:
            file.write(b"more")
    else:
        path.unlink()
    if harm == "rewritten":
        put(path, ids(2))
    with pytest.raises(SourceChanged):
        list(batches)


# -- folders that a FileStore writes -----------------------------------------------------------


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    put(tmp_path / "lake/users/1.parquet", ids(1))
    return tmp_path / "lake"


def record(lake: Path, number: int, load_id: str, fate: str = "published") -> None:
    path = lake / f"_hygge/commits/users/{number:020}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"fate": fate, "load_id": load_id, "flow": "nightly.users"}))


@pytest.mark.parametrize(
    "path", ["users", "users/1.parquet", "users/*.parquet", "", "..", "../**/*.parquet", "../*/*/*"]
)
def test_an_unfinished_commit_is_not_read_and_its_flow_named(lake: Path, path: str) -> None:
    record(lake, 1, "a")
    record(lake, 2, "b")
    record(lake, 3, "c", "erased")
    (lake / "_hygge/staging/users/b").mkdir(parents=True)
    with pytest.raises(SourceChanged, match=r"flow nightly\.users") as failed:
        home(lake / path).table_schema()
    assert failed.value.transient
    (lake / "_hygge/staging/users/b").rmdir()
    assert len(rows(home(lake / path))) == 3


def test_a_load_that_is_only_staged_is_nobodys_business(lake: Path) -> None:
    record(lake, 1, "a")
    (lake / "_hygge/staging/users/later").mkdir(parents=True)
    assert len(rows(home(lake / "users"))) == 3


def test_a_commit_that_comes_in_while_files_are_listed_is_noticed(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(lake, 1, "a")
    source = home(lake / "users")
    listing = source.fs.list

    def list_then_commit(folder: str = "") -> Any:
        found = list(listing(folder))
        if folder.endswith("lake/users"):
            record(lake, 2, "b")
        return found

    monkeypatch.setattr(source.fs, "list", list_then_commit)
    with pytest.raises(SourceChanged, match="came in"):
        source.table_schema()


def test_a_versioned_table_is_what_its_pointer_says(tmp_path: Path) -> None:
    put(tmp_path / "users/v=1/1.parquet", ids(1))
    put(tmp_path / "users/v=2/1.parquet", ids(4))
    put(tmp_path / "users/v=3/1.parquet", ids(7))
    pointer = tmp_path / "users/_current.json"
    pointer.write_text(json.dumps({"folders": ["v=2", "v=3"], "load_id": "3"}))
    source = home(tmp_path / "users")
    assert [row[0] for row in rows(source)] == [4, 5, 6, 7, 8, 9]
    assert source.table_schema().notes == ()
    with pytest.raises(ConfigError, match="versioned table users"):
        home(tmp_path).table_schema()
    pointer.write_text("{half")
    with pytest.raises(HomeError, match="cannot be understood"):
        source.table_schema()


# -- settings ----------------------------------------------------------------------------------


def test_a_path_alone_is_a_home(tmp_path: Path) -> None:
    put(tmp_path / "users.csv", ids(1))
    config = HomeConfig.create(str(tmp_path / "users.csv"))
    assert isinstance(config, FileHomeConfig)
    assert rows(FileHome(config)) == [(1,), (2,), (3,)]


def test_paths_are_seen_from_the_workspace(tmp_path: Path) -> None:
    def path(written: str, **more: Any) -> str:
        return FileHomeConfig(path=written, **more).located(tmp_path).path

    assert path("data/users") == f"{tmp_path}/data/users"
    assert path("../x/./y/") == f"{tmp_path.parent}/x/y"
    assert path("/abs/users") == "/abs/users"
    assert path("memory://name/users") == "memory://name/users"
    assert path("name/users", filesystem="memory") == "name/users"
    assert path("~/users") == f"{Path.home()}/users"


def test_what_a_home_covers(tmp_path: Path) -> None:
    assert FileHomeConfig(path="/a/users").places() == ("/a/users",)
    assert FileHomeConfig(path="/a/*/x.csv").places() == ("/a",)
    assert FileHomeConfig(path="/a/**/*.csv").places() == ("/a",)


@pytest.mark.parametrize(
    ("flow", "own", "path"),
    [
        ({"path": "source"}, {}, "source/users"),
        ({"path": "source/{entity}/now"}, {}, "source/users/now"),
        ({"path": "source"}, {"path": "u/{entity}.csv"}, "source/u/users.csv"),
        ({"path": "source"}, {"path": "/abs/u.csv"}, "/abs/u.csv"),
        ({"path": "memory://m/source"}, {}, "memory://m/source/users"),
        ({}, {"path": "u.csv"}, "u.csv"),
    ],
)
def test_an_entitys_path(flow: dict[str, str], own: dict[str, str], path: str) -> None:
    assert FileHomeConfig.for_entity(flow, own, "users")["path"] == path


def test_a_wrong_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown key 'pth'") as failed:
        HomeConfig.create({"path": "x", "pth": 1})
    assert "did you mean 'path'" in str(failed.value)
    with pytest.raises(ConfigError, match="parquets"):
        HomeConfig.create({"path": "x", "format": "parquets"})


def test_a_connection_must_be_one_of_those_there_are(tmp_path: Path) -> None:
    config = FileHomeConfig(path=str(tmp_path), connection="lkae")
    with pytest.raises(ConfigError, match="did you mean 'lake'"):
        FileHome.build(config, NamedConnections({"lake": {"key": "hush"}}))
    with pytest.raises(ConfigError, match="connections:"):
        FileHome.build(config, NamedConnections())
    assert "hush" not in repr(NamedConnections({"lake": {"key": "hush"}}))
    assert NamedConnections({"lake": {"key": "hush"}}).settings("lake") == {"key": "hush"}


def test_a_home_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "data/users.parquet", ids(1))
    monkeypatch.chdir(tmp_path)
    source = ParquetHome("data/users.parquet")
    monkeypatch.chdir("/")
    assert rows(source) == [(1,), (2,), (3,)]
    assert source.identity == f"{tmp_path}/data/users.parquet"
    assert [type_name(column.type) for column in source.table_schema().columns] == ["int64"]


def test_a_column_without_a_value_in_one_file_has_the_type_of_the_others(tmp_path: Path) -> None:
    for name, text in {"1": "id,born,note\n1,,\n", "2": "id,born,note\n2,2024-02-29,\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    source = home(tmp_path, format="csv")
    assert [str(column) for column in source.table_schema().columns] == [
        "id int64",
        "born date",
        "note string",
    ]
    assert source.table_schema().notes == ()
    assert sorted(rows(source)) == [(1, None, None), (2, date(2024, 2, 29), None)]
