"""Any Store, made to fail where a test wants it to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isawaitable
from typing import Any, Self

import polars as pl

from hygge.core.config import Connections
from hygge.core.lease import Lease
from hygge.core.partition import Partition
from hygge.core.schema import SchemaChange, TableSchema
from hygge.core.store import Load, LoadRequest, Part, Receipt, StagedPart, Store
from hygge.core.supply import Needs, Shares


class FaultyStore(Store[Any]):
    """Any Store; each call of its loads and parts asks `trigger` first."""

    def __init__(self, inner: Store[Any], trigger: Callable[[str], Any]) -> None:
        self._inner, self._trigger = inner, trigger
        self.capabilities = inner.capabilities  # type: ignore[misc]
        self.buffer_bytes = inner.buffer_bytes

    @classmethod
    def build(cls, config: Any, connections: Connections) -> Self:
        raise NotImplementedError("wrap a Store that is built")

    @property
    def identity(self) -> str:
        return self._inner.identity

    @property
    def manner(self) -> str:
        return self._inner.manner

    def load(self, request: LoadRequest) -> Load:
        return _FaultyLoad(self._inner.load(request), self._trigger)

    def needs(self, parallel: int) -> Needs:
        return self._inner.needs(parallel)

    def limited(self, shares: Shares, parallel: int) -> Self:
        return type(self)(self._inner.limited(shares, parallel), self._trigger)

    async def recover(self, flow: str, load_id: str, *, keep: bool = False) -> Receipt | None:
        await _ask(self._trigger, "recover")
        return await self._inner.recover(flow, load_id, keep=keep)

    async def unfinished(self, flow: str) -> Sequence[str]:
        await _ask(self._trigger, "unfinished")
        return await self._inner.unfinished(flow)

    async def last(self, flow: str) -> Receipt | None:
        await _ask(self._trigger, "last")
        return await self._inner.last(flow)

    async def schema(self) -> TableSchema | None:
        return await self._inner.schema()

    async def standing(self, known: TableSchema) -> TableSchema | None:
        return await self._inner.standing(known)

    async def evolve(self, changes: Sequence[SchemaChange]) -> None:
        await self._inner.evolve(changes)

    async def check(self) -> None:
        await self._inner.check()

    async def lease(self, name: str, seconds: float) -> Lease:
        return await self._inner.lease(name, seconds)

    async def renew(self, lease: Lease, seconds: float) -> None:
        await _ask(self._trigger, "renew")
        await self._inner.renew(lease, seconds)

    async def release(self, lease: Lease) -> None:
        await self._inner.release(lease)


async def _ask(trigger: Callable[[str], Any], what: str) -> None:
    answer = trigger(what)
    if isawaitable(answer):  # a harm may take its time
        await answer


class _FaultyLoad(Load):
    def __init__(self, inner: Load, trigger: Callable[[str], Any]) -> None:
        self._inner, self._trigger = inner, trigger

    async def __aenter__(self) -> Self:
        await _ask(self._trigger, "open")
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self._inner.__aexit__(*exc)

    def part(self, partition: Partition) -> Part:
        return _FaultyPart(self._inner.part(partition), self._trigger)

    async def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        await _ask(self._trigger, "verify")
        return await self._inner.verify(parts)

    async def corrections(self, parts: Sequence[StagedPart]) -> int:
        await _ask(self._trigger, "corrections")
        return await self._inner.corrections(parts)

    async def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        await _ask(self._trigger, "commit")
        receipt = await self._inner.commit(parts)
        await _ask(self._trigger, "committed")
        return receipt


class _FaultyPart(Part):
    def __init__(self, inner: Part, trigger: Callable[[str], Any]) -> None:
        self._inner, self._trigger = inner, trigger

    async def __aenter__(self) -> Self:
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *exc: Any) -> None:
        await self._inner.__aexit__(*exc)

    async def write(self, batch: pl.DataFrame) -> None:
        await _ask(self._trigger, "write")
        await self._inner.write(batch)

    async def finish(self) -> StagedPart:
        staged = await self._inner.finish()
        await _ask(self._trigger, "finish")
        return staged
