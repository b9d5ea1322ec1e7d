"""Making the journal forget loads whose store is no more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from hygge.coordinator.coordinator import Coordinator
from hygge.core.errors import ConfigError
from hygge.core.lease import LEASE_SECONDS
from hygge.flow.holding import holding


def abandon_loads(coordinator: Coordinator, load_ids: Sequence[str]) -> list[tuple[str, str]]:
    """Discard these unfinished loads: (load_id, flow) of each.

    Raises ConfigError for one that no flow here has begun, and FlowBusy for one that is running;
    then none is discarded.
    """
    return asyncio.run(_abandon(coordinator, load_ids))


async def _abandon(coordinator: Coordinator, load_ids: Sequence[str]) -> list[tuple[str, str]]:
    journal = coordinator.journal
    try:
        known = dict[str, str]()
        for flow in coordinator.flows:
            for intent, _ in await journal.unfinished(flow.name):
                known[intent.load.load_id] = flow.name
        for load_id in load_ids:
            if load_id not in known:
                for lost in coordinator.unready:  # it may be of one of its tables
                    raise lost.error
                listed = ", ".join(f"{x} ({flow})" for x, flow in known.items())
                raise ConfigError(
                    f"there is no unfinished load {load_id}",
                    hint=f"unfinished: {listed}" if known else "nothing is unfinished: hygge go",
                )
        for load_id in load_ids:
            async with holding(journal, known[load_id], LEASE_SECONDS):
                await journal.discard(load_id, "abandoned by hygge go --abandon")
        return [(load_id, known[load_id]) for load_id in load_ids]
    finally:
        await journal.close()
