"""Wider columns in SQLite, which alters no type: the table is made anew, in the transaction.

Indexes and triggers are made again as they were written; views and other tables' keys go by the
name, which stays. (SQLite's documentation, "Making Other Kinds Of Table Schema Changes".)
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from hygge.core.errors import DatabaseError
from hygge.databases.database import Session, Table
from hygge.databases.definitions import Definition
from hygge.databases.dialect import in_quotes
from hygge.databases.wider import Wider


def widen(session: Session, table: Table, columns: Sequence[Wider]) -> None:
    """As Database.widen."""
    if session.rows("pragma foreign_keys")[0][0]:
        raise DatabaseError("with foreign_keys on, other tables would lose their rows")
    schema, name = table.schema or "main", table.name
    new, old, master = f"_hygge_wider_{name}", in_quotes(schema, name), f"{schema}.sqlite_master"
    ((sql,),) = session.rows(f"select sql from {master} where type = 'table' and name = ?", name)
    beside = session.rows(
        f"select sql from {master} where tbl_name = ? and type in ('index', 'trigger') "
        "and sql is not null order by type",
        name,
    )
    session.change(f"create table {in_quotes(schema, new)} {Definition.of(sql).made(columns)}")
    _copy(session, Table(name, schema), in_quotes(schema, new), columns)
    if "autoincrement" in sql.lower():
        _count_on(session, schema, name, new)
    session.change(f"drop table {old}")
    session.change(f"alter table {in_quotes(schema, new)} rename to {in_quotes(name)}")
    for (made,) in beside:
        session.change(made)


def _copy(session: Session, table: Table, new: str, columns: Sequence[Wider]) -> None:
    """In the order in which the rows lie there."""
    place = (table.name, table.schema)
    names = [row[0] for row in session.rows("select name from pragma_table_info(?, ?)", *place)]
    sql = "select wr from pragma_table_list where name = ? and schema = ?"
    order = "" if session.rows(sql, *place)[0][0] else " order by rowid"
    wider = {column.name: column for column in columns if column.native is not None}
    values = (_value(n, wider[n]) if n in wider else in_quotes(n) for n in names)
    session.change(
        f"insert into {new} ({', '.join(map(in_quotes, names))}) "
        f"select {', '.join(values)} from {in_quotes(table.schema, table.name)}{order}"
    )


def _count_on(session: Session, schema: str, name: str, new: str) -> None:
    """Numbers that were given are not given again."""
    count = f"{in_quotes(schema)}.sqlite_sequence"
    session.change(f"delete from {count} where name = ?", new)
    session.change(
        f"insert into {count} (name, seq) select ?, seq from {count} where name = ?", new, name
    )


def _value(name: str, column: Wider) -> str:
    """A value as it is written in the wider type: texts of one value are alike."""
    value = in_quotes(name)
    match column.before, column.after:
        case pl.Decimal() as one, pl.Decimal() as other:
            return _longer(value, one.scale, other.scale)
        case one, pl.Decimal() as other:
            return _longer(f"cast({value} as text)", 0, other.scale)
        case pl.Datetime(), pl.Datetime() as other:
            return _finer(value, "Z" if other.time_zone else "")
        case _, pl.UInt64():
            return f"cast({value} as text)"
    return value


def _longer(value: str, scale: int, wanted: int) -> str:
    """A decimal with more digits after the point, if it is written as we write it."""
    if scale == wanted:
        return value
    zeros = "0" * (wanted - scale)
    if scale == 0:
        return f"case when {value} glob '*[^-0-9]*' then {value} else {value} || '.{zeros}' end"
    places = f"instr({value}, '.') > 0 and length({value}) - instr({value}, '.') = {scale}"
    return f"case when {places} then {value} || '{zeros}' else {value} end"


def _finer(value: str, zone: str) -> str:
    """Milliseconds as microseconds, if they are written as we write them."""
    cut = f"substr({value}, 1, length({value}) - {len(zone)})"
    ours = f"{value} glob '*:[0-9][0-9].[0-9][0-9][0-9]{zone}'"
    return f"case when {ours} then {cut} || '000{zone}' else {value} end"
