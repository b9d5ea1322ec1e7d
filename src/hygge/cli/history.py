"""`hygge history`: what past runs came to."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import click

from hygge.cli.choosing import workspace
from hygge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from hygge.journal.hold import Hold

Row: TypeAlias = dict[str, Any]
"""One row of the history as JSON has it, by the names of EntityRun."""

COLUMNS = ("run", "started", "flow", "type", "status", "rows", "took", "note")
SHOWN = 8
"""So much of a run's id is enough to name it."""
ROOMY = 100
"""In so many cells there is room for the runs' ids."""
RIGHT = {"rows", "took"}
LEAST = {"note": 8, "flow": 8}
"""So narrow a screen may make these; numbers and times are always shown whole."""


@click.command()
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    metavar="N",
    help="Rows at most.",
)
@click.option("--flow", metavar="NAME", help="Only this flow, or flow.entity.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, all 19 columns.")
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def history(limit: int, flow: str | None, as_json: bool, verbose: bool) -> ExitCode:
    """Show what past runs came to, the newest first."""
    rows = read(workspace().journal_path, limit, flow)
    if as_json:
        for row in rows:
            click.echo(json.dumps(row, default=_text, ensure_ascii=False))
    elif rows:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo("\n".join(table(rows, width)))
    else:
        click.echo(
            f"no run of {flow} is remembered" if flow else "nothing has run here yet", err=True
        )
    return ExitCode.OK


def read(journal_path: Path, limit: int, flow: str | None) -> list[Row]:
    """The newest rows, those of runs that have not ended among them. Makes no journal."""
    import asyncio

    from hygge import registry

    journal = registry.find("journals", "sqlite").load()(journal_path)

    async def ask() -> list[Row]:
        try:
            found = [asdict(run) for run in await journal.history(limit, flow)]
            begun = [_not_ended(name, hold) for name, hold in (await journal.holds()).items()]
        finally:
            await journal.close()
        name, _, entity = (flow or "").partition(".")
        found += [r for r in begun if name in ("", r["flow"]) and entity in ("", r["entity"])]
        return sorted(found, key=lambda row: row["start_time"], reverse=True)[:limit]

    return asyncio.run(ask())


def _not_ended(name: str, hold: Hold) -> Row:
    """A run that has written no row: it is at work, or was killed. What is not known is null."""
    from hygge.core.journal import EntityRun

    flow, _, entity = name.partition(".")
    told = {"status": "running", "message": f"{hold.owner} is at work"}
    if hold.is_over(time.time()):
        message = f"{hold.owner} is gone; the next run finishes, resumes or erases what it began"
        told = {"status": "cut off", "message": message}
    started = datetime.fromtimestamp(hold.since, UTC)
    place = {"flow": flow, "entity": entity or flow, "start_time": started}
    return {**dict.fromkeys(field.name for field in fields(EntityRun)), **place, **told}


def table(rows: Sequence[Row], width: int | None = None) -> Iterator[str]:
    """One line a run, in columns that line up; notes and names end in `…` where it gets narrow."""
    columns = COLUMNS if width is None or width >= ROOMY else COLUMNS[1:]
    cells = [dict(zip(COLUMNS, COLUMNS, strict=True)), *map(_cells, rows)]
    widths = {name: max(len(row[name]) for row in cells) for name in columns}
    if width is not None:
        _narrow(widths, width)
    for row in cells:
        fitted = {name: _cut(row[name], widths[name]) for name in columns}
        padded = (
            f"{cell:>{widths[name]}}" if name in RIGHT else f"{cell:<{widths[name]}}"
            for name, cell in fitted.items()
        )
        yield "  ".join(padded).rstrip()


def _narrow(widths: dict[str, int], width: int) -> None:
    """Take what is too much from the notes, then from the names, then what notes can still give."""
    over = sum(widths.values()) + 2 * (len(widths) - 1) - width
    for name, least in (*LEAST.items(), ("note", 1)):
        less = max(0, min(over, widths[name] - least))
        widths[name] -= less
        over -= less


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cells(row: Row) -> dict[str, str]:
    from hygge.watch.rates import duration

    flow, entity, took = row["flow"], row["entity"], row["duration"]
    mark = f"up to {row['watermark_column']} {row['watermark']}" if row["watermark"] else ""
    return {
        "run": (row["coordinator_run_id"] or "")[:SHOWN],
        "started": f"{row['start_time'].astimezone():%Y-%m-%d %H:%M:%S}",
        "flow": flow if entity == flow else f"{flow}.{entity}",
        "type": row["run_type"] or "",
        "status": row["status"],
        "rows": "" if row["row_count"] is None else f"{row['row_count']:,}",
        "took": "" if took is None else duration(took),
        "note": _note(row) or mark,
    }


def _note(row: Row) -> str:
    """Why it failed, or what was decided about columns."""
    from hygge.watch.story import lines

    told = lines(row["message"]) if row["message"] else ()
    return "; ".join(told if row["status"] == "success" else told[:1])


def _text(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
