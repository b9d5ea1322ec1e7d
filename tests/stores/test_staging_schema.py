"""Rows staged in a schema of their own, and found there, whatever is set by then."""

from __future__ import annotations

import asyncio
import secrets
from contextlib import closing
from pathlib import Path

import pytest
from tests.stores.choosing import RIGS, asked, chosen

from hygge.core.errors import HyggeError, LoadLost, Unsupported
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StagedPart
from hygge.databases.database import Table
from hygge.stores.ledger import Ledger
from hygge.stores.sql import SqlStore
from hygge.testing.harness import StoreRig, people, request, settled, staged, unordered

KINDS = [kind for kind in RIGS if kind != "sqlite"]


@pytest.fixture(params=KINDS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> StoreRig:
    return RIGS[request.param](tmp_path)


@pytest.fixture
def schema() -> str:
    return f"staging_{secrets.token_hex(6)}"


def there(store: SqlStore, name: str, schema: str | None) -> bool:
    with closing(store.database.connect()) as session:
        return bool(session.fields(Table(name, schema)))


def begun(store: SqlStore, what: LoadRequest) -> StagedPart:
    """One part of a load that nobody goes on with."""

    async def story() -> StagedPart:
        async with store.load(what) as load:
            return await staged(load, "all", people(0, 3))

    return asyncio.run(story())


def committed(store: SqlStore, what: LoadRequest, part: StagedPart) -> Receipt:
    async def story() -> Receipt:
        async with store.load(what) as load:
            assert await load.verify([part]) == {"all": 3}
            return await load.commit([part])

    return asyncio.run(story())


def asking(mode: Mode = Mode.REPLACE, base: Receipt | None = None) -> LoadRequest:
    return request(mode, base, schema=TableSchema.of(people(0, 1).schema), keys=("id",))


def test_rows_are_staged_there_and_nothing_else(rig: StoreRig, schema: str) -> None:
    store, what = chosen(rig, staging_schema=schema), asking()
    name, own = f"_hygge_{what.load_id}", store.target.schema
    part = begun(store, what)
    assert there(store, name, schema)
    assert there(store, "_hygge_loads", own)
    assert not there(store, name, own)
    assert not there(store, "_hygge_loads", schema)
    committed(store, what, part)
    assert not there(store, name, schema)
    assert unordered(rig.look()) == unordered(people(0, 3).rows())


@pytest.mark.parametrize("mode", Mode)
def test_every_kind_of_load_finds_them(rig: StoreRig, schema: str, mode: Mode) -> None:
    store = chosen(rig, staging_schema=schema)
    first = asyncio.run(settled(store, asking(mode), people(0, 3)))
    second = asyncio.run(settled(store, asking(mode, first), people(3, 3)))
    expected = people(3, 3) if mode is Mode.REPLACE else people(0, 6)
    assert unordered(rig.look()) == unordered(expected.rows())
    other = people(6, 2).drop("seen")
    what = request(Mode.REPLACE, second, schema=TableSchema.of(other.schema))
    asyncio.run(settled(store, what, other))
    assert unordered(rig.look()) == unordered(other.rows())
    assert asyncio.run(store.unfinished("users")) == []


@pytest.mark.parametrize("now", [None, "elsewhere"])
def test_what_was_begun_elsewhere_is_taken_up_there(
    rig: StoreRig, schema: str, now: str | None
) -> None:
    what = asking()
    before = chosen(rig, staging_schema=schema)
    part = begun(before, what)
    after = chosen(rig, staging_schema=now and f"{now}_{schema}")
    committed(after, what, part)
    assert unordered(rig.look()) == unordered(people(0, 3).rows())
    assert not there(before, f"_hygge_{what.load_id}", schema)


@pytest.mark.parametrize("erased", [False, True], ids=["open", "erased"])
@pytest.mark.parametrize("now", [None, "elsewhere"])
def test_what_was_begun_elsewhere_is_erased_there(
    rig: StoreRig, schema: str, now: str | None, erased: bool
) -> None:
    """Also where the fate was written, and nothing was cleared after it."""
    what = asking()
    before = chosen(rig, staging_schema=schema)
    begun(before, what)
    if erased:
        with closing(before.database.connect(write=True)) as session:
            ledger = Ledger(before.database, session, before.target)
            with session.transaction(before.target):
                ledger.erase(what.load_id, what.flow)
    after = chosen(rig, staging_schema=now and f"{now}_{schema}")
    assert asyncio.run(after.unfinished("users")) == [what.load_id]
    assert asyncio.run(after.recover("users", what.load_id)) is None
    assert not there(before, f"_hygge_{what.load_id}", schema)
    assert asyncio.run(after.unfinished("users")) == []
    with pytest.raises(LoadLost):
        begun(after, what)


def test_what_was_published_from_elsewhere_is_cleared_there(rig: StoreRig, schema: str) -> None:
    """Killed after the word was written: the rows are there, and staging is left."""
    store, what = chosen(rig, staging_schema=schema), asking()
    receipt = committed(store, what, begun(store, what))
    name = f"{schema}._hygge_{what.load_id}"
    asked(rig, f"create table {name} (id integer)")
    with closing(store.database.connect(write=True)) as session:
        session.change(
            f"update {store.database.named(Table('_hygge_loads', store.target.schema))}"
            " set staged = 1"
        )
    after = chosen(rig)
    assert asyncio.run(after.recover("users", what.load_id)) == receipt
    assert not there(store, f"_hygge_{what.load_id}", schema)


def test_a_schema_that_is_just_being_made_by_another(
    rig: StoreRig, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = chosen(rig, staging_schema=schema)
    making = type(store.database).making_schema
    asked(rig, making.format(store.database.quoted(schema)))
    known = iter(["select 'nothing' as name"])
    sql = store.database.schemas

    class Late(type(store.database)):  # type: ignore[misc]
        """Sees no schema the first time that it looks."""

        making_schema = "create schema {}"

        @property
        def schemas(self) -> str | None:
            return next(known, sql)

    store.database = Late(store.database.settings)
    asyncio.run(settled(store, asking(), people(0, 2)))
    assert unordered(rig.look()) == unordered(people(0, 2).rows())


def test_a_database_without_schemas_refuses_it(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="sqlite has no schemas"):
        chosen(RIGS["sqlite"](tmp_path), staging_schema="staging")


def test_a_name_that_no_schema_can_have(tmp_path: Path) -> None:
    store = chosen(RIGS["mssql"](tmp_path), staging_schema="x" * 129)
    with pytest.raises(HyggeError, match="longer than 128 letters"):
        store.refuse(asking().schema)
