"""How a CSV file is laid out, and whether its quotes stand where they may."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hygge.formats.utf8 import Utf8


@dataclass(frozen=True)
class Layout:
    """How the file is written."""

    delimiter: str
    quote: str | None
    encoding: str
    header: bool
    null_values: tuple[str, ...]

    def reader(self, lines: Iterator[str] | io.TextIOBase) -> Any:
        """Python's own reader: slow, and it counts lines."""
        if self.quote is None:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)


class Tallied(io.RawIOBase):
    """Hands bytes on and looks at the quotes among them.

    Cut at its quotes, a well-formed file has text within quotes and text between them, in turn; and
    what is between begins and ends at a delimiter or a line end. Where it does not, it is `odd`
    (a quote is never closed) or `doubtful` (a quote stands in the middle of a value).
    """

    def __init__(self, text: Utf8, layout: Layout) -> None:
        super().__init__()
        self._text, self._quote = text, layout.quote and layout.quote.encode()
        self._ends = (layout.delimiter.encode(), b"\r", b"\n")
        self._between, self._first = b"", True
        self.odd, self.ended_well, self.doubtful = False, True, False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._text.read(size)
        if self._quote and data:
            self._look(data.split(self._quote))
        if not data and not self._first:  # what follows the last quote
            self.doubtful |= bool(self._between) and not self._between.startswith(self._ends)
        if data:
            self.ended_well = data[-1:] in b"\r\n"
        return data

    def _look(self, pieces: list[bytes]) -> None:
        within, self.odd = self.odd, self.odd ^ (len(pieces) % 2 == 0)
        between = pieces[within::2]
        if not within:
            between[0] = self._between + between[0]
        self._between = b""
        if not self.odd:  # the last of them goes on with what is read next
            last = between.pop()
            self._between = last if len(last) < 2 else last[:1] + last[-1:]
        if between and self._first:
            self._first, start = False, between.pop(0).removeprefix(codecs.BOM_UTF8)
            self.doubtful |= bool(start) and not start.endswith(self._ends)
        self.doubtful |= not all(
            not piece or (piece.startswith(self._ends) and piece.endswith(self._ends))
            for piece in set(between)
        )
