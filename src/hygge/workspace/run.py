"""Running a workspace from Python: `hygge.run("path/to/workspace")`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from hygge.coordinator.coordinator import RunReport
from hygge.core import events
from hygge.core.config import nearest
from hygge.core.errors import ConfigError
from hygge.flow.settings import RunType
from hygge.workspace.workspace import Workspace


def run(
    path: str | Path = ".",
    *,
    flows: str | Sequence[str] = (),
    entities: str | Sequence[str] = (),
    run_type: RunType | str | None = None,
    backfill: tuple[str | None, str | None] | None = None,
    overrides: Mapping[str, str] | None = None,
    concurrency: int | None = None,
    listen: events.Listener = events.nobody,
) -> RunReport:
    """Run the workspace that this folder belongs to, as `hygge go` does, and say what became of it.

    `backfill` reads a range of the watermark again: (from, to), either of which may be None.
    Raises ConfigError for what the user wrote, JournalError if the journal fails; a flow that
    fails is in the report. From async code: `await workspace.coordinator(plan).run()`.
    """
    if not isinstance(overrides or {}, Mapping):
        raise ConfigError("overrides is a mapping", hint='overrides={"flow.users.where": "id > 7"}')
    workspace = Workspace.find(Path(path))
    plan = workspace.plan(
        _many(flows), _many(entities), _chosen(run_type), overrides or {}, backfill
    )
    coordinator = workspace.coordinator(plan, concurrency=concurrency, listen=listen)
    return asyncio.run(coordinator.run())


def _many(names: str | Sequence[str]) -> Sequence[str]:
    return (names,) if isinstance(names, str) else names


def _chosen(run_type: RunType | str | None) -> RunType | None:
    known = [kind.value for kind in RunType]
    if run_type is None or run_type in known:
        return RunType(run_type) if run_type else None
    near = nearest(str(run_type), known)
    hint = f"did you mean {near!r}?" if near else f"there are {' and '.join(known)}"
    raise ConfigError(f"there is no run type {run_type!r}", hint=hint)
