"""Files of a landing zone, applied: what the table has then, and what becomes of the files."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.mirroring.zones import SCHEMA, Row, Zone, ordered

from hygge.core.errors import ConfigError, LoadLost, StoreError
from hygge.filesystems.locating import locate
from hygge.mirroring.choices import Choices
from hygge.mirroring.engine import Engine, apply
from hygge.mirroring.identity import identity_of
from hygge.mirroring.lint import lint
from hygge.mirroring.names import Detection, file_name

SEED = [(1, "one"), (2, "two"), (3, "three")]
LAST_UPDATE = Detection.LAST_UPDATE.value


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    made = Zone(tmp_path)
    made.metadata()
    return made


def test_a_seed_and_its_changes(zone: Zone) -> None:
    zone.put(1, SEED, marked=False)
    zone.put(2, [(1, "ONE", 1), (4, "four", 4), (2, None, 2), (5, "five", 0)])
    applied = zone.apply()
    assert zone.rows() == ordered([(1, "ONE"), (3, "three"), (4, "four"), (5, "five")])
    assert [(file.name, file.rows) for file in applied.of("T").files] == [
        (file_name(1), 3),
        (file_name(2), 4),
    ]
    assert zone.version() == 1, "each file is one version"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        pytest.param([(9, None, 2)], SEED, id="a delete of an absent key does nothing"),
        pytest.param([(9, "nine", 1)], [*SEED, (9, "nine")], id="an update of one inserts"),
        pytest.param([(1, "again", 0)], [*SEED, (1, "again")], id="an insert looks for no row"),
        pytest.param([(1, None, 2), (9, "one", 0)], [*SEED[1:], (9, "one")], id="a changed key"),
        pytest.param(
            [(1, "b", 4), (1, "c", 4), (1, "a", 1)], [*SEED[1:], (1, "a")], id="the last one counts"
        ),
        pytest.param(
            [(7, "x", 0), (7, "y", 0), (7, "z", 1), (7, "w", 0)],
            [*SEED, (7, "z"), (7, "w")],
            id="rows of one key in turn",
        ),
        pytest.param([(1, "x", 4), (1, None, 2)], SEED[1:], id="there and gone"),
        pytest.param([(1, None, 2), (1, "x", 4)], [*SEED[1:], (1, "x")], id="gone and there"),
        pytest.param([(1, None, 1)], [*SEED[1:], (1, None)], id="an update without a value"),
    ],
)
def test_rows_apply_from_top_to_bottom(
    zone: Zone, changes: Sequence[Row], found: Sequence[Row]
) -> None:
    zone.put(1, SEED, marked=False)
    zone.put(2, changes)
    zone.apply()
    assert zone.rows() == ordered(found)


def test_an_update_takes_all_rows_of_its_key(zone: Zone) -> None:
    zone.put(1, [*SEED, (1, "again")], marked=False)
    zone.put(2, [(1, "one", 1)])
    zone.apply()
    assert zone.rows() == ordered(SEED)


@pytest.mark.parametrize(("upserts", "count"), [(True, 3), (False, 6)])
def test_rows_without_a_marker_are_what_the_metadata_says(
    zone: Zone, upserts: bool, count: int
) -> None:
    zone.metadata(isUpsertDefaultRowMarker=upserts)
    zone.put(1, SEED, marked=False)
    zone.put(2, SEED, marked=False)
    zone.apply()
    assert len(zone.rows() or ()) == count


def test_upserts_by_default_without_keys_are_inserts(zone: Zone) -> None:
    zone.metadata(keyColumns=[], isUpsertDefaultRowMarker=True)
    zone.put(1, SEED, marked=False)
    zone.put(2, SEED, marked=False)
    zone.apply()
    assert zone.rows() == ordered([*SEED, *SEED])


def test_a_seed_without_rows_is_a_table(zone: Zone) -> None:
    zone.put(1, [], marked=False)
    zone.apply()
    assert zone.rows() == []
    zone.put(2, [(1, "one", 4)])
    zone.apply()
    assert zone.rows() == [(1, "one")]


def test_a_first_file_with_markers(zone: Zone) -> None:
    zone.put(1, [(1, "one", 4), (2, "two", 0), (1, None, 2)])
    zone.apply()
    assert zone.rows() == [(2, "two")]


def test_a_gap_is_waited_for(zone: Zone) -> None:
    zone.put(1, SEED, marked=False)
    zone.put(3, [(1, None, 2)])
    told = zone.apply().of("T")
    assert (told.waits, told.error) == (file_name(2), None)
    assert zone.rows() == SEED[:1] + ordered(SEED[1:])
    zone.put(2, [(4, "four", 4)])
    assert zone.apply().of("T").waits is None
    assert zone.rows() == ordered([*SEED[1:], (4, "four")])


def test_the_first_number_is_one(zone: Zone) -> None:
    zone.put(2, SEED, marked=False)
    assert zone.apply().of("T").waits == file_name(1)
    assert zone.rows() is None


def test_the_last_file_stays_and_those_before_it_move_away(zone: Zone) -> None:
    for number in (1, 2, 3):
        zone.put(number, [(number, "x", 4)])
    zone.apply()
    assert zone.left() == {file_name(3)}
    assert zone.processed() == {file_name(1), file_name(2)}


def test_what_is_done_is_not_done_again(zone: Zone) -> None:
    zone.put(1, SEED, marked=False)
    assert not zone.apply().idle
    assert zone.apply().idle
    assert (zone.version(), len(zone.rows() or ())) == (0, 3)


def test_hidden_names_and_names_without_a_number_are_passed_by(zone: Zone) -> None:
    zone.put("_temp.parquet", SEED, marked=False)
    zone.put("seed.parquet", SEED, marked=False)
    zone.put("_Temp/00000000000000000001.parquet", SEED, marked=False)
    told = zone.apply().of("T")
    assert not told.files
    assert told.notes == ["seed.parquet is never read: its name is no number"]


def test_by_time_of_change(zone: Zone) -> None:
    zone.metadata(fileDetectionStrategy=LAST_UPDATE)
    for at, name in ((30, "a"), (10, "c"), (20, "b")):
        os.utime(zone.put(f"{name}.parquet", [(1, name, 4)]), (at, at))
    assert [file.name for file in zone.apply().of("T").files] == [
        "c.parquet",
        "b.parquet",
        "a.parquet",
    ]
    assert zone.rows() == [(1, "a")]
    os.utime(zone.put("late.parquet", [(1, "late", 4)]), (5, 5))
    zone.apply()
    assert zone.rows() == [(1, "late")], "a late file is applied after those that were"
    assert zone.left() == {"late.parquet"}


def test_by_time_of_change_a_path_is_never_read_again(zone: Zone) -> None:
    zone.metadata(fileDetectionStrategy=LAST_UPDATE)
    zone.put("a.parquet", [(1, "a", 4)])
    zone.apply()
    zone.put("a.parquet", [(2, "b", 4)])
    told = zone.apply().of("T")
    assert (told.error, zone.rows()) == (None, [(1, "a")])
    assert "other bytes" in told.notes[0]


def test_a_folder_without_metadata_is_not_read(zone: Zone) -> None:
    zone.put(1, SEED, marked=False, table="U")
    told = zone.apply().of("U")
    assert (told.files, zone.rows("dbo/U")) == ([], None)
    assert told.notes == ["there is no _metadata.json: the folder is not read"]
    zone.apply(Choices(without_metadata=True))
    assert zone.rows("dbo/U") == ordered(SEED)


def test_schemas_are_folders(zone: Zone) -> None:
    zone.metadata("sales.schema/T")
    zone.put(1, SEED, marked=False, table="sales.schema/T")
    zone.apply(Choices(default_schema="other"))
    assert zone.rows("sales/T") == ordered(SEED)
    assert zone.state().tables.keys() == {"T", "sales.schema/T"}


def test_the_zone_itself_may_be_named(zone: Zone, tmp_path: Path) -> None:
    zone.put(1, SEED, marked=False)
    engine = Engine(*locate(str(zone.path)), locate(str(zone.into)))
    engine.look()
    assert zone.rows() == ordered(SEED)
    assert zone.monitoring()["T"]["metrics"]["processedRowCount"] == 3


def test_a_check_writes_nothing(zone: Zone, tmp_path: Path) -> None:
    zone.put(1, SEED, marked=False)
    zone.put(2, [(1, "x", 7)])
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    told = zone.apply(check=True).of("T")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert [file.name for file in told.files] == [file_name(1)]
    assert "__rowMarker__ is 7 in row 1" in str(told.error)


def test_many_small_files_become_one(zone: Zone) -> None:
    for number in range(1, 41):
        zone.put(number, [(number, "x", 4)])
    zone.apply()
    assert len(zone.rows() or ()) == 40
    assert len(deltalake.DeltaTable(zone.into / "dbo/T").file_uris()) < 20


def test_files_of_old_versions_go_in_time(zone: Zone) -> None:
    zone.put(1, SEED, marked=False)
    zone.apply()
    zone.put(2, [(1, "ONE", 1)])
    zone.apply()
    files = [*(zone.into / "dbo/T").glob("*.parquet")]
    zone.apply(Choices(keep=timedelta(seconds=-5)))
    left = [*(zone.into / "dbo/T").glob("*.parquet")]
    assert (len(files), len(left)) == (2, 1)
    assert zone.rows() == ordered([(1, "ONE"), *SEED[1:]])


def test_processed_files_go_on_in_time(zone: Zone) -> None:
    for number in (1, 2, 3):
        zone.put(number, [(number, "x", 4)])
    zone.apply()
    zone.apply(Choices(ready_after=timedelta(seconds=-5)))
    assert zone.processed() == set()
    ready = zone.folder() / "_FilesReadyToDelete"
    assert {path.name for path in ready.iterdir()} == {file_name(1), file_name(2)}
    zone.apply(Choices(delete_after=timedelta(seconds=-5)))
    assert not [*ready.iterdir()]
    assert zone.left() == {file_name(3)}


def test_every_type_that_a_table_can_have(zone: Zone) -> None:
    when = datetime(2024, 5, 17, 12, 30, 0, 123000)
    values: dict[str, tuple[pa.DataType, Any]] = {
        "id": (pa.int64(), 1),
        "yes": (pa.bool_(), True),
        "tiny": (pa.int8(), -1),
        "short": (pa.int16(), 300),
        "whole": (pa.int32(), 70000),
        "real": (pa.float32(), 0.5),
        "double": (pa.float64(), 0.1),
        "text": (pa.large_string(), "ä"),
        "chosen": (pa.dictionary(pa.int32(), pa.string()), "b"),
        "bytes": (pa.binary(), b"\x00"),
        "fixed": (pa.binary(3), b"abc"),
        "day": (pa.date32(), date(2024, 5, 17)),
        "milli": (pa.timestamp("ms", "UTC"), when.replace(tzinfo=UTC)),
        "micro": (pa.timestamp("us", "UTC"), when.replace(tzinfo=UTC)),
        "naive": (pa.timestamp("us"), when),
        "exact": (pa.decimal128(38, 10), Decimal("1.0000000000")),
    }
    schema = pa.schema([(name, kind) for name, (kind, _) in values.items()])
    row = tuple(value for _, value in values.values())
    zone.put(1, [row], marked=False, schema=schema)
    zone.put(2, [(*row, 4)], schema=schema)
    told = zone.apply().of("T")
    assert told.error is None
    assert zone.rows() == [row]
    kinds = {column.name: column.type for column in zone.state().tables["T"].columns}
    assert kinds["text"] == kinds["chosen"] == "string"
    assert kinds["milli"] == "timestamp[ms, tz=UTC]"


@pytest.mark.parametrize(
    ("kind", "written", "there"),
    [
        (pa.decimal256(10, 2), Decimal("1.50"), Decimal("1.50")),
        (pa.decimal64(15, 2), Decimal("1.50"), Decimal("1.50")),
        (pa.decimal32(5, 2), Decimal("1.50"), Decimal("1.50")),
        (pa.duration("us"), timedelta(seconds=1), 1_000_000),
        (pa.duration("ms"), timedelta(seconds=1), 1_000),
        (pa.json_(), "{}", "{}"),
        (pa.uuid(), b"0123456789abcdef", b"0123456789abcdef"),
        (pa.bool8(), 1, 1),
    ],
    ids=str,
)
def test_what_only_arrow_tells_apart_is_what_parquet_has(
    zone: Zone, kind: pa.DataType, written: object, there: object
) -> None:
    made = pa.table({"id": pa.array([1]), "x": pa.array([written], kind)})
    zone.write(1, made)
    assert lint(*locate(str(zone.root))).ok
    assert zone.apply().of("T").error is None
    assert zone.rows() == [(1, there)]
    pq.write_table(made, zone.folder() / file_name(2), store_schema=False)
    assert zone.apply().of("T").error is None


def test_keys_of_several_columns_and_texts(zone: Zone) -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.date32()), ("v", pa.int32())])
    one, two = date(2024, 1, 1), date(2024, 1, 2)
    zone.metadata(keyColumns=["a", "b"])
    zone.put(1, [("x", one, 1), ("x", two, 2), ("y", one, 3)], marked=False, schema=schema)
    zone.put(2, [("x", two, 9, 1), ("y", one, None, 2)], schema=schema)
    zone.apply()
    assert zone.rows() == ordered([("x", one, 1), ("x", two, 9)])


def test_a_key_that_is_null(zone: Zone) -> None:
    schema = pa.schema([("id", pa.int64()), ("name", pa.string())])
    zone.put(1, [(None, "a"), (1, "b")], marked=False, schema=schema)
    zone.put(2, [(None, "A", 1)], schema=schema)
    assert "NULL" in str(zone.apply().of("T").error)
    other = Zone(zone.root.parent / "other")
    other.metadata()
    other.put(1, [(None, "a"), (1, "b")], marked=False, schema=schema)
    other.put(2, [(None, "A", 1)], schema=schema)
    other.apply(Choices(null_keys=True))
    assert other.rows() == ordered([(1, "b"), (None, "A")])


def test_a_replayed_suffix_converges_and_one_old_file_does_not(tmp_path: Path) -> None:
    changes: list[list[Row]]
    changes = [[(1, "a", 4), (2, "x", 4)], [(1, "b", 4)], [(1, "c", 4), (2, None, 2)]]

    def after(*order: int) -> list[Row] | None:
        zone = Zone(tmp_path / "-".join(map(str, order)))
        zone.metadata()
        for number, which in enumerate(order, 1):
            zone.put(number, changes[which])
        zone.apply()
        return zone.rows()

    assert after(0, 1, 2) == after(0, 1, 2, 1, 2) == after(0, 1, 2, 0, 1, 2) == [(1, "c")]
    assert after(0, 1, 2, 1) == [(1, "b")], "this is why a publisher needs a journal"


def test_one_mirror_is_of_one_landing_zone(zone: Zone, tmp_path: Path) -> None:
    zone.put(1, SEED, marked=False)
    zone.apply()
    other = Zone(tmp_path / "other")
    other.into = zone.into
    with pytest.raises(ConfigError, match="mirrors another landing zone"):
        other.apply()
    assert zone.rows() == ordered(SEED)


def test_a_landing_zone_that_is_not_there(zone: Zone, tmp_path: Path) -> None:
    zone.put(1, SEED, marked=False)
    zone.apply()
    zone.root.rename(tmp_path / "gone")
    with pytest.raises(ConfigError, match="no landing zone"):
        zone.apply()
    assert zone.rows() == ordered(SEED), "nothing is dropped then"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("db/Files/LandingZone/T", "the folder of a table"),
        ("db/Files/LandingZone/sales.schema/T", "the folder of a table"),
        ("db/Files/LandingZone/sales.schema", "the folder of a schema"),
        ("db/Files/LandingZone/T/_ProcessedFiles", "the folder of a table"),
        ("db/Files/LandingZone/later", "a folder in a landing zone"),
        ("stuff", "nothing in"),
    ],
)
def test_what_is_no_landing_zone_is_not_written_into(
    zone: Zone, tmp_path: Path, path: str, told: str
) -> None:
    zone.metadata("sales.schema/T")
    zone.put("_ProcessedFiles/" + file_name(1), SEED, marked=False)
    (zone.path / "later").mkdir()
    (tmp_path / "stuff" / "a").mkdir(parents=True)
    before = {*tmp_path.rglob("*")}
    with pytest.raises(ConfigError, match=told) as refused:
        apply(*locate(str(tmp_path / path)), locate(str(zone.into)))
    inside = path.startswith("db/")
    assert refused.value.hint == str(zone.path) if inside else refused.value.hint
    assert {*tmp_path.rglob("*")} == before


def test_a_landing_zone_may_be_called_otherwise(zone: Zone, tmp_path: Path) -> None:
    zone.put(1, SEED, marked=False)
    place = zone.path.rename(tmp_path / "teas")
    apply(*locate(str(place)), locate(str(zone.into)))
    assert zone.rows() == ordered(SEED)


@pytest.mark.parametrize("into", ["db/Files/LandingZone/mirror", "db/Files", "db"])
def test_a_mirror_and_its_zone_may_not_lie_in_each_other(zone: Zone, into: str) -> None:
    zone.into = zone.root.parent / into
    with pytest.raises(ConfigError, match="lie in each other"):
        zone.apply()


def test_tables_of_others_are_let_be(zone: Zone) -> None:
    other = zone.into / "dbo" / "theirs"
    pl.DataFrame({"a": [1]}).write_delta(str(other))
    zone.put(1, SEED, marked=False)
    zone.apply()
    assert (other / "_delta_log").exists()
    zone.metadata("theirs")
    with pytest.raises(ConfigError, match="not made by"):
        zone.apply()


def test_two_at_once_do_not_apply_a_file_twice(zone: Zone) -> None:
    zone.put(1, SEED, marked=False)
    one, two = (Engine(*locate(str(zone.root)), locate(str(zone.into))) for _ in "ab")
    one.look()
    two.look()
    zone.put(2, [(9, "nine", 0)])
    one.look()
    with pytest.raises(LoadLost, match="another apply"):
        two.look()
    assert zone.rows() == ordered([*SEED, (9, "nine")])


def test_memory_serves_as_well_as_a_disk() -> None:
    fs, path = locate("memory://engine/zone")
    data = io.BytesIO()
    pq.write_table(pa.table({"id": [1], "name": ["a"]}, schema=SCHEMA), data)
    fs.replace(f"{path}/T/_metadata.json", b'{"keyColumns": ["id"]}')
    fs.replace(f"{path}/T/{file_name(1)}", data.getvalue())
    engine = Engine(fs, path, locate("memory://engine/mirror"))
    assert engine.look().of("T").rows == 1
    assert engine.look().idle


def test_a_table_of_several_files(zone: Zone) -> None:
    count, schema = 1_100_000, pa.schema([("id", pa.int64())])
    ids = pl.int_range(count, eager=True, dtype=pl.Int64).alias("id")
    zone.write(1, pl.DataFrame(ids).to_arrow())
    zone.apply()
    before = {*deltalake.DeltaTable(zone.into / "dbo/T").file_uris()}
    zone.put(2, [(700_000, 2), (count, 4)], schema=schema)
    zone.apply()
    after = {*deltalake.DeltaTable(zone.into / "dbo/T").file_uris()}
    assert len(before) > 1
    assert len(before - after) == 1, "only the file with the row is written anew"
    found = pl.read_delta(str(zone.into / "dbo/T"))["id"].sort()
    assert found.equals(
        pl.int_range(count + 1, eager=True).filter(pl.int_range(count + 1, eager=True) != 700_000),
        check_names=False,
    )


def test_milliseconds_and_microseconds_are_one_type(zone: Zone) -> None:
    for number, unit in enumerate(("ms", "us", "ms"), 1):
        schema = pa.schema([("id", pa.int64()), ("at", pa.timestamp(unit, "UTC"))])
        zone.put(number, [(number, datetime(2024, 1, number, tzinfo=UTC), 4)], schema=schema)
    assert zone.apply().of("T").error is None
    assert [row[1].day for row in zone.rows() or ()] == [1, 2, 3]


def test_a_folder_that_loses_its_metadata_stays_as_it_is(zone: Zone) -> None:
    zone.put(1, SEED, marked=False)
    zone.apply()
    (zone.folder() / "_metadata.json").unlink()
    zone.put(2, [(1, None, 2)])
    told = zone.apply().of("T")
    assert (told.status, len(told.notes), zone.rows()) == ("Replicating", 1, ordered(SEED))


def test_an_identity_tells_one_folder_from_the_next(zone: Zone) -> None:
    files, folder = locate(str(zone.folder()))
    assert identity_of(files, folder) == "folder:"
    zone.apply()
    first = identity_of(files, folder)
    assert zone.state().tables["T"].identity == first
    assert first.startswith("folder:")
    shutil.rmtree(zone.folder())
    zone.metadata()
    zone.apply()
    assert identity_of(files, folder) not in ("folder:", first)
    files.replace(f"{folder}/_hygge_mirror.json", b"what a hand wrote")
    with pytest.raises(StoreError, match="what the local mirror has written"):
        zone.apply()
