"""Every type there and back: by parameters, by a bulk load, and as Arrow."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import mssql_python
import pyarrow as pa
import pytest

_ID = UUID("0e984725-c51c-4bf4-9960-e1c80e27aba0")
CASES: dict[str, Any] = {
    "bit": True,
    "tinyint": 255,
    "smallint": -32768,
    "int": -(2**31),
    "bigint": -(2**63),
    "decimal(38,10)": Decimal("-1234567890123456789012345678.0123456789"),
    "decimal(5,2)": Decimal("-999.99"),
    "money": Decimal("-922337203685477.5808"),
    "smallmoney": Decimal("214748.3647"),
    "real": 0.5,
    "float": 1.1e300,
    "date": date(1753, 1, 1),
    "time(7)": time(23, 59, 59, 999999),
    "time(0)": time(23, 59, 59),
    "datetime": datetime(1753, 1, 1, 23, 59, 59, 997000),
    "smalldatetime": datetime(2079, 6, 6, 23, 59),
    "datetime2(7)": datetime(9999, 12, 31, 23, 59, 59, 999999),
    "datetime2(3)": datetime(1753, 1, 1, 0, 0, 0, 1000),
    "datetimeoffset(7)": datetime(2024, 2, 29, 12, 30, 0, 123456, tzinfo=UTC),
    "char(3)": "a b",
    "varchar(10)": "caffè",
    "varchar(max)": "x" * 9000,
    "nchar(3)": "äöü",
    "nvarchar(20)": "日本語 🙂 ]'\"",
    "nvarchar(max)": "ü" * 5000,
    "binary(4)": b"\x00\x01\xfe\xff",
    "varbinary(10)": b"\x00",
    "varbinary(max)": b"\xff\x00" * 9000,
    "uniqueidentifier": _ID,
}
NAMES = list(CASES)


@pytest.mark.parametrize("kind", NAMES)
def test_by_parameters(session: Any, kind: str) -> None:
    session.execute(f"create table dbo.t (id int not null, v {kind} null)")
    session.execute("insert into dbo.t (id, v) values (?, ?)", 1, CASES[kind])
    session.execute("insert into dbo.t (id, v) values (2, null)")
    rows = session.execute("select v from dbo.t order by id").fetchall()
    assert [row[0] for row in rows] == [CASES[kind], None]


def test_all_of_them_in_one_row(session: Any) -> None:
    """As rows and as Arrow."""
    columns = ", ".join(f"c{n} {kind} null" for n, kind in enumerate(NAMES))
    session.execute(f"create table dbo.t ({columns})")
    marks = ", ".join("?" * len(NAMES))
    session.execute(f"insert into dbo.t values ({marks})", *CASES.values())
    (row,) = session.execute("select * from dbo.t").fetchall()
    assert list(row) == list(CASES.values())
    reader = session.execute("select * from dbo.t").arrow_reader(batch_size=100)
    table = pa.Table.from_batches(list(reader))
    assert table.num_rows == 1
    assert table.column_names == [f"c{n}" for n in range(len(NAMES))]


def test_a_fraction_is_rounded_to_the_scale(session: Any) -> None:
    session.execute("create table dbo.t (a datetime2(3), b datetime, c time(0), d smalldatetime)")
    value, coarse = "'2020-12-31 23:59:59.9996'", "'2020-12-31 23:59:59.999'"
    session.execute(f"insert into dbo.t values ({value}, {coarse}, '10:00:00.5', {coarse})")
    row = session.execute("select * from dbo.t").fetchone()
    next_year = datetime(2021, 1, 1)
    assert list(row) == [next_year, next_year, time(10, 0, 1), next_year]
    with pytest.raises(mssql_python.Error, match="Conversion failed"):
        session.execute(f"select cast({value} as datetime)")


def test_a_code_page_has_not_every_letter(session: Any) -> None:
    sql = "select cast(N'naïve €' as varchar(20)), cast(N'日本' as varchar(20)), N'日本'"
    assert list(session.execute(sql).fetchone()) == ["naïve €", "??", "日本"]


def test_what_does_not_fit(session: Any) -> None:
    session.execute("create table dbo.t (a nvarchar(3), b decimal(4,2), c tinyint, d varbinary(2))")
    for values in ("'abcd', 1, 1, 0x00", "'a', 100, 1, 0x00", "'a', 1, 256, 0x00"):
        with pytest.raises(Exception, match=r"truncated|out of range"):
            session.execute(f"insert into dbo.t values ({values})")
    with pytest.raises(Exception, match="truncated"):
        session.execute("insert into dbo.t values ('a', 1, 1, 0x000102)")
    assert session.execute("select count(*) from dbo.t").fetchone()[0] == 0


LOADED: dict[str, pa.Array] = {
    "bit": pa.array([True, None]),
    "tinyint": pa.array([255, None], pa.uint8()),
    "smallint": pa.array([-5, None], pa.int16()),
    "int": pa.array([-(2**31), None], pa.int32()),
    "bigint": pa.array([2**63 - 1, None], pa.int64()),
    "decimal(20,4)": pa.array([Decimal("-1234567.8901"), None], pa.decimal128(20, 4)),
    "real": pa.array([0.5, None], pa.float32()),
    "float": pa.array([1.1e300, None], pa.float64()),
    "date": pa.array([date(2024, 2, 29), None], pa.date32()),
    "time(6)": pa.array([time(1, 2, 3, 4), None], pa.time64("us")),
    "datetime2(6)": pa.array([datetime(2024, 2, 29, 1, 2, 3, 4), None], pa.timestamp("us")),
    "nvarchar(20)": pa.array(["日本語 🙂", None]),
    "nvarchar(max)": pa.array(["ü" * 9000, None]),
    "varbinary(max)": pa.array([b"\x00\xff" * 9000, None], pa.binary()),
    "varbinary(10)": pa.array([b"", None], pa.binary()),
}


@pytest.mark.parametrize("kind", list(LOADED))
def test_by_a_bulk_load(session: Any, kind: str) -> None:
    session.execute(f"create table dbo.t (id int not null, v {kind} null)")
    table = pa.table({"id": pa.array([1, 2], pa.int32()), "v": LOADED[kind]})
    session.cursor().bulkcopy_arrow("dbo.t", table, timeout=0)
    rows = session.execute("select v from dbo.t order by id").fetchall()
    assert [row[0] for row in rows] == LOADED[kind].to_pylist()


def test_moments_with_a_zone_by_a_bulk_load(session: Any) -> None:
    session.execute("create table dbo.t (v datetimeoffset(6) null)")
    moment = datetime(2024, 2, 29, 1, 2, 3, 4, tzinfo=UTC)
    table = pa.table({"v": pa.array([moment, None], pa.timestamp("us", "UTC"))})
    session.cursor().bulkcopy_arrow("dbo.t", table, timeout=0)
    rows = session.execute("select v from dbo.t").fetchall()
    assert [row[0] for row in rows] == [moment, None]


def test_casts(session: Any) -> None:
    sql = """select convert(bigint, 0x00000000000007D1), convert(binary(8), cast(1 as bigint)),
        convert(varchar(18), 0x00ff, 1), convert(varchar(30), cast('2020-01-02 03:04:05.1234567'
        as datetime2(7)), 126), cast('2020-01-02' as datetime2(0)), cast(N'abcdef' as nvarchar(3)),
        convert(varbinary(4), '0x0102', 1), datalength(N'ab'), len('ab  '), 7 / 2"""
    assert list(session.execute(sql).fetchone()) == [
        *(2001, b"\0\0\0\0\0\0\0\1", "0x00FF", "2020-01-02T03:04:05.1234567"),
        *(datetime(2020, 1, 2), "abc", b"\x01\x02", 4, 2, 3),
    ]
