"""The page of all statements that SQL Server is sent is what is really sent."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.docs.mssql_recording import MERGE, ROWS, Recording, home, recorded, store
from tests.rigs import mssql

from hygge.databases.mssql_line import _MANNERS
from hygge.homes import sql_slices

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "mssql-statements.md"
LEARN = "https://learn.microsoft.com/sql"
T_SQL, RELATIONAL = f"{LEARN}/t-sql", f"{LEARN}/relational-databases"
RESTS_ON = {
    r"sp_getapplock": f"{RELATIONAL}/system-stored-procedures/sp-getapplock-transact-sql",
    r"sp_rename": f"{RELATIONAL}/system-stored-procedures/sp-rename-transact-sql",
    r"sp_describe_first": f"{RELATIONAL}/system-stored-procedures/"
    "sp-describe-first-result-set-transact-sql",
    r"min_active_rowversion": f"{T_SQL}/functions/min-active-rowversion-transact-sql",
    r"order by \[": f"{T_SQL}/queries/select-order-by-clause-transact-sql",
    r"isolation level": f"{T_SQL}/statements/set-transaction-isolation-level-transact-sql",
    r"xact_abort": f"{T_SQL}/statements/set-xact-abort-transact-sql",
    r"lock_timeout": f"{T_SQL}/statements/set-lock-timeout-transact-sql",
    r"holdlock|with \(tablock": f"{T_SQL}/queries/hints-transact-sql-table",
    r"dm_tran_": f"{RELATIONAL}/system-dynamic-management-views/"
    "sys-dm-tran-database-transactions-transact-sql",
    r"sys\.columns": f"{RELATIONAL}/system-catalog-views/sys-columns-transact-sql",
    r"sys\.index_columns": f"{RELATIONAL}/system-catalog-views/sys-index-columns-transact-sql",
    r"sys\.databases": f"{RELATIONAL}/system-catalog-views/sys-databases-transact-sql",
    r"sys\.partitions": f"{RELATIONAL}/system-catalog-views/sys-partitions-transact-sql",
    r"^create table|then null create|null create table": f"{T_SQL}/statements/"
    "create-table-transact-sql",
    r"^create schema": f"{T_SQL}/statements/create-schema-transact-sql",
    r"^create index": f"{T_SQL}/statements/create-index-transact-sql",
    r"columnstore": f"{T_SQL}/statements/create-columnstore-index-transact-sql",
    r"switch to|sql_expression_dependencies x": "https://learn.microsoft.com/previous-versions/sql/"
    "sql-server-2008-r2/ms191160(v=sql.105)",
    r"^truncate table": f"{T_SQL}/statements/truncate-table-transact-sql",
    r"has_perms_by_name": f"{T_SQL}/functions/has-perms-by-name-transact-sql",
    r"sys\.tables": f"{RELATIONAL}/system-catalog-views/sys-tables-transact-sql",
    r"sys\.indexes": f"{RELATIONAL}/system-catalog-views/sys-indexes-transact-sql",
    r"sys\.foreign_keys": f"{RELATIONAL}/system-catalog-views/sys-foreign-keys-transact-sql",
    r"sys\.sql_expression": f"{RELATIONAL}/system-catalog-views/"
    "sys-sql-expression-dependencies-transact-sql",
    r"sys\.security_predicates": f"{RELATIONAL}/system-catalog-views/"
    "sys-security-predicates-transact-sql",
    r"^alter table": f"{T_SQL}/statements/alter-table-transact-sql",
    r"^drop table": f"{T_SQL}/statements/drop-table-transact-sql",
    r"bulk load": "https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/"
    "88176081-df75-4b24-bcfb-4c16ff03cbfa",
    r"^update": f"{T_SQL}/queries/update-transact-sql",
    r"^insert": f"{T_SQL}/statements/insert-transact-sql",
    r"^delete": f"{T_SQL}/statements/delete-transact-sql",
    r"^begin transaction": f"{T_SQL}/language-elements/begin-transaction-transact-sql",
    r"over \(": f"{T_SQL}/queries/select-over-clause-transact-sql",
    r"\btop \(": f"{T_SQL}/queries/top-transact-sql",
    r"count_big": f"{T_SQL}/functions/count-big-transact-sql",
}
_BREAKS = re.compile(r" (from|where|left join|join|group by|order by|set|values|create table) ")
HEAD = """# What hygge sends to SQL Server

Every statement, in the order in which it is first sent, recorded while it was sent by a test.
It is for people who know SQL Server to read; what they find, we mend. `?` are bound parameters,
`<load>` is the load's name, `<tries>` and `<index>` are numbers and names that are new each
time. Our tests run them against a server of our own that speaks the same protocol: it does not
prove what SQL Server makes of them. `HYGGE_TEST_MSSQL_URL` lets the same tests run on any real
one.
"""


def recording(tmp: Path, patch: pytest.MonkeyPatch) -> Recording:
    schema = f"doc_{secrets.token_hex(6)}"
    made = Recording(tmp)
    with recorded(made, patch):
        made.begin("Each connection, first")
        made.note(_MANNERS.replace("{wait}", "60000"))
        made.begin("A full load into a table that is not there")
        made.load(ROWS, f"{schema}.people", keys=["id"])
        made.begin("A full load into a table that is there, by SWITCH")
        made.load(ROWS, f"{schema}.people", keys=["id"])
        _more_full_loads(made, schema)
        made.begin("A full load of other columns")
        made.load(ROWS.drop("name"), f"{schema}.people", keys=["id"])
        made.begin("An append, into a new table")
        made.load(ROWS, f"{schema}.log", run_type="incremental", watermark="at", write="append")
        made.begin("An append, then")
        later = ROWS.with_columns(pl.col("at") + pl.duration(days=30), pl.col("id") + 10)
        more = later.with_columns(pl.col("id").cast(pl.Decimal(20, 0)), more=pl.lit(1.5))
        made.load(more, f"{schema}.log", run_type="incremental", watermark="at", write="append")
        made.begin("A merge, into a new table")
        made.load(ROWS, f"{schema}.merged", **MERGE)
        made.begin("A merge, into a new table of columns")
        made.load(ROWS, f"{schema}.columns", {"create": "columnstore"}, **MERGE)
        made.begin("`if_exists: replace`, with a merge")
        mssql.ask(f"create table {schema}.theirs (id bigint, name nvarchar(9), at datetime2(6))")
        mssql.ask(f"insert into {schema}.theirs (id) values (7)")
        made.load(ROWS, f"{schema}.theirs", {"if_exists": "replace"}, **MERGE)
        made.begin("A merge of several rows of a key")
        twice = pl.concat([later, later.with_columns(pl.col("at") + pl.duration(days=1))])
        made.load(twice, f"{schema}.merged", **MERGE)
        made.begin("A merge that finds rows gone, and marks them")
        soft: dict[str, Any] = {
            "deletes": "soft",
            "detect_deletes": "by_key_compare",
            "max_delete_fraction": 1,
        }
        made.load(ROWS, f"{schema}.marked", **MERGE, **soft)
        made.load(later.head(2), f"{schema}.marked", **MERGE, **soft)
        made.begin("Reading what is new in a table")
        source = f"{schema}.people"
        made.run(home(table=source), store(f"{schema}.copy"), **MERGE)
        made.run(home(table=source), store(f"{schema}.copy"), **MERGE)
        made.begin("Reading a query")
        made.run(home(query=f"select id from {source}"), store(f"{schema}.ids"))
        made.begin("Reading by rowversion")
        mssql.ask(f"create table {schema}.versions (id int not null primary key, rv rowversion)")
        mssql.ask(f"insert into {schema}.versions (id) values (1), (2)")
        made.run(
            home(table=f"{schema}.versions"),
            store(f"{schema}.followed"),
            run_type="incremental",
            watermark="rv",
            keys=["id"],
        )
        made.begin("Reading in ranges")
        parts = home(table=source, partition_by="id", partitions=2)
        made.run(parts, store(f"{schema}.parts"))
        made.begin("Reading by statements of `max_statement_seconds`, each over at once")
        mssql.ask(
            f"create table {schema}.orders "
            "(shop int not null, id int not null, primary key (shop, id))"
        )
        mssql.ask(f"insert into {schema}.orders values (1, 1), (1, 2)")
        hours = iter(range(0, 10**9, 3600))
        patch.setattr(sql_slices, "_clock", lambda: next(hours))
        slices = home(table=f"{schema}.orders", max_statement_seconds=5)
        made.run(slices, store(f"{schema}.slices"))
    return made


def _more_full_loads(made: Recording, schema: str) -> None:
    """Into a table that there is, by other ways; and into new ones of another shape."""
    made.begin("A full load into a table that has a trigger, by DELETE and INSERT")
    mssql.ask(f"create trigger {schema}.watch on {schema}.people after insert as select 1")
    made.load(ROWS, f"{schema}.people", keys=["id"])
    mssql.ask(f"drop trigger {schema}.watch")
    made.begin("A full load with `swap: rename`")
    made.load(ROWS, f"{schema}.people", {"swap": "rename"}, keys=["id"])
    made.begin("A full load with a `staging_schema`")
    made.load(ROWS, f"{schema}.beside", {"staging_schema": f"{schema}_staging"}, keys=["id"])
    made.begin("A full load with `create: columnstore`, into a new table and again")
    for _ in range(2):
        made.load(ROWS, f"{schema}.wide", {"create": "columnstore"})
    made.begin("A full load with `create: rowstore_pk`, into a new table and again")
    for _ in range(2):
        made.load(ROWS, f"{schema}.keyed", {"create": "rowstore_pk"}, keys=["name", "id"])


def page(made: Recording) -> str:
    told = [HEAD]
    for title, statements in made.chapters:
        told.append(f"## {title}\n")
        for sql in statements:
            found = sorted({url for word, url in RESTS_ON.items() if re.search(word, sql)})
            rests = "".join(f"\n[{url.rpartition('/')[2]}]({url})" for url in found)
            block = f"```sql\n{shown(sql)}\n```\n{rests.lstrip()}\n"
            told.append(block.replace("\n\n\n", "\n\n"))
    return "\n".join(told)


def shown(sql: str) -> str:
    """A long one in several lines."""
    if sql.startswith("select case when"):
        sql = re.sub(r" (then N'|or (?=[txy]\.|exists|\())", r"\n    \1", sql)
        return re.sub(r" (when (?=t\.|exists)|end from )", r"\n  \1", sql)
    return _BREAKS.sub(r"\n  \1 ", sql) if len(sql) > 90 else sql


@pytest.mark.timeout(120)
def test_the_page_tells_what_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = page(recording(tmp_path, monkeypatch))
    if os.environ.get("HYGGE_GOLDEN") == "write":
        PAGE.write_text(found)
    assert PAGE.read_text() == found, (
        "HYGGE_GOLDEN=write pytest tests/docs/test_mssql_statements.py"
    )
