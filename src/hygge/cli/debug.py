"""`hygge debug`: is everything there that a run will need?"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import click

from hygge.cli.choosing import choosing, listed, settings, workspace
from hygge.cli.exit_codes import ExitCode, code_of_all


@click.command()
@choosing
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def debug(
    flows: tuple[str, ...],
    entities: tuple[str, ...],
    variables: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> ExitCode:
    """Check every connection, credential and path of the workspace; move nothing, write nothing.

    Exits with 0 if a run would find all it needs, else as a run would.
    """
    from hygge.cli.checking import check_all

    place = workspace()
    plan = place.plan(listed(flows), listed(entities), None, settings(variables))
    found = asyncio.run(check_all(place.coordinator(plan), place.journal_path))
    if as_json:
        for check in found:
            told = {"flow": check.flow, "what": check.what, "place": check.place}
            error = str(check.error) if check.error else None
            click.echo(json.dumps({**told, "ok": check.error is None, "error": error}))
    else:
        click.echo(_text(plan.name, found), nl=False)
    return code_of_all(check.error for check in found if check.error is not None)


def _text(name: str, found: list[Any]) -> str:
    from hygge.watch.story import clean, lines
    from hygge.watch.summary import near

    told, flow = [f"workspace {clean(name)}"], None
    for check in found:
        if check.flow != flow:
            told.append(clean(check.flow))
            flow = check.flow
        sign = "ok    " if check.error is None else "failed"
        told.append(f"  {check.what:<7} {sign} {near(check.place)}")
        if check.error is not None:
            told += [f"    {line}" for line in lines(str(check.error))]
    failed = sum(check.error is not None for check in found)
    told.append(f"{len(found)} checks: {f'{failed} failed' if failed else 'all ok'}")
    return "\n".join(told) + "\n"
