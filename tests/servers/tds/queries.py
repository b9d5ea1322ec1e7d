"""Queries of T-SQL become DuckDB's: names are resolved, so that the kind of each value is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import exp
from tests.servers.tds import parsing
from tests.servers.tds.casting import Node, converted
from tests.servers.tds.catalog import Table
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import Kind
from tests.servers.tds.scopes import Output, Scene, Scope, Source, kind_of, marked


class Queries:
    """One statement's; `values` are those of its variables that it uses."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.values: dict[str, Any] = {}
        self._aliases = 0

    def query(self, node: Node, outer: Scope | None = None) -> list[Output]:
        """Rewrites it in place, and says what comes out of it."""
        scope = Scope(outer)
        self._common(node, scope)
        if isinstance(node, exp.Subquery):
            found = self.query(node.this, scope)
        elif isinstance(node, exp.SetOperation):
            found = self._set(node, scope)
        elif isinstance(node, exp.Select):
            found = self._select(node, scope)
        else:
            raise SqlError(102, f"Incorrect syntax near '{node.sql('tsql')[:40]}'.", 15)
        return found

    def inner(self, node: Node, outer: Scope | None = None) -> list[Output]:
        """A query within another: an order means nothing there without TOP."""
        select = node.this if isinstance(node, exp.Subquery) else node
        cuts = select.args.get("limit") is not None or select.args.get("offset") is not None
        if select.args.get("order") is not None and not cuts:
            told = "The ORDER BY clause is invalid in views, inline functions, derived tables, "
            told += "subqueries, and common table expressions, unless TOP, OFFSET or FOR XML is "
            raise SqlError(1033, told + "also specified.", 15)
        return self.query(node, outer)

    def _common(self, node: Node, scope: Scope) -> None:
        common = node.args.get("with_")
        for one in common.expressions if common is not None else ():
            outputs = _renamed(one.args["alias"], self.inner(one.this, scope))
            scope.tables[one.alias.lower()] = _all_named(one.alias, outputs)

    def _set(self, node: exp.SetOperation, scope: Scope) -> list[Output]:
        left, right = self.query(node.this, scope), self.query(node.expression, scope)
        if order := node.args.get("order"):
            scope.aliases = {name.lower(): kind for name, kind in left}
            self.visit(order, scope)
        return [
            (name, parsing.joined([a, b])) for (name, a), (_, b) in zip(left, right, strict=False)
        ]

    def _select(self, node: exp.Select, scope: Scope) -> list[Output]:
        for unwanted in ("hint", "options", "for_", "locks", "into"):
            node.set(unwanted, None)
        if (start := node.args.get("from_")) is not None:
            self.source(start.this, scope)
        for join in node.args.get("joins") or ():
            self._join(join, scope)
        made = [self.visit(one, scope) for one in self._expanded(node.expressions, scope)]
        node.set("expressions", made)
        outputs = [(one.alias_or_name if _is_named(one) else "", kind_of(one)) for one in made]
        scope.aliases = {name.lower(): kind for name, kind in outputs if name}
        rest = ("where", "group", "having", "windows", "qualify", "order", "limit", "offset")
        for name in rest:
            if (part := node.args.get(name)) is not None:
                self.visit(part, scope)
        return outputs

    def _expanded(self, found: Sequence[Node], scope: Scope) -> list[Node]:
        """With columns in place of stars."""
        made: list[Node] = []
        for one in found:
            if isinstance(one, exp.Star):
                made += self._starred("", scope)
            elif isinstance(one, exp.Column) and isinstance(one.this, exp.Star):
                made += self._starred(one.table, scope)
            else:
                made.append(one)
        return made

    def _starred(self, alias: str, scope: Scope) -> Iterable[Node]:
        for source in scope.sources:
            if not alias or source.alias.lower() == alias.lower():
                for name, _ in source.columns:
                    yield exp.column(name, source.alias, quoted=True)

    def _join(self, join: exp.Join, scope: Scope) -> None:
        made = join.this
        if isinstance(made, exp.Lateral):
            self._lateral(join, made, scope)
        else:
            self.source(made, scope)
        for name in ("on", "using"):
            part = join.args.get(name)
            if isinstance(part, exp.Expr):
                self.visit(part, scope)

    def _lateral(self, join: exp.Join, made: exp.Lateral, scope: Scope) -> None:
        if not isinstance(made.this, exp.Subquery):
            raise SqlError(208, f"Invalid object name '{made.this.name}'.")
        alias = made.args["alias"]
        outputs = _renamed(alias, self.inner(made.this.this, scope))
        scope.sources.append(Source(alias.name, _all_named(alias.name, outputs)))
        always = bool(made.args.get("cross_apply"))
        join.set("this", exp.Subquery(this=made.this.this, alias=alias))
        join.set("kind", "CROSS" if always else None)
        join.set("side", None if always else "LEFT")
        join.set("on", None if always else exp.true())

    # sources

    def source(self, node: Node, scope: Scope) -> None:
        """A table, subquery or rows of values."""
        if isinstance(node, exp.Table):
            made = self._table(node, scope)
        elif isinstance(node, exp.Subquery):
            beside = Scope(scope.outer, tables=scope.tables)  # it does not see its neighbours
            outputs = _renamed(node.args.get("alias"), self.inner(node.this, beside))
            made = Source(node.alias, _all_named(node.alias, outputs))
        elif isinstance(node, exp.Values):
            made = self._values(node, scope)
        else:
            raise SqlError(102, f"Incorrect syntax near '{node.sql('tsql')[:40]}'.", 15)
        scope.sources.append(made)

    def _values(self, node: exp.Values, scope: Scope) -> Source:
        first: list[Kind | None] = []
        for row in node.expressions:
            row.set("expressions", [self.visit(c, scope.outer or Scope()) for c in row.expressions])
            kinds = [kind_of(cell) for cell in row.expressions]
            pairs = zip(first, kinds, strict=False)
            first = [parsing.joined([a, b]) for a, b in pairs] if first else kinds
        alias = node.args.get("alias")
        return Source(node.alias, _renamed(alias, [("", k) for k in first]))

    def _table(self, node: exp.Table, scope: Scope) -> Source:
        if isinstance(node.this, exp.Anonymous):
            return self._function(node, scope)
        path = parsing.path_of(node)
        node.set("hints", None)
        alias = node.alias or path[-1]
        common = scope.known(path[-1]) if len(path) == 1 else None
        if common is not None:
            return Source(alias, common)
        if (view := self.scene.view(path)) is not None:
            self._put(node, view.query, alias)
            return Source(alias, view.columns)
        table = self.scene.table(path)
        if table is None:
            raise SqlError(208, f"Invalid object name '{'.'.join(path)}'.")
        if table.definition is not None:
            return self._view(node, table, alias)
        for part, name in zip(
            ("catalog", "db", "this"), (table.database, table.schema, table.name), strict=True
        ):
            node.set(part, exp.to_identifier(name, quoted=True))
        node.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        return Source(alias, [(c.name, c.kind) for c in table.columns], table)

    def _put(self, node: exp.Table, query: str, alias: str) -> None:
        """A query of DuckDB's in place of a table."""
        node.replace(exp.Subquery(this=exp.Var(this=query), alias=_alias(alias)))

    def _view(self, node: exp.Table, table: Table, alias: str) -> Source:
        inner = parsing.parsed(table.definition or "")
        outputs = self.inner(inner)
        named = [exp.to_identifier(name, quoted=True) for name, _ in outputs]
        made = exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=named)
        node.replace(exp.Subquery(this=inner, alias=made))
        return Source(alias, outputs)

    def _function(self, node: exp.Table, scope: Scope) -> Source:
        name, arguments = node.this.name, node.this.expressions
        if name.lower() != "tsql_changetable":
            raise SqlError(208, f"Invalid object name '{name}'.")
        values = [parsing.constant(a, self.scene) for a in arguments]
        view = self.scene.changes(str(values[0]), int(values[1] or 0))
        alias = node.alias or "ct"
        self._put(node, view.query, alias)
        return Source(alias, view.columns)

    # expressions

    def visit(self, node: Node, scope: Scope) -> Node:
        """The expression as DuckDB has it, with its kind, in place of this one."""
        from tests.servers.tds import expressions

        if isinstance(node, exp.Query):
            outputs = self.inner(node, scope)
            return marked(node, outputs[0][1] if outputs else None)
        for name, value in list(node.args.items()):
            if isinstance(value, exp.Expr):
                node.set(name, self.visit(value, scope))
            elif isinstance(value, list):
                node.set(
                    name,
                    [self.visit(v, scope) if isinstance(v, exp.Expr) else v for v in value],
                )
        return expressions.meant(self, node, scope)

    def column(self, node: exp.Column, scope: Scope) -> Node:
        """Its place, or what an alias of the query's own stands for."""
        name, table = node.name, node.table
        known = not table and name.lower() in scope.aliases
        if known and isinstance(node.parent, exp.Ordered):  # before a column of the same name
            return marked(exp.column(name, quoted=True), scope.aliases[name.lower()])
        found = scope.column(name, table)
        if found is not None:
            source, (own, kind) = found
            made: Node = exp.column(own, source.alias or None, quoted=True)
            if source.table is not None:
                made.meta["declared"] = source.table.column(own)
            return marked(made, kind)
        if known:
            return marked(exp.column(name, quoted=True), scope.aliases[name.lower()])
        if table:
            told = f'The multi-part identifier "{table}.{name}" could not be bound.'
            raise SqlError(4104, told)
        raise SqlError(207, f"Invalid column name '{name}'.")

    def bound(self, sql: str) -> dict[str, Any] | None:
        """The values that the statement still asks for: some were looked at before."""
        return asked(sql, self.values)

    def parameter(self, name: str) -> Node:
        """A variable's value, by a name that DuckDB takes."""
        kind, value = self.scene.variable(name)
        if value is None:
            return marked(converted(exp.Null(), None, kind), kind)
        held = f"v_{name.lstrip('@').lower()}"
        self.values[held] = value
        return marked(converted(exp.Var(this=f"cast(${held} as {kind.stored})"), kind, kind), kind)


def asked(sql: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Those that a statement of DuckDB's has places for."""
    return {name: value for name, value in values.items() if f"${name} " in sql} or None


def _all_named(alias: str, outputs: Sequence[Output]) -> Sequence[Output]:
    """Columns of a table that is made within a query have names, each its own."""
    known = set[str]()
    for n, (name, _) in enumerate(outputs, 1):
        if not name:
            raise SqlError(8155, f"No column name was specified for column {n} of '{alias}'.")
        if name.lower() in known:
            told = f"The column '{name}' was specified multiple times for '{alias}'."
            raise SqlError(8156, told)
        known.add(name.lower())
    return outputs


def _is_named(node: Node) -> bool:
    return isinstance(node, exp.Alias | exp.Column)


def _alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True))


def _renamed(alias: Any, outputs: Sequence[Output]) -> Sequence[Output]:
    """By the names that come after an alias."""
    named = alias.columns if isinstance(alias, exp.TableAlias) else ()
    if not named:
        return outputs
    return [(n.name, kind) for n, (_, kind) in zip(named, outputs, strict=False)]


def shown(node: Node) -> str:
    """As DuckDB reads it."""
    return node.sql("duckdb", copy=False)
