"""The `hygge` command: finds the command that is meant, and imports nothing else."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from hygge.cli.exit_codes import ExitCode

COMMANDS = {
    "init": ("hygge.cli.init:init", "Make a workspace that runs as it is."),
    "go": ("hygge.cli.go:go", "Move the tables: run every flow, or those you name."),
    "start": ("hygge.cli.go:go", "The same as `go`."),
    "debug": ("hygge.cli.debug:debug", "Check connections, credentials and paths; move nothing."),
    "history": ("hygge.cli.history:history", "Show what past runs came to."),
    "undo": ("hygge.cli.undo:undo", "Take back what a run appended."),
    "journal": ("hygge.cli.journal:journal", "Work with what hygge remembers."),
    "mirror": ("hygge.cli.mirror:mirror", "Look after a landing zone of Fabric's Open Mirroring."),
    "types": ("hygge.cli.types:types", "Show what types become in a system."),
    "version": ("hygge.cli.version:version", "Show the versions of hygge and what it stands on."),
}
"""Every command: where it is, and its line in `hygge --help`."""

ALLOCATORS = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0,tcache_max:4096",
}
"""Told before they are loaded: Arrow's own allocator, and Polars' jemalloc, keep for each thread
what it once had. Half of the memory of a run was that."""

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Commands(click.Group):
    """Loads a command only when it is called; ends every error in a sentence and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] in COMMANDS or args[0].startswith("-"):
            return super().resolve_command(ctx, args)
        raise click.UsageError(f"there is no command {args[0]!r}{_near(args[0])}", ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, *given: Any, **more: Any) -> NoReturn:
        """Run it and leave with its exit code."""
        words = list(sys.argv[1:] if args is None else args)
        more["prog_name"] = "hygge"
        try:
            code = super().main(words, *given, **{**more, "standalone_mode": False})
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - told, and exits
            from hygge.cli.complaining import complain

            code = complain(error, verbose="--verbose" in words)
        sys.exit(int(code or ExitCode.OK))


def _near(word: str) -> str:
    from difflib import get_close_matches

    found = get_close_matches(word, COMMANDS, n=1, cutoff=0.5)
    return f", did you mean {found[0]!r}?" if found else ""


@click.group(cls=Commands, context_settings=CONTEXT, invoke_without_command=True)
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
@click.option("--version", is_flag=True, help="The same as `hygge version`.")
@click.pass_context
def cli(ctx: click.Context, verbose: bool, version: bool) -> None:
    """hygge moves tables from where they live to where they settle, comfortably.

    \b
      hygge init tea && cd tea    make a workspace
      hygge go                    move its tables
    """
    if version:
        from hygge.cli.version import print_versions

        print_versions()
        ctx.exit(ExitCode.OK)
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main() -> NoReturn:
    """The entry point of the installed command."""
    gc.disable()  # what start-up makes is there to stay; a run that moves data turns it on again
    for name, told in ALLOCATORS.items():
        os.environ.setdefault(name, told)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a name that this terminal cannot show must not end a run
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main()
    finally:
        _let_go()


def _let_go() -> None:
    """Flush what is left; a reader that has gone away (`hygge history | head`) is no error."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
