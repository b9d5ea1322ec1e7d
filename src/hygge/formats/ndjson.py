"""NDJSON: one JSON object a line, types told by all lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from operator import itemgetter
from typing import Any, NoReturn

import polars as pl
from pydantic import Field, field_validator

from hygge.core.errors import HomeError, SchemaMismatch
from hygge.core.schema import Column, TableSchema
from hygge.core.types import parse_type, type_name
from hygge.core.widening import widened
from hygge.formats.columns import depths, joined, type_names
from hygge.formats.format import (
    Block,
    Format,
    FormatCapabilities,
    FormatOptions,
    Sink,
    Source,
    Span,
    Writer,
)
from hygge.formats.json_values import Misfit, Mixed, column, meet, settled, told
from hygge.formats.ndjson_writer import NdjsonWriter, spoken
from hygge.formats.utf8 import Utf8, refuse_wrong_bytes
from hygge.registry import SUFFIXES

_BLOCK = 2 * 2**20
_LONGEST = 64 * 2**20


class NdjsonOptions(FormatOptions):
    """How NDJSON files are read."""

    types: Mapping[str, str] = Field(
        default={}, alias="schema", description="Types by column; the others are inferred"
    )

    @field_validator("types")
    @classmethod
    def _known_types(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        return type_names(given)


@dataclass(frozen=True)
class Lines:
    """Some lines that follow one another: their objects, and the line each is on."""

    objects: Sequence[Mapping[str, Any]]
    numbers: Sequence[int]

    def values(self, name: str) -> list[Any]:
        try:
            return [*map(itemgetter(name), self.objects)]
        except KeyError:
            return [row.get(name) for row in self.objects]

    @property
    def names(self) -> Sequence[str]:
        return [*dict.fromkeys(chain.from_iterable(self.objects))]


class Ndjson(Format[NdjsonOptions]):
    """Read line by line with Python's own reader, which is exact where faster ones are not.

    A missing key is NULL. Columns of no value are strings. Decimals are written as strings.
    """

    name = "ndjson"
    suffixes = SUFFIXES["ndjson"]
    Options = NdjsonOptions
    capabilities = FormatCapabilities(types=False, not_finite=False, end=False)

    def __init__(self, options: NdjsonOptions) -> None:
        super().__init__(options)
        self._declared = {name: parse_type(kind) for name, kind in options.types.items()}
        self._exact = any(isinstance(kind, pl.Decimal) for kind in self._declared.values())

    def held(self, kind: pl.DataType) -> pl.DataType | None:
        """What JSON has a word for; moments and decimals are texts, for whole columns only."""
        inside = [*depths(kind)]
        bare = any(isinstance(k, pl.Binary | pl.Duration) for k in inside)
        return None if bare or (kind.is_nested() and any(map(spoken, inside))) else kind

    def schema(self, source: Source) -> TableSchema:
        found = dict[str, pl.DataType]()
        with closing(_lines(source, exact=self._exact)) as blocks:
            for lines in blocks:
                for name in lines.names:
                    if name in self._declared:
                        _column(source, lines, name, self._declared[name])
                    found[name] = self._met(source, lines, name, found.get(name, pl.Null()))
        if not found and not self._declared:
            raise HomeError(
                "there is no line to tell the columns",
                file=source.name,
                hint="leave the file out, or name the columns in `schema`",
            )
        kinds = {**dict.fromkeys(self._declared, pl.Null()), **found}
        return TableSchema(tuple(self._settled(source, *item) for item in kinds.items()))

    def _met(self, source: Source, lines: Lines, name: str, before: pl.DataType) -> pl.DataType:
        if name in self._declared:
            return before
        values = lines.values(name)
        try:
            return meet(before, told(values))
        except Mixed as failed:
            why, at = str(failed), len(values) - 1
        for at, value in enumerate(values):  # noqa: B007 - the line is wanted afterwards
            try:
                before = meet(before, told([value]))
            except Mixed as failed:
                why = str(failed)
                break
        raise SchemaMismatch(
            f"the column has no one type: {why}",
            file=source.name,
            line=lines.numbers[at],
            column=name,
            hint="give all lines one type, or leave the column out with `columns`",
        )

    def _settled(self, source: Source, name: str, kind: pl.DataType) -> Column:
        try:
            return Column(name, self._declared.get(name) or settled(kind))
        except Mixed as failed:
            raise HomeError(str(failed), file=source.name, column=name) from None

    def widened(self, one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
        """Whole numbers go with fractions; that they are not rounded is seen when reading."""
        if {one, other} == {pl.Int64(), pl.Float64()}:
            return pl.Float64()
        return widened(one, other)

    def blocks(self, source: Source) -> Sequence[Block] | None:
        return None

    def batches(
        self, source: Source, schema: TableSchema, span: Span | None = None
    ) -> Iterator[pl.DataFrame]:
        exact = any(isinstance(column.type, pl.Decimal) for column in schema.columns)
        with closing(_lines(source, exact=exact)) as blocks:
            yield from joined(
                pl.DataFrame([_column(source, lines, c.name, c.type) for c in schema.columns])
                for lines in blocks
            )

    def rows(self, source: Source) -> int:
        """The line ends. A finished file ends with one."""
        lines, last = 0, b"\n"
        with source.open() as handle:
            while data := handle.read(_BLOCK):
                lines, last = lines + data.count(b"\n"), data[-1:]
        if last != b"\n":
            raise HomeError("the file ends in the middle of a row", file=source.name)
        return lines

    def writer(self, sink: Sink, schema: TableSchema) -> Writer:
        self.refuse(schema)
        return NdjsonWriter(sink, schema)


def _column(source: Source, lines: Lines, name: str, kind: pl.DataType) -> pl.Series:
    values = lines.values(name)
    try:
        return column(name, values, kind)
    except (Misfit, Mixed) as failed:
        why = str(failed)
    for number, value in zip(lines.numbers, values, strict=True):
        try:
            column(name, [value], kind)
        except (Misfit, Mixed) as failed:
            said = str(failed) or json.dumps(value, default=str)[:40]
            _refuse(source, number, name, f"{said} is not {type_name(kind)}")
    raise SchemaMismatch(why, file=source.name, column=name)


def _refuse(source: Source, line: int, name: str, what: str) -> NoReturn:
    hint = "correct the value, or give the column another type in `schema`"
    raise SchemaMismatch(what, file=source.name, line=line, column=name, hint=hint)


def _lines(source: Source, *, exact: bool) -> Generator[Lines, None, None]:
    """The objects of some megabytes of lines at a time. `exact`: fractions as decimals."""
    decode = _decoder(exact=exact)
    first = 1
    with closing(_blocks(source)) as blocks:
        for block in blocks:
            told = [
                (number, line)
                for number, line in enumerate(block.split("\n"), first)
                if line and not line.isspace()
            ]
            first += block.count("\n")
            if told:
                numbers, lines = zip(*told, strict=True)
                yield Lines(_objects(source, numbers, lines, decode), numbers)


def _objects(
    source: Source, numbers: Sequence[int], lines: Sequence[str], decode: Callable[[str], Any]
) -> Sequence[Mapping[str, Any]]:
    """All lines at once, which is faster; one by one if that does not give an object for each."""
    if all(line[0] == "{" and line[-1] in "}\r" for line in lines):
        with suppress(ValueError, RecursionError):
            made = decode(f"[{','.join(lines)}]")
            if len(made) == len(lines) and set(map(type, made)) == {dict}:
                return made  # type: ignore[no-any-return]
    pairs = zip(numbers, lines, strict=True)
    return [_object(source, number, line, decode) for number, line in pairs]


def _blocks(source: Source) -> Generator[str, None, None]:
    """Whole lines, some megabytes at a time."""
    with source.open() as handle:
        text, rest = Utf8(handle, "utf-8"), b""
        try:
            while data := text.read(_BLOCK):
                whole, end, left = data.rpartition(b"\n")
                if end:
                    yield (rest + whole + end).decode()
                    rest = left
                else:
                    rest += data
                if len(rest) > _LONGEST:
                    raise HomeError("a line is longer than 64 MB", file=source.name)
            yield rest.decode()
        except UnicodeDecodeError:
            refuse_wrong_bytes(source, "utf-8")
            raise


def _object(
    source: Source, number: int, line: str, decode: Callable[[str], Any]
) -> Mapping[str, Any]:
    try:
        made = decode(line)
    except (ValueError, RecursionError) as failed:
        told = f"not JSON: {failed}"
        raise HomeError(told, file=source.name, line=number) from failed
    if not isinstance(made, dict):
        raise HomeError("the line is no JSON object", file=source.name, line=number)
    return made


def _decoder(*, exact: bool) -> Callable[[str], Any]:
    return json.JSONDecoder(
        object_pairs_hook=_unique,
        parse_float=Decimal if exact else None,
        parse_constant=_no_number,
    ).decode


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice!r} is there twice")
    return made


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
