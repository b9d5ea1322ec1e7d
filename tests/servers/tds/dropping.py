"""DROP and TRUNCATE."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from tests.servers.tds import altering, tracking, writing
from tests.servers.tds.batches import Leaf
from tests.servers.tds.catalog import SCHEMAS, Catalog, quoted
from tests.servers.tds.errors import SqlError
from tests.servers.tds.packets import Streamed
from tests.servers.tds.words import Cursor, parted

if TYPE_CHECKING:
    from tests.servers.tds.session import Session


def truncate(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    at = leaf.cursor()
    at.must("truncate", "table")
    path = at.path()
    session.transactions.defines = True
    table = altering.table_of(session, path, 4701)
    catalog = Catalog(session.con, table.database)
    if catalog.rows(
        "select 1 from {sys}.foreign_keys where referenced_object_id = ?", table.number
    ):
        told = f"Cannot truncate table '{table.name}' because it is being referenced by a FOREIGN "
        raise SqlError(4712, told + "KEY constraint.")
    session.con.execute(f"delete from {table.place}")
    if table.tracked:
        session.transactions.tracked = session.server.database(table.database)
        tracking.restart(catalog, table, session.id)
    altering.restart_identity(catalog, table)
    session.transactions.done()


def drop(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    at = leaf.cursor()
    session.transactions.defines = True
    at.must("drop")
    what = at.next().low
    quiet = at.skip("if", "exists")
    for part in parted(at.words[at.at :]):
        _DROPPED.get(what, _drop_object)(session, Cursor(at.sql, part), quiet)
    session.transactions.done()


def _missing(what: str, name: str, number: int = 3701) -> SqlError:
    told = f"Cannot drop the {what} '{name}', because it does not exist or you do not have "
    return SqlError(number, told + "permission.", 11)


def _drop_object(session: Session, at: Cursor, quiet: bool) -> None:
    """A table, view or trigger."""
    path = at.path()
    writing.lock(session, path)
    database, schema, name = session.scene.place(path)
    catalog = Catalog(session.con, database.name)
    found = catalog.object(schema, name)
    if found is None:
        if quiet:
            return
        raise _missing("table", ".".join(path))
    number, schema, name, kind = found
    if kind == "U":
        _drop_table(catalog, number, schema, name)
    catalog.forget(number)


def _drop_table(catalog: Catalog, number: int, schema: str, name: str) -> None:
    if catalog.rows(
        "select 1 from {sys}.foreign_keys where referenced_object_id = ? and parent_object_id <> ?",
        number,
        number,
    ):
        told = (
            f"Could not drop object '{name}' because it is referenced by a FOREIGN KEY constraint."
        )
        raise SqlError(3726, told)
    bound = "select referencing_id from {sys}.dependencies where referenced_id = ?"
    for (other,) in catalog.rows(bound, number):
        ((view,),) = catalog.rows("select name from {sys}.objects where object_id = ?", other)
        told = f"Cannot DROP TABLE '{name}' because it is being referenced by object '{view}'."
        raise SqlError(3729, told)
    catalog.con.execute(f"drop table {quoted(catalog.database, schema, name)}")
    catalog.con.execute(
        f"drop sequence if exists {quoted(catalog.database, 'sys', f'identity_{number}')}"
    )


def _drop_schema(session: Session, at: Cursor, quiet: bool) -> None:
    name = at.next().name
    catalog = Catalog(session.con, session.database.name)
    session.transactions.write(session.database, stopped=session.stopped.is_set)
    found = catalog.schema(name)
    if found is None or name.lower() in SCHEMAS:
        if quiet and found is None:
            return
        raise SqlError(15151, _missing("schema", name).text)
    if catalog.rows("select 1 from {sys}.objects where schema_id = ?", found[0]):
        told = f"Cannot drop schema '{name}' because it is being referenced by an object."
        raise SqlError(3729, told)
    catalog.run("delete from {sys}.schemas where schema_id = ?", found[0])
    session.con.execute(f"drop schema {quoted(session.database.name, found[1])}")


def _drop_database(session: Session, at: Cursor, quiet: bool) -> None:
    name = at.next().name
    if quiet and name.lower() not in session.server.databases:
        return
    if name.lower() not in session.server.databases:
        raise _missing("database", name)
    found = session.server.database(name)
    sessions = list(session.server.sessions.values())
    if any(one.database is found or one.home is found for one in sessions):
        told = f'Cannot drop database "{name}" because it is currently in use.'
        raise SqlError(3702, told)
    session.transactions.rollback()
    session.server.drop(name)


def _drop_index(session: Session, at: Cursor, quiet: bool) -> None:
    path = at.path()
    table = altering.table_of(session, at.path() if at.skip("on") else path[:-1])
    catalog = Catalog(session.con, table.database)
    found = catalog.rows(
        "select index_id, type from {sys}.indexes where object_id = ? and lower(name) = lower(?)",
        *(table.number, path[-1]),
    )
    if not found and not quiet:
        raise _missing("index", f"{table.told}.{path[-1]}")
    for index, kind in found:
        altering.forget_index(catalog, table.number, int(index), clustered=kind in (1, 5))


_DROPPED: Final[dict[str, Callable[[Session, Cursor, bool], None]]] = {
    "schema": _drop_schema,
    "database": _drop_database,
    "index": _drop_index,
}
