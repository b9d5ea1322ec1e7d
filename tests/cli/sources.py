"""Homes for tests of the command line: one that waits, one that cannot be reached, one that is odd.

A workspace that runs in a process of its own finds them as `type: tests.cli.sources:Gated`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator

import polars as pl
from pydantic import Field

from hygge.core.config import Connections
from hygge.core.driver_thread import finish
from hygge.core.errors import ConnectionFailed
from hygge.core.home import Home, HomeConfig, ReadRequest
from hygge.core.partition import WHOLE, Partition
from hygge.core.schema import TableSchema

ROWS = pl.DataFrame({"id": [1, 2, 3]})


class GatedConfig(HomeConfig):
    gate: str = Field(description="A FIFO: the rows come when something was written to it")
    stubborn: bool = Field(default=False, description="Wait on also when cancelled")


class Gated(Home[GatedConfig]):
    """Three rows, as soon as someone opens the gate."""

    Config = GatedConfig

    def __init__(self, config: GatedConfig) -> None:
        self.config = config

    @classmethod
    def build(cls, config: GatedConfig, connections: Connections) -> Gated:
        return cls(config)

    @property
    def identity(self) -> str:
        return "gated"

    async def schema(self) -> TableSchema:
        return TableSchema.of(ROWS.schema)

    async def read(
        self, request: ReadRequest, partition: Partition = WHOLE
    ) -> AsyncGenerator[pl.DataFrame, None]:
        opened = self._opened()
        await (finish(opened) if self.config.stubborn else opened)
        yield ROWS

    async def _opened(self) -> None:
        gate, written = os.open(self.config.gate, os.O_RDWR | os.O_NONBLOCK), asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_reader(gate, written.set)
        try:
            await written.wait()
        finally:
            loop.remove_reader(gate)
            os.close(gate)

    async def check(self) -> None:
        return None


class PlainConfig(HomeConfig):
    pass


class Unreachable(Home[PlainConfig]):
    """A system that does not answer."""

    Config = PlainConfig

    @classmethod
    def build(cls, config: PlainConfig, connections: Connections) -> Unreachable:
        return cls()

    @property
    def identity(self) -> str:
        return "nowhere"

    async def schema(self) -> TableSchema:
        raise ConnectionFailed(
            "the server does not answer", hint="see whether it runs", host="db.example.org"
        )

    async def read(
        self, request: ReadRequest, partition: Partition = WHOLE
    ) -> AsyncGenerator[pl.DataFrame, None]:
        yield ROWS

    async def check(self) -> None:
        await self.schema()


class Odd(Unreachable):
    """A driver with a bug."""

    async def schema(self) -> TableSchema:
        raise ZeroDivisionError("the driver divided by nothing")
