"""`hygge mirror`: Fabric's Open Mirroring without Fabric."""

from __future__ import annotations

from importlib import import_module

import click

COMMANDS = {
    "apply": "hygge.cli.mirror_apply:apply",
    "diff": "hygge.cli.mirror_diff:diff",
    "lint": "hygge.cli.mirror_lint:lint",
}
"""Every command of this group, and where it is."""


class Lazy(click.Group):
    """Loads a command only when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command


@click.group(cls=Lazy, invoke_without_command=True)
@click.pass_context
def mirror(ctx: click.Context) -> None:
    """Look after a landing zone of Fabric's Open Mirroring: lint, apply and compare it."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
