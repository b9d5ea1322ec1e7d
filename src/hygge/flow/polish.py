"""Finishing touches between Home and Store: column names made even, columns added.

Everything is decided against the schema before a row is read; a batch only follows.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import polars as pl

from hygge.core.errors import ConfigError
from hygge.core.schema import OPERATION, Column, TableSchema
from hygge.flow.settings import ColumnPolish, HashId, Polish


@dataclass(frozen=True)
class Polisher:
    """A polish made for one schema: the schema that comes out, and the columns that make it."""

    schema: TableSchema
    columns: tuple[pl.Expr, ...]

    def __call__(self, batch: pl.DataFrame) -> pl.DataFrame:
        return batch.select(self.columns)


def polisher(polish: Polish | None, schema: TableSchema, load_time: datetime) -> Polisher | None:
    """The polisher for this schema, or None where there is nothing to do.

    Raises ConfigError for two columns that would get one name, and for one that is not there.
    """
    if polish is None:
        return None
    names = {n: n if n == OPERATION else even(n, polish.columns) for n in schema.names}
    added = _added(polish, schema, load_time)
    columns = [*schema.rename(names).columns, *(column for column, _ in added)]
    _refuse_collisions(names, [column.name for column in columns])
    keys = tuple(names[key] for key in schema.keys)
    kept = (pl.col(old).alias(new) for old, new in names.items())
    made = (expr.alias(column.name) for column, expr in added)
    return Polisher(TableSchema(tuple(columns), keys), (*kept, *made))


def _added(
    polish: Polish, schema: TableSchema, load_time: datetime
) -> list[tuple[Column, pl.Expr]]:
    stamp = pl.lit(load_time.astimezone(UTC)).cast(pl.Datetime("us", "UTC"))
    made = [
        (Column(h.name, pl.String(), nullable=False), _hashed(h, schema)) for h in polish.hash_ids
    ]
    for constant in polish.constants:
        value = pl.lit(constant.value)
        kind = pl.select(value).dtypes[0]
        kind = pl.Int64() if kind.is_integer() else kind
        made.append((Column(constant.name, kind, nullable=False), value.cast(kind)))
    made += [
        (Column(t.name, pl.Datetime("us", "UTC"), nullable=False), stamp) for t in polish.timestamps
    ]
    return made


def _refuse_collisions(names: Mapping[str, str], final: list[str]) -> None:
    for name, count in Counter(final).items():
        if count > 1:
            olds = [old for old, new in names.items() if new == name]
            raise ConfigError(
                f"{count} columns would be called {name!r} after polish",
                column=", ".join(olds) or name,
                hint="rename one at the source, or set other polish rules",
            )


def even(name: str, rules: ColumnPolish) -> str:
    """One column's name by the rules."""
    if rules.remove_special:
        name = re.sub(r"[^\w\s]", "", name)
    if rules.case:
        name = _CASES[rules.case](name)
    if rules.remove_spaces:
        name = re.sub(r"\s+", "_", name.strip())
    if not name:
        raise ConfigError("a column would have no name left after polish")
    return name


def _words(name: str) -> list[str]:
    parted = re.sub(r"([a-z\d])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", name)
    return [word for word in re.split(r"[\W_]+", parted) if word]


_CASES: Mapping[str, Callable[[str], str]] = {
    "lower": str.lower,
    "upper": str.upper,
    "snake": lambda name: "_".join(word.lower() for word in _words(name)),
    "pascal": lambda name: "".join(word.capitalize() for word in _words(name)),
    "camel": lambda name: (
        (pascal := "".join(word.capitalize() for word in _words(name)))[:1].lower() + pascal[1:]
    ),
}


def _hashed(rule: HashId, schema: TableSchema) -> pl.Expr:
    """SHA-256 in hex of the parts, each with its length before it, so that no two rows with other
    parts meet; a NULL part is a part of its own."""
    parts = list[pl.Expr]()
    for name in rule.columns:
        text = pl.col(schema[name].name).cast(pl.String)
        sized = pl.concat_str(text.str.len_bytes().cast(pl.String), pl.lit(":"), text)
        parts.append(sized.fill_null("-"))
    return pl.concat_str(parts, separator=";").map_batches(_sha256, return_dtype=pl.String)


def _sha256(texts: pl.Series) -> pl.Series:
    digests = [hashlib.sha256(text.encode()).hexdigest() for text in texts.to_list()]
    return pl.Series(texts.name, digests, pl.String)
