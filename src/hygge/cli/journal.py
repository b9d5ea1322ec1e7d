"""`hygge journal export`: the whole history, as a table of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hygge.cli.choosing import workspace
from hygge.cli.exit_codes import ExitCode
from hygge.cli.history import read
from hygge.core.errors import HyggeError

if TYPE_CHECKING:
    import polars as pl

    from hygge.core.journal import EntityRun

EVERYTHING = sys.maxsize


@click.group(invoke_without_command=True)
@click.pass_context
def journal(ctx: click.Context) -> None:
    """Work with what hygge remembers."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@journal.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def export(target: Path, force: bool, verbose: bool) -> ExitCode:
    """Write the whole history to TARGET, a parquet file: a row for every run of every flow, the
    oldest first."""
    runs = read(workspace().journal_path, EVERYTHING, None)
    if target.is_dir():
        raise HyggeError(f"{target} is a folder", hint=f"{target / 'history.parquet'}")
    if target.exists() and not force:
        raise HyggeError(f"{target} exists", hint="another name, or --force to replace it")
    write(frame(runs), target)
    click.echo(f"{len(runs):,} runs written to {target}")
    return ExitCode.OK


def frame(runs: Sequence[EntityRun]) -> pl.DataFrame:
    """The history's 18 columns, typed alike whether there are rows or not."""
    import polars as pl

    text, moment = pl.String(), pl.Datetime("us", "UTC")
    schema: dict[str, Any] = {
        "entity_run_id": text,
        "coordinator_run_id": text,
        "flow_run_id": text,
        "coordinator": text,
        "flow": text,
        "entity": text,
        "start_time": moment,
        "finish_time": moment,
        "status": text,
        "run_type": text,
        "row_count": pl.Int64(),
        "duration": pl.Float64(),
        "primary_key": text,
        "watermark_column": text,
        "watermark_type": text,
        "watermark": text,
        "message": text,
        "schema_version": pl.Int64(),
    }
    rows = [{**asdict(run), "status": str(run.status)} for run in reversed(runs)]
    return pl.DataFrame(rows, schema=schema)


def write(table: pl.DataFrame, target: Path) -> None:
    """All of it or nothing: beside the target first, then in its place."""
    half = target.with_name(f".{target.name}.part")
    try:
        with half.open("wb") as out:
            table.write_parquet(out)
        half.replace(target)
    except OSError as failed:
        half.unlink(missing_ok=True)
        raise HyggeError(
            f"{target} cannot be written: {failed.strerror}",
            hint="an existing folder that you may write to",
        ) from failed
