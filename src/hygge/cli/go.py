"""`hygge go`: moves the tables."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from hygge.cli.choosing import choosing, settings, workspace
from hygge.cli.exit_codes import ExitCode, code_of_all
from hygge.core.errors import ConfigError

if TYPE_CHECKING:
    from hygge.flow.settings import RunType
    from hygge.workspace.plan import Plan
    from hygge.workspace.workspace import Workspace


@click.command()
@choosing
@click.option("--incremental", is_flag=True, help="Add what is new, whatever the flows say.")
@click.option("--full-drop", is_flag=True, help="Replace the tables, whatever the flows say.")
@click.option("--from", "start", metavar="VALUE", help="Merge again, from this watermark on.")
@click.option("--to", "end", metavar="VALUE", help="Up to this watermark, without it.")
@click.option(
    "--concurrency",
    type=click.IntRange(min=1),
    metavar="N",
    help="Flows at once.  [default: the workspace's, or 8]",
)
@click.option("--dry-run", is_flag=True, help="Show the plan; connect to nothing, write nothing.")
@click.option(
    "--abandon",
    metavar="LOAD_ID",
    multiple=True,
    help="First forget this unfinished load: for a store that is no more.  [repeatable]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line on stdout.")
@click.option("--verbose", is_flag=True, help="Tell of every part and batch; show tracebacks.")
def go(
    flows: tuple[str, ...],
    entities: tuple[str, ...],
    variables: tuple[str, ...],
    incremental: bool,
    full_drop: bool,
    start: str | None,
    end: str | None,
    concurrency: int | None,
    dry_run: bool,
    abandon: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> ExitCode:
    """Move the tables: run every flow of the workspace, or those you name.

    The summary goes to stdout, progress to stderr. Ctrl-C lets running loads finish; a second one
    suspends them, and the next run takes them up.
    """
    if dry_run and abandon:
        raise ConfigError("--dry-run changes nothing, --abandon does", hint="one of the two")
    chosen = run_type(incremental, full_drop)
    backfill = None if start is None and end is None else (start, end)
    if backfill and chosen:
        raise ConfigError("--from and --to are a run type of their own", hint="leave out the other")
    place = workspace()
    plan = place.plan(flows, entities, chosen, settings(variables), backfill)
    if concurrency is not None:
        options = plan.options.model_copy(update={"concurrency": concurrency})
        plan = replace(plan, options=options)
    if dry_run:
        click.echo(json.dumps(plan.as_dict()) if as_json else plan.text(), nl=as_json)
        return code_of_all(lost.error for lost in plan.unready)
    return _go(place, plan, abandon, as_json, verbose)


def run_type(incremental: bool, full_drop: bool) -> RunType | None:
    """What the two flags ask for, if anything."""
    if incremental and full_drop:
        raise ConfigError("--incremental and --full-drop exclude each other", hint="one of the two")
    if not (incremental or full_drop):
        return None
    from hygge.flow.settings import RunType

    return RunType.INCREMENTAL if incremental else RunType.FULL_DROP


def _go(
    place: Workspace, plan: Plan, abandon: tuple[str, ...], as_json: bool, verbose: bool
) -> ExitCode:
    from hygge.cli.abandoning import abandon_loads
    from hygge.cli.running import run_watched

    if abandon:
        for load_id, flow in abandon_loads(place.coordinator(plan), abandon):
            click.echo(f"forgot the unfinished load {load_id} of {flow}", err=True)
    return run_watched(
        lambda listen: place.coordinator(plan, listen=listen), as_json=as_json, verbose=verbose
    )
