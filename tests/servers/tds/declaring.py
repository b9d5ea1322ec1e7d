"""What CREATE TABLE and ALTER TABLE ADD declare: columns, keys and references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tests.servers.tds.catalog import Column
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import Kind
from tests.servers.tds.words import Cursor, Word, parted


@dataclass(frozen=True)
class Key:
    """A primary key or a unique constraint; `columns` with whether they run downwards."""

    name: str | None
    primary: bool
    clustered: bool
    columns: tuple[tuple[str, bool], ...]


@dataclass(frozen=True)
class Reference:
    """A foreign key."""

    name: str | None
    columns: tuple[str, ...]
    table: tuple[str, ...]
    referenced: tuple[str, ...]


@dataclass
class Declared:
    """All of them. Collations and names of defaults are by the column's name."""

    columns: list[Column] = field(default_factory=list)
    keys: list[Key] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    checks: list[tuple[str | None, str]] = field(default_factory=list)
    collations: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str] = field(default_factory=dict)


def declared(sql: str, found: Sequence[Word]) -> Declared:
    """From what is between the brackets of CREATE TABLE, or after ADD."""
    made = Declared()
    for part in parted(found):
        at = Cursor(sql, part)
        if at.peek() in ("constraint", "primary", "unique", "foreign", "check"):
            _constraint(at, made)
        elif at.peek() not in ("index", "period"):
            _column(at, made)
    keyed = {name.lower() for key in made.keys if key.primary for name, _ in key.columns}
    made.columns = [
        replace(c, nullable=False) if c.name.lower() in keyed else c for c in made.columns
    ]
    return made


def kind(at: Cursor) -> Kind:
    """A type with what is in brackets after it."""
    path = at.path()
    text = path[-1]
    if at.peek() == "(":
        text += f"({at.text(at.group())})"
    try:
        return Kind.of(text)
    except ValueError:
        told = f"Column, parameter, or variable: Cannot find data type {text}."
        raise SqlError(2715, told) from None


def _column(at: Cursor, made: Declared) -> None:
    name = at.next().name
    number = len(made.columns) + 1
    if at.skip("as"):
        words = [w for w in at.until("persisted") if w.low != "persisted"]
        text = at.text(words)
        made.columns.append(Column(number, name, Kind("sql_variant"), True, computed=text))
        return
    column = Column(number, name, kind(at), True)
    constraint = None
    while not at.done:
        word = at.next().low
        if word == "constraint":
            constraint = at.next().name
        elif word == "not":
            at.must("null")
            column = replace(column, nullable=False)
        elif word == "identity":
            column = _identity(at, column)
        elif word == "default":
            column = replace(column, default=_default(at))
            made.defaults[name] = constraint or f"DF_{name}_{id(at) % 10**8:08x}"
        elif word == "collate":
            made.collations[name] = at.next().name
        elif word == "check":
            made.checks.append((constraint, at.text(at.group())))
        elif word in ("primary", "unique", "references", "foreign"):
            _column_constraint(at, made, word, name, constraint)
        elif at.peek() == "(":
            at.group()
    made.columns.append(column)


def _identity(at: Cursor, column: Column) -> Column:
    seed = step = 1
    if at.peek() == "(":
        numbers = [int(at.text(part)) for part in parted(at.group())]
        seed, step = (*numbers, 1)[:2]
    return replace(column, seed=seed, step=step, nullable=False)


def _default(at: Cursor) -> str:
    start = at.at
    if at.peek() in ("-", "+"):
        at.next()
    if at.peek() == "(":
        at.group()
    else:
        at.next()
        if at.peek() == "(":
            at.group()
    return at.text(at.words[start : at.at])


def _column_constraint(
    at: Cursor, made: Declared, word: str, column: str, name: str | None
) -> None:
    if word in ("references", "foreign"):
        at.skip("key")
        if word == "foreign":
            at.must("references")
        made.references.append(_reference(at, name, (column,)))
        return
    primary = word == "primary"
    at.skip("key")
    made.keys.append(Key(name, primary, _clustered(at, primary), ((column, False),)))


def _clustered(at: Cursor, primary: bool) -> bool:
    if at.skip("nonclustered"):
        return False
    return at.skip("clustered") or primary


def _constraint(at: Cursor, made: Declared) -> None:
    name = at.next().name if at.skip("constraint") else None
    word = at.next().low
    if word in ("primary", "unique"):
        at.skip("key")
        clustered = _clustered(at, word == "primary")
        made.keys.append(Key(name, word == "primary", clustered, ordered(at)))
    elif word == "foreign":
        at.must("key")
        columns = tuple(part[0].name for part in parted(at.group()))
        at.must("references")
        made.references.append(_reference(at, name, columns))
    elif word == "check":
        made.checks.append((name, at.text(at.group())))
    elif word == "default":
        text = _default(at)
        at.must("for")
        made.defaults[at.next().name] = text


def _reference(at: Cursor, name: str | None, columns: tuple[str, ...]) -> Reference:
    table = tuple(at.path())
    referenced: tuple[str, ...] = ()
    if at.peek() == "(":
        referenced = tuple(part[0].name for part in parted(at.group()))
    return Reference(name, columns, table, referenced)


def ordered(at: Cursor) -> tuple[tuple[str, bool], ...]:
    """Columns in brackets, each with whether it runs downwards."""
    return tuple((part[0].name, part[-1].low == "desc") for part in parted(at.group()))
