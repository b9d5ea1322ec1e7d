"""`hygge mirror diff`: is what was mirrored what the source has?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from hygge.cli.exit_codes import ExitCode, code_of_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hygge.mirroring.comparing import Comparison, Difference


_COUNT = click.IntRange(min=0)


@click.command()
@click.argument("flow")
@click.option("--into", required=True, metavar="DIR", help="The folder of `hygge mirror apply`.")
@click.option("--table", metavar="[SCHEMA.]TABLE", help="Which one, where the flow does not say.")
@click.option(
    "--default-schema", default="dbo", metavar="NAME", help="For tables that are in none."
)
@click.option("--limit", type=_COUNT, default=20, metavar="N", help="So many rows at most.")
@click.option(
    "--var",
    "variables",
    multiple=True,
    metavar="flow.NAME.PATH=VALUE",
    help="Set one setting of a flow for this comparison.  [repeatable]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def diff(
    flow: str,
    into: str,
    table: str | None,
    default_schema: str,
    limit: int,
    variables: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> ExitCode:
    """Compare the source of FLOW (or of flow.entity) with its mirrored table, row by row.

    = rows are the same, - only in the source, + only in the mirror, * different, ! could not be
    compared. Exits with 1 where anything differs.
    """
    import asyncio

    from hygge.cli.choosing import settings, workspace
    from hygge.cli.mirror_sides import compared, mirrored
    from hygge.core.errors import ConfigError, HyggeError

    place = workspace()
    flows, entities = ((), (flow,)) if "." in flow else ((flow,), ())
    plan = place.plan(flows, entities, None, settings(variables))
    if table is not None and len(plan.flows) > 1:
        told = f"{flow} has {len(plan.flows)} tables, and --table names one"
        raise ConfigError(told, hint=f"{plan.flows[0].name} --table {table}")
    errors, equal = [lost.error for lost in plan.unready], True
    for planned in plan.flows:
        try:
            sides = mirrored(planned, into, table, default_schema)
            found = asyncio.run(compared(planned, place.connections, sides[1], limit))
        except HyggeError as failed:
            errors.append(failed.at(flow=planned.name))
            click.echo(f"error: {errors[-1]}", err=True)
            continue
        equal &= found.equal
        _say(sides[0], found, as_json)
    if errors:
        return code_of_all(errors)
    return ExitCode.OK if equal else ExitCode.FAILED


def _say(name: str, found: Comparison, as_json: bool) -> None:
    from hygge.mirroring.comparing import named
    from hygge.watch.story import clean

    if not as_json:
        click.echo(clean(name))
        click.echo("\n".join(f"  {clean(line)}" for line in named(found)))
        return
    lines = [{"table": name, **_as_dict(difference)} for difference in found.found]
    counts = {str(mark): count for mark, count in found.counts.items()}
    lines.append({"table": name, "equal": found.equal, "counts": counts, "notes": found.notes})
    _echo(lines)


def _as_dict(difference: Difference) -> dict[str, Any]:
    return {
        "mark": str(difference.mark),
        "key": dict(difference.key),
        "columns": list(difference.columns),
        "note": difference.note or None,
    }


def _echo(lines: Sequence[dict[str, Any]]) -> None:
    for line in lines:
        click.echo(json.dumps(line, ensure_ascii=False, default=str))
