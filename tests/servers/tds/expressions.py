"""What each piece of an expression means: its kind, and how DuckDB is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from sqlglot import exp
from tests.servers.tds import arithmetic, casting, comparing, functions, parsing
from tests.servers.tds.casting import (
    Node,
    cast,
    converted,
)
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import BYTES, MAX, TEXTS, Kind
from tests.servers.tds.queries import Queries
from tests.servers.tds.scopes import Scope, kind_of, marked


def meant(queries: Queries, node: Node, scope: Scope) -> Node:
    """A node whose parts are done already."""
    if isinstance(node, comparing.COMPARED):
        return comparing.compared(node)
    handler = _HANDLERS.get(type(node))
    return handler(queries, node, scope) if handler is not None else node


def _column(queries: Queries, node: Any, scope: Scope) -> Node:
    if isinstance(node.this, exp.Star):
        return node  # type: ignore[no-any-return]
    before = isinstance(node.parent, exp.Anonymous) and node.arg_key == "expressions"
    if before and functions.takes_word(node.parent.name, node.index):
        return exp.Literal.string(node.name.lower())
    return queries.column(node, scope)


def _literal(queries: Queries, node: Any, scope: Scope) -> Node:
    if node.is_string:
        return marked(node, Kind("varchar", max(len(node.name), 1)))
    text = node.name.lower()
    if "e" in text:
        return marked(node, Kind("float", 53))
    if "." in text:
        whole, _, rest = text.partition(".")
        size = max(len(whole.lstrip("0")) + len(rest), 1)
        return marked(cast(node, f"decimal({size},{len(rest)})"), Kind("decimal", size, len(rest)))
    number = int(text)
    if number > 2**63 - 1:
        return marked(node, Kind("decimal", len(text), 0))
    return marked(node, arithmetic.INT if number < 2**31 else arithmetic.BIGINT)


def _national(queries: Queries, node: Any, scope: Scope) -> Node:
    made = exp.Literal.string(node.name)
    return marked(made, Kind("nvarchar", max(len(node.name), 1)))


def _hex(queries: Queries, node: Any, scope: Scope) -> Node:
    digits = node.name if len(node.name) % 2 == 0 else "0" + node.name
    made = exp.Anonymous(this="unhex", expressions=[exp.Literal.string(digits)])
    return marked(made, Kind("varbinary", max(len(digits) // 2, 1)))


def _parameter(queries: Queries, node: Any, scope: Scope) -> Node:
    if isinstance(node.this, exp.Parameter):
        return functions.system(queries, f"@@{node.this.name.lower()}", [])
    if isinstance(node.parent, exp.Parameter):
        return node  # type: ignore[no-any-return]
    return queries.parameter(node.name)


def _passed(queries: Queries, node: Any, scope: Scope) -> Node:
    return marked(node, kind_of(node.this))


def _distinct(queries: Queries, node: Any, scope: Scope) -> Node:
    return marked(node, kind_of(node.expressions[0]) if node.expressions else None)


def _cast(queries: Queries, node: Any, scope: Scope) -> Node:
    is_cast = "to" in node.args  # CONVERT has its type first
    target = declared(node.args.get("to", node.this))
    source = node.this if is_cast else node.expression
    style = node.args.get("style")
    number = int(style.name) if isinstance(style, exp.Literal) else 0
    safe = isinstance(node, exp.TryCast) or bool(node.args.get("safe"))
    made = converted(source, kind_of(source), target, number, safe=safe)
    return marked(exp.Paren(this=made) if isinstance(made, exp.DPipe) else made, target)


def declared(node: Any) -> Kind:
    """The kind that a CAST names; a length that is left out is 30."""
    if node.this == exp.DType.TEXT:
        return Kind("varchar", MAX)
    text = node.sql("tsql")
    try:
        kind = Kind.of(text)
    except ValueError:
        told = f"Type {text.lower()} is not a defined system type."
        raise SqlError(243, told) from None
    if "(" not in text and kind.name in (*TEXTS, *BYTES) and kind.size == 1:
        return Kind(kind.name, 30)
    return kind


def _together(*values: Node) -> tuple[list[Node], Kind | None]:
    """Several values of which one is taken, in one kind."""
    kinds = [kind_of(v) for v in values if not isinstance(v, exp.Null)]
    kind = parsing.joined(kinds)
    if kind is None:
        return list(values), None
    return [converted(v, kind_of(v), kind) if kind_of(v) else v for v in values], kind


def _coalesce(queries: Queries, node: Any, scope: Scope) -> Node:
    values, kind = _together(node.this, *node.expressions)
    return marked(exp.Coalesce(this=values[0], expressions=values[1:]), kind)


def _nullif(queries: Queries, node: Any, scope: Scope) -> Node:
    kind = kind_of(node.this)
    left, right = comparing.alike(node.this, node.expression)
    return marked(exp.Nullif(this=left, expression=right), kind)


def _case(queries: Queries, node: Any, scope: Scope) -> Node:
    if node.this is not None:
        for branch in node.args["ifs"]:
            branch.set("this", comparing.alike(node.this, branch.this)[1])
    results = [branch.args["true"] for branch in node.args["ifs"]]
    other = node.args.get("default")
    values, kind = _together(*results, *([other] if other is not None else []))
    for branch, value in zip(node.args["ifs"], values, strict=False):
        branch.set("true", value)
    if other is not None:
        node.set("default", values[-1])
    return marked(node, kind)


def _if(queries: Queries, node: Any, scope: Scope) -> Node:
    if isinstance(node.parent, exp.Case):
        return node  # type: ignore[no-any-return]
    values, kind = _together(node.args["true"], node.args.get("false") or exp.Null())
    node.set("true", values[0])
    node.set("false", values[1])
    return marked(node, kind)


def _collated(queries: Queries, node: Any, scope: Scope) -> Node:
    name, kind = node.expression.name, kind_of(node.this) or Kind("nvarchar", MAX)
    return marked(casting.collated(node.this, name), replace(kind, collation=f"!{name}"))


def _subquery(queries: Queries, node: Any, scope: Scope) -> Node:
    return marked(node, kind_of(node.this))


def _limit(queries: Queries, node: Any, scope: Scope) -> Node:
    node.set("limit_options", None if not _percent(node) else node.args["limit_options"])
    return node  # type: ignore[no-any-return]


def _percent(node: Any) -> bool:
    options = node.args.get("limit_options")
    return options is not None and bool(options.args.get("percent"))


def _boolean(queries: Queries, node: Any, scope: Scope) -> Node:
    raise SqlError(207, f"Invalid column name '{str(node.this).lower()}'.")


def _bars(queries: Queries, node: Any, scope: Scope) -> Node:
    raise SqlError(102, "Incorrect syntax near '|'.", 15)


def _row_number(queries: Queries, node: Any, scope: Scope) -> Node:
    return marked(node, arithmetic.BIGINT)


_HANDLERS: Final[dict[type[Any], Callable[[Queries, Any, Scope], Node]]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.National: _national,
    exp.HexString: _hex,
    exp.Parameter: _parameter,
    exp.Alias: _passed,
    exp.Paren: _passed,
    exp.Neg: _passed,
    exp.Min: _passed,
    exp.Max: _passed,
    exp.Window: _passed,
    exp.Distinct: _distinct,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Convert: _cast,
    exp.Between: comparing.between,
    exp.In: comparing.among,
    exp.Like: comparing.like,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Case: _case,
    exp.If: _if,
    exp.Add: arithmetic.added,
    exp.Sub: arithmetic.combined,
    exp.Mul: arithmetic.combined,
    exp.Div: arithmetic.combined,
    exp.Mod: arithmetic.combined,
    exp.Count: arithmetic.count,
    exp.Sum: arithmetic.total,
    exp.Avg: arithmetic.average,
    exp.Collate: _collated,
    exp.Subquery: _subquery,
    exp.Boolean: _boolean,
    exp.DPipe: _bars,
    exp.Limit: _limit,
    exp.Fetch: _limit,
    exp.RowNumber: _row_number,
    exp.Rank: _row_number,
    exp.DenseRank: _row_number,
    exp.Ntile: _row_number,
    exp.Anonymous: functions.called,
}
