"""Sums, products, and what becomes of many values."""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp
from tests.servers.tds.casting import NUMBERS, Node, cast, converted, family, rank
from tests.servers.tds.kinds import BYTES, MAX, TEXTS, WHOLE, Kind
from tests.servers.tds.queries import Queries
from tests.servers.tds.scopes import Scope, kind_of, marked

INT: Final = Kind("int")


BIGINT: Final = Kind("bigint")


def added(queries: Queries, node: Any, scope: Scope) -> Node:
    a, b = kind_of(node.this), kind_of(node.expression)
    if a is not None and b is not None and family(a) == family(b) == "text":
        whole = MAX in (a.size, b.size)
        kind = Kind(
            "nvarchar" if "n" in (a.name[0], b.name[0]) else "varchar",
            MAX if whole else min(a.size + b.size, 4000),
        )
        return marked(exp.DPipe(this=node.this, expression=node.expression), kind)
    return combined(queries, node, scope)


def combined(queries: Queries, node: Any, scope: Scope) -> Node:
    a, b = kind_of(node.this), kind_of(node.expression)
    if a is None or b is None:
        return node  # type: ignore[no-any-return]
    for name, mine, other in (("this", a, b), ("expression", b, a)):
        if mine.name in (*TEXTS, *BYTES) and other.name in NUMBERS:
            node.set(name, converted(node.args[name], mine, other))
    if a.name in WHOLE and b.name in WHOLE:
        kind = max(a, b, key=rank)
        if isinstance(node, exp.Div):
            return marked(exp.IntDiv(this=node.this, expression=node.expression), kind)
        return marked(node, kind if kind.name in ("int", "bigint") else None)
    if "float" in (a.name, b.name):
        return marked(node, Kind("float", 53))
    return node  # type: ignore[no-any-return]


def count(queries: Queries, node: Any, scope: Scope) -> Node:
    return marked(node, BIGINT if node.args.get("big_int") else INT)


def total(queries: Queries, node: Any, scope: Scope) -> Node:
    kind = kind_of(node.this)
    if kind is None:
        return node  # type: ignore[no-any-return]
    if kind.name in WHOLE:
        target = BIGINT if kind.name == "bigint" else INT
        return marked(cast(node, target.stored), target)
    if kind.name in ("money", "smallmoney"):
        return marked(cast(node, "decimal(19,4)"), Kind("money"))
    return marked(node, Kind("float", 53) if kind.name in ("real", "float") else None)


def average(queries: Queries, node: Any, scope: Scope) -> Node:
    kind = kind_of(node.this)
    if kind is not None and kind.name in WHOLE:
        target = BIGINT if kind.name == "bigint" else INT
        whole = exp.Anonymous(this="trunc", expressions=[node])
        return marked(cast(whole, target.stored), target)
    if kind is not None and kind.name in ("money", "smallmoney"):
        return marked(cast(node, "decimal(19,4)"), Kind("money"))
    if kind is not None and kind.name == "decimal":
        target = Kind("decimal", 38, max(kind.scale, 6))
        return marked(cast(node, target.stored), target)
    return marked(node, Kind("float", 53) if kind is not None else None)
