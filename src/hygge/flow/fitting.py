"""The source's columns and the table's: what is known of both, and the one made to fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hygge.core.errors import ANEW, FlowError
from hygge.core.schema import TableSchema
from hygge.core.store import Mode
from hygge.flow.route import Route
from hygge.flow.schema_policy import Policy
from hygge.flow.settings import FlowSettings


async def policy_of(
    route: Route,
    loaded: TableSchema | None,
    source: TableSchema,
    schema: TableSchema,
    keys: Sequence[str],
) -> Policy:
    """All that may be decided by, looked up where need be."""
    settings, there = route.settings, None
    if settings.mode is not Mode.REPLACE:
        known = {column.name: column for s in (schema, loaded) if s for column in s.columns}
        there = await route.store.standing(TableSchema(tuple(known.values())))
    hashed = {name for rule in _hashes(settings) for name in rule}
    finals = [new for old, new in zip(source.names, schema.names, strict=False) if old in hashed]
    can = route.store.capabilities.widens
    return Policy(settings, loaded, there, widens=can, keys=keys, hashed=finals)


def _hashes(settings: FlowSettings) -> list[tuple[str, ...]]:
    return [rule.columns for rule in settings.polish.hash_ids] if settings.polish else []


def fitted_to(source: TableSchema, schema: TableSchema, staged: TableSchema) -> TableSchema:
    """The source with the types that its columns are staged with. Raises FlowError where one that
    polish makes would need another."""
    count = len(source.columns)
    for made, column in zip(schema.columns[count:], staged.columns[count:], strict=True):
        if made.type != column.type:
            raise FlowError(
                f"a column of `polish` would be {made}, and the table's is {column}",
                column=made.name,
                hint=f"give it the value it had, or load everything once: {ANEW}",
            )
    pairs = zip(source.columns, staged.columns, strict=False)
    return replace(source, columns=tuple(replace(old, type=new.type) for old, new in pairs))
