"""What stops a table, what does not, and how it comes back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.mirroring.zones import SCHEMA, Zone, ordered

from hygge.core.errors import StoreError
from hygge.filesystems.filesystem import FileSystemCapabilities
from hygge.filesystems.locating import locate
from hygge.mirroring.applied import Status
from hygge.mirroring.choices import Choices
from hygge.mirroring.lint import lint
from hygge.mirroring.names import ROW_MARKER, file_name

SEED = [(1, "one"), (2, "two"), (3, "three")]
MARK = pa.field(ROW_MARKER, pa.int32())


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    made = Zone(tmp_path)
    made.metadata()
    made.put(1, SEED, marked=False)
    made.apply()
    return made


def stopped(zone: Zone, told: str, why: str) -> None:
    """The table stands still, says so for ever, and its file stays where it is."""
    before = zone.rows()
    for _ in "ab":
        found = zone.apply().of("T")
        assert found.status is Status.FAILED
        assert told in str(found.error)
        assert found.why == why
    assert zone.rows() == before
    assert zone.state().tables["T"].error == found.error.what  # type: ignore[union-attr]
    assert zone.monitoring()["T"]["status"] == "Failed"
    assert zone.monitoring()["T"]["errorCode"] == why


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def beheaded(file: Path) -> None:
    file.write_bytes(file.read_bytes()[40:])


def garbled(file: Path) -> None:
    file.write_bytes(b"id,name\n1,one\n")


def spoilt(file: Path) -> None:
    """The footer is whole, the rows are not."""
    data = bytearray(file.read_bytes())
    data[4:60] = b"\xff" * 56
    file.write_bytes(bytes(data))


HARMS = [truncated, emptied, beheaded, garbled, spoilt]


@pytest.mark.parametrize("harm", HARMS)
def test_a_bad_file_stops_its_table_alone(zone: Zone, harm: Callable[[Path], None]) -> None:
    zone.metadata("other")
    zone.put(1, SEED, marked=False, table="other")
    harm(zone.put(2, [(1, "ONE", 1)]))
    zone.put(3, [(3, None, 2)])
    stopped(zone, file_name(2), "InvalidFile")
    assert zone.left() == {file_name(1), file_name(2), file_name(3)}
    assert zone.rows("dbo/other") == ordered(SEED)
    assert zone.replicator()["status"] == "RunningWithWarning"
    assert zone.replicator()["errorCode"] == "InvalidFile"


@pytest.mark.parametrize("harm", HARMS)
def test_a_good_file_under_exactly_its_name_helps(zone: Zone, harm: Callable[[Path], None]) -> None:
    bad = zone.put(2, [(1, "ONE", 1)])
    harm(bad)
    zone.apply()
    bad.unlink()
    assert zone.apply().of("T").status is Status.FAILED, "as long as it is not there"
    zone.put(2, [(2, "TWO", 1)])
    told = zone.apply().of("T")
    assert (told.status, told.error) == (Status.REPLICATING, None)
    assert zone.rows() == ordered([(1, "one"), (2, "TWO"), (3, "three")])
    assert zone.state().tables["T"].error is None


def test_a_good_file_does_not_help_where_only_a_new_table_does(zone: Zone) -> None:
    bad = zone.put(2, [(1, "ONE", 1)])
    truncated(bad)
    choices = Choices(replaceable=False)
    zone.apply(choices)
    zone.put(2, [(2, "TWO", 1)])
    assert zone.apply(choices).of("T").status is Status.FAILED
    recreated(zone)
    zone.put(1, SEED[:1], marked=False)
    assert zone.apply(choices).of("T").status is Status.REPLICATING
    assert zone.rows() == SEED[:1]


def test_a_first_file_that_is_bad_is_remembered_too(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.metadata()
    emptied(zone.put(1, SEED, marked=False))
    zone.apply()
    stopped(zone, "Parquet file size is 0 bytes", "InvalidFile")
    assert zone.rows() is None
    zone.put(1, SEED, marked=False)
    zone.apply(Choices(replaceable=False))
    assert zone.rows() is None
    zone.apply()
    assert zone.rows() == ordered(SEED)
    shutil.rmtree(zone.folder())
    assert zone.apply().dropped == ("dbo/T",)
    assert not [*(zone.into / "_mirror" / "stopped").rglob("*.json")]


def test_keys_may_change_as_long_as_nothing_was_applied(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.metadata()
    emptied(zone.put(1, SEED, marked=False))
    zone.apply()
    zone.metadata(keyColumns=["name"])
    zone.put(1, [(1, "one", 4), (2, "one", 4)])
    assert zone.apply().of("T").error is None
    assert zone.rows() == [(2, "one")]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([(1, "x", 3)], "is 3 in row 1"),
        ([(1, "x", 4), (1, "x", None)], "is NULL in row 2"),
        ([(1, "x", -1)], "is -1 in row 1"),
    ],
)
def test_a_marker_that_is_none(zone: Zone, rows: list[Any], told: str) -> None:
    zone.put(2, rows)
    stopped(zone, told, "InvalidRowMarker")


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        (pa.schema([MARK, *SCHEMA]), "is not the last column"),
        (pa.schema([*SCHEMA, MARK.with_name("__rowmarker__")]), "is called '__rowmarker__'"),
        (pa.schema([*SCHEMA, MARK.with_type(pa.float64())]), "is double, not a whole number"),
        (pa.schema([*SCHEMA, MARK.with_type(pa.bool_())]), "is bool, not a whole number"),
        (pa.schema([*SCHEMA, MARK, MARK]), "2 columns are called __rowMarker__"),
    ],
)
def test_a_marker_where_it_may_not_be(zone: Zone, schema: pa.Schema, told: str) -> None:
    zone.write(2, schema.empty_table())
    stopped(zone, told, "InvalidRowMarker")


@pytest.mark.parametrize("kind", [pa.int8(), pa.int16(), pa.int64(), pa.uint8()], ids=str)
def test_a_marker_of_another_width_is_read(zone: Zone, kind: pa.DataType) -> None:
    zone.put(2, [(1, None, 2)], marker=kind)
    zone.apply()
    assert zone.rows() == ordered(SEED[1:])


def test_a_change_without_keys(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.metadata(keyColumns=[])
    zone.put(1, [(1, "one", 0)])
    zone.put(2, [(1, "x", 1)])
    zone.apply()
    assert zone.rows() == [(1, "one")]
    stopped(zone, "the table has no keyColumns", "InvalidRowMarker")


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.int32()),
        pa.struct([("a", pa.int32())]),
        pa.null(),
        pa.uint32(),
        pa.time64("us"),
        pa.float16(),
        pa.timestamp("ns", "UTC"),
        pa.decimal256(50, 2),
    ],
    ids=str,
)
def test_a_type_that_no_table_has(zone: Zone, kind: pa.DataType) -> None:
    zone.write(2, pa.schema([*SCHEMA, ("more", kind)]).empty_table())
    stopped(zone, "cannot be mirrored", "UnsupportedType")


def test_a_column_that_comes_and_one_that_goes(zone: Zone) -> None:
    wide = SCHEMA.append(pa.field("more", pa.int32()))
    zone.put(2, [(1, "ONE", 7, 1)], schema=wide)
    zone.put(3, [(2, 9, 1), (4, 9, 4)], schema=wide.remove(1))
    zone.apply()
    found = [(1, "ONE", 7), (2, None, 9), (3, "three", None), (4, None, 9)]
    assert zone.rows() == ordered(found), "what a change does not have becomes NULL"


@pytest.mark.parametrize(
    ("field", "told"),
    [
        (pa.field("name", pa.int32()), "Incoming type 'int32', existing type 'string'"),
        (pa.field("id", pa.int32(), nullable=False), "Incoming type 'int32', existing type 'int64"),
        (pa.field("more", pa.int32(), nullable=False), "'more' is not nullable"),
        (pa.field("Name", pa.string()), "differs from 'name' only by case"),
    ],
    ids=["retyped", "narrower", "not null", "case"],
)
def test_a_schema_that_does_not_merge(zone: Zone, field: pa.Field, told: str) -> None:
    there = SCHEMA.get_field_index(field.name)
    schema = SCHEMA.append(field) if there < 0 else SCHEMA.set(there, field)
    if field.name == "Name":
        schema = schema.remove(1)
    zone.write(2, schema.empty_table())
    stopped(zone, told, "SchemaMergeFailure")
    zone.put(2, [(1, "ONE", 1)])
    assert zone.apply().of("T").status is Status.FAILED, "the table must be built anew"


def test_a_batch_of_nulls_whose_type_was_guessed(zone: Zone) -> None:
    guessed = pa.table({"id": pa.array([4]), "name": pa.array([None], pa.int32())})
    zone.write(2, guessed)
    stopped(zone, "Type mismatch for column 'name'", "SchemaMergeFailure")


def test_a_column_that_may_not_be_missing(zone: Zone) -> None:
    zone.write(2, pa.table({"name": ["x"]}))
    stopped(zone, "the column 'id' is missing, and it was not nullable", "SchemaMergeFailure")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ([True, None], None),
        ([True, False], "'n' is not nullable, and it was"),
        ([False, True], None),
        ([False, True, False], None),
        ([False, True, None], "'n' is missing, and it was not nullable"),
    ],
)
def test_what_may_be_null_is_what_its_first_file_says(
    tmp_path: Path, files: list[bool | None], told: str | None
) -> None:
    """As the linter has it (R52, R54)."""
    zone = Zone(tmp_path)
    zone.metadata()
    for number, nullable in enumerate(files, 1):
        field = pa.field("n", pa.int32(), bool(nullable))
        schema = pa.schema([SCHEMA[0], *([] if nullable is None else [field])])
        zone.put(number, [(9, *([] if nullable is None else [9]), 4)], schema=schema)
    error = zone.apply().of("T").error
    found = lint(*locate(str(zone.root)))
    assert (error is None) is found.ok, found.shown
    assert told is None or told in str(error)


def test_a_key_that_no_file_has(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.metadata(keyColumns=["number"])
    zone.put(1, SEED, marked=False)
    zone.apply()
    stopped(zone, "the key column 'number' is missing", "SchemaMergeFailure")


def test_keys_that_change(zone: Zone) -> None:
    zone.metadata(keyColumns=["name"])
    stopped(zone, "keyColumns were id and are name", "KeyColumnsChanged")
    zone.metadata()
    assert zone.apply().of("T").status is Status.FAILED


def test_keys_in_another_order_are_the_same(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.metadata(keyColumns=["id", "name"])
    zone.put(1, SEED, marked=False)
    zone.apply()
    zone.metadata(keyColumns=["name", "id"])
    zone.put(2, [(3, "three", 2), (9, "one", 4)])
    assert zone.apply().of("T").error is None
    assert zone.rows() == ordered([(1, "one"), (2, "two"), (9, "one")])
    assert zone.state().tables["T"].keys == ("id", "name")


def test_keys_that_come_later(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.metadata(keyColumns=[])
    zone.put(1, SEED, marked=False)
    zone.apply()
    zone.metadata()
    zone.put(2, [(1, None, 2)])
    zone.apply()
    assert zone.rows() == ordered(SEED[1:])


def test_metadata_that_cannot_be_read_stops_until_it_can(zone: Zone) -> None:
    file = zone.folder() / "_metadata.json"
    file.write_text('{"fileDetectionStrategy": SequentialFileName}')
    told = zone.apply().of("T")
    assert (told.status, told.why) == (Status.FAILED, "InvalidMetadata")
    zone.metadata()
    zone.put(2, [(1, None, 2)])
    zone.apply()
    assert zone.rows() == ordered(SEED[1:])


@pytest.mark.parametrize(
    "given",
    [
        '{"keyColumns": null}',
        '{"keyColumns": ["id", "id"]}',
        '{"keyColumns": ["id", " "]}',
        '{"keyColumns": ["id"], "KeyColumns": ["name"]}',
        '{"keyColumns": ["id"], "fileDetectionStrategy": null}',
        '{"keyColumns": ["id"], "x": NaN}',
    ],
)
def test_metadata_that_the_linter_calls_wrong(zone: Zone, given: str) -> None:
    (zone.folder() / "_metadata.json").write_text(given)
    told = zone.apply().of("T")
    assert (told.status, told.why) == (Status.FAILED, "InvalidMetadata")
    found = lint(*locate(str(zone.root))).shown
    assert {"R09", "R10", "R13"} & {one.rule for one in found if one.severity.word == "error"}


@pytest.mark.parametrize("text", ["", "id,name\n9,nine\n"])
def test_delimited_text_is_for_the_service_alone(zone: Zone, text: str) -> None:
    file = zone.folder() / file_name(2, "csv")
    file.write_text(text)
    stopped(zone, "not supported by the local mirror", "DelimitedTextNotSupported")
    file.write_text("id,name\n8,eight\n")
    assert zone.apply().of("T").why == "DelimitedTextNotSupported", "no other text helps"


def test_one_number_twice(zone: Zone) -> None:
    zone.put(2, [(1, "x", 4)])
    zone.put("00000000000000000002.csv", [])
    stopped(zone, "the number 2 is there twice", "FileNameReused")


def test_one_number_twice_after_files_that_are_well(zone: Zone) -> None:
    zone.put(2, [(1, None, 2)])
    zone.put(3, [(1, "x", 4)])
    zone.put("00000000000000000003.csv", [])
    told = zone.apply().of("T")
    assert told.why == "FileNameReused"
    assert zone.rows() == ordered(SEED[1:])


def test_a_number_that_was_used(zone: Zone) -> None:
    zone.put("00000000000000000001.csv", [])
    stopped(zone, "its number was used before", "FileNameReused")


def test_a_processed_file_that_changes(zone: Zone) -> None:
    zone.put(1, [(9, "nine")], marked=False)
    stopped(zone, "has other bytes now", "FileNameReused")


def test_a_processed_file_that_is_written_again_as_it_was(zone: Zone) -> None:
    file = zone.folder() / file_name(1)
    file.write_bytes(file.read_bytes())
    assert zone.apply().idle


def test_a_file_that_is_there_again(zone: Zone) -> None:
    zone.put(2, [(1, None, 2)])
    zone.apply()
    shutil.copy(zone.folder() / "_ProcessedFiles" / file_name(1), zone.folder())
    stopped(zone, "was applied and moved away, and is there again", "FileNameReused")


def test_a_file_that_is_there_again_after_a_purge(zone: Zone) -> None:
    """Nothing but its number tells: it was moved long before the last one was applied."""
    first = (zone.folder() / file_name(1)).read_bytes()
    for number in (2, 3):
        zone.put(number, [(number, "x", 4)])
    zone.apply()
    shutil.rmtree(zone.folder() / "_ProcessedFiles")
    (zone.folder() / file_name(1)).write_bytes(first)
    found = lint(*locate(str(zone.root)), state=zone.state())
    assert [one.rule for one in found.shown if one.severity.word == "error"] == ["R25"]
    stopped(zone, "is there again", "FileNameReused")


def test_a_move_that_was_cut_short_is_done_again(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is a copy and a delete, both may be there."""
    zone.put(2, [(1, None, 2)])
    zone.apply()
    shutil.copy(zone.folder() / "_ProcessedFiles" / file_name(1), zone.folder())
    buckets = FileSystemCapabilities(atomic_move=False)
    monkeypatch.setattr("hygge.filesystems.local.LocalFileSystem.capabilities", buckets)
    assert zone.apply().of("T").error is None
    assert zone.left() == {file_name(2)}


def test_a_publisher_may_empty_the_processed_files(zone: Zone) -> None:
    zone.put(2, [(1, None, 2)])
    zone.apply()
    shutil.rmtree(zone.folder() / "_ProcessedFiles")
    zone.put(3, [(2, None, 2)])
    assert zone.apply().of("T").status is Status.REPLICATING
    assert zone.rows() == ordered(SEED[2:])


def recreated(zone: Zone) -> None:
    shutil.rmtree(zone.folder())
    zone.metadata()


def test_a_folder_that_is_deleted_drops_its_table(zone: Zone) -> None:
    shutil.rmtree(zone.folder())
    assert zone.apply().dropped == ("dbo/T",)
    assert zone.rows() is None
    assert zone.state().tables == {}
    assert zone.apply().idle


def test_a_folder_that_is_made_anew_is_another_table(zone: Zone) -> None:
    zone.put(2, [(1, None, 2)])
    zone.apply()
    recreated(zone)
    zone.put(1, [(7, "seven")], marked=False)
    assert zone.apply().of("T").dropped
    assert zone.rows() == [(7, "seven")]
    assert zone.state().tables["T"].last == 1


def test_a_folder_that_is_made_anew_begins_at_one(zone: Zone) -> None:
    recreated(zone)
    zone.put(2, [(7, "seven", 4)])
    assert zone.apply().of("T").waits == file_name(1)
    assert zone.rows() is None


@pytest.mark.parametrize("why", ["keys", "type", "bytes"])
def test_a_folder_that_is_made_anew_is_not_stopped(zone: Zone, why: str) -> None:
    if why == "keys":
        zone.metadata(keyColumns=["name"])
    elif why == "type":
        zone.write(2, SCHEMA.set(1, pa.field("name", pa.int32())).empty_table())
    else:
        zone.put(1, [(9, "nine")], marked=False)
    assert zone.apply().of("T").status is Status.FAILED
    recreated(zone)
    other = pa.schema([("id", pa.int64()), ("name", pa.int32())])
    zone.put(1, [(1, 1)], marked=False, schema=other)
    assert zone.apply().of("T").status is Status.REPLICATING
    assert zone.rows() == [(1, 1)]


def test_a_table_that_was_never_given_a_file(tmp_path: Path) -> None:
    zone = Zone(tmp_path)
    zone.metadata()
    told = zone.apply().of("T")
    assert (told.status, told.error) == (Status.INITIALIZED, None)
    assert zone.apply(Choices(empty_for=timedelta(0))).of("T").why == "NoData"
    assert zone.monitoring()["T"]["status"] == "Failed"
    zone.put(1, [], marked=False)
    assert zone.apply(Choices(empty_for=timedelta(0))).of("T").status is Status.REPLICATING


def test_two_folders_of_one_table(zone: Zone) -> None:
    zone.metadata("dbo.schema/T")
    zone.put(1, SEED, marked=False, table="dbo.schema/T")
    told = zone.apply()
    assert [(t.status, t.why) for t in told.tables] == [
        (Status.REPLICATING, ""),
        (Status.FAILED, "TwoFoldersOneTable"),
    ]
    assert zone.rows() == ordered(SEED)


def test_files_that_lie_in_no_table_are_told(zone: Zone) -> None:
    (zone.path / "orders.parquet").write_bytes(b"")
    (zone.path / "_partnerEvents.json").write_text("{}")
    assert zone.apply().beside == ("orders.parquet",)


def test_what_monitoring_says(zone: Zone) -> None:
    begun = datetime.now(UTC) - timedelta(minutes=1)
    zone.put(2, [(1, "ONE", 1), (1, "one", 1)])
    zone.apply()
    assert zone.replicator() == {"status": "Running", "errorCode": "", "errorMessage": ""}
    told = zone.monitoring()["T"]
    size = sum(p.stat().st_size for p in zone.folder().rglob("*.parquet"))
    metrics = told.pop("metrics")
    assert told == {
        "id": zone.state().tables["T"].identity,
        "status": "Replicating",
        "errorCode": "",
        "errorMessage": "",
        "normalizedTableName": "T",
        "sourceTableName": "T",
        "sourceSchemaName": "",
        "sourceObjectType": "Table",
    }
    assert metrics.pop("processedRowCount") == 5, "operations, and not rows of the table"
    assert metrics.pop("processedByte") == size
    for moment in metrics.values():
        assert begun < datetime.fromisoformat(moment) <= datetime.now(UTC)
    assert metrics.keys() == {"lastSourceCommitTimeUtc", "lastSyncTimeUtc"}
    assert json.loads((zone.root / "Files/Monitoring/tables.json").read_text()).keys() == {"tables"}


def test_the_state_is_what_the_linter_needs(zone: Zone) -> None:
    zone.put(2, [(1, "ONE", 1)])
    zone.apply()
    state = zone.state().tables["T"]
    assert (state.keys, state.last, state.marked, state.operations) == (("id",), 2, True, 4)
    assert [(c.name, c.type, c.nullable) for c in state.columns] == [
        ("id", "int64", False),
        ("name", "string", True),
    ]
    assert state.processed.keys() == {file_name(1), file_name(2)}
    assert all(len(digest) == 64 for digest in state.processed.values())


def test_a_file_whose_writer_is_not_done_is_taken_up_later(
    zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bytes change between the moment they were summed up and the commit."""
    from hygge.mirroring import turn

    file = zone.put(2, [(1, "half", 1)])
    publish = turn.Turn._refuse_moving

    def late(self: Any, path: str, info: Any) -> None:
        zone.put(2, [(1, "whole, and longer than it was", 1)])
        publish(self, path, info)

    monkeypatch.setattr(turn.Turn, "_refuse_moving", late)
    told = zone.apply().of("T")
    assert (told.files, told.error) == ([], None)
    assert "went away" in told.notes[0]
    monkeypatch.undo()
    zone.apply()
    assert (1, "whole, and longer than it was") in (zone.rows() or ())
    assert pq.ParquetFile(file).metadata.num_rows == 1


def test_a_damaged_mirror_is_no_fault_of_the_file_that_comes(zone: Zone) -> None:
    (damaged,) = (zone.into / "dbo" / "T").glob("*.parquet")
    whole = damaged.read_bytes()
    truncated(damaged)
    zone.put(2, [(1, None, 2)])
    with pytest.raises(StoreError, match="not a readable parquet file"):
        zone.apply()
    damaged.write_bytes(whole)
    assert zone.apply().of("T").error is None
    assert zone.rows() == ordered(SEED[1:])
