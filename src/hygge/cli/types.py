"""`hygge types`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from hygge import registry
from hygge.core.errors import ConfigError, Unsupported

if TYPE_CHECKING:
    import polars as pl

Written = Callable[["pl.DataType"], str | None]
OTHERS = {
    "delta": "hygge.formats.delta_types:written",
    "open_mirroring": "hygge.mirroring.fabric_types:written",
}
"""Systems that are no databases: who tells how they hold a type."""
EXAMPLES = (
    *("bool", "int8", "int16", "int32", "int64", "int128", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "decimal(18, 2)", "decimal(38, 10)", "string", "binary", "date"),
    *("time", "datetime(ms)", "datetime(us)", "datetime(ns)", "datetime(us, UTC)"),
    *("duration(us)", "categorical", "enum(a, b)", "list(int64)", "struct(a: int64)", "null"),
)


@click.command()
@click.argument("system", type=click.Choice([*registry.TABLES["databases"], *OTHERS]))
def types(system: str) -> None:
    """Show what columns of each type become in SYSTEM, where a load makes the table."""
    from hygge.core.types import parse_type

    written = _of(system)
    width = max(map(len, EXAMPLES))
    for name in EXAMPLES:
        click.echo(f"{name:<{width}}  {_told(written, parse_type(name))}")


def _told(written: Written, kind: Any) -> str:
    try:
        return written(kind) or "refused"
    except Unsupported as refused:
        return f"refused: {refused.hint}" if refused.hint else "refused"


def _of(system: str) -> Written:
    """Raises ConfigError where a package that it needs is not installed."""
    if system in OTHERS:
        module, _, name = OTHERS[system].partition(":")
        found: Written = getattr(import_module(module), name)
        return found
    try:
        kind = registry.find("databases", system).load()
    except ModuleNotFoundError as missing:
        what = f"{system} needs the package {missing.name!r}, which is not installed"
        raise ConfigError(what, hint=f"pip install 'hygge[{system}]'") from missing
    file = system in registry.DATABASE_FILES
    settings = {"path": ":memory:"} if file else {"url": f"{system}://nobody:none@localhost/none"}
    database = kind.build(settings)  # nobody is connected
    native: Written = database.native
    return native
