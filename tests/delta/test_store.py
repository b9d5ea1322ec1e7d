"""What a Delta store does beyond the contract: columns, files that stay, others' tables."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow.parquet as pq
import pytest
from deltalake.transaction import AddAction
from tests.rigs.delta import DeltaRig

from hygge.connections.named import NamedConnections
from hygge.core.errors import ConfigError, HyggeError, LoadLost, StoreError, Unsupported
from hygge.core.names import new_load_id
from hygge.core.schema import Column, TableSchema
from hygge.core.store import Mode, Receipt, StoreConfig
from hygge.core.watermark import Watermark
from hygge.stores import delta_merge, staged_keys
from hygge.stores.delta import DeltaStore
from hygge.stores.delta_config import DeltaStoreConfig
from hygge.testing.harness import people, request, rows_of, settled, staged, unordered


@pytest.fixture
def rig(tmp_path: Path) -> DeltaRig:
    return DeltaRig(tmp_path)


def load(rig: DeltaRig, *frames: pl.DataFrame, base: Receipt | None = None, **more: Any) -> Receipt:
    mode = more.pop("mode", Mode.APPEND)
    more.setdefault("schema", TableSchema.of(frames[0].schema))
    return asyncio.run(settled(rig.store(), request(mode, base, **more), *frames))


def table(rig: DeltaRig) -> deltalake.DeltaTable:
    return deltalake.DeltaTable(rig.folder)


def types(rig: DeltaRig) -> dict[str, Any]:
    fields = json.loads(table(rig).schema().to_json())["fields"]
    return {field["name"]: field["type"] for field in fields}


# columns


def test_what_the_log_tells_of_files_is_so(rig: DeltaRig) -> None:
    rows = (
        people(0, 9)
        .with_columns(
            at=pl.lit(datetime(2024, 2, 29, 1, 2, 3, 456789)), long=pl.lit("ü" * 40), none=None
        )
        .cast({"none": pl.Int64()})
    )
    load(rig, rows)
    (told,) = pl.DataFrame(table(rig).get_add_actions(flatten=True)).to_dicts()
    assert told["num_records"] == 9
    assert (told["min.id"], told["max.id"]) == (0, 8)
    assert (told["min.born"], told["max.born"]) == (date(2000, 1, 1), date(2000, 1, 9))
    assert told["max.seen"] == datetime(2024, 1, 1, 0, 8, tzinfo=UTC)
    assert told["min.at"] == told["max.at"] == datetime(2024, 2, 29, 1, 2, 3, 456789)
    assert (told["min.word"], told["max.word"]) == ("old 0", "old 8")
    assert told["null_count.word"] == 1
    assert told["null_count.none"] == 9
    assert told.get("max.long") is None  # a cut text would not be an end


def test_moments_without_a_zone_are_declared_when_they_come(rig: DeltaRig) -> None:
    first = load(rig, people(0, 2))
    assert table(rig).protocol().min_reader_version == 1
    later = people(2, 1).with_columns(at=pl.lit(datetime(2024, 1, 1)))
    load(rig, later, base=first)
    assert table(rig).protocol().reader_features == ["timestampNtz"]
    assert types(rig)["at"] == "timestamp_ntz"
    old = people(0, 2).with_columns(at=pl.lit(None, pl.Datetime("us")))
    assert unordered(rig.look()) == unordered(rows_of([old, later]))


def test_a_wider_column_writes_older_files_anew(rig: DeltaRig) -> None:
    small = pl.DataFrame({"id": [1, 2], "n": pl.Series([1, None], dtype=pl.Int16)})
    large = pl.DataFrame({"id": [3], "n": [2**40]})
    first = load(rig, small)
    before = set(table(rig).file_uris())
    load(rig, large, base=first)
    assert types(rig)["n"] == "long"
    assert not before & set(table(rig).file_uris())
    for file in table(rig).file_uris():
        assert str(pq.read_schema(file).field("n").type) == "int64"
    assert unordered(rig.look()) == [(1, 1), (2, None), (3, 2**40)]


def test_narrower_values_go_into_a_wider_column_as_it_is(rig: DeltaRig) -> None:
    """Files of another type than the table's would not be read by everybody."""
    first = load(rig, pl.DataFrame({"id": [1], "n": [2**40]}))
    small = pl.DataFrame({"id": [2], "n": pl.Series([7], dtype=pl.Int16)})
    load(rig, small, base=first)
    assert types(rig)["n"] == "long"
    for file in table(rig).file_uris():
        assert str(pq.read_schema(file).field("n").type) == "int64"
    assert unordered(rig.look()) == [(1, 2**40), (2, 7)]


def test_rows_that_were_staged_before_a_column_changed_are_cast(rig: DeltaRig) -> None:
    """The table may have changed between staging and commit, by other hands."""
    first = load(rig, pl.DataFrame({"id": [1], "n": pl.Series([7], dtype=pl.Int16)}))
    what = request(
        Mode.APPEND, first, schema=TableSchema.of(pl.Schema({"id": pl.Int64(), "n": pl.Int16()}))
    )

    async def story() -> None:
        async with rig.store().load(what) as opened:
            rows = pl.DataFrame({"id": [2], "n": pl.Series([8], dtype=pl.Int16)})
            part = await staged(opened, "a", rows)
            wide = pl.DataFrame({"id": [9], "n": [2**40]})
            deltalake.write_deltalake(rig.folder, wide, mode="overwrite", schema_mode="overwrite")
            await opened.commit([part])

    asyncio.run(story())
    assert types(rig)["n"] == "long"
    assert unordered(rig.look()) == [(2, 8), (9, 2**40)]


def test_a_column_that_cannot_hold_what_comes_is_refused_before_staging(rig: DeltaRig) -> None:
    first = load(rig, pl.DataFrame({"id": [1], "n": ["word"]}))
    with pytest.raises(StoreError, match=r"string, which cannot hold int64") as failed:
        load(rig, pl.DataFrame({"id": [2], "n": [3]}), base=first)
    assert failed.value.where["column"] == "n"
    assert rig.look() == [(1, "word")]


def test_nullability_is_kept_and_loosened_with_a_load_that_needs_it(rig: DeltaRig) -> None:
    strict = TableSchema((Column("id", pl.Int64(), nullable=False), Column("n", pl.Int64())))
    first = load(rig, pl.DataFrame({"id": [1], "n": [2]}), schema=strict)
    assert [f.nullable for f in table(rig).schema().fields] == [False, True]
    load(rig, pl.DataFrame({"id": [None], "n": [3]}, schema_overrides={"id": pl.Int64}), base=first)
    assert [f.nullable for f in table(rig).schema().fields] == [True, True]


def test_what_others_wrote_beside_a_column_stays(rig: DeltaRig) -> None:
    first = load(rig, people(0, 2))
    table(rig).alter.set_column_metadata("word", {"comment": "theirs"})
    table(rig).alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})
    load(rig, people(2, 1).with_columns(extra=1), base=first)
    fields = {f.name: f.metadata for f in table(rig).schema().fields}
    assert fields["word"] == {"comment": "theirs"}
    known = table(rig).metadata().configuration
    assert known == {"delta.logRetentionDuration": "interval 90 days"}


def test_names_that_only_differ_by_case_are_refused(rig: DeltaRig) -> None:
    with pytest.raises(Unsupported, match="does not tell 'id' from 'ID'"):
        load(rig, pl.DataFrame({"id": [1], "ID": [2]}))


# merging


def test_only_files_with_rows_that_change_are_written_anew(rig: DeltaRig) -> None:
    receipt = load(rig, people(0, 10))
    for n in (1, 2):
        receipt = load(rig, people(10 * n, 10), base=receipt)
    before = set(table(rig).file_uris())
    load(rig, people(12, 2, "new"), base=receipt, mode=Mode.MERGE)
    kept = before & set(table(rig).file_uris())
    assert len(kept) == 2
    assert len(rig.look() or []) == 30
    assert sum(row[1] in ("new 12", "new 13") for row in rig.look() or []) == 1  # 12 % 7 == 5


def test_files_that_cannot_have_a_key_are_not_read(
    rig: DeltaRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = load(rig, people(0, 10))
    for n in (1, 2):
        receipt = load(rig, people(10 * n, 10), base=receipt)
    looked = list[str]()
    real = delta_merge.Merging._look_at

    def looking(self: Any, file: Any, *rest: Any) -> None:
        looked.append(file.name)
        real(self, file, *rest)

    monkeypatch.setattr(delta_merge.Merging, "_look_at", looking)
    load(rig, people(12, 2, "new"), base=receipt, mode=Mode.MERGE)
    assert len(looked) == 1


@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_more_keys_than_fit_into_memory_come_in_shares(
    rig: DeltaRig, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(staged_keys, "AT_ONCE", at_once)
    first = load(rig, people(0, 12), keys=("id",), mode=Mode.REPLACE)
    load(rig, people(8, 3, "stale"), people(9, 6, "new"), base=first, mode=Mode.MERGE)
    expected = [people(0, 8), people(8, 1, "stale"), people(9, 6, "new")]
    assert unordered(rig.look()) == unordered(rows_of(expected))
    ties = pl.concat([people(3, 1), people(3, 1, "other"), people(4, 4)])
    last = asyncio.run(rig.store().last("people"))
    with pytest.raises(StoreError, match="id = 3"):
        load(rig, ties, base=last, mode=Mode.MERGE, latest="seen")


def test_a_column_that_the_source_lost_keeps_its_values(rig: DeltaRig) -> None:
    first = load(rig, people(0, 3), keys=("id",))
    fewer = people(1, 3, "new").drop("word")
    load(rig, fewer, base=first, mode=Mode.MERGE)
    words = {row[0]: row[1] for row in rig.look() or []}
    assert words == {0: "old 0", 1: "old 1", 2: "old 2", 3: None}


def test_keys_of_several_columns_and_other_types(rig: DeltaRig) -> None:
    first = pl.DataFrame(
        {"a": ["x", "x", "y"], "b": [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 1)], "n": 1}
    )
    base = load(rig, first, keys=("a", "b"), mode=Mode.MERGE)
    load(rig, first.head(2).with_columns(n=2), base=base, keys=("a", "b"), mode=Mode.MERGE)
    found = sorted(row[2] for row in rig.look() or [])
    assert found == [1, 2, 2]


# tables that others made


def others(rig: DeltaRig, **more: Any) -> None:
    deltalake.write_deltalake(rig.folder, people(0, 3), **more)


def adopting(rig: DeltaRig) -> DeltaStore:
    config = StoreConfig.create({"type": "delta", "path": str(rig.folder), "adopt": True})
    assert isinstance(config, DeltaStoreConfig)
    return DeltaStore.build(config, NamedConnections())


@pytest.mark.parametrize("mode", list(Mode))
def test_rows_of_others_are_left_alone_unless_adopted(rig: DeltaRig, mode: Mode) -> None:
    others(rig)
    with pytest.raises(StoreError, match="hygge did not put there") as failed:
        load(rig, people(2, 2, "new"), mode=mode)
    assert "adopt" in str(failed.value.hint)
    asyncio.run(settled(adopting(rig), request(mode), people(2, 2, "new")))
    kept = {Mode.REPLACE: 0, Mode.MERGE: 2, Mode.APPEND: 3}[mode]
    expected = [people(0, kept), people(2, 2, "new")]
    assert unordered(rig.look()) == unordered(rows_of(expected))


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"partition_by": "word"}, "partitioned by word"),
    ({"configuration": {"delta.appendOnly": "true"}}, "delta.appendOnly"),
    ({"configuration": {"delta.enableChangeDataFeed": "true"}}, "enableChangeDataFeed"),
]


@pytest.mark.parametrize(("more", "told"), REFUSED, ids=[told for _, told in REFUSED])
def test_what_a_table_demands_and_we_do_not_do_is_refused(
    rig: DeltaRig, more: dict[str, Any], told: str
) -> None:
    others(rig, **more)
    with pytest.raises(Unsupported, match=told):
        asyncio.run(settled(adopting(rig), request(), people(2, 2)))
    assert len(rig.look() or []) == 3


def test_conditions_on_rows_are_refused(rig: DeltaRig) -> None:
    others(rig)
    table(rig).alter.add_constraint({"few": "id < 9"})
    with pytest.raises(Unsupported, match=r"conditions \(delta.constraints.few\)"):
        asyncio.run(settled(adopting(rig), request(Mode.APPEND), people(20, 2)))


def test_rows_may_be_added_where_none_may_go(rig: DeltaRig) -> None:
    others(rig, configuration={"delta.appendOnly": "true"})
    asyncio.run(settled(adopting(rig), request(Mode.APPEND), people(3, 2)))
    assert len(rig.look() or []) == 5


def demand(rig: DeltaRig, **more: Any) -> None:
    """As another writer would have left it: a version that demands more."""
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, **more}
    version = table(rig).version() + 1
    file = rig.folder / "_delta_log" / f"{version:020}.json"
    file.write_text(json.dumps({"protocol": protocol}))


def test_features_that_nobody_here_knows_are_refused(rig: DeltaRig) -> None:
    base = load(rig, people(0, 3))
    demand(rig, readerFeatures=[], writerFeatures=["rowTracking"])
    with pytest.raises(HyggeError, match="rowTracking"):
        load(rig, people(3, 1), base=base)


# taking back


def appended(rig: DeltaRig, frame: pl.DataFrame, base: Receipt | None) -> Receipt:
    low = base.watermark if base else None
    high = Watermark("id", "int64", int(frame["id"].max()))  # type: ignore[arg-type]
    return load(rig, frame, base=base, low=low or high)


def test_what_others_have_packed_is_not_taken_back(rig: DeltaRig) -> None:
    first = appended(rig, people(0, 3), None)
    second = appended(rig, people(3, 3), first)
    table(rig).optimize.compact()
    with pytest.raises(StoreError, match="written this load's rows anew"):
        asyncio.run(rig.store().undo("people", second.load_id, new_load_id()))
    assert len(rig.look() or []) == 6


def test_a_load_that_wrote_older_rows_anew_is_not_taken_back(rig: DeltaRig) -> None:
    small = pl.DataFrame({"id": [1], "n": pl.Series([1], dtype=pl.Int16)})
    first = load(rig, small)
    second = load(rig, pl.DataFrame({"id": [2], "n": [2**40]}), base=first)
    with pytest.raises(StoreError, match="made a column wider"):
        asyncio.run(rig.store().undo("people", second.load_id, new_load_id()))
    assert len(rig.look() or []) == 2


def test_what_others_added_since_stays_when_a_load_is_taken_back(rig: DeltaRig) -> None:
    first = appended(rig, people(0, 3), None)
    second = appended(rig, people(3, 3), first)
    deltalake.write_deltalake(rig.folder, people(50, 1), mode="append")
    asyncio.run(rig.store().undo("people", second.load_id, new_load_id()))
    assert unordered(rig.look()) == unordered(rows_of([people(0, 3), people(50, 1)]))


# places


def test_the_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hygge.formats.delta_snapshot.find_spec", lambda name: None)
    config = StoreConfig.create({"type": "delta", "path": "/nowhere"})
    assert isinstance(config, DeltaStoreConfig)
    with pytest.raises(ConfigError, match="deltalake") as failed:
        DeltaStore.build(config, NamedConnections())
    assert failed.value.hint == "pip install 'hygge[delta]'"


def test_a_place_that_the_library_cannot_reach_is_refused() -> None:
    config = StoreConfig.create({"type": "delta", "path": "memory://lake/people"})
    assert isinstance(config, DeltaStoreConfig)
    with pytest.raises(Unsupported, match="cannot lie in memory"):
        asyncio.run(DeltaStore.build(config, NamedConnections()).check())


def test_strange_names_of_folders(tmp_path: Path) -> None:
    rig = DeltaRig(tmp_path / "a b#ü+&=")
    load(rig, people(0, 2))
    assert unordered(rig.look()) == people(0, 2).rows()
    with pytest.raises(Unsupported, match="a path with a %"):
        load(DeltaRig(tmp_path / "a%20b"), people(0, 2))


def test_about_tells_the_version(rig: DeltaRig) -> None:
    assert asyncio.run(rig.store().about()) is None
    load(rig, people(0, 2))
    assert asyncio.run(rig.store().about()) == "Delta table at version 1, 1 file"


def test_a_table_that_is_gone_is_told(rig: DeltaRig) -> None:
    first = load(rig, people(0, 2))
    rig.folder.rename(rig.folder.with_name("elsewhere"))
    with pytest.raises(LoadLost, match="the table is gone"):
        load(rig, people(2, 2), base=first)


def test_files_of_another_folder_are_refused(rig: DeltaRig) -> None:
    base = load(rig, people(0, 2))
    there = table(rig)
    action = AddAction("file:///elsewhere/x.parquet", 9, {}, 1, True, '{"numRecords": 1}')
    there.create_write_transaction([action], "append", there.schema())
    with pytest.raises(Unsupported, match="outside its folder"):
        load(rig, people(3, 1), base=base)


def test_the_library_is_imported_with_the_first_table() -> None:
    script = (
        "import sys, hygge.stores.delta, hygge.homes.delta\nsys.exit('deltalake' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
