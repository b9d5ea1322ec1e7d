"""A batch as its statements, and those that hold others: IF, WHILE, BEGIN … END, TRY."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tests.servers.tds.errors import SqlError
from tests.servers.tds.words import Cursor, Word


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ALWAYS: Final = _set(
    "exec execute declare while print throw return use begin if commit rollback truncate"
    " raiserror waitfor save"
)
_DATA: Final = _set("select insert update delete merge with")
_MAKING: Final = _set("create drop alter")
_SHORT: Final = _set(
    "declare set exec execute commit rollback begin use truncate print save return raiserror throw"
)
_THINGS: Final = _set(
    "table view schema index database column constraint procedure trigger sequence synonym type"
    " function user login role"
)
_STARTS: Final = _ALWAYS | _DATA | _MAKING | {"set"}


@dataclass(frozen=True)
class Leaf:
    """One statement."""

    text: str
    words: Sequence[Word]

    @property
    def first(self) -> str:
        return self.words[0].low

    @property
    def second(self) -> str:
        return self.words[1].low if len(self.words) > 1 else ""

    def cursor(self) -> Cursor:
        return Cursor(self.text)


@dataclass(frozen=True)
class Block:
    parts: list[Statement]


@dataclass(frozen=True)
class If:
    condition: str
    then: Statement
    other: Statement | None = None


@dataclass(frozen=True)
class While:
    condition: str
    body: Statement


@dataclass(frozen=True)
class Try:
    body: Block
    catch: Block


Statement = Leaf | Block | If | While | Try


def statements(sql: str) -> list[Statement]:
    """Of a whole batch."""
    reader = _Reader(Cursor(sql))
    found = []
    while reader.skip_marks():
        found.append(reader.statement())
    return found


class _Reader:
    def __init__(self, at: Cursor) -> None:
        self._at = at

    def skip_marks(self) -> bool:
        """Whether there is more."""
        while self._at.skip(";"):
            pass
        return not self._at.done

    def statement(self) -> Statement:
        at, word = self._at, self._at.peek()
        if word == "begin" and at.peek(1) not in ("tran", "transaction", "distributed"):
            return self._block()
        if word == "if":
            at.next()
            condition = self._condition()
            then = self.statement()
            self.skip_marks()
            return If(condition, then, self.statement() if at.skip("else") else None)
        if word == "while":
            at.next()
            return While(self._condition(), self.statement())
        return self._leaf()

    def _block(self) -> Statement:
        at = self._at
        at.must("begin")
        if not at.skip("try"):
            return self._until_end()
        body = self._until_end("try")
        self.skip_marks()
        at.must("begin", "catch")
        return Try(body, self._until_end("catch"))

    def _until_end(self, *more: str) -> Block:
        parts = []
        while self.skip_marks() and self._at.peek() != "end":
            parts.append(self.statement())
        self._at.must("end", *more)
        return Block(parts)

    def _condition(self) -> str:
        at, start, depth = self._at, self._at.at, 0
        while not at.done:
            word = at.peek()
            if depth == 0 and at.at > start and word in _STARTS:
                break
            depth += (word == "(") - (word == ")")
            at.next()
        return at.text(at.words[start : at.at])

    def _leaf(self) -> Leaf:
        at, start = self._at, self._at.at
        first = at.next().low
        whole = first in ("create", "alter") and at.peek() in ("procedure", "proc", "trigger")
        whole = whole or (first in ("create", "alter") and at.peek() in ("view", "function"))
        if start and (whole or (first == "create" and at.peek() == "schema")):
            told = f"'{first.upper()} {at.peek().upper()}' must be the first statement in a query "
            raise SqlError(111, told + "batch.", 15)
        depth = cases = 0
        while not at.done:
            word = at.peek()
            if not whole and depth == 0 and not cases and self._ends(first, word, start):
                break
            depth += (word == "(") - (word == ")")
            cases += (word == "case") - (word == "end" and cases > 0)
            at.next()
        found = at.words[start : at.at]
        return Leaf(at.text(found).rstrip().rstrip(";"), found)

    def _ends(self, first: str, word: str, start: int) -> bool:
        """Whether this word begins what comes after the statement."""
        if word in (";", "end", "else"):
            return True
        before = self._at.words[self._at.at - 1].low
        if word in ("exec", "execute") and (first == "insert" or before == "with"):
            return False
        if word in _ALWAYS:
            within = (word == "if" and before in _THINGS) or (
                word == "rollback" and before == "with"
            )
            return not within
        if first in _SHORT:
            alone = self._at.at - start == 1
            named = first == "begin" and self._at.at - start <= 2
            return word in _STARTS and not (alone and not named and word != "select")
        return first == "select" and word in _MAKING | {"insert", "update", "delete", "set"}
