"""What the test server says where SQL Server would refuse to switch two tables."""

from __future__ import annotations

from typing import Any

import pytest

PLAIN = "id int not null, v nvarchar(10) null"
UNLIKE = {
    "is 4943": (f"{PLAIN}, more int null", [], "has 3 columns and table .* has 2 columns"),
    "is 4942": ("id int not null, w nvarchar(10) null", [], "at ordinal 2 .* a different name"),
    "is 4944": ("id bigint not null, v nvarchar(10) null", [], "has data type bigint in source"),
    "is 4945": (
        "id int not null, v nvarchar(10) collate Latin1_General_BIN2 null",
        [],
        "does not have the same collation",
    ),
    "is 4985": ("id int null, v nvarchar(10) null", [], "the same nullability attribute"),
    "is 4913": (
        PLAIN,
        ["create clustered columnstore index c on dbo.t"],
        "has clustered index 'c' while the table",
    ),
    "is 4947": (
        PLAIN,
        ["create unique index u on dbo.t (id)", "create index u on dbo.stg (id)"],
        "no identical index in source table .* for the index 'u'",
    ),
    "is 4970": (PLAIN, ["alter table dbo.t add constraint c check (id > 0)"], "check constraint"),
    "is 4968": (
        PLAIN,
        [
            "create table dbo.other (id int not null primary key)",
            "alter table dbo.t add constraint f foreign key (id) references dbo.other (id)",
        ],
        "has foreign key for constraint 'f'",
    ),
    "is 4967": (
        PLAIN,
        [
            "create unique index u on dbo.t (id)",
            "create unique index u on dbo.stg (id)",
            "create table dbo.other (id int null constraint f references dbo.stg (id))",
        ],
        "contains primary key for constraint 'f'",
    ),
}


@pytest.mark.parametrize("why", UNLIKE)
def test_tables_that_are_not_alike(session: Any, why: str) -> None:
    columns, statements, told = UNLIKE[why]
    session.execute(f"create table dbo.t ({PLAIN})")
    session.execute(f"create table dbo.stg ({columns})")
    session.execute("insert into dbo.stg (id) values (1)")
    for sql in statements:
        session.execute(sql)
    with pytest.raises(Exception, match=f"ALTER TABLE SWITCH statement failed.*{told}"):
        session.execute("alter table dbo.stg switch to dbo.t")
    assert session.execute("select count(*) from dbo.stg").fetchall()[0][0] == 1


def test_a_table_to_which_a_view_is_bound_is_not_dropped(session: Any) -> None:
    session.execute(f"create table dbo.t ({PLAIN})")
    session.execute("create view dbo.plain as select id from dbo.t")
    session.execute("create view dbo.bound with schemabinding as select id from dbo.t")
    with pytest.raises(Exception, match="it is being referenced by object 'bound'"):
        session.execute("drop table dbo.t")
    session.execute("drop view dbo.bound")
    session.execute("drop table dbo.t")


def test_checks_are_remembered(session: Any) -> None:
    session.execute("create table dbo.t (id int constraint low check (id < 9), check (id > 0))")
    found = session.execute("select name, definition from sys.check_constraints").fetchall()
    assert len(found) == 2
    assert ("low", "(id < 9)") in [tuple(row) for row in found]
