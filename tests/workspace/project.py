"""Writes workspaces for tests, and plans them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hygge.core.errors import ConfigError
from hygge.flow.settings import RunType
from hygge.workspace.plan import Backfill, Plan, PlannedFlow
from hygge.workspace.workspace import Workspace

ENDS = "home: {type: parquet, path: source}\nstore: {type: parquet, path: lake}\n"
"""A flow that needs nothing but a place; with entities, `source/<entity>` → `lake/<entity>`."""


def written(root: Path, files: Mapping[str, str]) -> Workspace:
    """A workspace of these files; `hygge.yml` is empty unless it is among them."""
    for name, text in {"hygge.yml": "", **files}.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Workspace.find(root)


def plan(
    root: Path,
    files: Mapping[str, str],
    *,
    flows: tuple[str, ...] = (),
    entities: tuple[str, ...] = (),
    run_type: RunType | None = None,
    overrides: Mapping[str, str] | None = None,
    backfill: Backfill | None = None,
) -> Plan:
    return written(root, files).plan(flows, entities, run_type, overrides, backfill)


def refused(root: Path, files: Mapping[str, str], **asked: object) -> ConfigError:
    """The ConfigError that planning these files raises."""
    with pytest.raises(ConfigError) as caught:
        plan(root, files, **asked)  # type: ignore[arg-type]
    return caught.value


def only(made: Plan) -> PlannedFlow:
    (flow,) = made.flows
    return flow
