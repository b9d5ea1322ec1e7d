"""What a case expects: a value exactly, a value of another day's calendar, or a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import HyggeError
from hygge.core.home import Home, ReadRequest
from hygge.core.store import Store
from hygge.flow.flow import Flow
from hygge.flow.settings import FlowSettings
from hygge.journal.memory import MemoryJournal


@dataclass(frozen=True)
class Refused:
    """An error whose text has this in it, and which names the column."""

    told: str


@dataclass(frozen=True)
class Ticks:
    """A moment that Python's own types cannot show: as its whole number of days or ticks."""

    number: int


@dataclass(frozen=True)
class Native:
    """A value in a database, and what is to be read of it.

    `kind` is what is announced of the column. NULL and no row at all are read with every case.
    """

    native: str
    literal: str
    kind: str
    value: Any

    def __str__(self) -> str:
        return f"{self.native} {self.literal[:30]}"


@dataclass(frozen=True)
class Ours:
    """A value of ours, how its column is declared in a database, what the plain driver finds
    there, and as which type it is read again (`same`: as it was)."""

    kind: str
    value: Any
    native: str
    seen: Any
    back: str = "same"
    again: Any = "same"

    def __str__(self) -> str:
        return f"{self.kind} {str(self.value)[:30]}"


def exactly(value: Any) -> str:
    """Equal for what is the same value of the same type: 1 is not 1.0, nor 0.0 is -0.0."""
    match value:
        case datetime() if value.tzinfo is not None:
            return f"at {value.astimezone(UTC).isoformat()}"
        case list() | tuple():
            return f"[{', '.join(map(exactly, value))}]"
        case dict():
            return f"{{{', '.join(f'{k!r}: {exactly(v)}' for k, v in value.items())}}}"
        case bytearray() | memoryview():
            return repr(bytes(value))
    return f"{type(value).__name__} {value!r}"


@contextmanager
def refused(refusal: Refused, column: str = "v") -> Iterator[None]:
    with pytest.raises(HyggeError) as caught:
        yield
    assert refusal.told in str(caught.value)
    assert caught.value.where.get("column") == column, str(caught.value)


def read(home: Home[Any]) -> pl.DataFrame:
    """All rows, each batch being what was announced."""

    async def story() -> pl.DataFrame:
        schema = await home.schema()
        frames = [pl.DataFrame(schema=schema.polars())]
        async with aclosing(home.read(ReadRequest(schema=schema))) as batches:
            async for batch in batches:
                schema.check(batch)
                frames.append(batch)
        return pl.concat(frames)

    return asyncio.run(story())


def in_python(values: pl.Series, like: object) -> list[Any]:
    return (values.to_physical() if isinstance(like, Ticks) else values).to_list()


def moved(home: Home[Any], store: Store[Any], **settings: Any) -> None:
    """All rows from one to the other, by a flow of its own. Raises what it fails with."""
    flow = Flow("moving", home, store, MemoryJournal(), FlowSettings(**settings))
    report = asyncio.run(flow.run())
    if report.error is not None:
        raise report.error
