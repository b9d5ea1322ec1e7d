"""`hygge undo`: takes back what a run appended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from hygge.cli.choosing import settings, workspace
from hygge.cli.exit_codes import ExitCode, code_of_all
from hygge.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hygge.coordinator.coordinator import Coordinator
    from hygge.core.journal import EntityRun
    from hygge.flow.report import FlowReport

SHORTEST = 4
LOOKED_AT = 100_000
"""So many rows of the history are looked through."""


@click.command()
@click.argument("run")
@click.option("--flow", "chosen", metavar="NAME", help="Only this flow, or flow.entity.")
@click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="flow.NAME.PATH=VALUE",
    help="Set one setting of a flow, as the run did.  [repeatable]",
)
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def undo(run: str, chosen: str | None, variables: tuple[str, ...], verbose: bool) -> ExitCode:
    """Take back the rows that RUN appended: its id in `hygge history`, or `last`.

    Only the last load of a table can be taken back, and only an append; the watermark goes back
    with it. Anything else is refused, and left as it is.
    """
    import asyncio

    place = workspace()
    coordinator = place.coordinator(place.plan(overrides=settings(variables)))
    reports = asyncio.run(_undo(coordinator, run, chosen))
    for report in reports:
        if report.error is None:
            click.echo(f"{report.name}: took {report.rows:,} rows back")
        else:
            click.echo(f"error: {report.error}", err=True)
    return code_of_all([report.error for report in reports if report.error is not None])


async def _undo(coordinator: Coordinator, run: str, chosen: str | None) -> list[FlowReport]:
    from hygge.core.names import new_run_id
    from hygge.flow.terms import Terms
    from hygge.flow.undo import undo as take_back

    journal, flows = coordinator.journal, {flow.name: flow for flow in coordinator.flows}
    try:
        meant = _meant(await journal.history(LOOKED_AT, chosen), run)
        names = {_name(row): row.load_id for row in meant if row.load_id is not None}
        if not names:
            raise ConfigError(f"run {run} loaded nothing", hint="see hygge history")
        if missing := [name for name in names if name not in flows]:
            for lost in coordinator.unready:
                if missing[0].partition(".")[0] == lost.name:
                    raise lost.error
            raise ConfigError(f"there is no flow {missing[0]!r} any more, which that run loaded")
        terms = Terms(new_run_id(), coordinator.name)
        return [await take_back(flows[name], load, terms) for name, load in names.items()]
    finally:
        await journal.close()


def _meant(rows: Sequence[EntityRun], run: str) -> list[EntityRun]:
    """The rows of the one run whose id begins so. Raises ConfigError for none, or several."""
    loads = [row for row in rows if row.run_type != "undo"]
    if run == "last" and loads:
        run = loads[0].coordinator_run_id
    if len(run) < SHORTEST:
        raise ConfigError(f"{run!r} is too short for a run's id", hint="see hygge history")
    ids = {row.coordinator_run_id for row in loads if row.coordinator_run_id.startswith(run)}
    if len(ids) > 1:
        raise ConfigError(f"{len(ids)} runs begin with {run}", hint="write more of it")
    if not ids:
        raise ConfigError(f"no run {run} is remembered", hint="see hygge history")
    return [row for row in loads if row.coordinator_run_id in ids]


def _name(row: EntityRun) -> str:
    from hygge.core.names import flow_name

    return flow_name(row.flow, None if row.entity == row.flow else row.entity)
