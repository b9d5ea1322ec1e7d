"""From a plan to a Coordinator: the only place that wires."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hygge import registry
from hygge.coordinator.coordinator import Coordinator
from hygge.core import events
from hygge.core.config import Connections
from hygge.core.journal import Journal
from hygge.flow.factory import FlowFactory, store_of
from hygge.flow.flow import Flow
from hygge.flow.settings import FlowSettings, RunType, WatermarkSettings
from hygge.journal.mirrored import NUMBER, RunsHome
from hygge.workspace.plan import Plan, PlannedFlow

RUNS = "hygge.runs"
_APPENDED = FlowSettings(
    run_type=RunType.INCREMENTAL, write="append", watermark=WatermarkSettings(column=NUMBER)
)


def coordinator(
    plan: Plan,
    connections: Connections,
    journal_path: Path,
    *,
    concurrency: int | None = None,
    listen: events.Listener = events.nobody,
) -> Coordinator:
    """The plan's flows with one journal, in the plan's order. No I/O."""
    journal = registry.find("journals", "sqlite").load()(journal_path)
    flows = [_flow(planned, connections, journal, listen) for planned in plan.flows]
    return Coordinator(
        flows,
        name=plan.name,
        journal=journal,
        concurrency=plan.options.concurrency if concurrency is None else concurrency,
        memory=plan.options.memory,
        fail_fast=plan.options.fail_fast,
        unready=plan.unready,
        after=list(_mirrors(plan, connections, journal_path)),
        listen=listen,
    )


def _mirrors(plan: Plan, connections: Connections, journal_path: Path) -> Iterator[Flow]:
    """The journal's own runs, to where stores ask for them: once to each place.

    What becomes of these is not written into the history: it would never be all there.
    """
    places, home = set[str](), RunsHome(journal_path)
    for planned in plan.flows:
        config = planned.store.for_runs(lambda: home.identity)
        if config is None:
            continue
        store = store_of(config, connections)
        if store.identity not in places:
            places.add(store.identity)
            unseen = registry.find("journals", "memory").load()()
            yield Flow(RUNS, home, store, unseen, _APPENDED)


def _flow(
    planned: PlannedFlow, connections: Connections, journal: Journal, listen: events.Listener
) -> Flow:
    return FlowFactory.build(
        planned.name,
        planned.home,
        planned.store,
        planned.settings,
        journal,
        entity=planned.entity,
        connections=connections,
        listen=listen,
    )
