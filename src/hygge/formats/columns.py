"""Columns between a file and a table: what fits where, and batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import polars as pl
import pyarrow as pa

from hygge.core.errors import (
    ConfigError,
    HomeError,
    HyggeError,
    SchemaMismatch,
    StoreError,
)
from hygge.core.schema import Column, TableSchema
from hygge.core.types import parse_type, type_name
from hygge.formats.format import BATCH_BYTES, BATCH_ROWS

_SAYS_NOTHING = frozenset({b"PARQUET:field_id"})
"""Metadata of a column that makes no other type of it."""
_INTS: Sequence[Any] = (pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Int128)
_UINTS: Sequence[Any] = (pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64)
_UNITS = ("ms", "us", "ns")
_FOREIGN = (pa.ArrowException, pl.exceptions.PolarsError, ValueError, HyggeError)


def from_arrow(schema: pa.Schema, file: str) -> TableSchema:
    """A file's Arrow schema as ours. Raises HomeError for types that have no name here."""
    if not schema.names:
        raise HomeError("the file has no columns", file=file)
    if twice := {name for name in schema.names if schema.names.count(name) > 1}:
        raise HomeError("two columns have one name", file=file, column=min(twice))
    try:
        kinds = _kinds(schema)  # all at once: several times faster than one by one
    except _FOREIGN:
        kinds = [_kind(field, file) for field in schema]
    columns = (Column(f.name, kind, f.nullable) for f, kind in zip(schema, kinds, strict=True))
    return TableSchema(tuple(columns))


def _kinds(fields: Iterable[Any]) -> list[pl.DataType]:
    if all(
        field.type.num_fields == 0 and {*(field.metadata or ())} <= _SAYS_NOTHING
        for field in fields
    ):
        return [_flat(field.type) for field in fields]
    plain = pa.schema([field.with_type(_plain(field.type)) for field in fields])
    kinds = frame(plain.empty_table()).dtypes
    for kind in kinds:
        type_name(kind)
    return kinds


@lru_cache(maxsize=1024)
def _flat(kind: Any) -> pl.DataType:
    """Of a type without others inside it, which most columns have: asked of Polars only once."""
    found = frame(pa.schema([("", _plain(kind))]).empty_table()).dtypes[0]
    type_name(found)
    return found


def _kind(field: Any, file: str) -> pl.DataType:
    try:
        return _kinds([field])[0]
    except _FOREIGN:
        raise HomeError(
            f"the type {field.type} cannot be moved",
            file=file,
            column=field.name,
            hint="store it as another type",
        ) from None


def _plain(kind: Any) -> Any:
    """The type that we know in place of one we do not. Raises ValueError where there is none."""
    if pa.types.is_map(kind):
        pair = [("key", _plain(kind.key_type)), ("value", _plain(kind.item_type))]
        return pa.list_(pa.struct(pair))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_plain(field.type)) for field in kind])
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_type))
    if pa.types.is_decimal256(kind):
        raise ValueError("more than 38 digits")
    return pa.float32() if pa.types.is_float16(kind) else kind


def frame(data: pa.Table | pa.RecordBatch) -> pl.DataFrame:
    made = pl.from_arrow(data)
    assert isinstance(made, pl.DataFrame)
    return made


def to_arrow(schema: TableSchema, *, views: bool) -> pa.Schema:
    """Our schema as Arrow's, nullability included. `views`: with the newest string layout."""
    level = pl.CompatLevel.newest() if views else pl.CompatLevel.oldest()
    plain = pl.DataFrame(schema=schema.polars()).to_arrow(compat_level=level).schema
    pairs = zip(plain, schema.columns, strict=True)
    return pa.schema([field.with_nullable(column.nullable) for field, column in pairs])


def depths(kind: Any) -> Iterator[pl.DataType]:
    """The type, and all types inside it."""
    made = kind() if isinstance(kind, type) else kind
    yield made
    if isinstance(made, pl.List | pl.Array):
        yield from depths(made.inner)
    if isinstance(made, pl.Struct):
        for field in made.fields:
            yield from depths(field.dtype)


def type_names(given: Mapping[str, str]) -> Mapping[str, str]:
    """Declared types by their one name. Raises ValueError for what is no type."""
    try:
        return {name: type_name(parse_type(kind)) for name, kind in given.items()}
    except ConfigError as failed:
        raise ValueError(f"{failed.what}; {failed.hint}") from None


def fitted(batch: pl.DataFrame, schema: TableSchema, file: str) -> pl.DataFrame:
    """The batch with exactly these columns and types; absent ones NULL, narrower ones widened."""
    columns = [_fitted(batch, column, file) for column in schema.columns]
    return pl.DataFrame(columns) if columns else batch.select([])


def _fitted(batch: pl.DataFrame, column: Column, file: str) -> pl.Series:
    if column.name not in batch.columns:
        return absent(column, batch.height)
    values = batch[column.name]
    if values.dtype == column.type:
        return values
    if not widens(values.dtype, column.type):
        raise _misfit(values.dtype, column, file)
    try:
        wide = values.cast(column.type, strict=True)
    except pl.exceptions.PolarsError as failed:
        raise _misfit(values.dtype, column, file) from failed
    if column.type.is_float() and values.dtype.is_integer() and _rounded(values, wide):
        raise _misfit(values.dtype, column, file)
    return wide


def absent(column: Column, height: int) -> pl.Series:
    """A column of NULLs."""
    return pl.Series(column.name, [None], dtype=column.type).new_from_index(0, height)


def _rounded(values: pl.Series, wide: pl.Series) -> bool:
    return not values.cast(pl.Int128).equals(wide.cast(pl.Int128, strict=False))


def _misfit(have: pl.DataType, column: Column, file: str) -> SchemaMismatch:
    told = f"{type_name(have)} does not fit {type_name(column.type)} without loss"
    return SchemaMismatch(told, file=file, column=column.name)


def widens(have: Any, want: Any) -> bool:
    """Whether every value of one type has an equal one in the other (checked for int → float)."""
    if have == want or have == pl.Null:
        return True
    if have.is_integer():
        return _widens_integer(have, want)
    match have, want:
        case pl.Decimal(), pl.Decimal():
            return bool(
                want.scale >= have.scale
                and want.precision - want.scale >= have.precision - have.scale
            )
        case pl.Float32() | pl.Float16(), pl.Float32() | pl.Float64():
            return True
        case pl.Date(), pl.Datetime():
            return want.time_zone is None
        case pl.Datetime(), pl.Datetime():
            zones = (have.time_zone is None) == (want.time_zone is None)
            return zones and _UNITS.index(want.time_unit) >= _UNITS.index(have.time_unit)
        case pl.Duration(), pl.Duration():
            return _UNITS.index(want.time_unit) >= _UNITS.index(have.time_unit)
        case (pl.Categorical() | pl.Enum(), pl.String() | pl.Categorical()):
            return True
        case (pl.String(), pl.Categorical() | pl.Enum()):
            return True
        case pl.List() | pl.Array(), pl.List():
            return widens(have.inner, want.inner)
        case pl.Struct(), pl.Struct():
            fields = {field.name: field.dtype for field in want.fields}
            return all(f.name in fields and widens(f.dtype, fields[f.name]) for f in have.fields)
    return False


def _widens_integer(have: Any, want: Any) -> bool:
    if want.is_float() or isinstance(want, pl.Decimal):
        return True
    size = (_INTS if have in _INTS else _UINTS).index(have)
    if want in _UINTS:
        return have in _UINTS and _UINTS.index(want) >= size
    return want in _INTS and _INTS.index(want) >= size + (have in _UINTS)


def portions(batch: pl.DataFrame, most_bytes: int = BATCH_BYTES) -> Iterator[pl.DataFrame]:
    """The batch in pieces of at most BATCH_ROWS rows and about `most_bytes`, in order."""
    pieces = max(batch.height / BATCH_ROWS, batch.estimated_size() / most_bytes)
    step = max(1, int(batch.height / pieces)) if pieces > 1 else batch.height
    if batch.height:
        yield from batch.iter_slices(step)


def joined(batches: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in batches that are worth their overhead, and still of bounded size."""
    held, rows, size = list[pl.DataFrame](), 0, 0.0
    for batch in batches:
        held.append(batch)
        rows, size = rows + batch.height, size + batch.estimated_size()
        if rows >= BATCH_ROWS // 2 or size >= BATCH_BYTES // 4:
            yield from portions(pl.concat(held))
            held, rows, size = [], 0, 0.0
    if rows:
        yield from portions(pl.concat(held))


class Gathering:
    """Gathers small batches until they are worth writing, and checks each on its way in."""

    def __init__(self, schema: TableSchema, rows: int = BATCH_ROWS) -> None:
        self._schema, self._rows = schema, rows
        self._required = [column.name for column in schema.columns if not column.nullable]
        self._held, self._height, self._bytes = list[pl.DataFrame](), 0, 0.0

    def add(self, batch: pl.DataFrame) -> Iterator[pl.DataFrame]:
        """What is worth writing now."""
        self._schema.check(batch)
        for name in self._required:
            if batch[name].null_count():
                raise StoreError("NULL in a column that is announced as not null", column=name)
        for part in portions(batch):
            size = part.estimated_size()
            if self._bytes + size > BATCH_BYTES:
                yield from self.rest()
            self._held.append(part)
            self._height, self._bytes = self._height + part.height, self._bytes + size
            if self._height >= self._rows:
                yield from self.rest()

    def rest(self) -> Iterator[pl.DataFrame]:
        """What was held back."""
        held, self._held, self._height, self._bytes = self._held, [], 0, 0.0
        if held:
            yield pl.concat(held) if len(held) > 1 else held[0]
