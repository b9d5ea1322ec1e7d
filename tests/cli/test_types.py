"""`hygge types`: each system tells of each type, and connects to nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.cli.shell import hygge

from hygge.cli.types import EXAMPLES, OTHERS
from hygge.core.types import parse_type, type_name
from hygge.registry import TABLES

EXPECTED = {
    "delta": ("uint32", "long"),
    "duckdb": ("uint64", "UBIGINT"),
    "mssql": ("datetime(us, UTC)", "datetimeoffset(6)"),
    "mysql": ("uint8", "tinyint unsigned"),
    "open_mirroring": ("time", "varchar(max)"),
    "postgres": ("uint64", "numeric(20,0)"),
    "sqlite": ("date", "date"),
}


@pytest.mark.parametrize("system", [*TABLES["databases"], *OTHERS])
def test_each_system_tells_of_each_type(tmp_path: Path, system: str) -> None:
    done = hygge(tmp_path, "types", system)
    assert (done.returncode, done.stderr) == (0, "")
    told = dict(line.split("  ", 1) for line in done.stdout.splitlines())
    assert tuple(told) == EXAMPLES
    name, there = EXPECTED[system]
    assert told[name].strip() == there
    assert told["null"].strip().startswith("refused")
    assert list(tmp_path.iterdir()) == []


def test_the_types_have_their_names() -> None:
    assert [type_name(parse_type(name)) for name in EXAMPLES] == list(EXAMPLES)


def test_another_system_is_told_what_there_is(tmp_path: Path) -> None:
    done = hygge(tmp_path, "types", "oracle")
    assert done.returncode == 2
    assert "open_mirroring" in done.stderr
