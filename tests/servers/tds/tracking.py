"""Change tracking: which keys were written, since which version."""

from __future__ import annotations

import duckdb
from tests.servers.tds.catalog import Catalog, Table, quoted
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import Kind
from tests.servers.tds.server import Database
from tests.servers.tds.views import View


def keys(table: Table, alias: str) -> str:
    """The key's values, as they are kept."""
    cells = ", ".join(f"cast({alias}.{quoted(name)} as varchar)" for name in table.key)
    return f"array_to_string([{cells}], chr(31))"


def note(catalog: Catalog, table: Table, session: int, operation: str, source: str) -> None:
    """`source` is what follows FROM: rows that have been written, or will be, as `x`."""
    catalog.run(
        f"insert into {{sys}}.changes select {-session}, {table.number}, '{operation}',"
        f" {keys(table, 'x')} from {source}"
    )


def changes(table: Table, since: int) -> View:
    """CHANGETABLE(CHANGES …): the net of what happened to each key."""
    if not table.tracked:
        told = f"Change tracking is not enabled on table '{table.told}'."
        raise SqlError(22105, told)
    sys = quoted(table.database, "sys")
    found = [
        ("SYS_CHANGE_VERSION", Kind("bigint")),
        ("SYS_CHANGE_CREATION_VERSION", Kind("bigint")),
    ]
    found += [("SYS_CHANGE_OPERATION", Kind("nchar", 1))]
    found += [("SYS_CHANGE_COLUMNS", Kind("varbinary", 4100))]
    found += [("SYS_CHANGE_CONTEXT", Kind("varbinary", 128))]
    cells = []
    for n, name in enumerate(table.key, 1):
        column = table.column(name)
        assert column is not None
        found.append((name, column.kind))
        cells.append(
            f"cast(string_split(key_values, chr(31))[{n}] as {column.kind.stored})"
            f" as {quoted(name)}"
        )
    first = "arg_min(operation, number)"
    last = "arg_max(operation, number)"
    operation = f"case when {last} = 'D' then 'D' when {first} = 'I' then 'I' else 'U' end"
    query = (
        f"select max(version) as SYS_CHANGE_VERSION, min(version) as SYS_CHANGE_CREATION_VERSION,"
        f" {operation} as SYS_CHANGE_OPERATION, cast(null as blob) as SYS_CHANGE_COLUMNS,"
        f" cast(null as blob) as SYS_CHANGE_CONTEXT, {', '.join(cells)}"
        f" from (select *, rowid as number from {sys}.changes"
        f" where object_id = {table.number} and version > {since}) c group by key_values"
        f" having not ({first} = 'I' and {last} = 'D')"
    )
    return View(query, tuple(found))


def min_version(
    con: duckdb.DuckDBPyConnection, database: Database, number: int | None
) -> int | None:
    found = Catalog(con, database.name).rows(
        "select min_version from {sys}.tracked where object_id = ?", number
    )
    return int(found[0][0]) if found else None


def start(catalog: Catalog, database: Database, table: Table) -> None:
    """ALTER TABLE … ENABLE CHANGE_TRACKING."""
    if not database.tracked:
        told = f"Change tracking must be enabled on database '{database.name}' before it can be "
        raise SqlError(4996, told + f"enabled on table '{table.name}'.")
    if not table.key:
        told = f"Cannot enable change tracking on table '{table.name}'. It has no primary key."
        raise SqlError(4997, told)
    if table.tracked:
        raise SqlError(4996, f"Change tracking is already enabled for table '{table.name}'.")
    catalog.add("tracked", table.number, database.version)


def stop(catalog: Catalog, table: Table) -> None:
    for name in ("tracked", "changes"):
        catalog.run(f"delete from {{sys}}.{name} where object_id = ?", table.number)


def restart(catalog: Catalog, table: Table, session: int) -> None:
    """After TRUNCATE: what was known of its changes is no longer to be used."""
    catalog.run("delete from {sys}.changes where object_id = ?", table.number)
    catalog.run("delete from {sys}.tracked where object_id = ?", table.number)
    catalog.add("tracked", table.number, -session)
