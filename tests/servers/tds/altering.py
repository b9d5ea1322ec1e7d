"""ALTER TABLE and ALTER DATABASE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp
from tests.servers.tds import (
    declaring,
    facts,
    inserting,
    switching,
    tables,
    tracking,
    uniqueness,
    writing,
)
from tests.servers.tds.catalog import Catalog, Column, Table, quoted
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import TEXTS
from tests.servers.tds.server import Database
from tests.servers.tds.words import Cursor, parted

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_SOON = 0.005


def table_of(session: Session, path: Sequence[str], missing: int = 4902) -> Table:
    """A table that is about to be changed: others wait. Raises SqlError if it is not there."""
    writing.lock(session, path)
    found = session.scene.table(path)
    if found is None:
        told = f'Cannot find the object "{".".join(path)}" because it does not exist or you do '
        raise SqlError(missing, told + "not have permissions.")
    return found


def table(session: Session, at: Cursor) -> None:
    found = table_of(session, at.path())
    catalog = Catalog(session.con, found.database)
    if at.skip("with"):
        at.next()  # check or nocheck
    if at.skip("add"):
        _add(session, catalog, found, at)
    elif at.skip("alter", "column"):
        _alter_column(session, catalog, found, at)
    elif at.skip("drop"):
        _drop(session, catalog, found, at)
    elif at.skip("switch"):
        at.until("to")
        at.must("to")
        switching.switch(session, catalog, found, table_of(session, at.path(), 1088))
    elif at.skip("enable", "change_tracking"):
        tracking.start(catalog, session.server.database(found.database), found)
    elif at.skip("disable", "change_tracking"):
        tracking.stop(catalog, found)


def _add(session: Session, catalog: Catalog, found: Table, at: Cursor) -> None:
    made = declaring.declared(at.sql, at.words[at.at :])
    last = max(c.number for c in found.columns)
    columns = [replace(c, number=last + c.number) for c in made.columns]
    for column in columns:
        if found.column(column.name) is not None:
            told = (
                f"Column name '{column.name}' in table '{found.told}' is specified more than once."
            )
            raise SqlError(2705, f"Column names in each table must be unique. {told}")
        _add_column(session, found, column, made)
    tables.add_columns(catalog, found.number, columns, made)
    schema = catalog.schema(found.schema)
    assert schema is not None
    for key in made.keys:
        tables.add_key(catalog, found.number, schema[0], found.name, key)
        _need_values(catalog, found, [name for name, _ in key.columns] if key.primary else [])
        again = catalog.table(found.schema, found.name)
        assert again is not None
        uniqueness.check(catalog, again, -1)
    for reference in made.references:
        tables.add_reference(session, catalog, found.number, schema[0], found.name, reference)
    tables.add_checks(catalog, found.number, schema[0], found.name, made)


def _add_column(session: Session, found: Table, column: Column, made: declaring.Declared) -> None:
    con, name = session.con, quoted(column.name)
    kind = tables.collated(column, made.collations.get(column.name))
    filled = column.seed is not None or column.kind.name == "rowversion"
    needs = not column.nullable and not filled and column.default is None
    if needs and con.execute(f"from {found.place} limit 1").fetchone() is not None:
        told = "ALTER TABLE only allows columns to be added that can contain nulls, or have a "
        told += f"DEFAULT definition specified: column '{column.name}' does not satisfy these."
        raise SqlError(4901, told)
    value = inserting.filled(session, found, column)
    has = column.default is not None and not column.nullable
    given = f" default {value}" if has else ""
    con.execute(f"alter table {found.place} add column {name} {kind}{given}")
    if has:
        con.execute(f"alter table {found.place} alter column {name} drop default")
    if not column.nullable and column.kind.name != "rowversion":
        con.execute(f"alter table {found.place} alter column {name} set not null")
    if filled and not has:
        con.execute(f"update {found.place} set {name} = {value}")


def _need_values(catalog: Catalog, found: Table, names: Sequence[str]) -> None:
    """A primary key is on columns that are NOT NULL already."""
    for name in names:
        column = found.column(name)
        if column is not None and column.nullable:
            told = (
                f"Cannot define PRIMARY KEY constraint on nullable column in table '{found.name}'."
            )
            raise SqlError(8111, told)


def _alter_column(session: Session, catalog: Catalog, found: Table, at: Cursor) -> None:
    old = found.column(at.next().name)
    if old is None:
        told = f"ALTER TABLE ALTER COLUMN failed because column does not exist in '{found.name}'."
        raise SqlError(4924, told)
    kind = declaring.kind(at)
    collation = at.next().name if at.skip("collate") else None
    nullable = not at.skip("not", "null")
    new = replace(old, kind=kind, nullable=nullable)
    con, place, name = session.con, found.place, quoted(old.name)
    if not nullable and not old.nullable:
        con.execute(f"alter table {place} alter column {name} drop not null")
    if kind != old.kind:
        value = writing.stored(found, new, exp.column(old.name, quoted=True), old.kind)
        stored = tables.collated(new, collation)
        con.execute(f"alter table {place} alter column {name} set data type {stored} using {value}")
    if nullable and not old.nullable:
        con.execute(f"alter table {place} alter column {name} drop not null")
    elif not nullable:
        con.execute(f"alter table {place} alter column {name} set not null")
    numbers = facts.facts(kind)
    shown = collation or tables.COLLATION if kind.name in TEXTS else None
    catalog.run(
        "update {sys}.columns set kind = ?, system_type_id = ?, user_type_id = ?, max_length = ?,"
        " precision = ?, scale = ?, is_nullable = ?, collation_name = ?"
        " where object_id = ? and column_id = ?",
        *(str(kind), *numbers, nullable, shown, found.number, old.number),
    )


def _drop(session: Session, catalog: Catalog, found: Table, at: Cursor) -> None:
    is_column = at.skip("column")
    if not is_column:
        at.skip("constraint")
    quiet = at.skip("if", "exists")
    for part in parted(at.words[at.at :]):
        name = part[0].name
        if is_column:
            _drop_column(session, catalog, found, name, quiet)
        else:
            _drop_constraint(catalog, found, name, quiet)


def _drop_column(session: Session, catalog: Catalog, found: Table, name: str, quiet: bool) -> None:
    column = found.column(name)
    if column is None:
        if quiet:
            return
        told = f"ALTER TABLE DROP COLUMN failed because column '{name}' does not exist in table "
        raise SqlError(4924, told + f"'{found.name}'.")
    if any(name.lower() in map(str.lower, index.columns) for index in found.indexes):
        told = f"ALTER TABLE DROP COLUMN {name} failed because one or more objects access this "
        raise SqlError(4922, told + "column.")
    session.con.execute(f"alter table {found.place} drop column {quoted(column.name)}")
    catalog.run(
        "delete from {sys}.columns where object_id = ? and column_id = ?",
        *(found.number, column.number),
    )


def _drop_constraint(catalog: Catalog, found: Table, name: str, quiet: bool) -> None:
    key = catalog.rows(
        "select object_id from {sys}.objects where parent_object_id = ? and lower(name) = lower(?)",
        *(found.number, name),
    )
    default = catalog.rows(
        "select column_id from {sys}.columns where object_id = ?"
        " and lower(default_name) = lower(?)",
        *(found.number, name),
    )
    if not key and not default and not quiet:
        raise SqlError(3728, f"'{name}' is not a constraint.")
    for (column,) in default:
        catalog.run(
            "update {sys}.columns set default_text = null, default_name = null"
            " where object_id = ? and column_id = ?",
            *(found.number, column),
        )
    for (number,) in key:
        catalog.run("delete from {sys}.objects where object_id = ?", number)
        catalog.run("delete from {sys}.foreign_keys where object_id = ?", number)
        catalog.run("delete from {sys}.foreign_key_columns where constraint_object_id = ?", number)
    for index, kind in catalog.rows(
        "select index_id, type from {sys}.indexes where object_id = ? and lower(name) = lower(?)",
        *(found.number, name),
    ):
        forget_index(catalog, found.number, int(index), clustered=kind in (1, 5))


def forget_index(catalog: Catalog, number: int, index: int, *, clustered: bool) -> None:
    """Without a clustered one, the table is a heap again."""
    for name in ("indexes", "index_columns"):
        catalog.run(
            f"delete from {{sys}}.{name} where object_id = ? and index_id = ?", number, index
        )
    if clustered:
        catalog.add("indexes", number, 0, None, 0, False, False, False)


def restart_identity(catalog: Catalog, found: Table) -> None:
    """After TRUNCATE it counts from its seed again."""
    for column in found.columns:
        if column.seed is not None:
            place = quoted(found.database, "sys", f"identity_{found.number}")
            catalog.con.execute(f"drop sequence {place}")
            catalog.con.execute(
                f"create sequence {place} start {column.seed} increment {column.step}"
            )


def database(session: Session, at: Cursor) -> None:
    name = at.next().name
    found = session.database if name.lower() == "current" else session.server.database(name)
    at.must("set")
    what, rest = at.next().low, " ".join(word.low for word in at.words[at.at :])
    on = rest.startswith(("on", "= on"))
    if what == "allow_snapshot_isolation":
        found.snapshot = on
    elif what == "read_committed_snapshot":
        found.rcsi = on
    elif what == "change_tracking":
        found.tracked = not rest.startswith("= off")
    elif what == "single_user":
        _alone(session, found)


def _alone(session: Session, found: Database) -> None:
    """Everybody else has to go, and has gone when this is over."""

    def others() -> list[Session]:
        everybody = list(session.server.sessions.values())
        return [s for s in everybody if s is not session and found in (s.database, s.home)]

    for one in others():
        one.hang_up()
    while others() and not session.stopped.wait(_SOON):
        pass
