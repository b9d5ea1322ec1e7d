"""What differs between a table and its mirror, by keys, or by whole rows where there are none.

Rows of both are laid down in shares by a hash of their key, and then compared share by share: so
memory holds a small part of each table, whatever their size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import polars as pl
import pyarrow as pa

from hygge.core.errors import ConfigError
from hygge.core.schema import TableSchema
from hygge.core.types import type_name
from hygge.mirroring.one_form import Formed, forms

SHARES = 32
_MIRROR = "_hygge_mirror_"
_HERE, _THERE = "_hygge_source_rows", "_hygge_mirror_rows"


class Mark(StrEnum):
    """What is said of a row."""

    SAME = "="
    MISSING = "-"
    EXTRA = "+"
    DIFFERS = "*"
    UNCLEAR = "!"


@dataclass(frozen=True, slots=True)
class Difference:
    """A row by its key; or, UNCLEAR and without a key, a column. `columns` are what differs."""

    mark: Mark
    key: tuple[tuple[str, Any], ...] = ()
    columns: tuple[str, ...] = ()
    note: str = ""

    def __str__(self) -> str:
        named = ", ".join(f"{name}={_shown(value)}" for name, value in self.key)
        more = ", ".join(self.columns) or self.note
        told = ": ".join(part for part in (named, more) if part)
        return f"{self.mark} {told}"


@dataclass(slots=True)
class Comparison:
    """`counts` are rows by mark (and columns that could not be compared); `found` some of them, as
    many as were asked for. `notes` tell of what is no difference."""

    counts: dict[Mark, int] = field(default_factory=lambda: dict.fromkeys(Mark, 0))
    found: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not any(count for mark, count in self.counts.items() if mark is not Mark.SAME)

    def __str__(self) -> str:
        return "  ".join(f"{mark} {count:,}" for mark, count in self.counts.items())


class Comparing:
    """Takes the rows of both, in any order; then tells. Its files go when the block ends."""

    def __init__(
        self,
        source: TableSchema,
        mirror: TableSchema,
        keys: Sequence[str] = (),
        *,
        ignore: Sequence[str] = (),
        limit: int = 20,
    ) -> None:
        """`ignore` are columns that nobody expects to be equal. Raises ConfigError for keys that
        cannot be compared."""
        self._limit, self._result = limit, Comparison()
        self._forms = self._compared(source, mirror, ignore)
        self._keys = tuple(keys)
        if missing := [key for key in keys if key not in self._forms]:
            told = "a key column cannot be compared"
            raise ConfigError(told, column=missing[0], hint="other keys, or none")
        self._told = list(self._keys or self._forms)
        if not self._forms:
            raise ConfigError("the table and its mirror have no column in common")
        self._folder = tempfile.TemporaryDirectory(prefix="hygge-diff-")
        self._writers = dict[tuple[bool, int], Any]()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._end()
        self._folder.cleanup()

    def source(self, batch: pl.DataFrame) -> None:
        self._add(batch, mirror=False)

    def mirror(self, batch: pl.DataFrame) -> None:
        self._add(batch, mirror=True)

    def result(self) -> Comparison:
        """What there is to tell. No more rows after this."""
        self._end()
        for share in range(SHARES):
            source, mirror = self._read(False, share), self._read(True, share)
            if source is not None and mirror is not None:
                self._compare(source, mirror)
            elif source is not None:
                self._tell(Mark.MISSING, source)
            elif mirror is not None:
                self._tell(Mark.EXTRA, mirror)
        return self._result

    def _compared(
        self, source: TableSchema, mirror: TableSchema, ignore: Sequence[str]
    ) -> dict[str, tuple[Formed, Formed]]:
        found = dict[str, tuple[Formed, Formed]]()
        for column in source.columns:
            if column.name in ignore:
                continue
            if column.name not in mirror:
                self._unclear(f"column {column.name} is not in the mirror")
                continue
            there = mirror[column.name].type
            if (made := forms(column.type, there)) is None:
                kinds = f"{type_name(column.type)} and {type_name(there)}"
                self._unclear(f"column {column.name}: {kinds} cannot be compared")
            else:
                found[column.name] = made
        more = [name for name in mirror.names if name not in source]
        self._result.notes += [f"column {name} is only in the mirror" for name in more]
        return found

    def _unclear(self, note: str) -> None:
        self._result.counts[Mark.UNCLEAR] += 1
        self._result.found.append(Difference(Mark.UNCLEAR, note=note))

    # rows on their way

    def _add(self, batch: pl.DataFrame, *, mirror: bool) -> None:
        rows = pl.DataFrame(
            [made[mirror](batch[name]).alias(name) for name, made in self._forms.items()]
        )
        shares = rows.select(self._told).hash_rows(seed=7) % SHARES
        for share in shares.unique().to_list():
            self._write(mirror, share, rows.filter(shares == share))

    def _write(self, mirror: bool, share: int, rows: pl.DataFrame) -> None:
        table = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
        if (mirror, share) not in self._writers:
            path = str(self._path(mirror, share))
            self._writers[mirror, share] = pa.ipc.new_stream(path, table.schema)
        self._writers[mirror, share].write_table(table)

    def _path(self, mirror: bool, share: int) -> Path:
        return Path(self._folder.name) / f"{'mirror' if mirror else 'source'}-{share}"

    def _read(self, mirror: bool, share: int) -> pl.DataFrame | None:
        path = self._path(mirror, share)
        return pl.read_ipc_stream(path) if path.exists() else None

    def _end(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    # one share

    def _compare(self, source: pl.DataFrame, mirror: pl.DataFrame) -> None:
        if not self._keys:
            self._whole_rows(source, mirror)
            return
        keys = list(self._keys)
        source, mirror = self._without_doubles(source, mirror)
        join: dict[str, Any] = {"on": keys, "nulls_equal": True}
        self._tell(Mark.MISSING, source.join(mirror, how="anti", **join))
        self._tell(Mark.EXTRA, mirror.join(source, how="anti", **join))
        others = [name for name in self._forms if name not in keys]
        both = source.join(mirror, how="inner", suffix=_MIRROR, **join)
        marks = [pl.col(name).ne_missing(pl.col(name + _MIRROR)).alias(name) for name in others]
        differs = both.select(*keys, *marks)
        any_differs = pl.any_horizontal(others) if others else pl.lit(False)
        changed = differs.filter(any_differs)
        self._result.counts[Mark.SAME] += differs.height - changed.height
        self._result.counts[Mark.DIFFERS] += changed.height
        for row in changed.head(self._room).iter_rows(named=True):
            columns = tuple(name for name in others if row[name])
            self._found(Difference(Mark.DIFFERS, self._key(row), columns))

    def _without_doubles(
        self, source: pl.DataFrame, mirror: pl.DataFrame
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows whose key is theirs alone; the others are told of."""
        keys, counts = list(self._keys), self._counted(source, mirror, list(self._keys))
        doubled = counts.filter((pl.col(_HERE) > 1) | (pl.col(_THERE) > 1))
        self._result.counts[Mark.UNCLEAR] += doubled.height
        for row in doubled.head(self._room).iter_rows(named=True):
            note = f"{row[_HERE]} rows of this key in the source, {row[_THERE]} in the mirror"
            self._found(Difference(Mark.UNCLEAR, self._key(row), note=note))
        if not doubled.height:
            return source, mirror
        return (
            source.join(doubled, on=keys, how="anti", nulls_equal=True),
            mirror.join(doubled, on=keys, how="anti", nulls_equal=True),
        )

    def _counted(self, source: pl.DataFrame, mirror: pl.DataFrame, by: list[str]) -> pl.DataFrame:
        """How often each of these is there, on either side."""
        here = source.group_by(by).len(_HERE)
        there = mirror.group_by(by).len(_THERE)
        both = here.join(there, on=by, how="full", coalesce=True, nulls_equal=True)
        return both.with_columns(pl.col(_HERE, _THERE).fill_null(0).cast(pl.Int64))

    def _whole_rows(self, source: pl.DataFrame, mirror: pl.DataFrame) -> None:
        counts = self._counted(source, mirror, list(self._forms))
        least = counts.select(pl.min_horizontal(_HERE, _THERE).sum()).item()
        self._result.counts[Mark.SAME] += int(least)
        more = (pl.col(_HERE) - pl.col(_THERE)).alias(_HERE)
        lacking = counts.with_columns(more)
        self._tell(Mark.MISSING, _times(lacking, pl.col(_HERE)))
        self._tell(Mark.EXTRA, _times(lacking, -pl.col(_HERE)))

    def _tell(self, mark: Mark, rows: pl.DataFrame) -> None:
        self._result.counts[mark] += rows.height
        for row in rows.head(self._room).iter_rows(named=True):
            self._found(Difference(mark, self._key(row)))

    @property
    def _room(self) -> int:
        return max(0, self._limit - len(self._result.found))

    def _found(self, difference: Difference) -> None:
        if self._room:
            self._result.found.append(difference)

    def _key(self, row: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
        return tuple((name, row[name]) for name in self._told)


def _times(counts: pl.DataFrame, count: pl.Expr) -> pl.DataFrame:
    """Each row as often as it is counted, and not at all below one."""
    some = counts.filter(count > 0)
    return some.select(pl.all().repeat_by(count)).explode(some.columns) if some.height else some


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str | bytes) else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def named(comparison: Comparison) -> Iterator[str]:
    """The lines that a person reads: what was found, what is no difference, and the counts."""
    yield from map(str, comparison.found)
    counts = comparison.counts
    more = sum(counts.values()) - counts[Mark.SAME] - len(comparison.found)
    if more > 0:
        yield f"… and {more:,} more"
    yield from comparison.notes
    yield str(comparison)
