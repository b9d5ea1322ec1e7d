"""Landing zones that keep or break the rules of files, markers and columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
from tests.mirroring.cases_zone import E, S, W, well
from tests.mirroring.landing import Case, Landing, people, rows

from hygge.mirroring.names import ROW_MARKER, file_name
from hygge.mirroring.rules.views import Limits


def seed(*tables: pa.Table, keys: tuple[str, ...] = ("id",), **given: Any) -> Any:
    """A table with these files."""

    def build(z: Landing) -> None:
        z.table(keys=keys, **given)
        for number, table in enumerate(tables, 1):
            z.data(number, table)

    return build


def written(table: pa.Table, **options: Any) -> Any:
    """A file written in such a way."""

    def build(z: Landing) -> None:
        z.table()
        z.data(1, table, **options)

    return build


def typed(kind: Any, value: Any, **options: Any) -> Any:
    """A file with a column of this type."""
    return written(rows({"x": kind}, id=[1], x=[value]), **options)


def damaged(how: Any) -> Any:
    """A file whose bytes are changed."""

    def build(z: Landing) -> None:
        z.table()
        file = z.data(1, people(*range(1000)))
        file.write_bytes(how(file.read_bytes()))

    return build


def without_a_middle(data: bytes) -> bytes:
    """A footer that speaks of more bytes than there are."""
    return data[:100] + data[-1500:]


def date_in_int64(z: Landing) -> None:
    """No library writes it; so the footer is changed by hand."""
    z.table(keys=())
    file = z.data(1, rows({"d": pa.date32()}, required=(), d=[1]), compression="none")
    data = file.read_bytes()
    for before, after in ((b"", b"%\x02\x18\x01d"), (b"\x1c", b"\x195\x00\x06\x10")):
        as_int32, as_int64 = before + b"\x15\x02" + after, before + b"\x15\x04" + after
        assert data.count(as_int32) == 1
        data = data.replace(as_int32, as_int64)
    file.write_bytes(data)


def contradiction(z: Landing) -> None:
    """The schema says one thing of a column, its row group another."""
    z.table(keys=())
    file = z.data(1, rows({"d": pa.date32()}, required=(), d=[1]), compression="none")
    data = file.read_bytes()
    assert data.count(b"\x15\x02%\x02\x18\x01d") == 1
    file.write_bytes(data.replace(b"\x15\x02%\x02\x18\x01d", b"\x15\x04%\x02\x18\x01d"))


def named(*names: str) -> Any:
    arrays = [pa.array([1], pa.int32()) for _ in names]
    return written(pa.Table.from_arrays(arrays, names=list(names)))


def csv(*texts: str, **given: Any) -> Any:
    def build(z: Landing) -> None:
        z.table(**given)
        for number, text in enumerate(texts, 1):
            z.csv(number, text)

    return build


def declared(nullable: bool) -> dict[str, Any]:
    """Columns of delimited files."""
    return {"SchemaDefinition": {"Columns": [
        {"Name": "id", "DataType": "Int32", "IsNullable": False},
        {"Name": "name", "DataType": "String", "IsNullable": nullable},
    ]}}  # fmt: skip


def declared_anew(z: Landing) -> None:
    """bc2adls #374: a column that was nullable is declared NOT NULL."""
    z.table(**declared(False))
    z.csv(1, "id,name\n1,a\n")
    z.csv(2, "id,name\n2,b\n")
    z.took(file_name(1, "csv"))


def after(known: Any, table: pa.Table, **more: Any) -> Any:
    """A file after one that the service has taken."""

    def build(z: Landing) -> None:
        z.table(**more)
        z.data(1, known)
        z.data(2, table)

    return build


def marked_beside_twins(marker: int, **more: Any) -> Any:
    """Two columns of one name are no reason not to look at the others."""
    whole, names = pa.array([marker], pa.int32()), ["id", "n", "n", ROW_MARKER]
    return seed(people(9), pa.Table.from_arrays([whole] * 4, names=names), **more)


def twin_keys(z: Landing) -> None:
    one, none = pa.array([1], pa.int32()), pa.array([None], pa.int32())
    seed(pa.Table.from_arrays([one, none], names=["id", "id"]))(z)


def moment(unit: str, required: Any = ("id", "at"), **more: Any) -> pa.Table:
    """One moment, by this measure."""
    kind, ticks = pa.timestamp(unit, "UTC"), {"ms": 10**3, "us": 10**6}[unit]
    return rows({"at": kind}, required, id=[1], at=[ticks], **more)


def wide_in_name_alone(before: Any, now: Any, value: Any) -> Any:
    """Two types that parquet has in one form; Arrow's own schema in the file tells them apart."""

    def build(z: Landing) -> None:
        z.table()
        for number, kind in enumerate((before, now), 1):
            z.data(number, rows({"x": kind}, id=[1], x=[value]), store_schema=True)

    return build


MARKED = rows(id=[1], name=["a"], marker=[1])
KNOWN = rows({"at": pa.int32()}, id=[1], name=["a"], at=[1])
STRICT_TYPES = [
    (pa.timestamp("ns", "UTC"), 1, "nanoseconds"),
    (pa.timestamp("us"), 1, "not in UTC"),
    (pa.uint32(), 1, "unsigned"),
    (pa.uint64(), 1, "unsigned"),
    (pa.time64("us"), 1, "time of day"),
    (pa.float16(), 1.0, "16 bits"),
    (pa.decimal256(39, 0), Decimal(1), "39 digits"),
    (pa.null(), None, "without a type"),
    (pa.uuid(), b"0123456789abcdef", "UUID"),
]
FINE_TYPES = [
    (pa.timestamp("us", "UTC"), 1),
    (pa.decimal128(38, 2), Decimal(1)),
    (pa.date32(), 1),
    (pa.binary(), b"x"),
    (pa.float32(), 1.0),
    (pa.large_string(), "x"),
]

CASES = [
    Case("R11", well),
    Case("R11", csv("id,name\n1,a\n", **declared(True))),
    Case("R11", seed(people(1), keys=("key",)), E, "no column of the file"),
    Case("R11", seed(people(1), keys=("ID",)), W, "is 'id' in the file"),
    Case("R11", csv("key,id\n1,2\n", keys=("key",), **declared(True)), E, "SchemaDefinition"),
    Case("R29", damaged(lambda data: data)),
    Case("R29", damaged(lambda data: b""), E, "no bytes"),
    Case("R29", damaged(lambda data: data[:-20]), E, "no readable parquet"),
    Case("R29", damaged(lambda data: b"XXXX" + data[4:]), E, "begin with PAR1"),
    Case("R29", damaged(without_a_middle), E, "cut short"),
    Case("R29", contradiction, E, "contradicts itself"),
    Case("R29", csv(""), E, "no bytes"),
    Case("R29", csv("id,name\n1\n"), E, "row 1 has 1 values"),
    *(Case("R30", written(people(1), compression=c)) for c in ("none", "snappy", "gzip", "zstd")),
    *(Case("R30", written(people(1), compression=c), E, "with") for c in ("lz4", "brotli")),
    Case("R31", written(people(1))),
    Case("R31", typed(pa.list_(pa.int32()), [1]), E, "list"),
    Case("R31", typed(pa.struct([("a", pa.int32())]), {"a": 1}), E, "struct"),
    Case("R31", typed(pa.map_(pa.string(), pa.int32()), [("a", 1)]), E, "map"),
    *(Case("R32", typed(kind, value, store_schema=True)) for kind, value in FINE_TYPES),
    *(Case("R32", typed(kind, value), S, said) for kind, value, said in STRICT_TYPES),
    Case("R32", typed(pa.timestamp("us"), 1, use_deprecated_int96_timestamps=True), S, "INT96"),
    *(Case("R33", typed(kind, value)) for kind, value in FINE_TYPES),
    Case("R33", date_in_int64, E, "that can be INT64"),
    Case("R34", named("id", "name")),
    Case("R34", named("id", "Name", "name"), E, "'Name', 'name'"),
    Case("R34", named("id", "id"), E, "'id', 'id'"),
    Case("R34", named("id", ""), E, "without a name"),
    Case("R35", named("id"), ask={"limits": Limits(column_name=4)}),
    Case("R35", named("id", "longer"), W, "6 characters", ask={"limits": Limits(column_name=4)}),
    Case("R37", written(people(1))),
    Case("R37", written(people()), W, "no rows"),
    Case("R39", csv("id,name\n1,a\n")),
    Case("R39", csv("id,name\n"), E, "a header and no rows"),
    Case("R39", csv("id,name"), E, "a header and no rows"),
    Case("R40", seed(people(1), MARKED)),
    Case("R40", seed(rows(marker=[1], id=[1])), E, "1 come after it"),
    Case("R40", named("id", "__ROWMARKER__"), E, "not read as a marker"),
    Case("R40", named("id", ROW_MARKER, ROW_MARKER), E, "2 columns"),
    Case("R41", seed(people(1), MARKED)),
    Case("R41", seed(rows({"marker": pa.string()}, id=[1], marker=["1"])), E, "no whole number"),
    Case("R41", seed(rows({"marker": pa.float64()}, id=[1], marker=[1.0])), E, "no whole number"),
    Case("R41", seed(rows({"marker": pa.int64()}, id=[1], marker=[1])), S, "is int64"),
    Case("R41", csv(f"id,{ROW_MARKER}\n1,U\n"), E, "'U'"),
    Case("R42", seed(people(1, 2, 3, 4, marker=[0, 1, 2, 4]))),
    Case("R42", seed(people(1, marker=[3])), E, "is 3 in 1 row"),
    Case("R42", marked_beside_twins(3), E, "is 3 in 1 row"),
    Case("R42", seed(people(1, 2, marker=[None, 4])), E, "is NULL in 1 row"),
    Case("R42", csv(f"id,{ROW_MARKER}\n1,4\n2,\n"), E, "is NULL in 1 row"),
    Case("R43", seed(people(1, marker=[0]), keys=())),
    Case("R43", seed(people(1, marker=[1])), None),
    Case("R43", marked_beside_twins(2, keys=()), E, "2 (delete)"),
    Case("R43", seed(people(1, 2, marker=[2, 4]), keys=()), E, "2 (delete), 4 (upsert)"),
    Case("R44", well),
    Case("R44", written(rows(required=(), id=[1, None])), S, "NULL in 1 row"),
    Case("R44", written(rows(required=(), id=[1, None]), write_statistics=False), S, "in 1 row"),
    Case("R44", twin_keys, S, "NULL in 1 row"),
    Case("R44", csv("id,name\n,a\n"), S, "NULL in 1 row"),
    Case("R45", after(people(1), MARKED)),
    Case("R45", after(people(1), rows(id=[1], marker=[2]))),
    Case("R45", after(people(1), rows(id=[1], marker=[4])), W, "becomes NULL"),
    Case("R45", after(rows(required=("id", "name"), id=[1], name=["a"]), rows(id=[1], marker=[1])),
         E, "may not be NULL"),
    Case("R46", well),
    Case("R46", seed(MARKED), W, "the first file"),
    Case("R47", well),
    Case("R47", seed(people(1), MARKED, people(2), isUpsertDefaultRowMarker=True)),
    Case("R47", seed(people(1), MARKED, people(2)), W, "appended"),
    Case("R48", seed(people(1, 2), people(1, 3, marker=[2, 0]), people(1, marker=[0]))),
    Case("R48", seed(people(1, 2), people(2, marker=[0])), W, "1 row inserted"),
    Case("R48", seed(people(1, 2), people(2)), W, "the first: 2"),
    Case("R49", seed(people(1, 2), people(2, marker=[1]))),
    Case("R49", seed(people(2, 2), people(2, marker=[4])), S, "there twice"),
    Case("R50", seed(people(1, 2), people(1, 2, marker=[1, 2]))),
    Case("R50", seed(people(1), people(7, marker=[2])), W, "deleted, and not there"),
    Case("R50", seed(people(1), people(7, marker=[1])), W, "updated, and not there"),
    Case("R50", seed(moment("ms"), moment("us", marker=[1]), keys=("at",))),
    Case("R51", seed(people(1), rows(id=[1, 2], name=["name 1"] * 2, marker=[2, 4])),
         ask={"source_id": "name"}),
    Case("R51", seed(people(1), rows(id=[2], name=["name 1"], marker=[4])), W, "the first: 1",
         ask={"source_id": "name"}),
    Case("R52", after(people(1), people(2))),
    Case("R52", after(rows({"name": pa.large_string()}, id=[1], name=["a"]), people(2))),
    Case("R52", after(people(1), rows({"id": pa.int64()}, id=[1], name=["a"])), E, "is int64"),
    Case("R52", after(people(1), rows(required=("id", "name"), id=[1], name=["a"])), E, "NOT NULL"),
    Case("R52", after(moment("ms"), moment("us"))),
    Case("R52", after(moment("us"), moment("us", ()))),
    Case("R52", wide_in_name_alone(pa.decimal128(10, 2), pa.decimal256(10, 2), Decimal(1))),
    Case("R52", wide_in_name_alone(pa.decimal64(10, 2), pa.decimal128(10, 2), Decimal(1))),
    Case("R52", wide_in_name_alone(pa.int64(), pa.duration("us"), 1)),
    Case("R53", after(people(1), KNOWN)),
    Case("R53", after(people(1), rows(id=[1], Name=["a"])), S, "differs from 'name' only by case"),
    Case("R53", after(people(1), rows(required=("id", "at"), id=[1], name=["a"], at=[1])),
         E, "the new column 'at'"),
    Case("R54", after(KNOWN, people(2))),
    Case("R54", after(rows(required=("id", "at"), id=[1], name=["a"], at=[1]), people(2)),
         E, "'at' is gone"),
    Case("R55", after(people(1), KNOWN)),
    Case("R55", after(KNOWN, rows(id=[1], marker=[2]))),
    Case("R55", after(KNOWN, people(2)), W, "'at' is gone"),
    Case("R56", after(KNOWN, people(2))),
    Case("R56", seed(people(1), rows(id=[2]), rows(id=[3], other=["x"]))),
    Case("R56", after(people(1), rows(id=[1], title=["a"])), W, "renamed?"),
    Case("R56", after(people(1), rows(id=[1], title=["a"], more=[3])), W, "'title' new: renamed?"),
    Case("R56", seed(people(1), rows(id=[1], marker=[2]), rows(id=[1], title=["a"])), W,
         "renamed?"),
    Case("R57", after(people(1), rows(id=[1], name=[None]))),
    Case("R57", after(people(1), rows({"name": pa.int32()}, id=[1], name=[None])), E, "was string"),
    Case("R57", after(people(1), rows({"name": pa.null()}, id=[1], name=[None])), E, "was string"),
    Case("R58", csv("id,name\n1,a\n", "id,name\n2,b\n", **declared(True))),
    Case("R58", csv("id,name\n1,a\n", "id,name,at\n2,b,1\n"), E, "'at' is new"),
    Case("R58", csv("id,name\n1,a\n", "id\n2\n"), E, "'name' is gone"),
    Case("R58", declared_anew, E, "is string NOT NULL, and was string"),
]  # fmt: skip
