"""T-SQL as words, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.servers.tds.errors import SqlError

_WORDS = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
    | (?P<text>[nN]?'(?:[^']|'')*')
    | (?P<name>\[(?:[^\]]|\]\])*\]|"(?:[^"]|"")*")
    | (?P<hex>0[xX][0-9a-fA-F]*)
    | (?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    | (?P<word>(?:@@?|\#\#?)?[^\W\d][\w@$\#]*|@@?\d\w*)
    | (?P<mark><=|>=|<>|!=|\+=|.)""",
    re.DOTALL | re.VERBOSE,
)


@dataclass(frozen=True)
class Word:
    """One word: `low` is empty for whatever is quoted."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    @property
    def low(self) -> str:
        return self.text.lower() if self.kind in ("word", "mark") else ""

    @property
    def name(self) -> str:
        """What it names; a text's value."""
        if self.kind == "name":
            close = self.text[-1]
            return self.text[1:-1].replace(close * 2, close)
        if self.kind == "text":
            return self.text[self.text.index("'") + 1 : -1].replace("''", "'")
        return self.text


def words(sql: str) -> list[Word]:
    """All but comments and spaces."""
    found = _WORDS.finditer(sql)
    return [Word(str(m.lastgroup), m[0], m.start()) for m in found if m.lastgroup != "space"]


class Cursor:
    """Words, from the first to the last."""

    def __init__(self, sql: str, found: Sequence[Word] | None = None) -> None:
        self.sql = sql
        self.words = words(sql) if found is None else found
        self.at = 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.words)

    def peek(self, ahead: int = 0) -> str:
        """In small letters; empty for quoted ones and at the end."""
        at = self.at + ahead
        return self.words[at].low if at < len(self.words) else ""

    def next(self) -> Word:
        if self.done:
            raise SqlError(102, "Incorrect syntax near the end.", 15)
        self.at += 1
        return self.words[self.at - 1]

    def skip(self, *wanted: str) -> bool:
        """Goes past these words if they come next."""
        if any(self.peek(n) != word for n, word in enumerate(wanted)):
            return False
        self.at += len(wanted)
        return True

    def must(self, *wanted: str) -> None:
        if not self.skip(*wanted):
            near = self.words[self.at].text if not self.done else ""
            raise SqlError(102, f"Incorrect syntax near '{near}'.", 15)

    def path(self) -> list[str]:
        """Names with points between them; a missing one is empty."""
        parts = [self._part()]
        while self.skip("."):
            parts.append(self._part())
        return parts

    def _part(self) -> str:
        return "" if self.peek() == "." else self.next().name

    def group(self) -> list[Word]:
        """What is in the brackets that come next."""
        self.must("(")
        start, depth = self.at, 1
        while depth:
            word = self.next().low
            depth += (word == "(") - (word == ")")
        return list(self.words[start : self.at - 1])

    def until(self, *ends: str) -> list[Word]:
        """Up to one of these, outside of brackets, or to the end."""
        start, depth = self.at, 0
        while not self.done:
            word = self.peek()
            if depth == 0 and word in ends:
                break
            depth += (word == "(") - (word == ")")
            self.at += 1
        return list(self.words[start : self.at])

    def text(self, found: Sequence[Word]) -> str:
        """As it was written."""
        return self.sql[found[0].start : found[-1].end] if found else ""


def parted(found: Sequence[Word], mark: str = ",") -> list[list[Word]]:
    """Between commas that are outside of brackets."""
    parts: list[list[Word]] = [[]]
    depth = 0
    for word in found:
        depth += (word.low == "(") - (word.low == ")")
        if word.low == mark and depth == 0:
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]
