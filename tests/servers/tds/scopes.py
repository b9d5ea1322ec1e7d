"""Names within a query, and what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.servers.tds.casting import Node
from tests.servers.tds.catalog import Table
from tests.servers.tds.kinds import Kind
from tests.servers.tds.views import View

Output = tuple[str, Kind | None]


class Scene(Protocol):
    """What a statement is seen in: a session, its database and its variables."""

    def table(self, path: Sequence[str]) -> Table | None: ...
    def view(self, path: Sequence[str]) -> View | None: ...
    def variable(self, name: str) -> tuple[Kind, Any]: ...
    def fact(self, name: str, arguments: Sequence[Any]) -> Any: ...
    def changes(self, table: str, since: int) -> View: ...


def kind_of(node: Node) -> Kind | None:
    """What was found out about it."""
    found = node.meta.get("kind")
    return found if isinstance(found, Kind) else None


def marked(node: Node, kind: Kind | None) -> Node:
    if kind is not None:
        node.meta["kind"] = kind
    return node


@dataclass
class Source:
    """A table, view or subquery under the name that it has in a query."""

    alias: str
    columns: Sequence[Output]
    table: Table | None = None

    def find(self, name: str) -> Output | None:
        wanted = name.lower()
        return next((c for c in self.columns if c[0].lower() == wanted), None)


@dataclass
class Scope:
    """What names mean within one query; `outer` is that of the query around it."""

    outer: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    tables: dict[str, Sequence[Output]] = field(default_factory=dict)
    aliases: dict[str, Kind | None] = field(default_factory=dict)

    def known(self, name: str) -> Sequence[Output] | None:
        """The columns of a common table expression."""
        found = self.tables.get(name.lower())
        return found if found is not None or self.outer is None else self.outer.known(name)

    def column(self, name: str, source: str) -> tuple[Source, Output] | None:
        """The source and the column, here or further out."""
        for one in self.sources:
            if (not source or one.alias.lower() == source.lower()) and (found := one.find(name)):
                return one, found
        return self.outer.column(name, source) if self.outer is not None else None
