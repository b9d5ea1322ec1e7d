"""Queries are answered, or put into variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import duckdb
from sqlglot import exp
from tests.servers.tds import packing, parsing, settings, tokens, writing
from tests.servers.tds.casting import converted
from tests.servers.tds.errors import Cancelled
from tests.servers.tds.kinds import Kind, kind_of
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Queries
from tests.servers.tds.scopes import Output
from tests.servers.tds.scopes import kind_of as node_kind

if TYPE_CHECKING:
    from tests.servers.tds.session import Session


_CHUNK: Final = 4096
_LOCKING: Final = {"updlock", "xlock", "tablockx"}


def single(session: Session, sql: str) -> list[tuple[Kind | None, Any]]:
    """The only row of a query, with its kinds; empty if there is none."""
    session.transactions.read(session.database)
    queries = Queries(session.scene)
    tree = parsing.parsed(sql)
    outputs = queries.query(tree)
    text = tree.sql("duckdb", copy=False)
    cursor = session.con.execute(text, queries.bound(text))
    row = cursor.fetchone()
    kinds = [k or kind_of(str(d[1])) for (_, k), d in zip(outputs, cursor.description, strict=True)]
    session.transactions.done()
    return list(zip(kinds, row, strict=True)) if row is not None else []


def assigns(tree: exp.Select) -> bool:
    first = tree.expressions[0] if tree.expressions else None
    return isinstance(first, exp.EQ) and isinstance(first.this, exp.Parameter)


def assign(session: Session, tree: exp.Select) -> None:
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
    rows = session.con.execute(sql := tree.sql("duckdb", copy=False), queries.bound(sql)).fetchall()
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
    rows = session.con.execute(
        sql := inner.sql("duckdb", copy=False), queries.bound(sql)
    ).fetchall()
    for row in rows:
        for n, (found, (_, kind)) in enumerate(zip(row, outputs, strict=True)):
            session.scene.variables[f"@gathered_{n}"] = (kind or Kind("nvarchar", -1), found)
        made = tree.expressions[0].expression.sql("tsql")
        settings.assign(session, name, settings.value(session, made, None))
    session.transactions.done()


def answer(session: Session, tree: Any, out: Streamed, token: int) -> None:
    _lock_as_hinted(session, tree)
    session.transactions.read(session.database)
    queries = Queries(session.scene)
    outputs = queries.query(tree)
    flags = _flags(tree)  # before the tree is used up
    sql = tree.sql("duckdb", copy=False)
    if session.names_only:
        sql = f"select * from ({sql}) limit 0"
    cursor = session.con.execute(sql, queries.bound(sql))
    rows(session, cursor, outputs, out, token, flags)
    session.transactions.done()


def _lock_as_hinted(session: Session, tree: exp.Expr) -> None:
    """`WITH (UPDLOCK)` and its like: the table is locked, as if it were written."""
    for table in tree.find_all(exp.Table):
        hints = {str(h).lower() for hint in table.args.get("hints") or () for h in hint.expressions}
        if hints & _LOCKING or hints >= {"tablock", "holdlock"}:
            writing.lock(session, parsing.path_of(table))


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
