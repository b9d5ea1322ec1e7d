"""CREATE, DROP and TRUNCATE; what ALTER does is elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sqlglot import exp
from tests.servers.tds import altering, answering, inserting, parsing, tables, uniqueness, writing
from tests.servers.tds.batches import Leaf
from tests.servers.tds.catalog import Catalog, Column, Table, next_id
from tests.servers.tds.declaring import Declared, declared, ordered
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import Kind, kind_of
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Queries
from tests.servers.tds.server import now
from tests.servers.tds.words import Cursor, parted

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_INDEX: Final = ("unique", "clustered", "nonclustered", "columnstore", "index")


def create(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    at = leaf.cursor()
    session.transactions.defines = True
    at.must("create")
    replaces = at.skip("or", "alter")
    what = at.peek()
    if what in _INDEX:
        _index(session, at)
    elif what in _CREATED:
        at.next()
        _CREATED[what](session, at, replaces)
    elif what not in ("statistics", "user", "login", "role"):
        raise SqlError(50000, f"CREATE {what.upper()} is not to be had here.")
    session.transactions.done()


def _table(session: Session, at: Cursor, replaces: bool) -> None:
    path = at.path()
    writing.lock(session, path)
    made = declared(at.sql, at.group())
    made.columns = _computed(made.columns)
    tables.make(session, path, made)


def _computed(columns: list[Column]) -> list[Column]:
    """The kind of a computed column: it is what its expression gives, and kept as a text else."""
    known = {c.name.lower(): c.kind for c in columns if c.computed is None}
    made = []
    for column in columns:
        if column.computed is not None:
            words = [known.get(w.name.lower()) for w in Cursor(column.computed).words]
            kinds = [kind for kind in words if kind is not None]
            kind = parsing.joined(kinds) or Kind("nvarchar", 4000)
            column = replace(column, kind=kind)
        made.append(column)
    return made


def _schema(session: Session, at: Cursor, replaces: bool) -> None:
    name = at.next().name
    catalog = Catalog(session.con, session.database.name)
    what = (session.database.name.lower(), "", name.lower())
    session.transactions.write(session.database, what, stopped=session.stopped.is_set)
    if catalog.schema(name) is not None:
        raise SqlError(2714, f"There is already an object named '{name}' in the database.")
    tables.make_schema(catalog, name)


def _database(session: Session, at: Cursor, replaces: bool) -> None:
    if session.transactions.depth:
        told = "CREATE DATABASE statement not allowed within multi-statement transaction."
        raise SqlError(226, told)
    session.server.create(at.next().name)


def _view(session: Session, at: Cursor, replaces: bool) -> None:
    path = at.path()
    writing.lock(session, path)
    bound = "schemabinding" in [word.low for word in at.until("as")]
    at.must("as")
    text = at.sql[at.words[at.at].start :].strip().rstrip(";")
    catalog, schema, name = tables.catalog_for(session, path)
    tree = parsing.parsed(text)
    outputs = Queries(session.scene).query(tree)
    found = catalog.object(schema, name)
    if found is not None and not (replaces and found[3] == "V"):
        raise SqlError(2714, f"There is already an object named '{name}' in the database.")
    if found is not None:
        catalog.forget(found[0])
    described = session.con.execute(f"describe {tree.sql('duckdb', copy=False)}").fetchall()
    columns = [
        Column(n, column, kind or kind_of(str(row[1])), True)
        for n, ((column, kind), row) in enumerate(zip(outputs, described, strict=True), 1)
    ]
    number, schema_id = next_id(), (catalog.schema(schema) or (1,))[0]
    catalog.add("objects", number, schema_id, name, "V", 0, now(), text)
    tables.add_columns(catalog, number, columns, Declared())
    for one in parsing.parsed(text).find_all(exp.Table) if bound else ():
        if (table := session.scene.table(parsing.path_of(one))) is not None:
            catalog.add("dependencies", number, table.number)


def _trigger(session: Session, at: Cursor, replaces: bool) -> None:
    """It is remembered, and never runs."""
    path = at.path()
    at.must("on")
    table = altering.table_of(session, at.path())
    catalog = Catalog(session.con, table.database)
    schema = catalog.schema(table.schema)
    assert schema is not None
    catalog.add("objects", next_id(), schema[0], path[-1], "TR", table.number, now(), at.sql)


def _index(session: Session, at: Cursor) -> None:
    unique = at.skip("unique")
    clustered = at.skip("clustered")
    at.skip("nonclustered")
    store = at.skip("columnstore")
    at.must("index")
    name = at.next().name
    at.must("on")
    table = altering.table_of(session, at.path())
    catalog = Catalog(session.con, table.database)
    columns = ordered(at) if at.peek() == "(" else ()
    kind = (5 if clustered else 6) if store else 1 if clustered else 2
    known = catalog.rows("select name, type from {sys}.indexes where object_id = ?", table.number)
    if name.lower() in [str(n).lower() for n, _ in known]:
        told = f"The operation failed because an index or statistics with name '{name}' already "
        raise SqlError(1913, told + f"exists on table '{table.told}'.")
    if clustered and any(k in (1, 5) for _, k in known):
        told = f"Cannot create more than one clustered index on table '{table.told}'."
        raise SqlError(1902, told)
    names = [column for column, _ in columns]
    take = tables.numbered if store else partial(tables.keyed, table=table.told)
    numbers = take(catalog, table.number, names=names)
    downs = [down for _, down in columns]
    pairs = list(zip(numbers, downs, strict=True))
    catalog.add_index(table.number, name, pairs, kind=kind, unique=unique)
    if unique:
        _check_unique(catalog, table)
    if at.skip("include"):
        _include(catalog, table, name, [part[0].name for part in parted(at.group())])


def _include(catalog: Catalog, table: Table, name: str, columns: list[str]) -> None:
    ((index,),) = catalog.rows(
        "select index_id from {sys}.indexes where object_id = ? and name = ?", table.number, name
    )
    for n, column in enumerate(tables.numbered(catalog, table.number, columns), 100):
        catalog.add("index_columns", table.number, index, n, column, 0, False, True)


def _check_unique(catalog: Catalog, table: Table) -> None:
    """What lies there already. The error of CREATE INDEX is another one."""
    made = catalog.table(table.schema, table.name)
    assert made is not None
    try:
        uniqueness.check(catalog, made, -1)
    except SqlError as failed:
        told = "The CREATE UNIQUE INDEX statement terminated because a duplicate key was found. "
        raise SqlError(1505, told + failed.text) from None


_CREATED: Final[dict[str, Callable[[Session, Cursor, bool], None]]] = {
    "table": _table,
    "schema": _schema,
    "database": _database,
    "view": _view,
    "trigger": _trigger,
}


def alter(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    at = leaf.cursor()
    session.transactions.defines = True
    at.must("alter")
    if at.skip("table"):
        altering.table(session, at)
    elif at.skip("database"):
        altering.database(session, at)
    elif at.skip("view"):
        _view(session, at, True)
    session.transactions.done()


def select_into(session: Session, tree: Any, out: Streamed, token: int) -> None:
    """A new table of what a query gives."""

    path = parsing.path_of(tree.args["into"].this)
    session.transactions.defines = True
    writing.lock(session, path)
    queries = Queries(session.scene)
    outputs = queries.query(tree)
    text = tree.sql("duckdb", copy=False)
    none = f"select * from ({text}) limit 0"
    described = session.con.execute(none, queries.bound(none)).description
    made = Declared()
    for n, ((name, kind), row) in enumerate(zip(outputs, described, strict=True), 1):
        if not name:
            raise SqlError(1038, "An object or column name is missing or empty.", 15)
        known = kind or kind_of(str(row[1]))
        known = Kind("binary", 8) if known.name == "rowversion" else known
        made.columns.append(Column(n, name, known, True))
        if known.collation:
            made.collations[name] = known.collation.lstrip("!")
    table = tables.make(session, path, made)
    named = ", ".join(f"c{n}" for n in range(len(outputs)))
    given = {c.name: f"q.c{n}" for n, c in enumerate(table.columns)}
    count = inserting.fill(session, table, given, f"({text}) q({named})", queries.values)
    answering.told_count(session, count, out, token)
    session.transactions.done()
