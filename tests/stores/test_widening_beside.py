"""What a table has beside the column that becomes wider, and what others did to it by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs.duckdb import DuckdbStoreRig
from tests.rigs.mysql import MysqlStoreRig
from tests.rigs.postgres import PostgresStoreRig
from tests.rigs.sqlite import SqliteStoreRig
from tests.stores.nights import APPEND, MERGE, RIGS, Nights, frame

from hygge.core.errors import FlowError, StoreError
from hygge.core.schema import Column, TableSchema
from hygge.core.store import Mode
from hygge.testing.harness import request as load_request
from hygge.testing.harness import staged

BIG = 2**63 - 1
SMALL = pl.Series([1, 2], dtype=pl.Int16)
ADD = {**APPEND, "keys": []}


@pytest.fixture(params=RIGS, ids=lambda rig: rig.__name__)
def nights(request: pytest.FixtureRequest, tmp_path: Path) -> Nights:
    return Nights(request.param(tmp_path), tmp_path)


def by_hand(nights: Nights, column: str, kind: str) -> None:
    """Somebody gives the column this type."""
    match nights.rig:
        case PostgresStoreRig():
            nights.ask(f"alter table people alter column {column} type {kind}")
        case MysqlStoreRig():
            nights.ask(f"alter table people modify column {column} {kind}")
        case DuckdbStoreRig():
            nights.ask(f"alter table people alter column {column} set data type {kind}")
        case SqliteStoreRig():
            ((sql,),) = nights.ask("select sql from sqlite_master where name = 'people'")
            made = str(sql).replace('"v" int_32_bits', f'"v" {kind}').replace('"people"', "anew")
            nights.ask(made)
            nights.ask("insert into anew select * from people")
            nights.ask("drop table people")
            nights.ask("alter table anew rename to people")


def small(nights: Nights) -> str:
    return "int_16_bits" if isinstance(nights.rig, SqliteStoreRig) else "smallint"


def test_a_column_that_somebody_made_wider_is_kept_and_told_once(nights: Nights) -> None:
    v = pl.Series([1, 2], dtype=pl.Int32)
    nights.done(frame([1, 2], v=v), **ADD)
    by_hand(nights, "v", "bigint")
    report = nights.done(frame([3, 4], v=v), **ADD)
    assert report.notes == ["v: the table's column is int64, and int32 was loaded into it"]
    assert nights.remembered()["v"].type == pl.Int64()
    assert nights.done(frame([5], v=v.head(1)), **ADD).notes == []
    report = nights.done(frame([6], v=[BIG]), **ADD)
    assert report.notes == ["column changed since the last load: * v int32 → int64"]
    assert nights.rows("v")["v"].to_list() == [1, 2, 1, 2, 1, BIG]


@pytest.mark.parametrize("now", [pl.Int32, pl.Int64])
def test_a_column_that_somebody_made_narrower_is_refused_before_a_row_is_staged(
    nights: Nights, now: Any
) -> None:
    nights.done(frame([1, 2], v=pl.Series([1, 2], dtype=pl.Int32)), **ADD)
    by_hand(nights, "v", small(nights))
    report = nights.run(frame([3], v=pl.Series([3], dtype=now)), **ADD)
    assert isinstance(report.error, FlowError)
    told = "the table's column v is int16, which cannot hold int32, and that was loaded into it"
    assert told in str(report.error)
    assert "change the table's column to int32" in str(report.error.hint)
    assert "LoadBegan" not in [type(event).__name__ for event in nights.heard]
    assert nights.rows("v")["v"].to_list() == [1, 2]


def test_a_column_that_somebody_took_away_is_added_again(nights: Nights) -> None:
    nights.done(frame([1, 2], v=SMALL, w=SMALL), **ADD)
    nights.ask("alter table people drop column v")
    report = nights.done(frame([3], v=SMALL.head(1), w=SMALL.head(1)), **ADD)
    assert "the table lacks this column, which was loaded" in str(report.notes)
    assert nights.rows("v")["v"].to_list() == [None, None, 1]


def test_a_table_of_somebody_elses_takes_what_it_can_hold(nights: Nights) -> None:
    double = "double precision" if isinstance(nights.rig, PostgresStoreRig) else "double"
    nights.ask(f"create table people (id bigint, pos bigint, v {double}, w {small(nights)})")
    report = nights.run(frame([1], v=SMALL.head(1), w=[1]), **ADD)
    told = "the table's column w is int16, which cannot hold int64, and that arrives"
    assert told in str(report.error)
    one = frame([1], v=SMALL.head(1), w=SMALL.head(1))
    report = nights.done(one, **ADD)
    assert "v: int16 arrives, and the table keeps float64" in report.notes
    assert nights.done(frame([2], v=SMALL.head(1), w=SMALL.head(1)), **ADD).notes == []
    assert nights.rows("v").rows() == [(1, 1.0), (2, 1.0)]


def test_what_was_made_narrower_while_rows_were_staged_is_refused_too(nights: Nights) -> None:
    """The flow looked before; the store looks again in its transaction."""
    nights.done(frame([1, 2], v=pl.Series([1, 2], dtype=pl.Int32)), **ADD)
    store = nights.rig.store()
    wide = frame([3], v=[BIG])
    base = asyncio.run(store.last("people"))
    what = load_request(Mode.APPEND, base, schema=TableSchema.of(wide.schema))

    async def story() -> None:
        async with store.load(what) as load:
            part = await staged(load, "all", wide)
            await asyncio.to_thread(by_hand, nights, "v", small(nights))
            await load.commit([part])

    with pytest.raises(StoreError, match="int16, which cannot hold int64"):
        asyncio.run(story())
    assert nights.rows("v")["v"].to_list() == [1, 2]


# what depends on a column


def refused(nights: Nights) -> str:
    """The widening of v to int64 is refused, and the table is as it was."""
    before = nights.natives()
    report = nights.run(frame([3], v=[BIG]))
    assert isinstance(report.error, StoreError), report.error
    assert "the table's columns cannot become wider (v" in str(report.error)
    assert "take away what depends on them (views" in str(report.error.hint)
    assert nights.natives() == before
    assert nights.rows("v")["v"].to_list() == [1, 2]
    assert not nights.rig.leftovers()
    return str(report.error)


def test_a_view_of_the_column_in_postgres(tmp_path: Path) -> None:
    rig = PostgresStoreRig(tmp_path)
    nights = Nights(rig, tmp_path)
    nights.done(frame([1, 2], v=SMALL))
    nights.ask(f"create view {rig.schema}.seen as select v from people")
    assert "used by a view" in refused(nights)
    nights.ask(f"drop view {rig.schema}.seen")
    nights.done(frame([3], v=[BIG]))
    assert nights.rows("v")["v"].to_list() == [1, 2, BIG]


def test_a_generated_column_in_duckdb(tmp_path: Path) -> None:
    nights = Nights(DuckdbStoreRig(tmp_path), tmp_path)
    nights.ask("create table people (id bigint, pos bigint, v smallint, w as (v + 1))")
    nights.done(frame([1, 2], v=SMALL))
    refused(nights)


def test_a_key_of_another_table_in_mysql(tmp_path: Path) -> None:
    nights = Nights(MysqlStoreRig(tmp_path), tmp_path)
    nights.done(frame([1, 2], v=SMALL), **MERGE)
    nights.ask("create unique index one on people (v)")
    nights.ask("create table pets (v smallint, foreign key (v) references people (v))")
    refused(nights)
    nights.ask("drop table pets")
    nights.done(frame([3], v=[BIG]))
    assert nights.rows("v")["v"].to_list() == [1, 2, BIG]


# what stays as it was


def test_mysql_keeps_what_else_is_said_of_a_column(tmp_path: Path) -> None:
    nights = Nights(MysqlStoreRig(tmp_path), tmp_path)
    nights.ask(
        "create table people (id bigint primary key, pos int unsigned not null default 7 "
        "comment 'it''s not null default \\\\ 5, ok?' check (pos < 4000000000), "
        "n int not null auto_increment unique, "
        "v varchar(20) character set latin1 collate latin1_general_cs not null default 'é')"
    )
    nights.done(frame([1, 2], v=["é", "b"]).cast({"pos": pl.UInt32}), "id", "pos", "v")
    loose = frame([3], v=pl.Series([None], dtype=pl.String)).cast({"pos": pl.UInt64})
    nights.done(loose, "id", "pos")
    ((_, made),) = nights.ask("show create table people")
    pos = next(line for line in made.splitlines() if "`pos`" in line)
    assert "`pos` bigint(20) unsigned NOT NULL DEFAULT 7 COMMENT 'it''s not null default" in pos
    assert "CHECK" in pos
    nights.done(frame([4], n=[77], v=["c"]).cast({"pos": pl.UInt64, "n": pl.Int32}), "id", "pos")
    nights.done(frame([5], n=[2**40], v=["c"]).cast({"pos": pl.UInt64}), "id", "pos")
    ((_, made),) = nights.ask("show create table people")
    assert "`n` bigint(20) NOT NULL AUTO_INCREMENT" in made
    assert "`v` varchar(20) CHARACTER SET latin1 COLLATE latin1_general_cs" in made


def test_sqlite_keeps_indexes_triggers_views_and_keys(tmp_path: Path) -> None:
    nights = Nights(SqliteStoreRig(tmp_path), tmp_path)
    for sql in (
        "create table parents (id bigint primary key)",
        "insert into parents values (1), (2), (3)",
        'create table "people" (n integer primary key autoincrement, -- not null, ever\n'
        "[id] bigint not null references parents (id) unique, pos bigint, "
        "`v` int_16_bits default (1 + (2)) check (v <> 5), w text collate nocase not null)",
        "create table pets (owner bigint references people (id))",
        "create index by_v on people (v, w) where v > 0",
        "create view seen as select v from people",
        "create table changes (n integer)",
        "create trigger watch after insert on people begin insert into changes values (1); end",
    ):
        nights.ask(sql)
    beside = "select type, name, sql from sqlite_master where name not like '_hygge%' order by 2"
    nights.done(frame([1, 2], v=SMALL, w=["a", "b"]), "id", "w")
    nights.ask("insert into people (n, id, pos, v, w) values (50, 3, 3, 3, 'c')")
    nights.ask("delete from people where n = 50")
    before = [row for row in nights.ask(beside) if row[1] != "people"]
    nights.done(frame([3], v=[BIG], w=["c"]), "id", "w")
    assert [row for row in nights.ask(beside) if row[1] != "people"] == before
    ((sql,),) = nights.ask("select sql from sqlite_master where name = 'people'")
    assert "`v` bigint default (1 + (2)) check (v <> 5)" in sql
    assert "[id] bigint not null references parents (id) unique" in sql
    assert "w text collate nocase not null" in sql
    assert nights.ask("select n, id, v, w from people order by n") == [
        (1, 1, 1, "a"),
        (2, 2, 2, "b"),
        (51, 3, BIG, "c"),
    ]
    assert nights.ask("select v from seen order by v") == [(1,), (2,), (BIG,)]
    assert nights.ask("select count(*) from changes") == [(4,)]
    assert nights.ask("pragma foreign_key_check") == []
    assert nights.ask("pragma integrity_check") == [("ok",)]


def test_duckdb_keeps_keys_indexes_defaults_and_views(tmp_path: Path) -> None:
    nights = Nights(DuckdbStoreRig(tmp_path), tmp_path)
    nights.ask(
        "create table people (id bigint primary key, pos bigint, "
        "v smallint default 7 check (v <> 5), w varchar not null unique, x double default 1.5)"
    )
    nights.ask("create index by_x on people (x)")
    nights.ask("create view seen as select v from people")
    nights.done(frame([1, 2], v=SMALL, w=["a", "b"]), "id", "w")
    nights.done(frame([2, 3], v=[BIG, 4], w=["b", "c"]).with_columns(pos=pl.lit(9)), "id", "w")
    rows = [(1, 1, "a", 1.5), (2, BIG, "b", 1.5), (3, 4, "c", 1.5)]
    assert nights.rows("v", "w", "x").rows() == rows
    ((sql,),) = nights.ask("select sql from duckdb_tables() where table_name = 'people'")
    for word in ("v BIGINT DEFAULT", "CHECK", "PRIMARY KEY", "UNIQUE"):
        assert word in str(sql)
    assert nights.ask("select index_name from duckdb_indexes() where not is_primary") == [("by_x",)]
    assert nights.ask("select v from seen order by v") == [(1,), (4,), (BIG,)]


def test_postgres_keeps_keys_indexes_defaults_and_grants(tmp_path: Path) -> None:
    rig = PostgresStoreRig(tmp_path)
    nights = Nights(rig, tmp_path)
    nights.done(frame([1, 2], v=SMALL))
    nights.ask("alter table people alter column v set default 7, add check (v <> 5)")
    nights.ask("create index on people (v)")
    nights.ask("grant select on people to public")
    nights.done(frame([3], v=[BIG]))
    nights.ask("insert into people (id) values (9)")
    assert nights.rows("v")["v"].to_list() == [1, 2, BIG, 7]
    indexes = f"select count(*) from pg_indexes where schemaname = '{rig.schema}'"
    assert nights.ask(indexes + " and tablename not like '@_%' escape '@'") == [(2,)]
    grants = "select relacl::text like '%=r/%' from pg_class where oid = 'people'::regclass"
    assert nights.ask(grants) == [(True,)]


def test_a_column_named_in_odd_ways_becomes_wider(nights: Nights) -> None:
    odd = {"check": SMALL, 'a "b", `c`': SMALL, "primary key": SMALL, "ü(s": SMALL}
    nights.done(frame([1, 2], **odd))
    nights.done(frame([3], **{name: [BIG] for name in odd}))
    assert nights.rows(*odd).rows()[-1] == (3, BIG, BIG, BIG, BIG)


def test_types_that_a_database_has_for_several_of_ours_are_known_by_ours(nights: Nights) -> None:
    kinds = {"a": pl.Boolean(), "b": pl.Int8(), "c": pl.UInt32(), "d": pl.Datetime("ms", "UTC")}
    nights.done(frame([1], **{name: pl.Series([None], dtype=kind) for name, kind in kinds.items()}))
    known = TableSchema(tuple(Column(name, kind) for name, kind in kinds.items()))
    there = asyncio.run(nights.rig.store().standing(known))
    assert there is not None
    assert {c.name: c.type for c in there.columns if c.name in kinds} == kinds
