"""What is to become of a column that is too narrow."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class Wider:
    """One column, and what it is to be: of the type `native`, if it needs another; NULL where
    `freed`. `before` and `after` are the types of its values in our words, `was` in the database's.
    """

    name: str
    before: pl.DataType
    after: pl.DataType
    was: str
    native: str | None
    freed: bool
