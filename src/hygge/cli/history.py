"""`hygge history`: what past runs came to."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from hygge.cli.choosing import workspace
from hygge.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from hygge.core.journal import EntityRun

COLUMNS = ("started", "flow", "run", "status", "rows", "took", "note")
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
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, all 18 columns.")
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def history(limit: int, flow: str | None, as_json: bool, verbose: bool) -> ExitCode:
    """Show what past runs came to, the newest first."""
    runs = read(workspace().journal_path, limit, flow)
    if as_json:
        for run in runs:
            click.echo(json.dumps(asdict(run), default=_text, ensure_ascii=False))
    elif runs:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        click.echo("\n".join(table(runs, width)))
    else:
        click.echo(
            f"no run of {flow} is remembered" if flow else "nothing has run here yet", err=True
        )
    return ExitCode.OK


def read(journal_path: Path, limit: int, flow: str | None) -> Sequence[EntityRun]:
    """The newest rows. Asking makes no journal where none is."""
    import asyncio

    from hygge import registry

    journal = registry.find("journals", "sqlite").load()(journal_path)

    async def ask() -> Sequence[EntityRun]:
        try:
            runs: Sequence[EntityRun] = await journal.history(limit, flow)
        finally:
            await journal.close()
        return runs

    return asyncio.run(ask())


def table(runs: Sequence[EntityRun], width: int | None = None) -> Iterator[str]:
    """One line a run, in columns that line up; notes and names end in `…` where it gets narrow."""
    cells = [dict(zip(COLUMNS, COLUMNS, strict=True)), *map(_cells, runs)]
    widths = {name: max(len(row[name]) for row in cells) for name in COLUMNS}
    if width is not None:
        _narrow(widths, width)
    for row in cells:
        fitted = {name: _cut(row[name], widths[name]) for name in COLUMNS}
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


def _cells(run: EntityRun) -> dict[str, str]:
    from hygge.watch.rates import duration
    from hygge.watch.story import lines

    mark = f"up to {run.watermark_column} {run.watermark}" if run.watermark else ""
    note = lines(run.message)[0] if run.message else mark
    return {
        "started": f"{run.start_time.astimezone():%Y-%m-%d %H:%M:%S}",
        "flow": run.flow if run.entity == run.flow else f"{run.flow}.{run.entity}",
        "run": run.run_type,
        "status": run.status,
        "rows": f"{run.row_count:,}",
        "took": duration(run.duration),
        "note": note,
    }


def _text(value: Any) -> str:
    return str(value.isoformat() if hasattr(value, "isoformat") else value)
