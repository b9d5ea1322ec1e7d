"""The two sides of `hygge mirror diff`: a flow's source as the flow reads it, and its mirror."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from hygge.core.config import Connections
from hygge.core.errors import ConfigError, SourceMissing
from hygge.core.home import Home, HomeConfig, ReadRequest
from hygge.core.schema import OPERATION, TableSchema
from hygge.filesystems.paths import joined, located
from hygge.flow.factory import NoConnections, home_of
from hygge.flow.polish import Polisher, polisher
from hygge.flow.settings import FlowSettings
from hygge.mirroring.comparing import Comparing, Comparison
from hygge.workspace.plan import PlannedFlow


def mirrored(
    planned: PlannedFlow, into: str, given: str | None, default_schema: str = "dbo"
) -> tuple[str, Home[Any]]:
    """The mirrored table's name, and a Home that reads it. Raises ConfigError where nobody says
    which table it is."""
    schema, _, table = given.rpartition(".") if given is not None else _named(planned)
    if not table:
        raise ConfigError(
            f"the store of {planned.name} does not say which table it is", hint="--table orders"
        )
    schema = schema or default_schema
    path = joined(located(into, Path.cwd()), f"{schema}/{table}")
    home = home_of(HomeConfig.create({"type": "delta", "path": path}), NoConnections())
    return f"{schema}.{table}", home


def _named(planned: PlannedFlow) -> tuple[str, str, str]:
    """As the store's own settings say."""
    if planned.store.type != "open_mirroring":
        return "", "", ""
    told = planned.store.model_dump(by_alias=True)
    table = told.get("table") or planned.entity or planned.flow
    return str(told.get("schema") or ""), ".", str(table)


async def compared(
    planned: PlannedFlow, connections: Connections, mirror: Home[Any], limit: int
) -> Comparison:
    """Read both sides to their ends, and compare them."""
    home, settings = home_of(planned.home, connections), planned.settings
    source = _chosen(await home.schema(), settings)
    polish = polisher(settings.polish, source, datetime.now(UTC))
    final = polish.schema if polish else source
    there = await _schema(mirror)
    keys = _keys(planned, source, final)
    stamps = [stamp.name for stamp in settings.polish.timestamps] if settings.polish else []
    with Comparing(final, there, keys, ignore=stamps, limit=limit) as comparing:
        columns = source.names if home.capabilities.columns else None
        request = ReadRequest(columns, settings.where, schema=source)
        await _read(home, request, comparing.source, polish)
        own = there.select(name for name in there.names if name in final)
        await _read(mirror, ReadRequest(own.names, schema=own), comparing.mirror)
        return await asyncio.to_thread(comparing.result)


async def _schema(mirror: Home[Any]) -> TableSchema:
    try:
        return await mirror.schema()
    except SourceMissing as failed:
        hint = "hygge mirror apply, once the flow has run; or --table"
        raise SourceMissing("there is no such mirrored table", hint=hint, **failed.where) from None


def _chosen(whole: TableSchema, settings: FlowSettings) -> TableSchema:
    names: Iterable[str] = settings.columns or whole.names
    chosen = whole.select(name for name in names if name != OPERATION)
    return replace(chosen, notes=())


def _keys(planned: PlannedFlow, source: TableSchema, final: TableSchema) -> Sequence[str]:
    """As the flow says, or its store; else the source's own; by the names they have at the end."""
    stored = planned.store.model_dump(by_alias=True).get("keys") or ()
    keys = planned.settings.keys or stored or source.keys
    names = dict(zip(source.names, final.names, strict=False))
    return tuple(key if key in final else names.get(key, key) for key in keys)


async def _read(
    home: Home[Any],
    request: ReadRequest,
    take: Callable[[pl.DataFrame], None],
    polish: Polisher | None = None,
) -> None:
    async with home.reading(request) as partitions:
        for partition in partitions:
            async with aclosing(home.read(request, partition)) as batches:
                async for batch in batches:
                    polished = await asyncio.to_thread(polish, batch) if polish else batch
                    await asyncio.to_thread(take, polished)
