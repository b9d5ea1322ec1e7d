"""What is done with each row, and by which key: R40 to R51."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hygge.mirroring.names import ROW_MARKER, Marker
from hygge.mirroring.replay import Meeting
from hygge.mirroring.rules.rule import (
    Answer,
    Need,
    Over,
    Rule,
    Said,
    Severity,
    Source,
    Unsaid,
    error,
    strict,
    warning,
)  # fmt: skip
from hygge.mirroring.rules.views import UNSEEN, FileView, TableView

_KNOWN: Final = frozenset(marker.value for marker in Marker)
_KEYED: Final = (Marker.UPDATE, Marker.DELETE, Marker.UPSERT)
_WHOLE_NUMBERS: Final = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def place(view: FileView) -> Answer:
    names = [column.name for column in view.file.columns]
    found = [name for name in names if name.lower() == ROW_MARKER.lower()]
    where = view.file.path
    if len(found) > 1:
        yield error(where, f"{len(found)} columns are called {ROW_MARKER}", "one, the last column")
    elif found and found[0] != ROW_MARKER:
        yield error(where, f"{found[0]!r} is not read as a marker", f"spell it {ROW_MARKER}")
    elif found and names[-1] != ROW_MARKER:
        after = len(names) - 1 - names.index(ROW_MARKER)
        what = f"{ROW_MARKER} is not the last column: {after} come after it"
        yield error(where, what, "move it to the end")


def kind(view: FileView) -> Answer:
    column = view.file.column(ROW_MARKER)
    if column is None:
        return
    text = next((m for m in view.file.markers or {} if isinstance(m, str)), None)
    if column.type not in (*_WHOLE_NUMBERS, "") or (view.file.delimited and text is not None):
        told = repr(text) if view.file.delimited else column.type
        yield error(view.file.path, f"{ROW_MARKER} is no whole number: {told}", "write int32")
    elif column.type not in ("int32", ""):
        yield strict(view.file.path, f"{ROW_MARKER} is {column.type}", "write int32")


def _ambiguous(view: FileView) -> bool:
    """Whether there are several columns of markers, of which none was counted."""
    return view.file.readable and view.file.is_marked and view.file.markers is None


_WHICH: Final = f"which column is meant by {ROW_MARKER} cannot be told"


def values(view: FileView) -> Answer:
    if _ambiguous(view):
        yield Unsaid(_WHICH)
    for marker, count in (view.file.markers or {}).items():
        if isinstance(marker, str) or marker in _KNOWN:
            continue
        told = "NULL" if marker is None else str(marker)
        what = f"{ROW_MARKER} is {told} in {_rows(count)}"
        yield error(view.file.path, what, "0 insert, 1 update, 2 delete, 4 upsert")


def keyless(view: FileView) -> Answer:
    if _ambiguous(view):
        yield Unsaid(_WHICH)
    found = [m for m in _KEYED if view.file.has(m)]
    if found and not view.metadata.keys:
        told = ", ".join(f"{m.value} ({m.name.lower()})" for m in found)
        what = f"markers {told}, and the table has no keyColumns"
        yield error(view.file.path, what, "name the keyColumns, or insert alone")


def null_keys(view: FileView) -> Answer:
    for key in view.metadata.keys:
        nulls = [column.nulls for column in view.file.columns if column.name == key]
        if most := max((count or 0 for count in nulls), default=0):
            what = f"the key {key!r} is NULL in {_rows(most)}"
            yield strict(view.file.path, what, "give each row a key: NULL may match nothing")
        elif None in nulls:
            yield Unsaid(f"which column is meant by {key!r} cannot be told")


def partial_updates(view: FileView) -> Answer:
    if view.pinned is None:
        yield Unsaid(UNSEEN)
    elif view.file.readable and view.file.has(Marker.UPDATE, Marker.UPSERT):
        there = {column.name for column in view.file.own}
        for column in view.pinned:
            if column.name in there or column.name == ROW_MARKER:
                continue
            hint = "updates and upserts carry the whole row"
            if column.nullable:
                what = f"the column {column.name!r} is left out, and becomes NULL in its rows"
                yield warning(view.file.path, what, hint)
            else:
                what = f"the column {column.name!r} is left out, and may not be NULL"
                yield error(view.file.path, what, hint)


def marked_seed(view: FileView) -> Answer:
    if view.first is None:
        yield Unsaid(UNSEEN)
    elif view.first and view.file.is_marked:
        hint = "leave the marker out of the first load: that is faster, and means insert"
        yield warning(view.file.path, f"the first file has {ROW_MARKER}", hint)


def unmarked_again(view: FileView) -> Answer:
    if view.marked is None:
        yield Unsaid(UNSEEN)
    elif view.marked and view.file.readable and not (view.file.is_marked or view.metadata.upserts):
        what = f"no {ROW_MARKER}, after a file with: its rows are appended, nothing is replaced"
        yield warning(view.file.path, what, "markers here, too; to load anew, drop the table")


def doubled(view: TableView) -> Answer:
    yield from _met(view, Meeting.DOUBLED, warning, "inserted, with a key that is there already",
                    "marker 4 replaces the row that is there")  # fmt: skip


def ambiguous(view: TableView) -> Answer:
    yield from _met(view, Meeting.AMBIGUOUS, strict, "matched by key, and the key is there twice",
                    "load the table anew; keys must name one row")  # fmt: skip


def absent(view: TableView) -> Answer:
    yield from _met(view, Meeting.ABSENT_DELETE, warning, "deleted, and not there",
                    "see whether a file with these rows got lost")  # fmt: skip
    if view.replayed is not None and view.replayed.why is None:
        yield from _met(view, Meeting.ABSENT_UPDATE, warning, "updated, and not there: inserted",
                        "see whether a file with these rows got lost")  # fmt: skip


def moved(view: TableView) -> Answer:
    if view.replayed is None or view.replayed.source_id is None:
        yield Unsaid("which rows are one, under another key, only a column of the source can tell")
        return
    if view.replayed.lacking is not None:
        yield Unsaid(f"{view.replayed.lacking} has no column {view.replayed.source_id!r}")
    yield from _met(view, Meeting.MOVED, warning, "under a new key, and not deleted under the old",
                    "delete the old key before the new one is inserted")  # fmt: skip


def _met(
    view: TableView, meeting: Meeting, say: Callable[[str, str, str], Said], what: str, hint: str
) -> Answer:
    """One finding for each file where rows met it."""
    if view.replayed is None or view.replayed.why is not None:
        yield Unsaid(UNSEEN if view.replayed is None else view.replayed.why or "")
        return
    for met in view.replayed.of(meeting):
        yield say(met.path, f"{_rows(met.rows)} {what} (the first: {met.key})", hint)


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


_E, _W, _S = (Severity.ERROR,), (Severity.WARNING,), (Severity.STRICT,)
_EW = (Severity.ERROR, Severity.WARNING)
_ES = (Severity.ERROR, Severity.STRICT)
_LZF, _BP, _FIELD, _INFER = ((source,) for source in Source)

RULES: Final = (
    Rule("R40", _E, "`__rowMarker__` is spelled so, there once, and the last column.",
         (Source.LZF, Source.BP), {Over.FILE: place}),
    Rule("R41", _ES, "`__rowMarker__` is a whole number (strict: of 32 bits).", _INFER,
         {Over.FILE: kind}),
    Rule("R42", _E, "`__rowMarker__` is 0, 1, 2 or 4, never NULL.", _LZF, {Over.FILE: values}),
    Rule("R43", _E, "Markers 1, 2 and 4 need keyColumns.", (Source.LZF, Source.INFER),
         {Over.FILE: keyless}),
    Rule("R44", _S, "No key is NULL.", _INFER, {Over.FILE: null_keys}),
    Rule("R45", _EW, "Updates and upserts carry every column (an error where it may not be NULL).",
         (Source.LZF, Source.INFER), {Over.FILE: partial_updates}, Need.STORY),
    Rule("R46", _W, "The first file has no marker.", (Source.LZF, Source.BP),
         {Over.FILE: marked_seed}, Need.STORY),
    Rule("R47", _W, "After a file with markers, all have them, unless rows are upserts by default.",
         _BP, {Over.FILE: unmarked_again}, Need.STORY),
    Rule("R48", _W, "No row is inserted whose key is there.", _LZF, {Over.TABLE: doubled},
         Need.ROWS),
    Rule("R49", _S, "What is updated or deleted by key is one row.", _INFER,
         {Over.TABLE: ambiguous}, Need.ROWS),
    Rule("R50", _W, "What is updated or deleted is there.", _LZF, {Over.TABLE: absent}, Need.ROWS),
    Rule("R51", _W, "A row that comes under a new key is deleted under its old one.", _BP,
         {Over.TABLE: moved}, Need.SOURCE),
)  # fmt: skip
