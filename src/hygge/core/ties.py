"""The rows at one position of a watermark: those that are read again, and must not be new."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

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

    def came(self, later: Ties) -> int:
        """How many of the later rows are not among these, as far as can be told: at least 1 of any
        that came."""
        if not self.comparable(later):
            return max(0, later.count - self.count)
        if len(self.hashes) == self.count and len(later.hashes) == later.count:
            return (Counter(later.hashes) - Counter(self.hashes)).total()
        same = later.count == 0 or later.total == self.total
        return max(0 if same else 1, later.count - self.count)


def ties_of(rows: pl.DataFrame, columns: Sequence[str]) -> Ties:
    """These rows, told apart by these columns."""
    plain = rows.select(columns).with_columns(pl.col(pl.Categorical).cast(pl.String))
    if not rows.height:
        return Ties()
    hashes = plain.hash_rows(seed=1)
    each = tuple(sorted(hashes.to_list())) if rows.height <= _EACH else ()
    return Ties(rows.height, _sum(hashes), each, _by(plain.schema))


def _sum(hashes: pl.Series) -> int:
    """Their sum modulo 2**64, by halves: a UInt64 could not hold what is carried."""
    low, high = (hashes & 0xFFFFFFFF).sum(), (hashes // 2**32).sum()
    return (int(low) + (int(high) << 32)) % 2**64


def _by(schema: pl.Schema) -> str:
    """Polars promises the same hash within one version only."""
    told = f"{pl.__version__} {[(name, str(kind)) for name, kind in schema.items()]}"
    return hashlib.sha256(told.encode()).hexdigest()[:16]
