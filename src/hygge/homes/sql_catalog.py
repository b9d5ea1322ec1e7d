"""Which tables of a database a flow's `{entity}` could stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing

from hygge.core.config import nearest
from hygge.core.errors import ConfigError
from hygge.databases.answering import opened
from hygge.databases.database import Database, Session, Table
from hygge.databases.dialect import in_quotes

OURS = "_hygge_"
"""What hygge keeps in a database itself begins so."""


def stand_ins(database: Database, table: str) -> Mapping[str, str]:
    """What `*` in the name of a table can be: those words, and the whole name each comes to.

    A table of the connection's own schema needs none in its name, and may have it.
    """
    if "*" not in table:
        told = f"several entities would all be read from one table, {table}"
        raise ConfigError(told, hint="table: {entity}, or with a schema: dbo.{entity}")
    rule = re.compile("(.+)".join(map(re.escape, table.split("*", 1))))
    found = dict[str, str]()
    with closing(opened(database.connect())) as session:
        for names in _tables(session, database):
            for name in names:
                if match := rule.fullmatch(name):
                    found[match[1]] = names[-1]
                    break
    return found


def near(session: Session, database: Database, table: Table) -> str | None:
    """What somebody may have meant who named a table that is not there."""
    found = [*_tables(session, database)]
    if any(str(table) in names for names in found):
        return "it has no columns: leave it out"
    best = nearest(str(table), [name for names in found for name in names])
    same = [names[-1] for names in found if Table.of(names[-1]).name == table.name]
    named = best or next(iter(same), None)
    return f"did you mean {named}?" if named else None


def _tables(session: Session, database: Database) -> Iterator[tuple[str, ...]]:
    """Each table's names, as short as can be first."""
    found = sorted(session.rows(database.catalog), key=lambda row: (not row[2], *row[:2]))
    for schema, name, own in found:
        if name.startswith(OURS):
            continue
        whole = f"{_word(schema)}.{_word(name)}"
        yield (_word(name), whole) if own else (whole,)


def _word(name: str) -> str:
    """A dot in a name is none between names."""
    return in_quotes(name) if "." in name or '"' in name else name
