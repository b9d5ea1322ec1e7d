"""What is compared, and as what: the kind that ranks higher, and one collation."""

from __future__ import annotations

from typing import Any

from sqlglot import exp
from tests.servers.tds.casting import (
    Node,
    cast,
    collated,
    converted,
    family,
    is_exact,
    literal,
    rank,
    shown,
)
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import MAX, TEXTS, Kind
from tests.servers.tds.queries import Queries
from tests.servers.tds.scopes import Scope, kind_of

COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ)


def compared(node: Any) -> Node:
    """Both sides of =, < and their like."""
    left, right = node.this, node.expression
    if isinstance(right, exp.All | exp.Any):
        return node  # type: ignore[no-any-return]
    left, right = alike(left, right)
    node.set("this", left)
    node.set("expression", right)
    return node  # type: ignore[no-any-return]


def alike(left: Node, right: Node) -> tuple[Node, Node]:
    """Both sides in one kind: the one that ranks higher."""
    a, b = kind_of(left), kind_of(right)
    if a is not None and b is not None and family(a) == family(b) == "text":
        return _same_letters(left, right, a.collation, b.collation)
    if a is None or b is None or family(a) == family(b):
        if a is not None and b is not None and "bit" in (a.name, b.name) and a.name != b.name:
            return _plain(left, a), _plain(right, b)
        return left, right
    if rank(a) >= rank(b):
        return left, converted(right, b, _loose(a))
    return converted(left, a, _loose(b)), right


def _same_letters(left: Node, right: Node, a: str, b: str) -> tuple[Node, Node]:
    """Two texts by one collation: one that is asked for, or that of both."""
    first, second = a.lstrip("!"), b.lstrip("!")
    asked = a[:1] == "!", b[:1] == "!"
    if first and second and first != second and asked[0] == asked[1]:
        told = f'Cannot resolve the collation conflict between "{second}" and "{first}" in the '
        raise SqlError(468, told + "equal to operation.")
    if asked[0] and not asked[1]:
        return left, collated(right, first)
    if asked[1] and not asked[0]:
        return collated(left, second), right
    return left, right


def _plain(node: Node, kind: Kind) -> Node:
    return cast(node, "integer") if kind.name == "bit" else node


def _loose(kind: Kind) -> Kind:
    """With room for all that the other side may have."""
    if kind.name in ("datetime2", "datetimeoffset", "time"):
        return Kind(kind.name, 0, 7)
    if kind.name in ("datetime", "smalldatetime"):
        return Kind("datetime2", 0, 7)
    if kind.name in TEXTS or kind.name in ("varbinary", "binary"):
        return Kind(kind.name, MAX)
    return Kind("decimal", 38, 10) if kind.name == "decimal" else kind


def between(queries: Queries, node: Any, scope: Scope) -> Node:
    for name in ("low", "high"):
        left, right = alike(node.this, node.args[name])
        node.set("this", left)
        node.set(name, right)
    return node  # type: ignore[no-any-return]


def among(queries: Queries, node: Any, scope: Scope) -> Node:
    kind = kind_of(node.this)
    if kind is None or not node.expressions:
        return node  # type: ignore[no-any-return]
    made = []
    for one in node.expressions:
        other = kind_of(one)
        differs = other is not None and family(other) != family(kind)
        made.append(converted(one, other, _loose(kind)) if differs else one)
    node.set("expressions", made)
    return node  # type: ignore[no-any-return]


def like(queries: Queries, node: Any, scope: Scope) -> Node:
    pattern, kind = node.expression, kind_of(node.this)
    which = exp.Like if kind is not None and is_exact(kind.collation) else exp.ILike
    made = which(this=shown(node.this, kind), expression=pattern)
    if isinstance(pattern, exp.Literal) and "[" in pattern.name:
        text = pattern.name.replace("\\", "\\\\")
        for mark in "%_[":
            text = text.replace(f"[{mark}]", f"\\{mark}")
        made.set("expression", literal(text))
        return exp.Escape(this=made, expression=literal("\\"))
    return made
