"""How an error is told: what, where, what to try; a traceback only for those who ask for it."""

from __future__ import annotations

import sys
import traceback
from errno import EFBIG, EIO, ENOSPC

import click

from hygge.cli.exit_codes import ExitCode, code_of
from hygge.core.errors import HyggeError
from hygge.watch.colours import Colour, paint
from hygge.watch.story import lines


def complain(error: BaseException, *, verbose: bool = False) -> ExitCode:
    """Tell it on stderr; the code to leave with."""
    if isinstance(error, click.exceptions.Abort | KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return ExitCode.INTERRUPTED
    if verbose and not isinstance(error, click.ClickException):
        click.echo("".join(traceback.format_exception(error)), err=True, nl=False)
    first, *rest = lines(said(error))
    click.echo(paint("error:", Colour.RED, sys.stderr) + f" {first}", err=True)
    for line in rest:
        click.echo(line, err=True)
    return ExitCode.CONFIG if isinstance(error, click.UsageError) else code_of(error)


def said(error: BaseException) -> str:
    """The error as people read it."""
    match error:
        case HyggeError():
            return str(error)
        case click.UsageError():
            path = error.ctx.command_path if error.ctx else "hygge"
            return f"{_plain(error)}\n  try: {_suggestion(error) or path + ' --help'}"
        case click.ClickException():
            return _plain(error)
        case OSError() if error.filename is None and error.errno in (ENOSPC, EIO, EFBIG):
            return f"what was said could not be written: {error.strerror}\n  try: another place"
    return (
        f"{type(error).__name__}: {error}\n"
        "  try: the same with --verbose shows where; hygge should have known better, tell us"
    )


def _plain(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return f"there is no option {error.option_name}"
    message = error.format_message().strip().removesuffix(".")
    return message[:1].lower() + message[1:]


def _suggestion(error: click.UsageError) -> str | None:
    if isinstance(error, click.NoSuchOption) and error.possibilities:
        near = sorted(error.possibilities)[0]
        return f"did you mean {near}?"
    if isinstance(error, click.NoSuchOption) and error.option_name == "--run-type":
        return "--incremental or --full-drop"
    return None
