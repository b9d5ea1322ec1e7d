"""What a load's rows become: which marker each has, what is refused, which of several counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.mirroring.publisher import Load, Publisher, marked

from hygge.core.errors import StoreError, Unsupported
from hygge.core.schema import OPERATION
from hygge.core.store import Deletes, Mode
from hygge.mirroring.names import ROW_MARKER
from hygge.stores import mirror_keys, staged_keys
from hygge.testing.harness import people, rows_of, unordered


@pytest.fixture
def publisher(tmp_path: Path) -> Publisher:
    return Publisher(tmp_path, "memory")


def marks(publisher: Publisher, number: int) -> list[int] | None:
    file = publisher.read(number)
    return file[ROW_MARKER].to_list() if ROW_MARKER in file.columns else None


# markers


def test_a_seed_has_no_marker_and_later_rows_are_upserts(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 3))
    publisher.put(Mode.MERGE, people(2, 2, "new"))
    assert marks(publisher, 1) is None
    assert marks(publisher, 2) == [4, 4]
    assert publisher.read(2).columns[-1] == ROW_MARKER
    assert publisher.rows() == unordered(rows_of([people(0, 2), people(2, 2, "new")]))


def test_rows_that_are_told_gone_are_deleted(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 5))
    publisher.put(Mode.MERGE, marked(people(3, 4, "new"), 3, 77))
    assert marks(publisher, 2) == [2, 4, 4, 4]
    assert publisher.rows() == unordered(rows_of([people(0, 3), people(4, 3, "new")]))


def test_a_delete_needs_nothing_but_its_key(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 5))
    bare = people(3, 1).with_columns(
        pl.lit(None, people(0, 1).schema[name]).alias(name) for name in ("word", "born", "seen")
    )
    publisher.put(Mode.MERGE, marked(bare, 3))
    assert publisher.rows() == unordered(rows_of([people(0, 3), people(4, 1)]))


@pytest.mark.parametrize("parts", [False, True])
def test_the_last_word_about_a_key_counts(publisher: Publisher, parts: bool) -> None:
    """Within one load: in one part, or in one after the other."""
    publisher.put(Mode.MERGE, people(0, 4))
    story = (
        marked(people(1, 1, "there"), 1),
        marked(people(1, 1, "again")),
        marked(people(2, 1, "there")),
        marked(people(2, 1, "there"), 2),
        marked(people(9, 1, "new")),
        marked(people(9, 1, "new"), 9),
        marked(people(8, 1, "new"), 8),
        marked(people(8, 1, "new")),
    )
    publisher.put(Mode.MERGE, *(story if parts else (story,)))
    assert publisher.rows() == unordered(
        rows_of([people(0, 1), people(1, 1, "again"), people(3, 1), people(8, 1, "new")])
    )


def test_deletes_can_be_ignored(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 4), deletes=Deletes.IGNORE)
    rows = (marked(people(2, 3, "new"), 2), marked(people(0, 1), 0))
    done = publisher.put(Mode.MERGE, rows, deletes=Deletes.IGNORE)
    assert done.rows == 4
    assert marks(publisher, 2) == [4, 4]
    assert publisher.rows() == unordered(rows_of([people(0, 3), people(3, 2, "new")]))
    assert not publisher.staged()


def test_a_first_load_of_nothing_but_ignored_deletes_is_a_table(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, marked(people(0, 2), 0, 1), deletes=Deletes.IGNORE)
    assert publisher.rows() == []
    assert publisher.numbers() == [1]


def test_a_first_load_with_deletes_turns_to_markers_there(publisher: Publisher) -> None:
    rows = (marked(people(0, 3)), marked(people(3, 3), 4), marked(people(6, 1)))
    publisher.put(Mode.MERGE, rows)
    assert marks(publisher, 1) is None
    assert marks(publisher, 2) == [4, 2, 4, 4]
    expected = [people(0, 4), people(5, 2)]
    assert publisher.rows() == unordered(rows_of(expected))


def test_a_first_load_that_deletes_what_it_has_brought(publisher: Publisher) -> None:
    """Among the first rows Fabric looks for no key: so they are written anew, one a key."""
    rows = (marked(people(0, 3)), marked(people(1, 2, "new"), 1), marked(people(2, 1, "newer")))
    publisher.put(Mode.MERGE, rows)
    assert publisher.rows() == unordered(rows_of([people(0, 1), people(2, 1, "newer")]))
    assert publisher.numbers() == [1]
    assert marks(publisher, 1) is None


@pytest.mark.parametrize("keys", [(), ("id",)])
def test_appended_rows_are_inserts(publisher: Publisher, keys: tuple[str, ...]) -> None:
    publisher.put(Mode.APPEND, people(0, 2), keys=keys)
    publisher.put(Mode.APPEND, people(2, 2), keys=keys)
    assert marks(publisher, 2) == [0, 0]
    assert publisher.rows() == unordered(people(0, 4).rows())
    assert ("keyColumns" in publisher.metadata()) == bool(keys)


def test_a_merge_does_not_insert(tmp_path: Path) -> None:
    """Rows that come again would be there twice."""
    publisher = Publisher(tmp_path, "memory", row_marker=0)
    with pytest.raises(Unsupported, match="would be there twice") as refused:
        publisher.put(Mode.MERGE, people(0, 3))
    assert "write: append" in (refused.value.hint or "")
    publisher.put(Mode.APPEND, people(0, 3))


@pytest.mark.parametrize("marker", [1, 4])
def test_a_merge_is_marked_as_it_is_told(tmp_path: Path, marker: int) -> None:
    publisher = Publisher(tmp_path, "memory", row_marker=marker)
    publisher.put(Mode.MERGE, people(0, 3))
    publisher.put(Mode.MERGE, marked(people(2, 2, "new"), 2))
    assert marks(publisher, 2) == [2, marker]
    assert publisher.rows() == unordered(rows_of([people(0, 2), people(3, 1, "new")]))


# which of several


@pytest.mark.parametrize("at_once", [10_000, 3])
def test_the_latest_row_of_a_key_counts_and_a_delete_may_be_it(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(mirror_keys, "AT_ONCE", at_once)
    monkeypatch.setattr(staged_keys, "AT_ONCE", at_once)
    publisher.put(Mode.MERGE, people(0, 8))

    def seen(frame: pl.DataFrame, hour: int) -> pl.DataFrame:
        return frame.with_columns(pl.col("seen").dt.replace(hour=hour))

    late, early = seen(people(2, 4, "late"), 9), seen(people(2, 4, "early"), 8)
    publisher.put(Mode.MERGE, marked(late, 3), marked(early, 4), latest="seen")
    kept = late.filter(pl.col("id") != 3)
    assert publisher.rows() == unordered(rows_of([people(0, 2), kept, people(6, 2)]))
    assert not publisher.staged()


@pytest.mark.parametrize("at_once", [10_000, 3])
def test_of_a_first_merge_the_last_row_of_a_key_counts(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(mirror_keys, "AT_ONCE", at_once)
    monkeypatch.setattr(staged_keys, "AT_ONCE", at_once)
    publisher.put(Mode.MERGE, people(0, 6), people(2, 2, "new"), people(3, 6, "newer"))
    expected = [people(0, 2), people(2, 1, "new"), people(3, 6, "newer")]
    assert publisher.rows() == unordered(rows_of(expected))
    assert publisher.numbers() == [1]


def test_keys_whose_hashes_are_alike_are_compared(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal hashes alone make no two rows one."""
    monkeypatch.setattr(
        pl.DataFrame, "hash_rows", lambda self, seed=0: self["id"].cast(pl.UInt64) % 2
    )
    publisher.put(Mode.REPLACE, people(0, 7), keys=("id",))
    assert publisher.rows() == unordered(people(0, 7).rows())
    with pytest.raises(StoreError, match="id = 3"):
        publisher.put(Mode.REPLACE, people(0, 7), people(3, 1), keys=("id",))


@pytest.mark.parametrize("at_once", [10_000, 2])
def test_a_full_load_with_a_key_twice_is_refused(
    publisher: Publisher, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    publisher.put(Mode.REPLACE, people(0, 3), keys=("id",))
    monkeypatch.setattr(mirror_keys, "AT_ONCE", at_once)
    with pytest.raises(StoreError, match="several rows: id = 13") as failed:
        publisher.put(Mode.REPLACE, people(10, 5), people(13, 1), keys=("id",))
    assert "keys" in str(failed.value.hint)
    publisher.recover()
    assert publisher.complaints(people(0, 3).rows()) == []


def test_of_a_full_load_too_the_latest_row_counts(publisher: Publisher) -> None:
    """A source of several rows a key has to be able to begin anew."""
    early, late = people(0, 4, "early"), people(0, 4, "late")
    late = late.with_columns(pl.col("seen").dt.offset_by("1h"))
    for _ in range(2):
        publisher.put(Mode.REPLACE, late, early, keys=("id",), latest="seen")
        assert publisher.rows() == unordered(late.rows())
    with pytest.raises(StoreError, match="equally late"):
        publisher.put(Mode.REPLACE, late, early, people(0, 1, "x"), keys=("id",), latest="born")


def test_rows_without_keys_may_be_alike(publisher: Publisher) -> None:
    publisher.put(Mode.REPLACE, people(0, 3), people(1, 1))
    assert len(publisher.rows()) == 4


# what is refused


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("first", [False, True])
def test_a_row_without_a_key_is_refused(publisher: Publisher, mode: Mode, first: bool) -> None:
    if not first:
        publisher.put(Mode.MERGE, people(0, 3))
    bad = people(3, 3).with_columns(id=pl.when(pl.col("id") != 4).then("id"))
    with pytest.raises(StoreError, match="1 rows have no key"):
        publisher.put(mode, bad, keys=("id",))
    publisher.recover()
    assert not publisher.staged()
    assert first or publisher.rows() == unordered(people(0, 3).rows())


@pytest.mark.parametrize("mode", [Mode.APPEND, Mode.REPLACE])
def test_deletes_without_keys_are_refused(publisher: Publisher, mode: Mode) -> None:
    with pytest.raises(Unsupported, match="deletes need `keys`"):
        publisher.put(mode, marked(people(0, 3), 1))
    assert not publisher.staged()


def test_a_merge_by_time_is_refused(tmp_path: Path) -> None:
    publisher = Publisher(tmp_path, "memory", file_detection="timestamp")
    with pytest.raises(Unsupported, match="order of their time") as failed:
        publisher.put(Mode.MERGE, people(0, 3))
    assert "sequential" in str(failed.value.hint)
    assert not publisher.staged()
    publisher.put(Mode.REPLACE, people(0, 3), keys=("id",))
    publisher.put(Mode.APPEND, people(3, 3))
    publisher.put(Mode.APPEND, people(6, 3))
    assert publisher.rows() == unordered(people(0, 9).rows())
    assert '"LastUpdateTimeFileDetection"' in publisher.metadata()
    publisher.put(Mode.REPLACE, people(20, 1), keys=("id",))
    assert publisher.rows() == unordered(people(20, 1).rows())


def test_the_way_files_are_found_stays(publisher: Publisher) -> None:
    publisher.put(Mode.APPEND, people(0, 3))
    with pytest.raises(StoreError, match="file_detection: sequential") as failed:
        publisher.run(Load.of(Mode.APPEND, people(3, 3)), file_detection="timestamp")
    assert "--full-drop" in str(failed.value.hint)
    assert publisher.complaints(people(0, 3).rows()) == []
    publisher.run(Load.of(Mode.REPLACE, people(3, 3)), file_detection="timestamp")
    assert publisher.rows() == unordered(people(3, 3).rows())


def test_a_full_load_takes_no_deletes_for_rows(publisher: Publisher) -> None:
    publisher.put(Mode.MERGE, people(0, 3))
    rows = (marked(people(5, 2)), marked(people(6, 1), 6), marked(people(9, 1)))
    told: Any = Load.of(Mode.REPLACE, (rows[0], rows[2]), keys=("id",))
    publisher.run(told)
    assert publisher.rows() == unordered(rows_of([people(5, 2), people(9, 1)]))
    assert OPERATION not in publisher.read(1).columns
    assert ROW_MARKER not in publisher.read(1).columns
