"""Others at work in a table's folder: another writer, a person, and the service that moves what it
has read. Nothing of theirs is written over, and no number is given twice."""

from __future__ import annotations

import json
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.mirroring.publisher import Killed, Load, Publisher, die, marked

from hygge.core.errors import LoadLost, NotYet, StoreError
from hygge.core.store import Mode
from hygge.mirroring.choices import Choices
from hygge.mirroring.lint import lint
from hygge.mirroring.names import PROCESSED, file_name
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem
from hygge.testing.harness import people, rows_of, unordered

SEED = Load.of(Mode.MERGE, people(0, 3))
MORE = Load.of(Mode.MERGE, people(2, 2, "new"), people(4, 2))
AFTER = rows_of([people(0, 2), people(2, 2, "new"), people(4, 2)])
FOREIGN = people(90, 2)
SOON = timedelta(microseconds=1)


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path)


def intrude(publisher: Publisher, number: int, name: str | None = None) -> Path:
    """Somebody else publishes a file."""
    path = publisher.files.local(f"{publisher.folder}/{name or file_name(number)}")
    assert path is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    FOREIGN.write_parquet(path)
    return path


def until(publisher: Publisher, what: str, nth: int, load: Load = MORE) -> str:
    """Run, and die before the n-th side effect of this name. The load_id."""
    seen = 0

    def harm(told: str) -> None:
        nonlocal seen
        seen += told == what
        if seen >= nth:
            die(told)

    FaultyFileSystem.trigger = Trigger(1, harm, for_good=True)
    try:
        made = publisher.begin(load, faulty=True)
        with pytest.raises(Killed):
            publisher.finish(made, load)
    finally:
        FaultyFileSystem.trigger = Trigger()
    return made.request.load_id


# two of us


def test_of_two_loads_one_wins(publisher: Publisher) -> None:
    publisher.run(SEED)
    one, two = publisher.begin(MORE), publisher.begin(MORE)
    publisher.finish(one, MORE)
    with pytest.raises(LoadLost):
        publisher.finish(two, MORE)
    publisher.recover(two.request.load_id)
    assert publisher.complaints(AFTER) == []


def test_a_load_does_not_begin_on_one_that_is_not_done(publisher: Publisher) -> None:
    publisher.run(SEED)
    load_id = until(publisher, "before move_once", 2)
    with pytest.raises(LoadLost, match="not all there yet"):
        publisher.begin(MORE)
    assert [receipt.load_id for receipt in publisher.recover()] == [load_id]
    assert publisher.complaints(AFTER) == []


def test_two_finish_one_load_at_once(publisher: Publisher) -> None:
    publisher.run(SEED)
    publisher.keep()
    for _ in range(15):
        until(publisher, "before move_once", 1)
        with ThreadPoolExecutor(3) as pool:
            for finished in [pool.submit(publisher.recover) for _ in range(3)]:
                finished.result()
        assert publisher.complaints(AFTER) == []
        publisher.back()


# a foreign writer


@pytest.mark.parametrize("nth", [1, 2])
def test_a_number_that_another_took_is_never_written_over(publisher: Publisher, nth: int) -> None:
    """Between the record and the move: once its file is taken away, the load is finished."""
    publisher.run(SEED)
    publisher.apply()
    load_id = until(publisher, "before move_once", nth)
    foreign = intrude(publisher, 1 + nth)
    before = foreign.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreError, match="another writer has put a file") as failed:
            publisher.recover(load_id)
        assert not failed.value.transient
        assert file_name(1 + nth) in str(failed.value)
        assert foreign.read_bytes() == before
        assert publisher.numbers() == list(range(1, 2 + nth))
    foreign.unlink()
    assert [receipt.load_id for receipt in publisher.recover(load_id)] == [load_id]
    assert publisher.complaints(AFTER) == []


def test_what_to_do_where_fabric_has_read_the_foreign_file(publisher: Publisher) -> None:
    """As the error says: give the load up, and load everything anew."""
    publisher.run(SEED)
    load_id = until(publisher, "before move_once", 1)
    intrude(publisher, 2)
    publisher.apply()
    with pytest.raises(StoreError) as failed:
        publisher.recover(load_id)
    staging = publisher.files.local(f"{publisher.zone}/_hygge/staging/dbo.schema/people/{load_id}")
    assert staging is not None
    assert f"delete {staging} and load everything anew, hygge go --full-drop" in str(
        failed.value.hint
    )
    shutil.rmtree(staging)
    publisher.put(Mode.REPLACE, people(0, 6), keys=("id",))
    assert publisher.complaints(people(0, 6).rows()) == []


@pytest.mark.parametrize("name", [None, "part-0.parquet", f"{9:020}.parquet"])
def test_foreign_files_are_refused_before_the_first_load(
    publisher: Publisher, name: str | None
) -> None:
    file = intrude(publisher, 1, name)
    for mode in Mode:
        with pytest.raises(StoreError, match="hygge did not put") as failed:
            publisher.put(mode, people(0, 3))
        assert file.name in str(failed.value)
        assert "adopt" in str(failed.value.hint)
    assert file.exists()
    assert publisher.store().strays("people") == []


@pytest.mark.parametrize("moment", ["before", "while"])
def test_foreign_files_between_loads_are_refused(publisher: Publisher, moment: str) -> None:
    publisher.run(SEED)
    if moment == "before":
        intrude(publisher, 2)
        with pytest.raises(StoreError, match="hygge did not put"):
            publisher.run(MORE)
    else:  # after the load had looked, and before it took its numbers
        made = publisher.begin(MORE)
        intrude(publisher, 2)
        with pytest.raises(StoreError, match="hygge did not put"):
            publisher.finish(made, MORE)
        assert publisher.recover() == []
    assert publisher.read(2)["id"].to_list() == [90, 91]


def foreign_table(publisher: Publisher, rows: pl.DataFrame = FOREIGN, **about: object) -> None:
    path = intrude(publisher, 1).with_name("_metadata.json")
    path.write_text(json.dumps({"KeyColumns": ["id"], **about}))
    for number, frame in enumerate([rows, rows.with_columns(word=pl.lit("x"))], 1):
        frame.write_parquet(path.with_name(file_name(number)))
    publisher.apply()


def test_what_was_adopted_is_gone_on_with(publisher: Publisher) -> None:
    """Its rows are known to Fabric: ours are no first rows, or keys would be there twice."""
    foreign_table(publisher)
    before = publisher.rows_only()
    publisher.settings["adopt"] = True
    ours = people(91, 2, "ours")
    publisher.put(Mode.MERGE, ours)
    publisher.put(Mode.MERGE, people(5, 1))
    kept = [row for row in before if row[0] != 91]
    assert publisher.rows_only() == unordered([*kept, *ours.rows(), *people(5, 1).rows()])
    assert publisher.numbers() == [1, 2, 3, 4]
    told = lint(publisher.files, publisher.zone)
    assert "R52" not in {one.rule for one in told.findings}, "what was nullable stays so"


def test_what_was_adopted_is_not_doubled(publisher: Publisher) -> None:
    """All of the source would be put beside what is there, which may be the same."""
    foreign_table(publisher, KeyColumns=[])
    publisher.settings["adopt"] = True
    with pytest.raises(StoreError, match="an append would put all of the source beside"):
        publisher.put(Mode.APPEND, people(91, 2))


def test_what_was_adopted_keeps_its_types(publisher: Publisher) -> None:
    foreign_table(publisher, FOREIGN.with_columns(pl.col("id").cast(pl.Int32)))
    publisher.settings["adopt"] = True
    with pytest.raises(StoreError, match="the mirrored column is int, and bigint arrives"):
        publisher.put(Mode.MERGE, people(0, 1))
    narrow = people(0, 1).with_columns(pl.col("id").cast(pl.Int32))
    publisher.put(Mode.MERGE, narrow)
    assert len(publisher.rows_only()) == 5


@pytest.mark.parametrize("required", [False, True])
def test_of_what_was_adopted_all_files_tell_the_columns(
    publisher: Publisher, required: bool
) -> None:
    """The newest may be deletes alone, of keys and nothing else; and where no NULL may be, a
    delete has something."""
    path = intrude(publisher, 1).with_name("_metadata.json")
    path.write_text(json.dumps({"keyColumns": ["id"]}))
    fields = [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("word", pa.string(), not required),
    ]
    first = pa.table([[1, 2], ["a", "b"]], schema=pa.schema(fields))
    pq.write_table(first, path.with_name(file_name(1)))
    if not required:
        gone = pl.DataFrame({"id": [2], "__rowMarker__": [2]})
        gone.cast({"__rowMarker__": pl.Int32}).write_parquet(path.with_name(file_name(2)))
    publisher.settings["adopt"] = True
    rows = pl.DataFrame({"id": [1, 3], "word": [None, "c"]})
    with pytest.raises(StoreError, match=r"the mirrored column is varchar"):
        publisher.put(Mode.MERGE, rows.with_columns(word=pl.lit(1)))
    publisher.put(Mode.MERGE, marked(rows, 1))
    assert publisher.rows_only() == [*([(2, "b")] if required else []), (3, "c")]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"fileDetectionStrategy": "LastUpdateTimeFileDetection"}, "found by another way"),
        ({"isUpsertDefaultRowMarker": True}, "are upserts"),
    ],
)
def test_what_was_adopted_is_read_as_before(
    publisher: Publisher, more: dict[str, Any], told: str
) -> None:
    """Files of theirs that Fabric has not read yet would be read in another way, or not at all."""
    foreign_table(publisher, **more)
    publisher.settings["adopt"] = True
    before = publisher.metadata()
    with pytest.raises(StoreError, match=told):
        publisher.put(Mode.MERGE, people(0, 1))
    assert publisher.metadata() == before


def test_the_keys_of_what_was_adopted_stay(publisher: Publisher) -> None:
    foreign_table(publisher)
    publisher.settings["adopt"] = True
    with pytest.raises(StoreError, match="keys are id, not word"):
        publisher.put(Mode.MERGE, people(0, 1), keys=("word",))
    publisher.put(Mode.REPLACE, people(0, 2), keys=("word",))
    assert publisher.complaints(people(0, 2).rows()) == []


# a person


def test_a_folder_that_was_deleted_needs_a_full_load(publisher: Publisher) -> None:
    """Numbers that go on would wait for ever for the first one."""
    publisher.run(SEED)
    publisher.run(MORE)
    publisher.apply()
    publisher.files.delete_folder(publisher.folder)
    publisher.apply()
    with pytest.raises(StoreError, match="files are gone") as failed:
        publisher.run(MORE)
    assert "--full-drop" in str(failed.value.hint)
    publisher.put(Mode.REPLACE, people(0, 6), keys=("id",))
    assert publisher.complaints(people(0, 6).rows()) == []


def test_metadata_that_was_deleted_is_written_again(publisher: Publisher) -> None:
    publisher.run(SEED)
    publisher.apply()
    publisher.files.delete(f"{publisher.folder}/_metadata.json")
    publisher.run(MORE)
    assert publisher.complaints(AFTER) == []


@pytest.mark.parametrize("said", ['{"keyColumns": ["word"]}', "no JSON at all"])
def test_metadata_that_was_changed_is_as_it_was(publisher: Publisher, said: str) -> None:
    publisher.run(SEED)
    publisher.apply()
    publisher.files.replace(f"{publisher.folder}/_metadata.json", said.encode())
    publisher.run(MORE)
    assert publisher.complaints(AFTER) == []


def test_no_file_is_put_behind_a_hole(publisher: Publisher) -> None:
    """Fabric would wait for ever, and every run would say that all went well."""
    publisher.run(SEED)
    publisher.put(Mode.MERGE, people(0, 1, "new"))
    publisher.files.delete(publisher.path(2))
    for mode in (Mode.MERGE, Mode.APPEND):
        with pytest.raises(StoreError, match="last files are gone") as failed:
            publisher.put(mode, people(50, 1), keys=("id",))
        assert "--full-drop" in str(failed.value.hint)
    publisher.put(Mode.REPLACE, people(0, 6), keys=("id",))
    assert publisher.complaints(people(0, 6).rows()) == []


def test_a_hole_that_comes_while_rows_are_read_is_seen(publisher: Publisher) -> None:
    publisher.run(SEED)
    publisher.put(Mode.MERGE, people(0, 1, "new"))
    made = publisher.begin(MORE)
    publisher.files.delete(publisher.path(2))
    with pytest.raises(StoreError, match="last files are gone"):
        publisher.finish(made, MORE)


def test_files_of_others_that_were_read_are_no_hole(publisher: Publisher) -> None:
    publisher.run(SEED)
    for number in (2, 3, 4):
        intrude(publisher, number)
    publisher.apply()
    assert publisher.numbers() == [1, 2, 3, 4]
    publisher.settings["adopt"] = True
    publisher.run(MORE)
    assert publisher.numbers() == [1, 2, 3, 4, 5, 6]


def test_no_file_is_adopted_that_cannot_be_read(publisher: Publisher) -> None:
    publisher.run(SEED)
    foreign = intrude(publisher, 2)
    foreign.write_bytes(b"")
    publisher.settings["adopt"] = True
    with pytest.raises(StoreError, match="cannot be taken: it has no bytes"):
        publisher.run(MORE)


def test_a_folder_that_is_gone_is_nobodys_namesake(publisher: Publisher) -> None:
    """What was called otherwise once, or never came to be, has left records."""
    publisher.run(SEED)
    publisher.files.delete_folder(publisher.folder)
    publisher.store(table="PEOPLE").open_load(MORE.request(None)).open()


def test_no_file_is_adopted_behind_a_hole(publisher: Publisher) -> None:
    publisher.run(SEED)
    publisher.apply()
    publisher.settings["adopt"] = True
    foreign = intrude(publisher, 9)
    with pytest.raises(StoreError, match=r"did not put \(1\): 0{19}9") as failed:
        publisher.run(MORE)
    assert "take them away" in str(failed.value.hint)
    foreign.rename(foreign.with_name(file_name(2)))
    publisher.run(MORE)
    assert publisher.numbers() == [1, 2, 3, 4]


def test_a_folder_that_was_deleted_is_waited_for_all_the_same(publisher: Publisher) -> None:
    """Fabric has the table still, whoever took the folder away."""
    publisher.run(SEED)
    publisher.files.delete_folder(publisher.folder)
    load = Load.of(Mode.REPLACE, people(0, 6), keys=("id",))
    with pytest.raises(NotYet):
        publisher.run(load, folder_deletion_wait_seconds=100)
    publisher.recover()
    assert publisher.complaints(people(0, 6).rows()) == []


@pytest.mark.parametrize(
    ("schema", "table"), [("DBO", "people"), ("dbo", "People"), (None, "people"), (None, "PEOPLE")]
)
def test_a_table_has_one_folder(publisher: Publisher, schema: str | None, table: str) -> None:
    """Fabric looks at no case, and takes tables without a schema for those of dbo."""
    publisher.run(SEED)
    other = publisher.store(schema=schema, table=table)
    made = other.open_load(MORE.request(None))
    with pytest.raises(StoreError, match=r"Fabric takes dbo\.people for"):
        made.open()
    for fine in (publisher.store(table="people2"), publisher.store(schema="other")):
        fine.open_load(MORE.request(None)).open()


@pytest.mark.parametrize("what", ["_metadata.json", "_notes.txt", f"{PROCESSED}/{file_name(1)}"])
def test_a_folder_that_changes_while_it_is_dropped_is_dropped_all_the_same(
    publisher: Publisher, what: str
) -> None:
    """The service moves files, and people write: what was there before is the old table."""
    publisher.run(SEED)
    publisher.run(MORE)
    publisher.apply()
    load = Load.of(Mode.REPLACE, people(70, 2), keys=("id",))
    until(publisher, "before drop_folder", 1, load)
    publisher.files.replace(f"{publisher.folder}/{what}", b"{}")
    publisher.recover()
    assert publisher.complaints(people(70, 2).rows()) == []


# the service


def test_numbers_go_on_while_the_service_moves_what_it_has_read(publisher: Publisher) -> None:
    publisher.run(SEED)
    for n in range(4):
        publisher.apply()
        publisher.put(Mode.MERGE, people(10 * n, 2, "new"), people(10 * n + 2, 2))
    publisher.apply()
    assert publisher.numbers() == list(range(1, 10))
    assert any(name.startswith(PROCESSED) for name in publisher.names())
    now = Choices(ready_after=SOON, delete_after=SOON)
    publisher.apply(now)
    publisher.apply(now)
    assert publisher.numbers() == [9]
    publisher.put(Mode.MERGE, people(60, 1))
    assert publisher.numbers() == [9, 10]
    assert len(publisher.rows()) == 17


@pytest.mark.parametrize("detection", ["sequential", "timestamp"])
@pytest.mark.parametrize("cleaned", [False, True])
@pytest.mark.parametrize(
    ("what", "nth"), [("before move_once", 2), ("after move_once", 2), ("before delete_folder", 1)]
)
def test_a_load_is_finished_after_the_service_took_its_files(
    tmp_path: Path, detection: str, cleaned: bool, what: str, nth: int
) -> None:
    publisher = Publisher(tmp_path, file_detection=detection)
    publisher.put(Mode.APPEND, people(0, 3))
    publisher.apply()
    more = Load.of(Mode.APPEND, people(3, 2), people(5, 2), people(7, 1))
    load_id = until(publisher, what, nth, more)
    publisher.apply()
    if cleaned:
        publisher.apply(Choices(delete_after=SOON))
    assert [receipt.load_id for receipt in publisher.recover(load_id)] == [load_id]
    assert not publisher.staged()
    publisher.put(Mode.APPEND, people(8, 1))
    assert publisher.rows() == unordered(people(0, 9).rows())
    assert publisher.store().settle("people", load_id, keep=False) is not None


def test_a_file_with_two_names_is_not_published_again(publisher: Publisher) -> None:
    """On a disk a move is a second name first: the service may take that before the other goes."""
    publisher.run(SEED)
    publisher.apply()
    load_id = until(publisher, "before move_once", 1)
    (source,) = [p for p in publisher.staged() if publisher.same(p, 2, load_id)]
    staged, final = publisher.files.local(source), publisher.files.local(publisher.path(2))
    assert staged is not None
    assert final is not None
    final.hardlink_to(staged)
    publisher.apply()
    publisher.recover(load_id)
    assert publisher.complaints(AFTER) == []


# a reader


def test_a_reader_sees_no_half_of_a_file_and_no_rows_without_metadata(publisher: Publisher) -> None:
    """Whatever was done last: what is there is right so far."""
    anew = Load.of(Mode.REPLACE, people(70, 2), people(80, 2), keys=("id",))
    met, wrong = set[str](), list[str]()

    def look(what: str) -> None:
        met.add(what)
        files, zone = publisher.files, publisher.zone
        if files.is_folder(zone):
            report = lint(files, zone)
            wrong.extend(f"{what}: {found}" for found in report.shown if found.severity == 0)
            for table in publisher.apply(check=True).tables:
                if table.error is not None or table.waits is not None:
                    wrong.append(f"{what}: {table}")
        names = [n for n in publisher.names() if n.endswith(".parquet")]
        if names and not publisher.metadata():
            wrong.append(f"{what}: {names} without metadata")

    for load in (SEED, MORE, anew):
        FaultyFileSystem.trigger = Trigger(1, look, for_good=True)
        try:
            publisher.run(load, faulty=True)
        finally:
            FaultyFileSystem.trigger = Trigger()
    assert {"before drop_folder", "before move_once", "before write", "after move"} <= met
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("where", ["local", "memory"])
def test_a_reader_that_looks_all_the_time(tmp_path: Path, where: str) -> None:
    publisher = Publisher(tmp_path, where, target_file_mb=1)
    done, wrong, looks = threading.Event(), list[object](), 0
    count = 0

    def read() -> None:
        nonlocal looks
        while not done.wait(0.02):
            if publisher.files.is_folder(publisher.zone):
                report = lint(publisher.files, publisher.zone)
                errors = [found for found in report.shown if found.severity == 0]
                # the folder is there a moment before what it says of itself: nobody reads it yet
                wrong.extend(found for found in errors if count or found.rule != "R08")
                looks += 1

    reader = threading.Thread(target=read)
    reader.start()
    try:
        while count < 8 or looks < 4:
            publisher.put(Mode.MERGE, people(9 * count, 9), people(9 * count, 5, "new"))
            count += 1
    finally:
        done.set()
        reader.join()
    assert not wrong, wrong[:3]
    assert len(publisher.rows()) == 9 * count
