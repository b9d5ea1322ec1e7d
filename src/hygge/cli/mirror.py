"""`hygge mirror`: what can be done with a landing zone of Fabric's Open Mirroring."""

from __future__ import annotations

from importlib import import_module

import click

SUBCOMMANDS = {"lint": "hygge.cli.mirror_lint:lint"}


class Lazily(click.Group):
    """Loads a subcommand when it is called, or when their help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        module, _, name = SUBCOMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Lazily, invoke_without_command=True)
@click.pass_context
def mirror(ctx: click.Context) -> None:
    """Look after a landing zone of Fabric's Open Mirroring."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
