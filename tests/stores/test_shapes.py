"""Tables of SQL Server in a shape that was chosen, and what is told of them where rows go in."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs.mssql import MssqlStoreRig
from tests.stores.choosing import RIGS, asked, chosen

from hygge.core.errors import HyggeError, StoreError, Unsupported
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt
from hygge.databases.mssql import MssqlSession
from hygge.testing.harness import people, request, settled, staged, unordered

SHAPES = ("heap", "columnstore", "rowstore_pk")
WORDS = pl.DataFrame({"id": ["a", "b"], "v": [1, 2]})


@pytest.fixture
def rig(tmp_path: Path) -> MssqlStoreRig:
    return MssqlStoreRig(tmp_path)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is changed, from now on."""
    said, plain, put = list[str](), MssqlSession.change, MssqlSession.put

    def hearing(self: MssqlSession, sql: str, *values: Any) -> None:
        said.append(sql)
        plain(self, sql, *values)

    def hearing_put(self: MssqlSession, sql: str) -> int:
        said.append(sql)
        return put(self, sql)

    monkeypatch.setattr(MssqlSession, "change", hearing)
    monkeypatch.setattr(MssqlSession, "put", hearing_put)
    return said


def shape_of(rig: MssqlStoreRig) -> list[tuple[str, bool]]:
    """Its indexes, and which of them is the primary key."""
    found = asked(
        rig,
        "select type_desc, is_primary_key from sys.indexes "
        f"where object_id = object_id('{rig.schema}.people') order by index_id",
    )
    return [(str(kind), bool(primary)) for kind, primary in found]


def load(
    rig: MssqlStoreRig,
    rows: pl.DataFrame,
    base: Receipt | None = None,
    *,
    mode: Mode = Mode.REPLACE,
    keys: tuple[str, ...] = ("id",),
    **settings: Any,
) -> Receipt:
    what = asking(rows, base, mode=mode, keys=keys)
    return asyncio.run(settled(chosen(rig, **settings), what, rows))


def asking(rows: pl.DataFrame, base: Receipt | None = None, **more: Any) -> LoadRequest:
    return request(base=base, schema=TableSchema.of(rows.schema), **more)


PLAIN, KEY = ("NONCLUSTERED", False), ("NONCLUSTERED", True)
HEAP, COLUMNS, CLUSTERED = ("HEAP", False), ("CLUSTERED COLUMNSTORE", False), ("CLUSTERED", True)


@pytest.mark.parametrize(
    ("shape", "mode", "expected"),
    [
        (None, Mode.REPLACE, [HEAP, PLAIN]),
        (None, Mode.APPEND, [HEAP]),
        (None, Mode.MERGE, [CLUSTERED]),
        ("heap", Mode.REPLACE, [HEAP, PLAIN]),
        ("heap", Mode.MERGE, [HEAP, KEY]),
        ("columnstore", Mode.REPLACE, [COLUMNS, PLAIN]),
        ("columnstore", Mode.APPEND, [COLUMNS]),
        ("columnstore", Mode.MERGE, [COLUMNS, KEY]),
        ("rowstore_pk", Mode.REPLACE, [CLUSTERED]),
        ("rowstore_pk", Mode.APPEND, [CLUSTERED]),
        ("rowstore_pk", Mode.MERGE, [CLUSTERED]),
    ],
)
@pytest.mark.parametrize("tries", [1, 2])
def test_a_table_that_a_load_makes_has_its_shape(
    rig: MssqlStoreRig, shape: str | None, mode: Mode, expected: list[Any], tries: int
) -> None:
    """Whether staging becomes the table, or its rows are copied."""
    store, what = chosen(rig, create=shape), asking(people(0, 3), mode=mode, keys=("id",))

    async def story() -> Receipt:
        async with store.load(what) as opened:
            for _ in range(tries - 1):
                await staged(opened, "all", people(0, 3))
            return await opened.commit([await staged(opened, "all", people(0, 3))])

    first = asyncio.run(story())
    assert shape_of(rig) == expected
    assert unordered(rig.look()) == unordered(people(0, 3).rows())
    load(rig, people(3, 3), first, mode=mode, create=shape)
    assert shape_of(rig) == expected
    kept = people(3, 3) if mode is Mode.REPLACE else people(0, 6)
    assert unordered(rig.look()) == unordered(kept.rows())


def test_a_table_that_is_there_stays_as_it_is(rig: MssqlStoreRig) -> None:
    first = load(rig, people(0, 3))
    for shape in SHAPES:
        first = load(rig, people(1, 3), first, create=shape)
        assert shape_of(rig) == [HEAP, PLAIN]
    other = people(0, 3).drop("seen")
    load(rig, other, first, create="rowstore_pk")  # made anew
    assert shape_of(rig) == [CLUSTERED]


@pytest.mark.parametrize("mode", [Mode.REPLACE, Mode.APPEND])
def test_texts_are_keys_that_are_short(rig: MssqlStoreRig, mode: Mode) -> None:
    first = load(rig, WORDS, mode=mode, create="rowstore_pk")
    kind = (
        "select max_length, is_nullable from sys.columns where name = 'id' "
        f"and object_id = object_id('{rig.schema}.people')"
    )
    assert asked(rig, kind) == [(900, False)]
    load(rig, WORDS.with_columns(id=pl.col("id") + "x"), first, mode=mode, create="rowstore_pk")
    assert shape_of(rig) == [CLUSTERED]
    ids = ["ax", "bx"] if mode is Mode.REPLACE else ["a", "ax", "b", "bx"]
    assert sorted(row[0] for row in rig.look() or ()) == ids


def test_a_text_that_is_too_long_for_a_key_changes_nothing(rig: MssqlStoreRig) -> None:
    first = load(rig, WORDS, create="rowstore_pk")
    long = WORDS.with_columns(id=pl.col("id") + "x" * 450)
    with pytest.raises(HyggeError):
        load(rig, long, first, create="rowstore_pk")
    assert unordered(rig.look()) == unordered(WORDS.rows())


@pytest.mark.parametrize("mode", [Mode.REPLACE, Mode.APPEND])
@pytest.mark.parametrize(
    ("ids", "told"), [([1, None], "1 rows have no key"), ([1, 1], "several rows have the same id")]
)
def test_keys_that_name_no_row_are_told_before_the_transaction(
    rig: MssqlStoreRig, sent: list[str], mode: Mode, ids: list[int | None], told: str
) -> None:
    rows = pl.DataFrame({"id": ids, "v": [1, 2]})
    with pytest.raises(StoreError, match=told) as refused:
        load(rig, rows, mode=mode, create="rowstore_pk")
    assert refused.value.where["column"] == "id"
    assert sent.count("begin transaction") == 2  # the ledger's, and that of opening
    assert rig.look() is None


def test_keys_are_needed_at_once(rig: MssqlStoreRig) -> None:
    with pytest.raises(StoreError, match="`create: rowstore_pk` needs keys"):
        load(rig, people(0, 3), keys=(), create="rowstore_pk")
    assert rig.tables() == []


def test_a_key_that_is_in_the_table_already_changes_nothing(rig: MssqlStoreRig) -> None:
    first = load(rig, people(0, 3), mode=Mode.APPEND, create="rowstore_pk")
    with pytest.raises(HyggeError, match="PRIMARY KEY"):
        load(rig, people(2, 3), first, mode=Mode.APPEND, create="rowstore_pk")
    assert unordered(rig.look()) == unordered(people(0, 3).rows())


@pytest.mark.parametrize("kind", [kind for kind in RIGS if kind != "mssql"])
@pytest.mark.parametrize(
    ("settings", "told"),
    [({"create": "heap"}, "of the shape 'heap'"), ({"table_hints": ["tablock"]}, "no hint of")],
)
def test_what_others_do_not_know_is_refused(
    tmp_path: Path, kind: str, settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(Unsupported, match=told) as refused:
        chosen(RIGS[kind](tmp_path), **settings)
    assert "leave `" in str(refused.value.hint)


# hints


def into(sent: list[str], rig: MssqlStoreRig) -> list[str]:
    """What is said of the tables into which rows are put, and which are updated."""
    own = f"[{rig.schema}]."
    words = [sql for sql in sent if sql.startswith((f"insert into {own}", "update t set"))]
    words = [sql for sql in words if "_hygge_loads]" not in sql and "_hygge_leases]" not in sql]
    return [
        sql.partition(" with (")[2].partition(")")[0]
        if " with (" in sql.partition("select")[0]
        else ""
        for sql in words
    ]


def test_only_tables_that_nobody_else_sees_are_locked(rig: MssqlStoreRig, sent: list[str]) -> None:
    first = load(rig, people(0, 3), mode=Mode.MERGE)
    assert into(sent, rig) == ["updlock, holdlock, tablock", "tablock"]  # a new table
    sent.clear()
    second = load(rig, people(2, 3), first, mode=Mode.MERGE)
    load(rig, people(7, 3), second, mode=Mode.APPEND)
    assert into(sent, rig) == ["updlock, holdlock", "", ""]


def test_what_is_said_by_the_user_is_said(rig: MssqlStoreRig, sent: list[str]) -> None:
    first = load(rig, people(0, 3), mode=Mode.MERGE)
    sent.clear()
    hints: dict[str, Any] = {"table_hints": ["TABLOCK"]}
    second = load(rig, people(2, 3), first, mode=Mode.MERGE, **hints)
    load(rig, people(7, 3), second, mode=Mode.APPEND, **hints)
    assert into(sent, rig) == ["updlock, holdlock, tablock", "tablock", "tablock"]
    assert unordered(rig.look()) == unordered([*people(0, 5).rows(), *people(7, 3).rows()])


@pytest.mark.parametrize("hint", ["nolock", "readuncommitted", "readpast", "holdlock"])
def test_a_hint_that_could_lose_rows_is_refused(rig: MssqlStoreRig, hint: str) -> None:
    with pytest.raises(Unsupported, match="is no hint of mssql") as refused:
        chosen(rig, table_hints=["tablock", hint])
    assert "tablock" in str(refused.value.hint)


def test_hints_that_do_not_go_together(rig: MssqlStoreRig) -> None:
    with pytest.raises(Unsupported, match="tablock and rowlock do not go together"):
        chosen(rig, table_hints=["tablock", "rowlock"])
