"""What SQL Server is told, and what one use of a connection leaves to the next."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime

import polars as pl
import pytest
from tests.rigs import mssql

from hygge.core.watermark import Watermark
from hygge.databases.mssql import Mssql
from hygge.databases.mssql_dialling import Dialling
from hygge.databases.mssql_line import Talk
from hygge.databases.mssql_settings import MssqlSettings


@pytest.mark.parametrize("kind", [pl.String(), pl.Binary(), pl.Categorical(), pl.Enum(["a"])])
def test_no_index_has_a_column_of_any_length(kind: pl.DataType) -> None:
    assert Mssql.build({"user": "x", "password": "x"}).indexed("a", kind) is None


def test_the_last_moment_can_be_a_bound() -> None:
    mark = Watermark("at", "datetime(us)", datetime.max)
    found = Mssql.build({"user": "x", "password": "x"}).narrowed(
        mark, "<", "[at]", "?", "datetime2(6)"
    )
    assert found == ("[at] <= cast(? as datetime2(6))", "9999-12-31T23:59:59.999999")


def test_a_connection_is_as_new_for_the_next() -> None:
    settings = MssqlSettings.model_validate({"url": mssql.url(), "lock_seconds": 7})
    with closing(Talk(settings, Dialling(15))) as line:
        with line.asking() as cursor:
            cursor.execute("set lock_timeout 1; begin transaction")
        line.clean()
        with line.asking() as cursor:
            found = cursor.execute("select @@lock_timeout, @@trancount").fetchall()
    assert [tuple(row) for row in found] == [(7000, 0)]
