"""Carries one partition from a Home into staging."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from hygge.core.errors import VerificationFailed
from hygge.core.home import Home, ReadRequest
from hygge.core.partition import Partition
from hygge.core.schema import TableSchema
from hygge.core.store import Load, Part, StagedPart
from hygge.core.watermark import Watermark
from hygge.flow.channel import Budget, Channel
from hygge.flow.giving_back import LARGE, give_back
from hygge.flow.holding import first_error
from hygge.flow.polish import Polisher
from hygge.flow.settings import FlowSettings
from hygge.flow.watermarking import Cursor

WAITING_BATCHES = 2


@dataclass(frozen=True)
class Carrier:
    """What all partitions of one load have in common on their way.

    `apart` are the columns that tell one row from another, `casts` those that the table has wider.
    `keys`: they are read alone, to see which are there.
    """

    home: Home[Any]
    load: Load
    read: ReadRequest
    bound: Watermark | None
    schema: TableSchema
    casts: Mapping[str, pl.DataType]
    settings: FlowSettings
    apart: Sequence[str]
    polish: Polisher | None
    budget: Budget
    buffer_bytes: int
    tell: Callable[[int, int], None]
    keys: bool = False

    async def carry(self, partition: Partition) -> StagedPart:
        """Read it, watch it pass, stage it. Either side's failure ends the other at once."""
        watched = self.settings.watermark is not None and not self.keys
        cursor = self._cursor() if watched else None
        staging = _keys_of(partition) if self.keys else partition
        async with self.budget.buffer(self.buffer_bytes), self.load.part(staging) as part:
            sent = await self._pour(partition, part, cursor)
            staged = await part.finish()
        if sum(piece.bytes for piece in staged.pieces) > LARGE:
            await asyncio.to_thread(give_back)
        if staged.rows != sent:
            raise VerificationFailed(
                f"{sent} rows were sent and {staged.rows} staged", partition=partition.name
            )
        if cursor is None:  # a position of the source's own was reached once all is read
            own = self.settings.incremental is not None
            high = replace(self.bound, account=None) if own and self.bound else None
            return replace(staged, keys=self.keys, high=high)
        return replace(staged, high=cursor.high, seen=cursor.seen)

    def _cursor(self) -> Cursor:
        return Cursor(self.settings, self.read.low, self.bound, self.apart)

    async def _pour(self, partition: Partition, part: Part, cursor: Cursor | None) -> int:
        channel, sent = Channel(WAITING_BATCHES, self.budget), 0
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._fill(channel, partition, cursor))
                async with aclosing(channel.batches()) as batches:
                    async for batch in batches:
                        await part.write(batch)
                        sent += batch.height
                        self.tell(batch.height, int(batch.estimated_size()))
        except BaseExceptionGroup as failed:
            error = first_error(failed)
            raise error from error.__cause__
        return sent

    async def _fill(self, channel: Channel, partition: Partition, cursor: Cursor | None) -> None:
        reading: AsyncGenerator[pl.DataFrame, None] = self.home.read(self.read, partition)
        async with aclosing(reading) as batches:
            async for batch in batches:
                self.schema.check(batch)
                if cursor is not None:
                    batch = await asyncio.to_thread(cursor.pass_on, batch)
                if self.casts:
                    batch = await asyncio.to_thread(self._cast, batch)
                if self.polish is not None:
                    batch = await asyncio.to_thread(self.polish, batch)
                if batch.height:
                    await channel.send(batch)
        channel.close()

    def _cast(self, batch: pl.DataFrame) -> pl.DataFrame:
        there = {name: kind for name, kind in self.casts.items() if name in batch.columns}
        return batch.with_columns(pl.col(name).cast(kind) for name, kind in there.items())


def _keys_of(partition: Partition) -> Partition:
    """Without a version: keys are read anew, after all the rows."""
    return Partition(f"keys of {partition.name}", None, partition.where)
