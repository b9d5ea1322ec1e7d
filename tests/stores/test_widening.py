"""A column whose values become wider at the source, night after night, in every database."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs.sqlite import SqliteStoreRig
from tests.stores.nights import APPEND, MERGE, RIGS, Nights, frame

from hygge.core.types import parse_type


@pytest.fixture(params=RIGS, ids=lambda rig: rig.__name__)
def nights(request: pytest.FixtureRequest, tmp_path: Path) -> Nights:
    return Nights(request.param(tmp_path), tmp_path)


BIG = 2**63 - 1
FLOAT32 = [3.4028234663852886e38, 1.401298464324817e-45, 0.10000000149011612]
MOMENT = datetime(2024, 2, 29, 23, 59, 59, 999_000)
CASES: list[tuple[str, list[Any], str, list[Any]]] = [
    ("int8", [-128, 127], "int16", [-(2**15), 2**15 - 1]),
    ("int8", [-128, 127], "int64", [-BIG - 1, BIG]),
    ("int32", [-(2**31), 2**31 - 1], "int64", [-BIG - 1, BIG]),
    ("uint8", [0, 255], "uint16", [0, 2**16 - 1]),
    ("uint8", [0, 255], "int16", [-(2**15), 2**15 - 1]),
    ("uint32", [0, 2**32 - 1], "int64", [-BIG - 1, BIG]),
    ("uint32", [0, 2**32 - 1], "uint64", [0, 2**64 - 1]),
    ("float32", FLOAT32, "float64", [1.7976931348623157e308, 5e-324, 0.1]),
    ("int16", [-(2**15), 2**15 - 1], "float32", FLOAT32),
    ("int32", [-(2**31), 2**31 - 1], "float64", [1.7976931348623157e308, 5e-324, 0.1]),
    ("uint32", [0, 2**32 - 1], "float64", [0.1, -0.5]),
    ("decimal(10, 2)", ["99999999.99", "-0.01"], "decimal(12, 4)", ["-99999999.9999", "0.0001"]),
    ("decimal(5, 0)", ["99999", "-7"], "decimal(38, 30)", ["-99999999." + "9" * 30]),
    ("decimal(10, 2)", ["99999999.99", "-0.01"], "decimal(38, 2)", ["9" * 36 + ".99"]),
    ("int64", [-BIG - 1, BIG], "decimal(19, 0)", ["9999999999999999999"]),
    ("int64", [-BIG - 1, BIG, 0], "decimal(25, 6)", ["-0.000001", "1234567890123456789.5"]),
    ("uint64", [0, 2**64 - 1], "decimal(22, 2)", ["0.01"]),
    ("datetime(ms)", [MOMENT], "datetime(us)", [datetime(9999, 12, 31, 23, 59, 59, 999_999)]),
    (
        "datetime(ms, UTC)",
        [MOMENT.replace(tzinfo=UTC)],
        "datetime(us, UTC)",
        [datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC)],
    ),
    ("categorical", ["a", "b"], "string", ["c\u2603"]),
    ("enum(a, b)", ["a", "b"], "enum(a, b, c)", ["c"]),
]


def values(kind: str, given: list[Any], height: int) -> pl.Series:
    made = parse_type(kind)
    if isinstance(made, pl.Decimal):
        given = [Decimal(text) for text in given]
    return pl.Series(given, dtype=made).extend_constant(None, height - len(given))


@pytest.mark.parametrize("how", [APPEND, MERGE], ids=["append", "merge"])
def test_columns_become_wider_and_lose_nothing(nights: Nights, how: dict[str, Any]) -> None:
    how = {"keys": [], **how}
    first = {f"v{n}": values(narrow, few, 4) for n, (narrow, few, _, _) in enumerate(CASES)}
    second = {f"v{n}": values(wide, many, 4) for n, (_, _, wide, many) in enumerate(CASES)}
    nights.done(frame(range(4), **first), **how)
    report = nights.done(frame(range(4, 8), **second), **how)
    seen = nights.rows(*second)
    for n, (narrow, _, wide, _) in enumerate(CASES):
        name = f"v{n}"
        assert f"* {name} {narrow} → {wide}" in nights.told
        assert f"{name}: the table's column becomes {wide}" in report.notes
        kind = second[name].dtype
        expected = pl.concat([first[name].cast(kind), second[name]]).to_list()
        assert seen[name].cast(kind).to_list() == expected, (name, narrow, wide)
        assert nights.remembered()[name].type == kind
    third = {name: column.tail(1) for name, column in second.items()}
    assert nights.done(frame([99], **third), **how).notes == []
    assert nights.rows("v0").height == 9
    assert not nights.rig.leftovers()


@pytest.mark.parametrize("how", [APPEND, MERGE], ids=["append", "merge"])
def test_narrower_values_go_into_the_column_as_it_is(nights: Nights, how: dict[str, Any]) -> None:
    how = {"keys": [], **how}
    wide = {f"v{n}": values(wide, many, 4) for n, (_, _, wide, many) in enumerate(CASES)}
    narrow = {f"v{n}": values(narrow, few, 4) for n, (narrow, few, _, _) in enumerate(CASES)}
    nights.done(frame(range(4), **wide), **how)
    before = nights.natives()
    report = nights.done(frame(range(4, 8), **narrow), **how)
    assert nights.natives() == before
    seen = nights.rows(*wide)
    for n, (kind, _, kept, _) in enumerate(CASES):
        name = f"v{n}"
        assert f"{name}: {kind} arrives, and the table keeps {kept}" in report.notes
        made = wide[name].dtype
        expected = pl.concat([wide[name], narrow[name].cast(made)]).to_list()
        assert seen[name].cast(made).to_list() == expected, (name, kind, kept)
        assert nights.remembered()[name].type == made
    assert "int8 arrives" in str(nights.messages()[0])
    third = {name: column.tail(1) for name, column in narrow.items()}
    assert nights.done(frame([99], **third), **how).notes == [], "it is no change any more"


def test_two_columns_and_a_new_one_and_a_key_at_once(nights: Nights) -> None:
    old = frame(
        [1, 2], a=pl.Series([1, 2], dtype=pl.Int16), b=pl.Series([0.5, 1], dtype=pl.Float32)
    )
    nights.done(old.cast({"id": pl.Int16, "pos": pl.Int16}))
    new = frame([2, 70_000], a=[BIG, -BIG], b=[0.1, 5e-324], c=["x", "y"])
    report = nights.done(new.cast({"pos": pl.Int32}))
    assert "id: the table's column becomes int64" in report.notes
    expected = [(1, 1, 0.5, None), (2, BIG, 0.1, "x"), (70_000, -BIG, 5e-324, "y")]
    assert nights.rows("a", "b", "c").rows() == expected
    nights.done(new.cast({"pos": pl.Int32}))
    assert nights.rows("a", "b", "c").rows() == expected, "keys are still found"


def test_a_table_made_by_a_full_load_has_its_keys_indexed_after_it(nights: Nights) -> None:
    old = frame([1, 2], v=pl.Series([1, 2], dtype=pl.Int8)).cast({"id": pl.Int32})
    nights.done(old, run_type="full_drop")
    nights.done(frame([2, BIG], v=[300, 400]).with_columns(pos=pl.lit(3)))
    assert nights.rows("v").rows() == [(1, 1), (2, 300), (BIG, 400)]
    nights.done(frame([2, BIG], v=[3000, 4000]).with_columns(pos=pl.lit(4)))
    assert nights.rows("v").rows() == [(1, 1), (2, 3000), (BIG, 4000)]


KEYS = [
    ("int8", 100, "int64"),
    ("uint32", 2**32 - 1, "uint64"),
    ("int64", BIG, "decimal(25, 2)"),
    ("decimal(6, 0)", Decimal(-7), "decimal(8, 2)"),
    ("decimal(6, 1)", Decimal("-0.5"), "decimal(38, 20)"),
    ("datetime(ms)", MOMENT, "datetime(us)"),
    ("datetime(ms, UTC)", MOMENT.replace(tzinfo=UTC), "datetime(us, UTC)"),
]


@pytest.mark.parametrize(("narrow", "value", "wide"), KEYS, ids=[key[0] for key in KEYS])
def test_a_key_that_becomes_wider_is_found_again(
    nights: Nights, narrow: str, value: Any, wide: str
) -> None:
    key = pl.Series([value], dtype=parse_type(narrow))
    nights.done(frame([1], k=key, v=["old"]), keys=["k"])
    nights.done(frame([2], k=key.cast(parse_type(wide)), v=["wide"]), keys=["k"])
    assert nights.rows("v").rows() == [(2, "wide")]
    nights.done(frame([3], k=key, v=["narrow"]), keys=["k"])
    assert nights.rows("v").rows() == [(3, "narrow")]


@pytest.mark.parametrize("deletes", ["hard", "soft"])
def test_keys_that_are_compared_are_those_of_the_table(nights: Nights, deletes: str) -> None:
    how = {"detect_deletes": "by_key_compare", "max_delete_fraction": 1, "deletes": deletes}

    def night(number: int, kind: Any, *ids: int) -> list[int]:
        nights.done(frame(ids).with_columns(pos=pl.lit(number)).cast({"id": kind}), **how)
        gone = " where _hygge_deleted_at is null" if deletes == "soft" else ""
        return sorted(int(row[0]) for row in nights.ask(f"select id from people{gone}"))

    assert night(1, pl.Int32, 1, 2, 3) == [1, 2, 3]
    assert night(2, pl.Int64, 1, 3, 2**40) == [1, 3, 2**40]
    assert night(3, pl.Int16, 1, 4) == [1, 4]
    assert nights.remembered()["id"].type == pl.Int64()


def test_the_watermarks_column_becomes_wider_and_narrower(nights: Nights) -> None:
    """An append still knows where it was, and the rows there."""
    how = {**APPEND, "keys": []}

    def grown(ids: list[int], kind: Any) -> pl.DataFrame:
        return frame(ids).cast({"pos": kind})

    nights.done(grown([1, 2], pl.Int16), **how)
    nights.done(grown([1, 2, 3], pl.Int64), **how)
    nights.done(grown([1, 2, 3, 4], pl.Decimal(22, 2)), **how)
    nights.done(grown([1, 2, 3, 4, 5], pl.Int32), **how)
    nights.done(grown([1, 2, 3, 4, 5, 6], pl.Decimal(22, 2)), **how)
    assert nights.rows().rows() == [(1,), (2,), (3,), (4,), (5,), (6,)]
    assert nights.remembered()["pos"].type == pl.Decimal(22, 2)


# nullability


def test_a_column_that_may_be_null_now(nights: Nights) -> None:
    nights.done(frame([1, 2], v=["a", "b"], w=[1, 2]), "id", "pos", "v", "w")
    assert not nights.nullable()["v"]
    report = nights.done(frame([3], v=pl.Series([None], dtype=pl.String), w=[3]), "pos", "w")
    assert "v: the table's column may be NULL from now on" in report.notes
    assert "id:" not in " ".join(note for note in report.notes if "becomes" in note)
    assert nights.nullable()["v"]
    assert not nights.nullable()["w"]
    assert not nights.nullable()["id"], "a key"
    assert nights.rows("v", "w").rows() == [(1, "a", 1), (2, "b", 2), (3, None, 3)]
    assert nights.done(frame([4], v=["d"], w=[4]), "pos", "w").notes == []


def test_a_key_stays_not_null_in_a_table_made_by_a_full_load(nights: Nights) -> None:
    nights.done(frame([1, 2]), "id", "pos", run_type="full_drop")
    report = nights.done(frame([3]))
    assert report.notes == [
        "column changed since the last load: * id int64 not null → null",
        "column changed since the last load: * pos int64 not null → null",
        "pos: the table's column may be NULL from now on",
    ]
    assert nights.nullable() == {"id": False, "pos": True}
    assert nights.done(frame([4])).notes == []


def test_a_column_that_may_not_be_null_any_more_stays_as_it_is(nights: Nights) -> None:
    nights.done(frame([1], v=pl.Series([None], dtype=pl.String)), "id", "pos")
    report = nights.done(frame([2], v=["b"]), "id", "pos", "v")
    assert report.notes == ["column changed since the last load: * v string → not null"]
    assert nights.nullable()["v"]
    assert nights.done(frame([3], v=["c"]), "id", "pos", "v").notes == []
    loose = frame([4], v=pl.Series([None], dtype=pl.String))
    report = nights.run(loose, "id", "pos", on_schema_change="fail")
    assert "* v string not null → null" in str(report.error)


# fail and freeze


def test_fail_refuses_even_what_loses_nothing(nights: Nights) -> None:
    nights.done(frame([1], v=pl.Series([1], dtype=pl.Int32)))
    for v in (pl.Series([1], dtype=pl.Int64), pl.Series([1], dtype=pl.Int16)):
        report = nights.run(frame([2], v=v), on_schema_change="fail")
        assert f"* v int32 → {str(v.dtype).lower()}" in str(report.error)
    assert nights.rows("v").rows() == [(1, 1)]
    nights.done(frame([2], v=pl.Series([2], dtype=pl.Int16)))
    done = nights.done(frame([3], v=pl.Series([3], dtype=pl.Int16)), on_schema_change="fail")
    assert done.notes == [], "nothing changed since the last load"


@pytest.mark.parametrize("run_type", ["incremental", "full_drop"])
def test_frozen_columns_take_what_is_narrower_and_refuse_what_is_wider(
    nights: Nights, run_type: str
) -> None:
    frozen = {"on_schema_change": "freeze", "run_type": run_type}
    nights.done(frame([1], v=pl.Series([1], dtype=pl.Int32)))
    nights.done(frame([2], v=pl.Series([2], dtype=pl.Int16)), **frozen)
    assert nights.remembered()["v"].type == pl.Int32()
    assert nights.rows("v").rows()[-1] == (2, 2)
    report = nights.run(frame([3], v=pl.Series([2], dtype=pl.Int64)), **frozen)
    assert "frozen, and one changed: * v int32 → int64" in str(report.error)


def test_one_column_may_be_frozen_while_another_becomes_wider(nights: Nights) -> None:
    policy = {"columns": {"v": "freeze"}}
    small = {name: pl.Series([1], dtype=pl.Int16) for name in ("v", "w")}
    nights.done(frame([1], **small))
    nights.done(frame([2], **{**small, "w": [BIG]}), on_schema_change=policy)
    assert nights.rows("v", "w").rows() == [(1, 1, 1), (2, 1, BIG)]
    report = nights.run(frame([3], v=[BIG], w=[BIG]), on_schema_change=policy)
    assert "frozen, and one changed: * v" in str(report.error)


def test_a_hash_that_would_change_is_not_made_of_another_type(tmp_path: Path) -> None:
    nights = Nights(SqliteStoreRig(tmp_path), tmp_path)
    polish = {"hash_ids": [{"name": "h", "columns": ["v", "w"]}], "columns": {"case": "upper"}}
    how: dict[str, Any] = {"polish": polish, "keys": ["h"]}
    v, w = pl.Series(["1.50"]).cast(pl.Decimal(10, 2)), pl.Series([7], dtype=pl.Int16)
    nights.done(frame([1], v=v, w=w), **how)
    report = nights.run(frame([1], v=v.cast(pl.Decimal(12, 4)), w=w), **how)
    assert "hashes are made of V, and would change: decimal(10, 2) → decimal(12, 4)" in str(
        report.error
    )
    nights.done(frame([1], v=v.cast(pl.Decimal(8, 1)), w=w.cast(pl.Int64)), **how)
    assert nights.rig.ask("select count(*) from people") == [(1,)]  # type: ignore[attr-defined]
