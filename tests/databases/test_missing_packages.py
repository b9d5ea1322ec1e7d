"""A system whose packages are not installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.workspace.project import written

from hygge.cli.main import cli

NEEDS = {"duckdb": "duckdb", "mssql": "mssql_python", "mysql": "pymysql", "postgres": "psycopg"}


@pytest.mark.parametrize(("kind", "package"), NEEDS.items())
def test_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, package: str
) -> None:
    for name in [*sys.modules]:
        if name.startswith(f"hygge.databases.{kind}") or name.partition(".")[0] == package:
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    place = "path: x.db" if kind == "duckdb" else f"connection: '{kind}://u@localhost/x'"
    home = f"home: {{type: {kind}, {place}, table: t}}\nstore: lake\n"
    written(tmp_path, {"flows/shop/flow.yml": home})
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(cli, ["go"])
    assert said.exit_code == 2
    assert f"try: pip install 'hygge[{kind}]'" in said.output
    assert package in said.output
