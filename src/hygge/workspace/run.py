"""Running a workspace from Python: `hygge.run("path/to/workspace")`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from hygge.coordinator.coordinator import RunReport
from hygge.core import events
from hygge.flow.settings import RunType
from hygge.workspace.workspace import Workspace


def run(
    path: str | Path = ".",
    *,
    flows: Sequence[str] = (),
    entities: Sequence[str] = (),
    run_type: RunType | str | None = None,
    overrides: Mapping[str, str] | None = None,
    concurrency: int | None = None,
    listen: events.Listener = events.nobody,
) -> RunReport:
    """Run the workspace that this folder belongs to, as `hygge go` does, and say what became of it.

    Raises ConfigError for what the user wrote, JournalError if the journal fails; a flow that
    fails is in the report. From async code: `await workspace.coordinator(plan).run()`.
    """
    workspace = Workspace.find(Path(path))
    chosen = RunType(run_type) if run_type is not None else None
    plan = workspace.plan(flows, entities, chosen, overrides or {})
    coordinator = workspace.coordinator(plan, concurrency=concurrency, listen=listen)
    return asyncio.run(coordinator.run())
