"""Which tables of a database a flow's `{entity}` could stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import closing

from hygge.databases.answering import opened
from hygge.databases.database import Database, in_quotes

OURS = "_hygge_"
"""What hygge keeps in a database itself begins so."""


def stand_ins(database: Database, table: str) -> Mapping[str, str]:
    """What `*` in the name of a table can be: those words, and the whole name each comes to.

    A table of the connection's own schema needs none in its name, and may have it.
    """
    rule = re.compile("(.+)".join(map(re.escape, table.split("*", 1))))
    found = dict[str, str]()
    for names in _tables(database):
        for name in names:
            if match := rule.fullmatch(name):
                found[match[1]] = names[-1]
                break
    return found


def _tables(database: Database) -> Iterator[tuple[str, ...]]:
    """Each table's names, as short as can be first."""
    with closing(opened(database.connect())) as session:
        found = sorted(session.rows(database.catalog), key=lambda row: (not row[2], *row[:2]))
        for schema, name, own in found:
            if name.startswith(OURS):
                continue
            whole = f"{_word(schema)}.{_word(name)}"
            yield (_word(name), whole) if own else (whole,)


def _word(name: str) -> str:
    """A dot in a name is none between names."""
    return in_quotes(name) if "." in name or '"' in name else name
