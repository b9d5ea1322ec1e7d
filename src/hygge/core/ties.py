"""The rows at one position of a watermark: those that are read again, and must not be new."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl

_EACH = 24
"""So many hashes are kept one by one: they tell a row that came from one that went."""


@dataclass(frozen=True, slots=True)
class Ties:
    """How many rows there are, and what they are.

    `total` is the sum of their hashes, in whatever order they were read. `hashes` has them one by
    one if they are few. `by` says which columns and whose hash: others cannot be compared.
    """

    count: int = 0
    total: int = 0
    hashes: tuple[int, ...] = ()
    by: str | None = None

    def __add__(self, more: Ties) -> Ties:
        if not self.count or not more.count:
            return self if self.count else more
        count, each = self.count + more.count, tuple[int, ...]()
        if len(self.hashes) + len(more.hashes) == count <= _EACH:
            each = tuple(sorted((*self.hashes, *more.hashes)))
        by = self.by if self.by == more.by else None
        return Ties(count, (self.total + more.total) % 2**64, each, by)

    def comparable(self, later: Ties) -> bool:
        return not self.count or not later.count or (self.by == later.by and self.by is not None)

    def exact(self, later: Ties) -> bool:
        """Whether it can be told which came and which went."""
        few = len(self.hashes) == self.count and len(later.hashes) == later.count
        return few and self.comparable(later)

    def came(self, later: Ties) -> int:
        """How many of the later rows are not among these, as far as can be told: at least 1 of any
        that came."""
        if not self.comparable(later):
            return max(0, later.count - self.count)
        if self.exact(later):
            return (Counter(later.hashes) - Counter(self.hashes)).total()
        same = later.count == 0 or later.total == self.total
        return max(0 if same else 1, later.count - self.count)


def ties_of(rows: pl.DataFrame, columns: Sequence[str]) -> Ties:
    """These rows, told apart by these columns."""
    if not rows.height:
        return Ties()
    plain = rows.select(pl.col(name).cast(_plain(rows.schema[name])) for name in columns)
    hashes = plain.hash_rows(seed=1)
    each = tuple(sorted(hashes.to_list())) if rows.height <= _EACH else ()
    return Ties(rows.height, _sum(hashes), each, _by(plain.schema))


def _sum(hashes: pl.Series) -> int:
    """Their sum modulo 2**64, by halves: a UInt64 could not hold what is carried."""
    low, high = (hashes & 0xFFFFFFFF).sum(), (hashes // 2**32).sum()
    return (int(low) + (int(high) << 32)) % 2**64


def _plain(kind: pl.DataType) -> pl.DataType:
    """The same without categories, whose numbers are this process's own."""
    match kind:
        case pl.Categorical():
            return pl.String()
        case pl.List():
            return pl.List(_plain(cast(pl.DataType, kind.inner)))
        case pl.Array():
            return pl.Array(_plain(cast(pl.DataType, kind.inner)), kind.size)
        case pl.Struct():
            fields = kind.fields
            return pl.Struct({f.name: _plain(cast(pl.DataType, f.dtype)) for f in fields})
    return kind


def _by(schema: pl.Schema) -> str:
    """Polars promises the same hash within one version only."""
    told = f"{pl.__version__} {[(name, str(kind)) for name, kind in schema.items()]}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]
