"""Batches are run: control flow, variables, queries; what changes data is elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

import duckdb
from sqlglot import exp
from tests.servers.tds import (
    bulk,
    definitions,
    packing,
    parsing,
    procedures,
    settings,
    tokens,
    writing,
)
from tests.servers.tds.batches import Block, If, Leaf, Statement, Try, While, statements
from tests.servers.tds.casting import converted
from tests.servers.tds.catalog import Catalog, quoted
from tests.servers.tds.errors import Cancelled, SqlError, told
from tests.servers.tds.kinds import Kind, kind_of
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Output, Queries
from tests.servers.tds.queries import kind_of as node_kind

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_CHUNK: Final = 4096
_IMPLICIT: Final = frozenset(
    ("select", "insert", "update", "delete", "with", "create", "alter", "drop", "truncate")
)


class Returned(Exception):
    """RETURN: the batch is over."""


def batch(session: Session, sql: str, out: Streamed, token: int = tokens.DONE) -> None:
    """Answers all but the last DONE."""
    try:
        for statement in statements(sql):
            run(session, statement, out, token)
    except Returned:
        return


def run(session: Session, statement: Statement, out: Streamed, token: int) -> None:
    if session.stopped.is_set():
        raise Cancelled
    if isinstance(statement, Block):
        for part in statement.parts:
            run(session, part, out, token)
    elif isinstance(statement, If):
        chosen = statement.then if _holds(session, statement.condition) else statement.other
        if chosen is not None:
            run(session, chosen, out, token)
    elif isinstance(statement, While):
        while _holds(session, statement.condition):
            run(session, statement.body, out, token)
    elif isinstance(statement, Try):
        _try(session, statement, out, token)
    else:
        _leaf(session, statement, out, token)


def _try(session: Session, statement: Try, out: Streamed, token: int) -> None:
    try:
        run(session, statement.body, out, token)
    except (SqlError, duckdb.Error) as failed:
        if isinstance(failed, duckdb.InterruptException):
            raise
        session.scene.error = failed if isinstance(failed, SqlError) else told(failed)
        session.undo(out)
        run(session, statement.catch, out, token)


def _holds(session: Session, condition: str) -> bool:
    row = single(session, f"select case when {condition} then 1 else 0 end")
    return bool(row and row[0][1])


def single(session: Session, sql: str) -> list[tuple[Kind | None, Any]]:
    """The only row of a query, with its kinds; empty if there is none."""
    session.transactions.read(session.database)
    queries = Queries(session.scene)
    tree = parsing.parsed(sql)
    outputs = queries.query(tree)
    cursor = session.con.execute(tree.sql("duckdb"), queries.values or None)
    row = cursor.fetchone()
    kinds = [k or kind_of(str(d[1])) for (_, k), d in zip(outputs, cursor.description, strict=True)]
    session.transactions.done()
    return list(zip(kinds, row, strict=True)) if row is not None else []


def _leaf(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    fault = session.database.fault(leaf.text)
    if fault is not None:
        raise fault
    if session.implicit and leaf.first in _IMPLICIT and not session.transactions.depth:
        session.begin(out)
    handler = _HANDLERS.get(leaf.first)
    if handler is None:
        if procedures.known(leaf):
            handler = procedures.run
        else:
            raise SqlError(102, f"Incorrect syntax near '{leaf.words[0].text}'.", 15)
    handler(session, leaf, out, token)


# queries


def select(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    if leaf.first == "insert" and leaf.second == "bulk":
        bulk.announced(session, leaf)
        return
    tree = parsing.parsed(leaf.text)
    if isinstance(tree, exp.Insert | exp.Update | exp.Delete):
        writing.run(session, tree, out, token)
    elif isinstance(tree, exp.Select) and tree.args.get("into") is not None:
        definitions.select_into(session, tree, out, token)
    elif isinstance(tree, exp.Select) and _assigns(tree):
        _assign(session, tree)
    else:
        _answer(session, tree, out, token)


def _assigns(tree: exp.Select) -> bool:
    first = tree.expressions[0] if tree.expressions else None
    return isinstance(first, exp.EQ) and isinstance(first.this, exp.Parameter)


def _assign(session: Session, tree: exp.Select) -> None:
    """`select @x = …`: the last row's values."""
    names = [one.this.name for one in tree.expressions]
    values = [one.expression for one in tree.expressions]
    if _grows(names[0], values[0]):
        _gather(session, tree, names[0], values[0])
        return
    tree.set("expressions", values)
    session.transactions.read(session.database)
    queries = Queries(session.scene)
    queries.query(tree)
    made = []
    for name, one in zip(names, tree.expressions, strict=True):
        made.append(converted(one, node_kind(one), session.scene.variable(name)[0]))
    tree.set("expressions", made)
    rows = session.con.execute(tree.sql("duckdb"), queries.values or None).fetchall()
    session.transactions.done()
    session.row_count = len(rows)
    for name, value in zip(names, rows[-1] if rows else (), strict=False):
        settings.assign(session, name, value)


def _grows(name: str, value: exp.Expr) -> bool:
    """Whether a variable is made of itself and a column, row by row."""
    own = [p for p in value.find_all(exp.Parameter) if p.name.lower() == name.lower()]
    return bool(own) and value.find(exp.Column) is not None


def _gather(session: Session, tree: exp.Select, name: str, value: exp.Expr) -> None:
    """`select @x = @x + a from t`: once for each row."""
    columns = list(value.find_all(exp.Column))
    inner = tree.copy()
    inner.set("expressions", [column.copy() for column in columns])
    for n, column in enumerate(columns):
        column.replace(exp.Parameter(this=exp.Var(this=f"gathered_{n}")))
    session.transactions.read(session.database)
    queries = Queries(session.scene)
    outputs = queries.query(inner)
    rows = session.con.execute(inner.sql("duckdb"), queries.values or None).fetchall()
    for row in rows:
        for n, (found, (_, kind)) in enumerate(zip(row, outputs, strict=True)):
            session.scene.variables[f"@gathered_{n}"] = (kind or Kind("nvarchar", -1), found)
        made = tree.expressions[0].expression.sql("tsql")
        settings.assign(session, name, settings.value(session, made, None))
    session.transactions.done()


def _answer(session: Session, tree: Any, out: Streamed, token: int) -> None:
    session.transactions.read(session.database)
    queries = Queries(session.scene)
    outputs = queries.query(tree)
    sql = tree.sql("duckdb")
    if session.names_only:
        sql = f"select * from ({sql}) limit 0"
    cursor = session.con.execute(sql, queries.values or None)
    rows(session, cursor, outputs, out, token, _flags(tree))
    session.transactions.done()


def _flags(tree: exp.Expr) -> list[int]:
    """What is told of columns that come from a table as they are."""
    return [_flag(one) for one in tree.expressions] if isinstance(tree, exp.Select) else []


def _flag(node: exp.Expr) -> int:
    column = node.unalias().meta.get("declared")
    if column is None:
        return tokens.NULLABLE | tokens.WRITABLE
    flag = tokens.NULLABLE if column.nullable else 0
    if column.seed is not None:
        return flag | tokens.IDENTITY
    if column.computed is not None:
        return flag | tokens.COMPUTED
    return flag if column.kind.name == "rowversion" else flag | tokens.WRITABLE


def rows(
    session: Session,
    cursor: duckdb.DuckDBPyConnection,
    outputs: list[Output],
    out: Streamed,
    token: int,
    flags: Sequence[int] = (),
) -> None:
    """A result set, sent as it comes."""
    named = [
        (name, kind or kind_of(str(d[1])))
        for (name, kind), d in zip(outputs, cursor.description, strict=True)
    ]
    packs = [packing.packer(kind) for _, kind in named]
    chunk, count = cursor.fetchmany(_CHUNK), 0  # what fails at once leaves no half a result
    out += tokens.columns(named, flags)
    while chunk:
        if session.stopped.is_set():
            raise Cancelled
        count += len(chunk)
        out += packing.rows(chunk, packs)
        chunk = cursor.fetchmany(_CHUNK)
    session.row_count = count
    out.done(token, count)


def told_count(session: Session, count: int, out: Streamed, token: int) -> None:
    """After a statement that has changed rows."""
    session.row_count = count
    out.done(token, None if session.quiet else count)


def drop_temporary(session: Session, catalog: Catalog) -> None:
    """A session's own tables, when it ends."""
    schema = catalog.schema(f"#{session.id}")
    if schema is None:
        return
    catalog.con.execute("begin")
    found = catalog.rows("select object_id from {sys}.objects where schema_id = ?", schema[0])
    for (number,) in found:
        catalog.forget(number)
    catalog.run("delete from {sys}.schemas where schema_id = ?", schema[0])
    catalog.con.execute(f"drop schema {quoted(catalog.database, schema[1])} cascade")
    catalog.con.execute("commit")


def _return(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    raise Returned


def _throw(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    if len(leaf.words) == 1:
        raise session.scene.error or SqlError(10704, "THROW has nothing to throw.")
    number, text = (settings.value(session, part) for part in leaf.text[5:].split(",")[:2])
    raise SqlError(int(number), str(text))


def _raise(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    at = leaf.cursor()
    at.next()
    first = at.group()
    raise SqlError(50000, first[0].name)


def _print(session: Session, leaf: Leaf, out: Streamed, token: int) -> None:
    out += tokens.info(str(settings.value(session, leaf.text[5:])))


_HANDLERS: Final[dict[str, Callable[[Session, Leaf, Streamed, int], None]]] = {
    "select": select,
    "with": select,
    "insert": select,
    "update": select,
    "delete": select,
    "set": settings.set_,
    "declare": settings.declare,
    "use": settings.use,
    "begin": settings.begin,
    "commit": settings.commit,
    "rollback": settings.rollback,
    "save": settings.save,
    "exec": procedures.run,
    "execute": procedures.run,
    "create": definitions.create,
    "alter": definitions.alter,
    "drop": definitions.drop,
    "truncate": definitions.truncate,
    "return": _return,
    "throw": _throw,
    "raiserror": _raise,
    "print": _print,
}
