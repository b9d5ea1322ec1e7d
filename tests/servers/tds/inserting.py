"""INSERT, and what the server itself puts into rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from tests.servers.tds import answering, parsing, references, tracking, uniqueness
from tests.servers.tds.casting import converted, family
from tests.servers.tds.catalog import Catalog, Column, Table, quoted
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import BYTES, TEXTS, Kind
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Queries, asked
from tests.servers.tds.scopes import Scope, Source, kind_of
from tests.servers.tds.writing import stored

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

_MOST_ROWS = 1000


def insert(session: Session, tree: Any, table: Table, out: Streamed, token: int) -> None:
    queries = Queries(session.scene)
    named = tree.this.expressions if isinstance(tree.this, exp.Schema) else None
    names = [one.name for one in named] if named is not None else None
    targets = columns(session, table, names)
    source, kinds = _source(queries, tree, table, targets)
    given = {
        column.name: stored(table, column, exp.column(f"c{n}", "q"), kind)
        for n, (column, kind) in enumerate(zip(targets, kinds, strict=True))
    }
    if tree.args.get("returning") is not None:
        raise SqlError(50000, "OUTPUT is not to be had here.")
    count = fill(session, table, given, source, queries.values)
    answering.told_count(session, count, out, token)


def columns(session: Session, table: Table, names: Sequence[str] | None) -> list[Column]:
    """Those that are given values, in their order. Raises SqlError for what cannot be."""
    writes_identity = session.identity_insert is not None
    if names is None:
        return [
            c
            for c in table.columns
            if c.kind.name != "rowversion" and c.computed is None and c.seed is None
        ]
    found = []
    for name in names:
        column = table.column(name)
        if column is None:
            raise SqlError(207, f"Invalid column name '{name}'.")
        if column.kind.name == "rowversion":
            told = "Cannot insert an explicit value into a timestamp column."
            raise SqlError(273, told)
        if column.computed is not None:
            raise SqlError(271, f'The column "{name}" cannot be modified because it is computed.')
        if column.seed is not None and not writes_identity:
            told = f"Cannot insert explicit value for identity column in table '{table.name}' when "
            raise SqlError(544, told + "IDENTITY_INSERT is set to OFF.")
        found.append(column)
    return found


def _source(
    queries: Queries, tree: Any, table: Table, targets: Sequence[Column]
) -> tuple[str, list[Kind | None]]:
    """What comes after FROM, as `q` with columns c0, c1 …; and their kinds."""
    if tree.args.get("default"):
        return "(select 1) q", []
    inner = tree.expression
    if isinstance(inner, exp.Values):
        return _values(queries, inner, targets)
    if (common := tree.args.get("with_")) is not None:
        inner.set("with_", common)
    outputs = queries.query(inner)
    _same_number(len(outputs), len(targets))
    named = ", ".join(f"c{n}" for n in range(len(outputs)))
    return f"({inner.sql('duckdb', copy=False)}) q({named})", [kind for _, kind in outputs]


def _values(
    queries: Queries, inner: exp.Values, targets: Sequence[Column]
) -> tuple[str, list[Kind | None]]:
    """Rows of values: each is made of its column's kind by itself."""
    rows = []
    if len(inner.expressions) > _MOST_ROWS:
        told = "The number of row value expressions in the INSERT statement exceeds the maximum "
        raise SqlError(10738, f"{told}allowed number of {_MOST_ROWS} row values.", 15)
    for row in inner.expressions:
        cells = row.expressions if isinstance(row, exp.Tuple) else [row]
        _same_number(len(cells), len(targets))
        made = []
        for cell, column in zip(cells, targets, strict=True):
            if isinstance(cell, exp.Var) and cell.name.upper() == "DEFAULT":
                made.append(default(queries, column))
                continue
            node = queries.visit(cell, Scope())
            kind = kind_of(node)
            loose = _loose(column.kind)
            known = kind is not None and family(kind) == family(loose) == "text"
            value = node if known else converted(node, kind, loose)
            made.append(f"cast({value.sql('duckdb', copy=False)} as {loose.stored})")
        rows.append(f"({', '.join(made)})")
    named = ", ".join(f"c{n}" for n in range(len(targets)))
    return f"(values {', '.join(rows)}) q({named})", [_loose(c.kind) for c in targets]


def _loose(kind: Kind) -> Kind:
    """Texts and bytes keep their length, so that what is too long is noticed."""
    if kind.name in TEXTS or kind.name in ("varbinary", "binary"):
        return Kind("varbinary" if kind.name in BYTES else "nvarchar", -1)
    return kind


def _same_number(given: int, wanted: int) -> None:
    if given != wanted:
        told = "Column name or number of supplied values does not match table definition."
        raise SqlError(213, told)


def default(queries: Queries, column: Column) -> str:
    """What a column has that is not given."""
    if column.default is None:
        return "null"
    tree = parsing.parsed(f"select {column.default}")
    assert isinstance(tree, exp.Select)
    node = queries.visit(tree.expressions[0], Scope())
    return converted(node, kind_of(node), column.kind).sql("duckdb", copy=False)


def fill(
    session: Session,
    table: Table,
    given: Mapping[str, str],
    source: str,
    values: Mapping[str, Any],
) -> int:
    """Rows from a source, with what the server itself puts into them."""
    queries = Queries(session.scene)
    cells = []
    for column in table.columns:
        if column.name in given:
            cells.append(given[column.name])
        elif column.kind.name == "rowversion":
            session.transactions.note_row_versions(session.server.database(table.database))
            cells.append(next_row_version(table))
        elif column.seed is not None:
            cells.append(f"nextval('{quoted(table.database, 'sys', f'identity_{table.number}')}')")
        else:
            cells.append(default(queries, column))
    catalog = Catalog(session.con, table.database)
    before = uniqueness.mark(catalog, table)
    cells = [f"{cell} as {quoted(c.name)}" for cell, c in zip(cells, table.columns, strict=True)]
    query = f"select {', '.join(cells)} from {source}"
    sql = f"insert into {table.place} {_computed(session, table, query)}"
    row = session.con.execute(sql, asked(sql, {**values, **queries.values})).fetchone()
    uniqueness.check(catalog, table, before)
    references.check(catalog, table, "INSERT")
    if table.tracked:
        session.transactions.tracked = session.server.database(table.database)
        new = f"{table.place} x where x.rowid > {before}"
        tracking.note(catalog, table, session.id, "I", new)
    _remember_identity(session, table, given)
    return int(row[0]) if row is not None else 0


def _computed(session: Session, table: Table, query: str) -> str:
    """With the columns that are computed from others."""
    if not any(c.computed is not None for c in table.columns):
        return query
    queries = Queries(session.scene)
    scope = Scope(sources=[Source("q", [(c.name, c.kind) for c in table.columns])])
    cells = []
    for column in table.columns:
        if column.computed is None:
            cells.append(f"q.{quoted(column.name)}")
            continue
        tree = parsing.parsed(f"select {column.computed}")
        assert isinstance(tree, exp.Select)
        cells.append(queries.visit(tree.expressions[0], scope).sql("duckdb", copy=False))
    return f"select {', '.join(cells)} from ({query}) q"


def next_row_version(table: Table) -> str:
    return f"tds_bytes8(nextval('{quoted(table.database, 'sys', 'row_versions')}'))"


def _remember_identity(session: Session, table: Table, given: Mapping[str, str]) -> None:
    if any(c.seed is not None and c.name not in given for c in table.columns):
        place = quoted(table.database, "sys", f"identity_{table.number}")
        row = session.con.execute(f"select currval('{place}')").fetchone()
        session.identity = int(row[0]) if row is not None else None


def filled(session: Session, table: Table, column: Column) -> str:
    """What a new column has in the rows that are there."""
    if column.kind.name == "rowversion":
        session.transactions.note_row_versions(session.server.database(table.database))
        return next_row_version(table)
    return default(Queries(session.scene), column)
