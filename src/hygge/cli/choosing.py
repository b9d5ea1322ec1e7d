"""The options that choose flows, and finding the workspace: alike in every command."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from hygge.core.errors import ConfigError
from hygge.workspace.workspace import Workspace

F = TypeVar("F", bound=Callable[..., Any])


def choosing(command: F) -> F:
    """`--flow`, `--entity` and `--var`."""
    for option in (
        click.option(
            "--var",
            "variables",
            multiple=True,
            metavar="flow.NAME.PATH=VALUE",
            help="Set one setting of a flow for this run.  [repeatable]",
        ),
        click.option(
            "--entity",
            "entities",
            multiple=True,
            metavar="FLOW.ENTITY",
            help="Only this entity of a flow.  [repeatable; comma lists]",
        ),
        click.option(
            "--flow",
            "flows",
            multiple=True,
            metavar="NAME",
            help="Only this flow.  [repeatable; comma lists]",
        ),
    ):
        command = option(command)
    return command


def workspace() -> Workspace:
    """The one that the current folder belongs to."""
    return Workspace.find(Path.cwd())


def settings(given: Iterable[str]) -> dict[str, str]:
    """`name=value` of each --var; the last one of a name wins."""
    found = dict[str, str]()
    for text in given:
        name, parted, value = text.partition("=")
        if not parted or not name.strip():
            raise ConfigError(
                f"--var {name.strip()} has no value", hint="--var flow.NAME.home.path=value"
            )
        found[name.strip()] = value
    return found
