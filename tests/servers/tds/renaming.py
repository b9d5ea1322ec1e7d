"""sp_rename: tables, columns, indexes and constraints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.servers.tds import altering, parsing, writing
from tests.servers.tds.catalog import Catalog, quoted
from tests.servers.tds.errors import SqlError

if TYPE_CHECKING:
    from tests.servers.tds.session import Session


def rename(session: Session, old: str, new: str, kind: Any) -> None:
    """`new` has one part; it is taken as it is, points and all."""
    session.transactions.defines = True
    path = parsing.named(old)
    what = str(kind or "OBJECT").upper()
    if what == "COLUMN":
        _column(session, path, new)
    elif what == "INDEX":
        _index(session, path, new)
    elif what in ("OBJECT", "USERDATATYPE"):
        _object(session, path, new)
    else:
        raise SqlError(15249, f"Error: Explicit @objtype '{what}' is unrecognized.")
    session.transactions.done()


def _unknown(name: str, what: str) -> SqlError:
    told = f"Either the parameter @objname is ambiguous or the claimed @objtype ({what}) is wrong."
    return SqlError(15248, f"{told} ({name})", 11)


def _taken(new: str, what: str) -> SqlError:
    told = f"Error: The new name '{new}' is already in use as a {what} name and would cause a "
    return SqlError(15335, told + "duplicate that is not permitted.", 11)


def _object(session: Session, path: list[str], new: str) -> None:
    writing.lock(session, path)
    writing.lock(session, [*path[:-1], new])
    database, schema, name = session.scene.place(path)
    catalog = Catalog(session.con, database.name)
    found = catalog.object(schema, name)
    if found is None:
        told = f"No item by the name of '{'.'.join(path)}' could be found in the current database "
        raise SqlError(15225, f"{told}'{database.name}'.", 11)
    number, schema, name, kind = found
    other = catalog.object(schema, new)
    if other is not None and other[0] != number:
        raise _taken(new, "object")
    if kind == "U":
        place = quoted(database.name, schema, name)
        if new.lower() == name.lower():  # DuckDB does not see the difference
            session.con.execute(f"alter table {place} rename to {quoted(new + '~')}")
            place = quoted(database.name, schema, new + "~")
        session.con.execute(f"alter table {place} rename to {quoted(new)}")
    catalog.run("update {sys}.objects set name = ? where object_id = ?", new, number)
    if kind in ("PK", "UQ"):
        catalog.run(
            "update {sys}.indexes set name = ? where name = ? and object_id ="
            " (select parent_object_id from {sys}.objects where object_id = ?)",
            *(new, name, number),
        )


def _column(session: Session, path: list[str], new: str) -> None:
    table = altering.table_of(session, path[:-1], 15248)
    column = table.column(path[-1])
    if column is None:
        raise _unknown(".".join(path), "COLUMN")
    other = table.column(new)
    if other is not None and other is not column:
        raise _taken(new, "COLUMN")
    place, name = table.place, column.name
    if other is column:
        session.con.execute(
            f"alter table {place} rename column {quoted(name)} to {quoted(new + '~')}"
        )
        name = new + "~"
    session.con.execute(f"alter table {place} rename column {quoted(name)} to {quoted(new)}")
    Catalog(session.con, table.database).run(
        "update {sys}.columns set name = ? where object_id = ? and column_id = ?",
        *(new, table.number, column.number),
    )


def _index(session: Session, path: list[str], new: str) -> None:
    table = altering.table_of(session, path[:-1], 15248)
    catalog = Catalog(session.con, table.database)
    found = [i for i in table.indexes if i.name.lower() == path[-1].lower()]
    if not found:
        raise _unknown(".".join(path), "INDEX")
    catalog.run(
        "update {sys}.indexes set name = ? where object_id = ? and index_id = ?",
        *(new, table.number, found[0].number),
    )
    catalog.run(
        "update {sys}.objects set name = ? where parent_object_id = ? and name = ?",
        *(new, table.number, found[0].name),
    )
