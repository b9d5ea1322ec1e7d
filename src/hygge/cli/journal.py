"""`hygge journal export`: the whole history, as a table of its own."""

from __future__ import annotations

from pathlib import Path

import click

from hygge.cli.choosing import workspace
from hygge.cli.exit_codes import ExitCode
from hygge.core.errors import ConfigError, HyggeError


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
    from hygge.journal.export import export as write

    if target.suffix.lower() not in ("", ".parquet", ".pq"):
        raise ConfigError(
            f"the history is written as parquet, not as {target.suffix}",
            hint=f"hygge journal export {target.with_suffix('.parquet')}",
        )
    if target.is_file() and not force:
        raise HyggeError(f"{target} exists", hint="another name, or --force to replace it")
    runs = write(workspace().journal_path, target)
    click.echo(f"{runs:,} run{'' if runs == 1 else 's'} written to {target}")
    return ExitCode.OK
