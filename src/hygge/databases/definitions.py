"""A table's own `create table`, taken apart so far that columns in it can be made wider.

Whatever else it says of a column stays as it was written: default, check, comment, collation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hygge.core.errors import DatabaseError
from hygge.databases.wider import Wider

_TOKEN = re.compile(
    r"""--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|\w+|\s+|.""",
    re.DOTALL,
)
_AFTER_TYPE = {"constraint", "primary", "not", "null", "unique", "check", "default", "collate"}
_AFTER_TYPE |= {"references", "generated", "as", "auto_increment", "comment", "on", "invisible"}
_AFTER_TYPE |= {"character", "charset", "using", "with", "without"}
_TABLE_WORDS = {"constraint", "primary", "unique", "check", "foreign", "key", "index", "fulltext"}
_TABLE_WORDS |= {"spatial", "period"}


@dataclass(frozen=True)
class Definition:
    """What stands between the parentheses, cut at its commas, and what follows them."""

    parts: tuple[str, ...]
    rest: str

    @classmethod
    def of(cls, sql: str) -> Definition:
        """Of a `create table`. Raises DatabaseError for what is none."""
        parts, word, depth, tokens = list[str](), "", 0, iter(_TOKEN.findall(sql))
        for token in tokens:
            depth += (token == "(") - (token == ")")
            if depth == 0 and token == ")":
                return cls((*parts, word), "".join(tokens))
            if depth == 1 and token == ",":
                parts.append(word)
                word = ""
            elif depth > 1 or (depth == 1 and token != "("):
                word += token
        raise DatabaseError("the table's definition cannot be read")

    def wider(self, columns: Sequence[Wider]) -> dict[str, str]:
        """The new definitions of these columns. Raises DatabaseError for one that is not found."""
        found = {_named(part).casefold(): part for part in self.parts if _is_column(part)}
        if missed := [c.name for c in columns if c.name.casefold() not in found]:
            raise DatabaseError(f"the definition of {missed[0]!r} cannot be found")
        return {c.name: _wider(found[c.name.casefold()], c) for c in columns}

    def made(self, columns: Sequence[Wider]) -> str:
        """The whole of it with these columns wider, without `create table` and the name."""
        new = {name.casefold(): text for name, text in self.wider(columns).items()}
        kept = [
            new.get(_named(part).casefold(), part) if _is_column(part) else part
            for part in self.parts
        ]
        return f"({','.join(kept)}){self.rest}"


def _words(part: str) -> Iterator[str]:
    return (token for token in _told(part) if not token.isspace())


def _told(part: str) -> list[str]:
    """All but what is a comment; MySQL means what stands in `/*! … */`."""
    return [t for t in _TOKEN.findall(part) if t[:2] != "--" and (t[:2] != "/*" or t[:3] == "/*!")]


def _is_column(part: str) -> bool:
    return next(_words(part), "constraint").lower() not in _TABLE_WORDS


def _named(part: str) -> str:
    """The name that it begins with, without its quotes."""
    word = next(_words(part), "")
    if word[:1] not in ('"', "`", "["):
        return word
    last = "]" if word[0] == "[" else word[0]
    return word[1:-1].replace(last * 2, last)


def _wider(part: str, column: Wider) -> str:
    """Name, type and the rest of a column's definition; the type is what lies between."""
    tokens = _told(part)
    first = next(n for n, token in enumerate(tokens) if not token.isspace())
    end = next((n for n, _ in _after(tokens, first + 1)), len(tokens))
    kind = column.native or "".join(tokens[first + 1 : end]).strip()
    rest = "".join(tokens[end:])
    if column.freed:
        rest = _NOT_NULL.sub(lambda text: text[0] if text[0][0] in "'\"`" else " ", rest)
    return f"{''.join(tokens[: first + 1])} {kind} {rest}".rstrip()


_NOT_NULL = re.compile(
    r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\bnot\s+null\b""", re.IGNORECASE
)


def _after(tokens: Sequence[str], start: int) -> Iterator[tuple[int, str]]:
    """Where the words begin that come after a type."""
    depth = 0
    for n, token in enumerate(tokens[start:], start):
        depth += (token == "(") - (token == ")")
        if depth == 0 and (token.lower() in _AFTER_TYPE or token.startswith("/*!")):
            yield n, token
