"""`hygge debug`: is everything there that a run will need?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from hygge.cli.choosing import choosing, settings, workspace
from hygge.cli.exit_codes import ExitCode, code_of_all

if TYPE_CHECKING:
    from hygge.cli.checking import Check


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
    plan = place.plan(flows, entities, None, settings(variables))
    found = check_all(place.coordinator(plan), place.journal_path)
    if as_json:
        for check in found:
            click.echo(json.dumps(_as_dict(check), ensure_ascii=False))
    else:
        click.echo("\n".join(_text(plan.name, found)))
    return code_of_all(check.error for check in found if check.error is not None)


def _as_dict(check: Check) -> dict[str, Any]:
    error = str(check.error) if check.error else None
    told = {"flow": check.flow, "what": check.what, "place": check.place}
    return {**told, "ok": error is None, "error": error, "note": check.note}


def _text(name: str, found: list[Check]) -> Iterator[str]:
    """One line for a flow that is well; for another, each thing that is not, and what to try."""
    from hygge.cli.checking import LOGIN
    from hygge.watch.colours import Colour, paint
    from hygge.watch.story import clean, lines
    from hygge.watch.summary import near

    yield f"workspace {clean(name)}"
    logins = [check for check in found if check.what == LOGIN]
    found = [check for check in found if check.what != LOGIN]
    width, failed = max(len(clean(check.flow)) for check in found), 0
    told = [(flow, list(group)) for flow, group in groupby(found, key=lambda check: check.flow)]
    for flow, checks in told:
        wrong = [check for check in checks if check.error is not None]
        if not wrong:
            places = " → ".join(near(check.place) for check in checks if check.place)
            yield f"ok      {clean(flow):<{width}}  {places}"
            yield from (f"  {line}" for c in checks if c.note for line in lines(c.note))
            continue
        failed += 1
        yield paint("failed", Colour.RED, sys.stdout) + f"  {clean(flow)}"
        for check in wrong:
            yield f"  {check.what} {near(check.place)}".rstrip()
            yield from (f"    {line}" for line in lines(str(check.error)))
    yield from (f"login   {clean(login.place)}  {clean(login.note or '')}" for login in logins)
    yield f"{len(told)} checked: {f'{failed} failed' if failed else 'all ok'}"
