"""INSERT, UPDATE and DELETE: values become what the columns were declared as."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp
from tests.servers.tds import parsing, tracking, uniqueness
from tests.servers.tds.casting import Node, converted, family, literal, stored_text
from tests.servers.tds.catalog import Catalog, Column, Table, quoted
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import BYTES, ODD, TEXTS, Kind
from tests.servers.tds.packets import Streamed
from tests.servers.tds.queries import Queries, Scope, Source, kind_of

if TYPE_CHECKING:
    from tests.servers.tds.session import Session


def run(session: Session, tree: Any, out: Streamed, token: int) -> None:
    """One statement, checked, and committed if it stands alone."""
    doing = {exp.Insert: _insert, exp.Update: _update, exp.Delete: _delete}[type(tree)]
    path = parsing.path_of(_target(tree))
    lock(session, path)
    table = session.scene.table(path)
    if table is None:
        raise SqlError(208, f"Invalid object name '{'.'.join(path)}'.")
    doing(session, tree, table, out, token)
    session.transactions.done()


def lock(session: Session, path: Sequence[str]) -> None:
    """Others that write this table wait until our transaction is over."""
    database, schema, name = session.scene.place(path)
    what = (database.name.lower(), schema.lower(), name.lower())
    session.transactions.write(database, what, stopped=session.stopped.is_set)


def _target(tree: Any) -> exp.Table:
    """The table that is written, where FROM may have an alias for it."""
    found = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    if isinstance(tree, exp.Delete) and tree.args.get("tables"):
        return _named(tree.args["tables"][0], found)
    if isinstance(tree, exp.Update) and (start := tree.args.get("from_")) is not None:
        return _named(found, start.this)
    if not isinstance(found, exp.Table):
        raise SqlError(102, "Incorrect syntax near the table to write.", 15)
    return found


def _named(alias: exp.Table, start: Any) -> exp.Table:
    """What this alias stands for in FROM."""
    joined = [join.this for join in start.args.get("joins") or ()]
    for one in (start, *joined):
        if isinstance(one, exp.Table) and alias.name.lower() in (one.alias_or_name.lower(),):
            return one
    return alias


def stored(table: Table, column: Column, node: Node, kind: Kind | None) -> str:
    """A value as the column takes it."""
    if isinstance(node, exp.Null):
        return "null"
    target = column.kind
    if target.name in (*TEXTS, *BYTES, *ODD) and target.name != "rowversion":
        told = f"table '{table.database}.{table.told}', column '{column.name}'"
        return stored_text(node, kind, target, told).sql("duckdb")
    return converted(node, kind, target).sql("duckdb")


# INSERT


def _insert(session: Session, tree: Any, table: Table, out: Streamed, token: int) -> None:
    from tests.servers.tds import running

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
    running.told_count(session, count, out, token)


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
    return f"({inner.sql('duckdb')}) q({named})", [kind for _, kind in outputs]


def _values(
    queries: Queries, inner: exp.Values, targets: Sequence[Column]
) -> tuple[str, list[Kind | None]]:
    """Rows of values: each is made of its column's kind by itself."""
    rows = []
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
            made.append(f"cast({value.sql('duckdb')} as {loose.stored})")
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
    return converted(node, kind_of(node), column.kind).sql("duckdb")


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
    row = session.con.execute(
        f"insert into {table.place} {_computed(session, table, query)}",
        {**values, **queries.values} or None,
    ).fetchone()
    uniqueness.check(catalog, table, before)
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
        cells.append(queries.visit(tree.expressions[0], scope).sql("duckdb"))
    return f"select {', '.join(cells)} from ({query}) q"


def next_row_version(table: Table) -> str:
    return f"tds_bytes8(nextval('{quoted(table.database, 'sys', 'row_versions')}'))"


def _remember_identity(session: Session, table: Table, given: Mapping[str, str]) -> None:
    if any(c.seed is not None and c.name not in given for c in table.columns):
        place = quoted(table.database, "sys", f"identity_{table.number}")
        row = session.con.execute(f"select currval('{place}')").fetchone()
        session.identity = int(row[0]) if row is not None else None


# UPDATE and DELETE


def _rows(
    queries: Queries, tree: Any, start: Any, alias: str, cells: Sequence[Node]
) -> tuple[str, list[Kind | None]]:
    """A query for the rows that are meant: `rid`, and values c0, c1 …"""
    joins = start.args.pop("joins", None) or []
    made = exp.Select(expressions=list(cells) or [exp.Literal.number(1)])
    made.set("from_", exp.From(this=start))
    made.set("joins", joins)
    for name in ("where", "with_", "limit"):
        if (part := tree.args.get(name)) is not None:
            made.set(name, part)
    outputs = queries.query(made)
    rid = exp.alias_(exp.column("rowid", alias, quoted=True), "rid")
    shown = [exp.alias_(one.unalias(), f"c{n}") for n, one in enumerate(made.expressions)]
    made.set("expressions", [rid, *shown])
    return made.sql("duckdb"), [kind for _, kind in outputs]


def _update(session: Session, tree: Any, table: Table, out: Streamed, token: int) -> None:
    from tests.servers.tds import running

    queries = Queries(session.scene)
    start = tree.args["from_"].this if tree.args.get("from_") is not None else tree.this
    alias = _target(tree).alias_or_name
    targets = [_settable(table, one.this.name) for one in tree.expressions]
    cells = [
        literal(None) if isinstance(one.expression, exp.Null) else one.expression
        for one in tree.expressions
    ]
    rows, kinds = _rows(queries, tree, start, _alias(alias), cells)
    pairs = []
    for n, (column, kind) in enumerate(zip(targets, kinds, strict=True)):
        null = isinstance(cells[n], exp.Null)
        value = stored(table, column, exp.column(f"c{n}", "q"), kind)
        pairs.append(f"{quoted(column.name)} = {'null' if null else value}")
    for column in table.columns:
        if column.kind.name == "rowversion":
            session.transactions.note_row_versions(session.server.database(table.database))
            pairs.append(f"{quoted(column.name)} = {next_row_version(table)}")
    changed = {column.name.lower() for column in targets}
    catalog = Catalog(session.con, table.database)
    picked = _picked(session, rows, queries.values)
    moves = _note_before(session, catalog, table, picked, changed)
    row = session.con.execute(
        f"update {table.place} as tgt set {', '.join(pairs)}"
        f" from (select distinct on (rid) * from {picked}) q where tgt.rowid = q.rid"
    ).fetchone()
    uniqueness.check(catalog, table, -1, changed)
    if moves:
        tracking.note(catalog, table, session.id, "I", _meant(table, picked))
    running.told_count(session, int(row[0]) if row is not None else 0, out, token)


def _alias(name: str) -> str:
    return name


def _picked(session: Session, rows: str, values: Mapping[str, Any]) -> str:
    """The rows that are meant, put aside: they are read before anything is changed."""
    session.con.execute(f"create or replace temp table tds_picked as {rows}", dict(values) or None)
    return "temp.main.tds_picked"


def _meant(table: Table, picked: str) -> str:
    return f"{table.place} x where x.rowid in (select rid from {picked})"


def _note_before(
    session: Session, catalog: Catalog, table: Table, picked: str, changed: set[str]
) -> bool:
    """Notes the keys that change; whether the new ones are to be noted afterwards."""
    if not table.tracked:
        return False
    session.transactions.tracked = session.server.database(table.database)
    moves = any(name.lower() in changed for name in table.key)
    tracking.note(catalog, table, session.id, "D" if moves else "U", _meant(table, picked))
    return moves


def _settable(table: Table, name: str) -> Column:
    column = table.column(name)
    if column is None:
        raise SqlError(207, f"Invalid column name '{name}'.")
    if column.kind.name == "rowversion":
        raise SqlError(272, "Cannot update a timestamp column.")
    if column.seed is not None:
        raise SqlError(8102, f"Cannot update identity column '{name}'.")
    return column


def _delete(session: Session, tree: Any, table: Table, out: Streamed, token: int) -> None:
    from tests.servers.tds import running

    queries = Queries(session.scene)
    alias = _target(tree).alias_or_name
    rows, _ = _rows(queries, tree, tree.this, alias, [])
    catalog = Catalog(session.con, table.database)
    if table.tracked:
        picked = _picked(session, rows, queries.values)
        session.transactions.tracked = session.server.database(table.database)
        tracking.note(catalog, table, session.id, "D", _meant(table, picked))
        rows = f"select rid from {picked}"
    else:
        rows = f"select rid from ({rows})"
    row = session.con.execute(
        f"delete from {table.place} where rowid in ({rows})",
        queries.values if not table.tracked and queries.values else None,
    ).fetchone()
    running.told_count(session, int(row[0]) if row is not None else 0, out, token)


def filled(session: Session, table: Table, column: Column) -> str:
    """What a new column has in the rows that are there."""
    if column.kind.name == "rowversion":
        session.transactions.note_row_versions(session.server.database(table.database))
        return next_row_version(table)
    return default(Queries(session.scene), column)
