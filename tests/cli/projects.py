"""Small workspaces for tests of the command line."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.cli.shell import written

TABLES = ("users", "orders")


def shop(folder: Path, *, more: str = "") -> Path:
    """Two entities of a flow, three rows each; `more` flows go beneath."""
    flows = (
        "flows:\n  shop:\n    home: data\n    store: lake/{entity}\n    entities: [users, orders]\n"
    )
    written(folder, {"hygge.yml": f"name: shop\n{flows}{more}"})
    for name in TABLES:
        table(folder / "data" / f"{name}.parquet", 3)
    return folder


def table(file: Path, rows: int, start: int = 1) -> None:
    """A parquet file of so many rows: id and a name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    ids = range(start, start + rows)
    pl.DataFrame({"id": ids, "name": [f"row {n}" for n in ids]}).write_parquet(file)


def landed(folder: Path) -> int:
    """Rows in a table's folder."""
    return sum(pl.read_parquet(file).height for file in folder.rglob("*.parquet"))


def source(kind: str, **settings: object) -> str:
    """A flow, as YAML beneath `flows:`, from a home of tests.cli.sources; it is not tried again."""
    inside = "".join(f", {key}: {value}" for key, value in settings.items())
    name = kind.lower()
    return (
        f"  {name}:\n    home: {{type: 'tests.cli.sources:{kind}'{inside}}}\n"
        f"    store: lake/{name}\n    retries: 0\n"
    )
