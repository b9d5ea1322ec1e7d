"""Taking one flow's last load back, as one run takes it forward: leases, the Store, the history."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime

from hygge.connections.pool import keeping_connections
from hygge.core.errors import FlowError, HyggeError, JournalError
from hygge.core.names import new_load_id
from hygge.core.store import Receipt
from hygge.core.supply import Taken
from hygge.flow.flow import Flow
from hygge.flow.holding import holding
from hygge.flow.report import FlowReport, entity_run
from hygge.flow.terms import Terms


async def undo(flow: Flow, load_id: str, terms: Terms) -> FlowReport:
    """Take this load back, and write that into the history.

    Fails only by its report; raises JournalError.
    """
    started = datetime.now(UTC)
    receipt, error = None, None
    try:
        async with keeping_connections(), Taken(flow.shares):
            receipt = await _taken_back(flow, load_id)
    except JournalError:
        raise
    except HyggeError as failed:
        error = failed.at(flow=flow.name)
    row = entity_run(flow.name, flow.entity, flow.settings, terms, started, receipt, error)
    row = replace(row, run_type="undo", message=row.message or f"took load {load_id} back")
    await flow.journal.record(row)
    return FlowReport(flow.name, row, receipt, error)


async def _taken_back(flow: Flow, load_id: str) -> Receipt:
    async with AsyncExitStack() as stack:
        for leases in (flow.journal, flow.store):
            await stack.enter_async_context(holding(leases, flow.name, flow.lease_seconds))
        for intent, _ in await flow.journal.unfinished(flow.name):
            raise FlowError(
                f"a load is unfinished: {intent.load.load_id}",
                hint="run that flow first; then undo what it loads",
            )
        for stray in await flow.store.unfinished(flow.name):  # an undoing that broke off, say
            done = await flow.store.recover(flow.name, stray)
            if done is not None and done.undoes == load_id:
                return done
        return await flow.store.undo(flow.name, load_id, new_load_id())
    raise AssertionError("unreachable")
