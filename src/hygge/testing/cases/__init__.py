"""Types and values that go wrong elsewhere, as data: `*.toml` beside this file.

Every case is one column: `name`, `type` (as in YAML), and its `values`. `{}` stands for NULL,
decimals and bytes (in hex) are texts, nanoseconds and durations whole numbers.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from importlib.resources import files
from typing import Any

import polars as pl

from hygge.core.types import parse_type


@dataclass(frozen=True)
class Case:
    """One column of values that have all come through, or not."""

    name: str
    type: pl.DataType
    values: tuple[Any, ...]

    def series(self) -> pl.Series:
        if counted(self.type):
            return pl.Series(self.name, self.values, dtype=pl.Int64).cast(self.type)
        if isinstance(self.type, pl.Datetime) and self.type.time_zone is not None:
            utc = pl.Series(self.name, self.values, dtype=pl.Datetime(self.type.time_unit, "UTC"))
            return utc.cast(self.type)
        return pl.Series(self.name, self.values, dtype=self.type)

    @property
    def finite(self) -> bool:
        """Whether no value is NaN or an infinity."""
        values = self.series()
        return not values.dtype.is_float() or bool(values.is_finite().all())


def counted(kind: pl.DataType) -> bool:
    """Whether Python has no type as fine as this: its values are whole numbers in the files."""
    return isinstance(kind, pl.Duration) or (
        isinstance(kind, pl.Datetime) and kind.time_unit == "ns"
    )


def cases() -> tuple[Case, ...]:
    """All cases, in the order of the files' names."""
    found = sorted(
        (file for file in files(__name__).iterdir() if file.name.endswith(".toml")),
        key=lambda file: file.name,
    )
    return tuple(
        _case(told) for file in found for told in tomllib.loads(file.read_text("utf-8"))["case"]
    )


def _case(told: dict[str, Any]) -> Case:
    kind = parse_type(told["type"])
    name = f"{told['type']}: {told['name']}"
    return Case(name, kind, tuple(_value(value, kind) for value in told["values"]))


def _value(value: Any, kind: Any) -> Any:
    if value == {}:
        return None
    match kind:
        case pl.Decimal():
            return Decimal(value)
        case pl.Binary():
            return bytes.fromhex(value)
        case pl.List() | pl.Array():
            return [_value(inner, kind.inner) for inner in value]
        case pl.Struct():
            return {field.name: _value(value[field.name], field.dtype) for field in kind.fields}
    return value
