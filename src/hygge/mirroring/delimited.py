"""What a delimited file of a landing zone holds: its header, its markers and its keys."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from hygge.filesystems.filesystem import FileSystem
from hygge.mirroring.facts import ColumnFacts, FileFacts
from hygge.mirroring.footers import BATCH_ROWS, Rows
from hygge.mirroring.names import ROW_MARKER
from hygge.mirroring.state import SeenColumn
from hygge.mirroring.written import Written

_LONGEST: Final = 2**27


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a table's delimited files lie."""

    separator: str = ","
    quote: str = '"'
    escape: str = "\\"
    null: str = ""
    encoding: str = "utf-8"

    @classmethod
    def of(cls, written: Written) -> Layout:
        """As the metadata has it; what is wrong there is left at its default."""
        said = written.layout
        return cls(
            _mark(said.get("columnseparator"), ",").replace("\\t", "\t")[:1] or ",",
            _mark(said.get("quotecharacter"), '"')[:1],
            _mark(said.get("escapecharacter"), "\\")[:1],
            _mark(said.get("nullvalue"), ""),
            _encoding(said.get("encoding")),
        )


def delimited_facts(
    files: FileSystem, path: str, name: str, size: int, written: Written
) -> FileFacts:
    """The facts of the delimited file at this path; `name` is its path below the table's folder."""
    if size == 0:
        return FileFacts(name, 0, delimited=True, broken="it has no bytes")
    try:
        return _counted(files, path, FileFacts(name, size, delimited=True), written)
    except (csv.Error, ValueError) as failed:
        told = str(failed).splitlines()[0] if str(failed) else type(failed).__name__
        broken = f"it is no readable delimited file: {told}"
        return FileFacts(name, size, delimited=True, broken=broken)


def delimited_rows(
    files: FileSystem, path: str, columns: Sequence[str], written: Written
) -> Iterator[Rows]:
    """The texts of these columns, some rows at a time; markers as numbers. Raises ValueError or
    csv.Error for a file that is broken."""
    layout = Layout.of(written)
    with _opened(files, path, layout) as (names, rows):
        places = {name: names.index(name) for name in columns}
        while batch := list(islice(rows, BATCH_ROWS)):
            found: dict[str, list[Any]] = {
                name: [row[at] for row in batch] for name, at in places.items()
            }
            if ROW_MARKER in found:
                found[ROW_MARKER] = [_marker(text, layout) for text in found[ROW_MARKER]]
            yield found


def _counted(files: FileSystem, path: str, facts: FileFacts, written: Written) -> FileFacts:
    layout, count = Layout.of(written), 0
    markers = dict[int | str | None, int]()
    with _opened(files, path, layout) as (names, rows):
        wanted = {at: 0 for at, name in enumerate(names) if name in written.table.keys}
        marked = names.index(ROW_MARKER) if ROW_MARKER in names else None
        for row in rows:
            count += 1
            for at in wanted:
                wanted[at] += row[at] == layout.null
            if marked is not None:
                marker = _marker(row[marked], layout)
                markers[marker] = markers.get(marker, 0) + 1
    declared = {column.name: column for column in written.columns}
    columns = tuple(
        _column(name, declared.get(name), wanted.get(at)) for at, name in enumerate(names)
    )
    told = None if marked is None else markers
    return FileFacts(
        facts.path, facts.size, delimited=True, rows=count, columns=columns, markers=told
    )


def _column(name: str, declared: SeenColumn | None, nulls: int | None) -> ColumnFacts:
    if declared is None:
        return ColumnFacts(name, "", nulls=nulls)
    return ColumnFacts(name, declared.type, declared.nullable, nulls=nulls)


@contextmanager
def _opened(
    files: FileSystem, path: str, layout: Layout
) -> Iterator[tuple[list[str], Iterator[list[str]]]]:
    """The header, and the rows below it. Raises ValueError where there is no header."""
    # a text of a column may well be longer than Python's own limit of 128 kB
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST))
    with files.open(path) as handle:
        text = io.TextIOWrapper(handle, layout.encoding, newline="")
        rows = csv.reader(
            text,
            delimiter=layout.separator,
            quotechar=layout.quote or None,
            quoting=csv.QUOTE_MINIMAL if layout.quote else csv.QUOTE_NONE,
            escapechar=layout.escape if layout.escape not in ("", layout.quote) else None,
        )
        names = next(rows, [])
        if not names:
            raise ValueError("it has no header")
        names[0] = names[0].removeprefix("\ufeff")
        yield names, _whole(rows, len(names))


def _whole(rows: Iterator[list[str]], width: int) -> Iterator[list[str]]:
    for number, row in enumerate(rows, 1):
        if row and len(row) != width:
            raise ValueError(f"row {number} has {len(row)} values, and the header {width} names")
        if row:
            yield row


def _marker(text: str, layout: Layout) -> int | str | None:
    if text == layout.null:
        return None
    return int(text) if text.isascii() and text.isdigit() else text


def _mark(value: Any, default: str) -> str:
    return value if isinstance(value, str) else default


def _encoding(value: Any) -> str:
    try:
        return codecs.lookup(value).name if isinstance(value, str) else "utf-8"
    except LookupError:
        return "utf-8"
