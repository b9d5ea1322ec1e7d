"""`hygge mirror apply`: replays a landing zone, as the service would."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from hygge.cli.exit_codes import ExitCode
from hygge.core.errors import ANEW

if TYPE_CHECKING:
    from hygge.filesystems.filesystem import FileSystem
    from hygge.mirroring.applied import Applied, TableApplied
    from hygge.mirroring.choices import Choices

EVERY = 1.0
"""Seconds between two looks of `--watch`."""
_DAYS = click.FloatRange(min=0)


@click.command()
@click.argument("path")
@click.option("--into", required=True, metavar="DIR", help="Where the Delta tables go.")
@click.option("--watch", is_flag=True, help="Go on looking for new files, until Ctrl-C.")
@click.option("--check", is_flag=True, help="Say what would happen; write nothing.")
@click.option("--connection", metavar="NAME", help="The workspace's connection that reaches PATH.")
@click.option(
    "--default-schema", default="dbo", metavar="NAME", help="For folders that lie in none."
)
@click.option("--without-metadata", is_flag=True, help="Read folders without _metadata.json, too.")
@click.option("--null-keys", is_flag=True, help="NULLs in keys are equal; else they stop.")
@click.option("--until-dropped", is_flag=True, help="A good file in its place does not help.")
@click.option(
    "--empty-days", type=_DAYS, default=14, metavar="N", help="So long a table may have no file."
)
@click.option("--ready-days", type=_DAYS, metavar="N", help="Then they go to _FilesReadyToDelete.")
@click.option("--delete-days", type=_DAYS, metavar="N", help="Then processed files are deleted.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def apply(
    path: str,
    into: str,
    watch: bool,
    check: bool,
    connection: str | None,
    as_json: bool,
    verbose: bool,
    **chosen: Any,
) -> ExitCode:
    """Apply the landing zone at PATH to one Delta table a mirrored table, as Fabric does.

    PATH is a landing zone, or the mirrored database's root with Files/LandingZone in it: a folder
    or a URL. Exits with 1 if a table has failed.
    """
    from hygge.mirroring.engine import Engine

    engine = Engine(*_place(path, connection), _place(into, None), _choices(chosen))
    applied = engine.look(check=check)
    _say(applied, as_json, check)
    while watch and not check:
        time.sleep(EVERY)
        before, applied = applied, engine.look()
        if not applied.idle or _stands(applied) != _stands(before):
            _say(applied, as_json, check)
    return ExitCode.FAILED if applied.failed else ExitCode.OK


def _place(path: str, connection: str | None) -> tuple[FileSystem, str]:
    """Where it is, seen from the current folder."""
    from pathlib import Path

    from hygge.filesystems.locating import locate
    from hygge.filesystems.paths import located

    if connection is None:
        return locate(located(path, Path.cwd()))
    from hygge.cli.choosing import workspace
    from hygge.filesystems.found import PlacedConfig, found

    return found(PlacedConfig(path=path, connection=connection), workspace().connections)


def _choices(chosen: dict[str, Any]) -> Choices:
    from hygge.mirroring.choices import Choices

    def days(name: str) -> timedelta | None:
        return None if chosen[name] is None else timedelta(days=chosen[name])

    return Choices(
        default_schema=chosen["default_schema"],
        without_metadata=chosen["without_metadata"],
        null_keys=chosen["null_keys"],
        replaceable=not chosen["until_dropped"],
        empty_for=timedelta(days=chosen["empty_days"]),
        ready_after=days("ready_days"),
        delete_after=days("delete_days"),
    )


def _say(applied: Applied, as_json: bool, check: bool) -> None:
    lines = map(_json, _told(applied)) if as_json else _text(applied, check)
    for line in lines:
        click.echo(line)


def _stands(applied: Applied) -> list[dict[str, Any]]:
    """How things are, without what was just done."""
    return [{**_as_dict(table), "applied": [], "dropped": False} for table in applied.tables]


def _json(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False)


def _told(applied: Applied) -> list[dict[str, Any]]:
    found = [_as_dict(table) for table in applied.tables]
    return found + [{"table": name.replace("/", "."), "dropped": True} for name in applied.dropped]


def _as_dict(table: TableApplied) -> dict[str, Any]:
    files = [{"name": f.name, "rows": f.rows, "bytes": f.bytes} for f in table.files]
    return {
        "table": str(table.table),
        "status": table.status.value,
        "applied": files,
        "waits": table.waits,
        "why": table.why or None,
        "error": str(table.error) if table.error else None,
        "dropped": table.dropped,
        "notes": table.notes,
    }


def _text(applied: Applied, check: bool) -> Iterator[str]:
    from hygge.watch import rates
    from hygge.watch.story import clean

    width = max((len(clean(str(table.table))) for table in applied.tables), default=0)
    for name in applied.dropped:
        yield f"dropped  {clean(name.replace('/', '.'))}"
    for table in applied.tables:
        shown = f"{clean(str(table.table)):<{width}}"
        if table.dropped:
            yield f"dropped  {shown}  its folder was made anew"
        if table.files:
            word = "would   " if check else "applied "
            yield f"{word} {shown}  {_files(len(table.files))}, {rates.rows(table.rows)}"
        yield from _standing(table, shown)
    for name in applied.beside:
        yield f"note     {clean(name)} lies in no table: it is never read"
    count, rows = sum(len(t.files) for t in applied.tables), sum(t.rows for t in applied.tables)
    failed = f", {len(applied.failed)} failed" if applied.failed else ""
    word = "would be applied" if check else "applied"
    tables = f"{len(applied.tables)} table{'' if len(applied.tables) == 1 else 's'}"
    yield f"{tables}: {_files(count)}, {rates.rows(rows)} {word}{failed}"


def _standing(table: TableApplied, shown: str) -> Iterator[str]:
    from hygge.watch.story import clean, lines

    if table.error is not None:
        first, *rest = lines(str(table.error))
        yield f"failed   {shown}  {table.why}: {first}"
        yield from (f"  {line}" for line in rest)
    elif table.waits is not None:
        yield f"blocked  {shown}  waits for {clean(table.waits)}"
        yield f"    try: publish that file; or all of the table anew, {ANEW} --flow FLOW"
    elif not table.files and not table.notes:
        known = table.remembered
        files = len(known.state.processed) if known else 0
        yield f"ok       {shown}  {'nothing new' if files else 'no file yet'}"
    yield from (f"note     {shown}  {clean(note)}" for note in table.notes)


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
