"""The guide's table of what columns become in SQL Server is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hygge.core.types import parse_type
from hygge.databases.mssql_types import declared

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "sql-server.md"


def rows() -> list[tuple[str, str]]:
    """Each type of ours and what it becomes, of the rows that name as many of both, or one."""
    _, _, table = GUIDE.read_text().partition("| here | there |")
    found = list[tuple[str, str]]()
    for line in table.partition("\n\n")[0].splitlines():
        here, _, there = line.strip("| ").partition(" | ")
        ours, theirs = re.findall(r"`(.*?)`", here), re.findall(r"`(.*?)`", there)
        theirs = theirs if len(theirs) == len(ours) else theirs[:1] * len(ours)
        found += zip(ours, theirs, strict=True)
    return found


@pytest.mark.parametrize(("ours", "theirs"), rows())
def test_it_becomes_what_the_guide_says(ours: str, theirs: str) -> None:
    assert declared(parse_type(ours)).partition(" collate ")[0] == theirs


def test_the_table_has_them_all() -> None:
    assert len(rows()) > 20
