"""What may become of a table's columns: R52 to R58."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hygge.mirroring.facts import ColumnFacts, one_type
from hygge.mirroring.names import ROW_MARKER, Marker
from hygge.mirroring.rules.rule import (
    Answer,
    Need,
    Over,
    Rule,
    Severity,
    Source,
    Unsaid,
    error,
    strict,
    warning,
)  # fmt: skip
from hygge.mirroring.rules.views import UNSEEN, FileView
from hygge.mirroring.state import SeenColumn

_ANEW: Final = "drop the table and load it anew"


def retyped(view: FileView) -> Answer:
    if view.pinned is None:
        yield Unsaid(UNSEEN)
        return
    for column, known in _both(view):
        where = view.file.path
        same = one_type(column.type) == one_type(known.type)
        if not same and not _is_empty(view, column):
            what = f"the column {column.name!r} is {column.type}, and was {known.type}"
            yield error(where, what, f"write {known.type}, or {_ANEW}")
        elif same and known.nullable and not column.nullable:
            what = f"the column {column.name!r} is NOT NULL, and was nullable"
            yield error(where, what, "declare it nullable, as it was")


def retyped_empty(view: FileView) -> Answer:
    if view.pinned is None:
        yield Unsaid(UNSEEN)
        return
    for column, known in _both(view):
        if one_type(column.type) != one_type(known.type) and _is_empty(view, column):
            what = f"the column {column.name!r} is NULL in every row, written as {column.type}, and"
            hint = f"declare {known.type}, do not let a library guess it from the rows"
            yield error(view.file.path, f"{what} was {known.type}", hint)


def added(view: FileView) -> Answer:
    if view.pinned is None:
        yield Unsaid(UNSEEN)
        return
    known = {column.name.lower(): column.name for column in view.pinned}
    for column in _new(view):
        if (there := known.get(column.name.lower())) is not None:
            what = f"the new column {column.name!r} differs from {there!r} only by case"
            yield strict(view.file.path, what, f"spell it {there}")
        if not column.nullable:
            what = f"the new column {column.name!r} is NOT NULL"
            yield error(view.file.path, what, "declare it nullable")


def dropped(view: FileView) -> Answer:
    if view.pinned is None:
        yield Unsaid(UNSEEN)
        return
    for column in _gone(view):
        if not column.nullable and not _tells_updates(view):
            what = f"the column {column.name!r} is gone, and may not be NULL"
            yield error(view.file.path, what, f"write it, or {_ANEW}")


def dropped_nullable(view: FileView) -> Answer:
    if view.pinned is None:
        yield Unsaid(UNSEEN)
        return
    for column in _gone(view):
        if column.nullable and not view.file.only_deletes and not _tells_updates(view):
            what = f"the column {column.name!r} is gone: it is NULL in the new rows"
            yield warning(view.file.path, what, f"write it; to be rid of it, {_ANEW}")


def renamed(view: FileView) -> Answer:
    if view.pinned is None:
        yield Unsaid(UNSEEN)
        return
    latest = view.latest
    for column in _gone(view):
        alike = [
            repr(new.name) for new in _new(view) if one_type(new.type) == one_type(column.type)
        ]
        if alike and (latest is None or column.name in latest):
            new = " or ".join(alike)
            what = f"{column.name!r} is gone and {new} new: renamed? All stay in the table"
            yield warning(view.file.path, what, f"keep the old name, or {_ANEW}")


def delimited(view: FileView) -> Answer:
    if not view.file.delimited or not view.file.readable:
        return
    if view.pinned is None:
        yield Unsaid(UNSEEN)
        return
    if not view.pinned:
        return
    now = {c.name: c for c in view.file.seen}
    was = {c.name: c for c in view.pinned if c.name != ROW_MARKER}
    hint = f"delimited files keep their columns: {_ANEW}, or publish parquet"
    for name in was.keys() - now.keys():
        yield error(view.file.path, f"the column {name!r} is gone", hint)
    for name in now.keys() - was.keys():
        yield error(view.file.path, f"the column {name!r} is new", hint)
    for name in sorted(now.keys() & was.keys()):
        one, other = now[name], was[name]
        if "" not in (one.type, other.type) and one != other:
            told = f"the column {name!r} is {_said(one)}, and was {_said(other)}"
            yield error(view.file.path, told, hint)


def _said(column: SeenColumn) -> str:
    return f"{column.type}{'' if column.nullable else ' NOT NULL'}"


def _looked_at(view: FileView) -> bool:
    return view.file.readable and not view.file.delimited and bool(view.pinned)


def _both(view: FileView) -> Iterator[tuple[ColumnFacts, SeenColumn]]:
    known = {column.name: column for column in view.pinned or ()}
    if _looked_at(view):
        yield from ((c, known[c.name]) for c in view.file.own if c.name in known)


def _new(view: FileView) -> Iterator[ColumnFacts]:
    known = {column.name for column in view.pinned or ()}
    if _looked_at(view):
        yield from (column for column in view.file.own if column.name not in known)


def _gone(view: FileView) -> Iterator[SeenColumn]:
    there = {column.name for column in view.file.columns}
    if _looked_at(view):
        yield from (c for c in view.pinned or () if c.name not in there and c.name != ROW_MARKER)


def _tells_updates(view: FileView) -> bool:
    """Whether R45 speaks of the columns that are left out."""
    return view.file.has(Marker.UPDATE, Marker.UPSERT)


def _is_empty(view: FileView, column: ColumnFacts) -> bool:
    return view.file.rows > 0 and column.nulls == view.file.rows


_E, _W = (Severity.ERROR,), (Severity.WARNING,)
_LZF, _BP, _FIELD, _INFER = ((source,) for source in Source)
_STORY: Final = Need.STORY

RULES: Final = (
    Rule("R52", _E, "A column keeps its type, to the bit (times of milli- and microseconds "
         "are one), and stays nullable if it was.",
         (Source.LZF, Source.FIELD), {Over.FILE: retyped}, _STORY),
    Rule("R53", (Severity.ERROR, Severity.STRICT), "A new column is nullable (strict: and differs "
         "from those that are there by more than case).", (Source.FIELD, Source.INFER),
         {Over.FILE: added}, _STORY),
    Rule("R54", _E, "A column that may not be NULL is never left out.", _LZF, {Over.FILE: dropped},
         _STORY),
    Rule("R55", _W, "No column is left out (R45 speaks of updates; deletes need only keys).", _LZF,
         {Over.FILE: dropped_nullable}, _STORY),
    Rule("R56", _W, "No column is renamed: that is one dropped and one added.", _LZF,
         {Over.FILE: renamed}, _STORY),
    Rule("R57", _E, "A column that is NULL in every row has the type that it had before.", _FIELD,
         {Over.FILE: retyped_empty}, _STORY),
    Rule("R58", _E, "Delimited files keep their columns, as they are.", _LZF,
         {Over.FILE: delimited}, _STORY),
)  # fmt: skip
