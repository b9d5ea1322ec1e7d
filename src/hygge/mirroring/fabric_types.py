"""Column types as Fabric mirrors them: what a file holds for a type of ours, and how values get so.

From "Data types" of Fabric's warehouse and LZF: whole numbers are signed, moments are UTC in
microseconds, and what is neither a number, text, bytes, a date nor a moment is text.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from hygge.core.errors import StoreError, Unsupported
from hygge.core.schema import Column, TableSchema
from hygge.core.types import type_name
from hygge.formats.columns import depths
from hygge.formats.ndjson_writer import leaves
from hygge.mirroring.names import ROW_MARKER

MOMENT = pl.Datetime("us", "UTC")
_SQL: Mapping[pl.DataType, str] = {
    pl.Boolean(): "bit",
    pl.Int16(): "smallint",
    pl.Int32(): "int",
    pl.Int64(): "bigint",
    pl.Float32(): "real",
    pl.Float64(): "float",
    pl.String(): "varchar(max)",
    pl.Binary(): "varbinary(max)",
    pl.Date(): "date",
    MOMENT: "datetime2(6)",
}
_FIRST, _LAST = (day.toordinal() - date(1970, 1, 1).toordinal() for day in (date.min, date.max))
_PER_DAY = {"ms": 86_400 * 10**3, "us": 86_400 * 10**6}
_HELD: Mapping[pl.DataType, pl.DataType] = {
    pl.Int8(): pl.Int16(),
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
    pl.UInt64(): pl.Decimal(20, 0),
    pl.Int128(): pl.Decimal(38, 0),
}


def held(kind: pl.DataType) -> pl.DataType | None:
    """What a file has for this type; None where there is nothing."""
    match kind:
        case pl.Decimal():
            return pl.Decimal(kind.precision or 38, kind.scale)
        case pl.Datetime():
            return MOMENT
        case pl.Time() | pl.Duration() | pl.Categorical() | pl.Enum():
            return pl.String()
        case pl.List() | pl.Array() | pl.Struct():
            return None if pl.Binary() in depths(kind) else pl.String()
    return kind if kind in _SQL else _HELD.get(kind)


def sql_name(kind: pl.DataType) -> str:
    """The type of a column that a file has, as Fabric's SQL endpoint shows it."""
    if isinstance(kind, pl.Decimal):
        return f"decimal({kind.precision}, {kind.scale})"
    return _SQL[kind]


def refuse(schema: TableSchema) -> None:
    """Raise Unsupported for a column that cannot be mirrored, or two that Fabric takes for one."""
    seen = dict[str, str]()
    for column in schema.columns:
        name = column.name
        if not name.strip() or name.lower() == ROW_MARKER.lower():
            raise Unsupported("no column can have this name", column=name, hint=_RENAME)
        if name.lower() in seen:
            told = f"Fabric does not tell {seen[name.lower()]!r} from {name!r}"
            raise Unsupported(told, column=name, hint=_RENAME)
        seen[name.lower()] = name
        if held(column.type) is None:
            kind = "a column without a type" if column.type == pl.Null else type_name(column.type)
            told = f"Fabric cannot mirror {kind}"
            raise Unsupported(told, column=name, hint="cast it to the type it is to have")


_RENAME = "`query`, in which it has another name; or `columns`, without it"


def mirrored(schema: TableSchema, keys: Iterable[str]) -> TableSchema:
    """The columns as files have them: each may be NULL, but for the keys. A column that could not
    at first never could later, and one that is added must."""
    refuse(schema)
    return TableSchema(tuple(_mirrored(c, nullable=c.name not in keys) for c in schema.columns))


def _mirrored(column: Column, *, nullable: bool) -> Column:
    kind = held(column.type)
    assert kind is not None
    return replace(column, type=kind, nullable=nullable, source=None)


def as_held(values: pl.Series, *, lossy: bool = False) -> tuple[pl.Series, int]:
    """The values as files have them, and how many are not what they were: none, unless `lossy`.

    Raises StoreError for a value that cannot be held as it is.
    """
    match values.dtype:
        case pl.Date():
            return _within_years(values), 0
        case pl.Datetime():
            return _moments(_within_years(values), lossy=lossy)
        case pl.Time():
            return _clock(values), 0
        case pl.Duration():
            return values.dt.to_string("iso"), 0
        case pl.List() | pl.Array() | pl.Struct():
            return _json(values), 0
    kind = held(values.dtype)
    assert kind is not None
    try:
        return values.cast(kind, strict=True), 0
    except pl.exceptions.PolarsError as failed:
        told = f"a value does not fit {sql_name(kind)}"
        raise StoreError(told, column=values.name, hint="cast it in the home") from failed


def _within_years(values: pl.Series) -> pl.Series:
    """By whole numbers: Polars tells no year of what is far away."""
    kind = values.dtype
    if isinstance(kind, pl.Datetime) and kind.time_unit == "ns":  # all of them are near
        return values
    day = _PER_DAY[kind.time_unit] if isinstance(kind, pl.Datetime) else 1
    far = ~values.to_physical().is_between(_FIRST * day, (_LAST + 1) * day, closed="left")
    if far.any():
        hint = "cast it in the home, or leave it NULL there"
        raise StoreError("a year outside 1 to 9999", column=values.name, hint=hint)
    return values


def _moments(values: pl.Series, *, lossy: bool) -> tuple[pl.Series, int]:
    """A moment without a zone is taken for UTC."""
    kind = values.dtype
    assert isinstance(kind, pl.Datetime)
    fine = values.cast(pl.Datetime("us", kind.time_zone))
    changed = 0
    if kind.time_unit == "ns":
        changed = int((fine.cast(pl.Datetime("ns", kind.time_zone)) != values).sum())
    if changed and not lossy:
        raise StoreError(
            f"{changed:,} moments are finer than a microsecond, which Fabric does not keep",
            column=values.name,
            hint=f"`allow_lossy: [{values.name}]` cuts them off",
        )
    utc = fine.dt.convert_time_zone("UTC") if kind.time_zone else fine.dt.replace_time_zone("UTC")
    return utc, changed


def _clock(values: pl.Series) -> pl.Series:
    """`12:34:56.1234567`, as finely as T-SQL reads; nine digits where there are more."""
    whole = values.dt.to_string("%H:%M:%S%.9f")
    frame = pl.DataFrame({"t": whole})
    seven = pl.when(pl.col("t").str.ends_with("00")).then(pl.col("t").str.head(-2)).otherwise("t")
    return frame.select(seven.alias(values.name)).to_series()


def _json(values: pl.Series) -> pl.Series:
    """One JSON text a value, as `ndjson` writes it."""
    for leaf in leaves(values):
        if leaf.dtype.is_float() and not leaf.is_finite().all():
            told = "NaN and infinities have no JSON"
            raise StoreError(told, column=values.name, hint="leave the column out")
    out = io.BytesIO()
    pl.DataFrame([values.alias("v")]).write_ndjson(out)
    lines = out.getvalue().decode().split("\n")[: values.len()]  # no other mark ends a line
    texts = pl.Series(values.name, [line[5:-1] for line in lines], dtype=pl.String)
    return texts.set(values.is_null(), None)


def manifest(schema: TableSchema, keys: Sequence[str]) -> bytes:
    """`_schema.json`: what the files have, for tools that do not read parquet."""
    columns = [
        {"name": column.name, "type": sql_name(column.type), "nullable": column.nullable}
        for column in mirrored(schema, keys).columns
    ]
    return json.dumps({"keyColumns": list(keys), "columns": columns}, indent=2).encode()


def written(kind: pl.DataType) -> str | None:
    """What a column of this type becomes in Fabric, as its SQL endpoint shows it; None: refused."""
    there = held(kind)
    return sql_name(there) if there is not None else None
