"""Values that a database cannot hold exactly, and the nearest that it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

ALLOW = "`allow_lossy` in the store: true, or a list of columns"
"""What lets values be changed rather than refused."""
HINT = f"cast it before, or let such values be changed by {ALLOW}"


@dataclass(frozen=True)
class Bends:
    """What a database lacks. `time` and `moment` are the nanoseconds that it counts in; `coarse`
    says which moments of nanoseconds have no type there at all; `no_floats` which have no place."""

    time: int = 1
    moment: int = 1
    coarse: Literal["none", "zoned", "all"] = "none"
    no_floats: Literal["none", "nan", "not finite"] = "none"
    nul: bool = True
    """Whether a text may have a NUL byte in it."""

    def kind(self, kind: pl.DataType) -> pl.DataType:
        """The type that comes in place of this one."""
        if isinstance(kind, pl.Datetime) and kind.time_unit == "ns":
            zoned = kind.time_zone is not None
            if self.coarse == "all" or (self.coarse == "zoned" and zoned):
                return pl.Datetime("us", kind.time_zone)
        return kind

    def values(self, values: pl.Series, *, nullable: bool) -> tuple[pl.Series, int]:
        """The nearest that there is to each, and how many are not what they were. What may not be
        NULL, and has nothing else near, stays."""
        kind = values.dtype
        if kind.is_float() and nullable:
            return self._floats(values)
        if kind == pl.String() and not self.nul:
            found = values.str.contains("\0", literal=True)
            return values.str.replace_all("\0", "", literal=True), int(found.sum())
        step = self._step(kind)
        if step == 1:
            return values, 0
        ticks = values.to_physical()
        rest = ticks % step
        cut, to = (ticks - rest).cast(kind), self.kind(kind)
        if isinstance(to, pl.Datetime):
            cut = cut.dt.cast_time_unit(to.time_unit)
        return cut, int((rest != 0).sum())

    def _floats(self, values: pl.Series) -> tuple[pl.Series, int]:
        if self.no_floats == "none":
            return values, 0
        odd = values.is_nan() if self.no_floats == "nan" else ~values.is_finite()
        odd = odd.fill_null(value=False)
        none = pl.Series(values.name, [None], dtype=values.dtype)
        return values.zip_with(~odd, none), int(odd.sum())

    def _step(self, kind: pl.DataType) -> int:
        if kind == pl.Time():
            return self.time
        if isinstance(kind, pl.Datetime) and kind.time_unit == "ns":
            return self.moment if self.kind(kind) == kind else 1000
        return 1
