"""The rows of a CSV file as texts: strictly split, with the line each begins on."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Collection, Iterator
from typing import Any, Self

import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv

from hygge.core.errors import HomeError
from hygge.formats.columns import frame
from hygge.formats.csv_layout import Layout, Tallied
from hygge.formats.format import Source
from hygge.formats.utf8 import Utf8, refuse_wrong_bytes

_BLOCK = 4 * 2**20
"""Bytes split at once, some forty blocks at a time."""
_LONG = 64 * 2**20
"""The same for files with longer rows, one block at a time; no row may be longer than this."""
_CHUNK = 2**20
csv.field_size_limit(max(csv.field_size_limit(), _LONG))  # the whole process has only one
_LINE_END = re.compile(rb"\r\n|\n|\r")


class Rows:
    """Iterates over the rows in blocks of texts, NULLs told apart from empty texts."""

    def __init__(
        self, source: Source, layout: Layout, wanted: Collection[str] | None = None
    ) -> None:
        self.source, self._layout = source, layout
        self._before = 0
        self._handle = source.open()
        try:
            self._text = Utf8(self._handle, layout.encoding)
            self.names = self._header()
        except BaseException as failed:
            self._handle.close()
            if isinstance(failed, UnicodeDecodeError):
                refuse_wrong_bytes(source, layout.encoding)
            raise
        chosen = [n for n in self.names if wanted is None or n in wanted] or self.names[:1]
        self._chosen = {str(self.names.index(name)): name for name in chosen}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._handle.close()

    def line_of(self, row: int) -> int | None:
        """The line in the file on which a row of the current block begins."""
        with self.source.open() as handle:
            for number, (line, _) in enumerate(self._slowly(handle)):
                if number == self._before + row:
                    return line
        return None

    def __iter__(self) -> Iterator[pl.DataFrame]:
        try:
            yield from self._texts(_BLOCK)
        except (pa.ArrowException, UnicodeError) as failed:
            if "straddling" not in str(failed):
                raise self._explained(failed) from failed
        else:
            return
        try:
            yield from self._once_more()
        except (pa.ArrowException, UnicodeError) as failed:
            raise self._explained(failed) from failed

    def _once_more(self) -> Iterator[pl.DataFrame]:
        """From the start in longer blocks, without the rows that were given already."""
        given, self._before = self._before, 0
        self._handle.seek(0)
        self._text = Utf8(self._handle, self._layout.encoding)
        self._header()
        for texts in self._texts(_LONG):
            skipped = max(0, min(texts.height, given - self._before))
            self._before += skipped
            yield texts.slice(skipped)
            self._before -= skipped  # counted whole when the next is asked for

    def _texts(self, block: int) -> Iterator[pl.DataFrame]:
        if not (first := self._text.read(_CHUNK)):
            return
        self._text.unread(codecs.BOM_UTF8 + first)  # Arrow takes one away, be it there or not
        stream = Tallied(self._text, self._layout)
        texts = None
        try:
            for split in self._split(stream, block):
                texts = frame(split).rename(self._chosen)
                yield texts
                self._before += texts.height
        except pa.ArrowException as failed:
            if "Empty CSV" not in str(failed):  # only blank lines: no rows
                raise
        if stream.doubtful or (stream.odd and not self._closed(texts, stream)):
            self._refuse_malformed()

    def _split(self, stream: Tallied, block: int) -> Iterator[pa.RecordBatch]:
        layout, names = self._layout, [str(n) for n in range(len(self.names))]
        file: Any = stream
        opened: Iterator[pa.RecordBatch] = arrow_csv.open_csv(
            file,
            arrow_csv.ReadOptions(
                column_names=names, block_size=block, use_threads=block == _BLOCK
            ),
            arrow_csv.ParseOptions(
                delimiter=layout.delimiter,
                quote_char=layout.quote or False,
                newlines_in_values=layout.quote is not None,
                ignore_empty_lines=len(names) > 1,  # in a single column they are NULLs
            ),
            arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=list(self._chosen),
                null_values=list(layout.null_values),
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        return opened

    def _closed(self, texts: pl.DataFrame | None, stream: Tallied) -> bool:
        """Whether the last value is surely no quote that ran to the end of the file."""
        if texts is None or texts.columns[-1] != self.names[-1] or not stream.ended_well:
            return False
        last = texts[-1, -1]
        return last is None or last[-1:] not in "\r\n"

    def _header(self) -> tuple[str, ...]:
        blank, first = self._first_record()
        text = io.StringIO(first.decode(), newline="")
        try:
            (record,) = self._layout.reader(text) if first else ([""],)
        except (csv.Error, ValueError) as failed:
            raise HomeError(
                f"the first line is not CSV: {failed}", file=self.source.name, line=1
            ) from failed
        if not self._layout.header:
            self._text.unread(blank + first)
            return tuple(f"column_{n}" for n in range(1, len(record) + 1))
        names = tuple(name or f"column_{n}" for n, name in enumerate(record, 1))
        for name in names:
            if names.count(name) > 1:
                raise HomeError(
                    "two columns have one name", file=self.source.name, line=1, column=name
                )
        return names

    def _first_record(self) -> tuple[bytes, bytes]:
        """The blank lines before it, which may be rows, and the first line that tells columns."""
        data = blank = b""
        while more := self._text.read(_CHUNK):
            data += more
            if told := len(data) - len(data.lstrip(b"\r\n")):
                blank, data = blank + data[:told] * (not self._layout.header), data[told:]
            for end in _LINE_END.finditer(data):
                inside = self._layout.quote and data.count(
                    self._layout.quote.encode(), 0, end.start()
                )
                if not (inside or 0) % 2 and end.end() < len(data):
                    return blank, self._split_off(data, end.end())
            if len(blank + data) > _BLOCK:
                raise HomeError("the first line has no end", file=self.source.name, line=1)
        if not blank + data:
            raise HomeError(
                "the file is empty", file=self.source.name, hint="a table has at least its header"
            )
        return blank, data

    def _split_off(self, data: bytes, end: int) -> bytes:
        self._text.unread(data[end:])
        return data[:end]

    def _slowly(self, handle: Any) -> Iterator[tuple[int, list[str]]]:
        """Every row after the header with the line it begins on."""
        raw: Any = Utf8(handle, self._layout.encoding)
        text = io.TextIOWrapper(raw, "utf-8", newline="")
        reader = self._layout.reader(text)
        line, header = 1, self._layout.header
        try:
            for row in reader:
                if header:
                    header = not row  # blank lines may come first
                elif row or len(self.names) == 1:
                    yield line, row
                line = reader.line_num + 1
        except csv.Error as failed:
            closed = "unexpected end" not in str(failed)
            what = str(failed) if closed else "a quote is opened and never closed"
            hint = "correct that line, or set `quote: null` if quotes mean nothing in this file"
            raise HomeError(what, file=self.source.name, line=line, hint=hint) from failed

    def _refuse_malformed(self) -> None:
        with self.source.open() as handle:
            for line, row in self._slowly(handle):
                if len(row) not in (len(self.names), 0):
                    some = "1 value" if len(row) == 1 else f"{len(row)} values"
                    raise HomeError(
                        f"{some} in a row of {len(self.names)} columns",
                        file=self.source.name,
                        line=line,
                        hint="correct that line: a delimiter inside a value needs quotes around it",
                    )

    def _explained(self, failed: Exception) -> HomeError:
        """What is wrong and on which line, by reading again slowly."""
        try:
            refuse_wrong_bytes(self.source, self._layout.encoding)
            self._refuse_malformed()
        except HomeError as found:
            return found
        told = (
            f"a row is longer than {_LONG >> 20} MB" if "straddling" in str(failed) else str(failed)
        )
        return HomeError(f"not readable as CSV: {told}", file=self.source.name)


def counted(source: Source, layout: Layout) -> int:
    """The rows of a finished file: its line ends outside quotes, less the header's."""
    lines, inside, last = 0, False, b"\n"
    quote = (layout.quote or "\0").encode()
    with source.open() as handle:
        text = Utf8(handle, layout.encoding)
        while data := text.read(_CHUNK):
            parts = data.split(quote) if layout.quote else [data]
            lines += sum(part.count(b"\n") for part in parts[inside::2])
            inside ^= len(parts) % 2 == 0
            last = data[-1:]
    if inside or last != b"\n":
        raise HomeError("the file ends in the middle of a row", file=source.name)
    if layout.header and not lines:
        raise HomeError("the file is empty", file=source.name)
    return lines - layout.header
