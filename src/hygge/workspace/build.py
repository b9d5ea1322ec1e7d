"""From a plan to a Coordinator: the only place that wires."""

from __future__ import annotations

from pathlib import Path

from hygge import registry
from hygge.coordinator.coordinator import Coordinator
from hygge.core import events
from hygge.core.config import Connections
from hygge.core.journal import Journal
from hygge.flow.factory import FlowFactory
from hygge.flow.flow import Flow
from hygge.workspace.plan import Plan, PlannedFlow


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
        listen=listen,
    )


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
