"""`hygge version`."""

from __future__ import annotations

import platform
from importlib import metadata

import click

PACKAGES = ("hygge", "polars", "pyarrow", "pydantic")


@click.command()
def version() -> None:
    """Show the versions of hygge and what it stands on: what a bug report needs."""
    print_versions()


def print_versions() -> None:
    """One line each, read from the packages' own words, importing none of them."""
    told = {"hygge": _of("hygge"), "python": platform.python_version()}
    told |= {name: _of(name) for name in PACKAGES}
    for name, number in told.items():
        click.echo(f"{name:<9} {number}")


def _of(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "from source" if name == "hygge" else "not installed"
