"""CSV: rows as lines of text, their types declared or told by all of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import polars as pl
from pydantic import Field, field_validator

from hygge.core.errors import SchemaMismatch
from hygge.core.schema import Column, TableSchema
from hygge.core.text import first_misfit, parsed
from hygge.core.types import parse_type, type_name
from hygge.core.widening import widened
from hygge.formats.columns import absent, joined, type_names
from hygge.formats.csv_layout import Layout
from hygge.formats.csv_rows import Rows, counted
from hygge.formats.csv_writer import CsvWriter
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
from hygge.formats.guess import Guess
from hygge.formats.utf8 import checked_encoding
from hygge.registry import SUFFIXES


class CsvOptions(FormatOptions):
    """How CSV files are laid out."""

    delimiter: str = Field(default=",", description="What stands between two values")
    quote: str | None = Field(
        default='"', description="What values may be quoted with; null: nothing"
    )
    encoding: str = Field(default="utf-8", description="utf-8, latin-1, utf-16, …")
    header: bool = Field(default=True, description="Whether the first line names the columns")
    null_values: tuple[str, ...] = Field(
        default=("",), min_length=1, description="What, unquoted, means NULL; the first is written"
    )
    types: Mapping[str, str] = Field(
        default={}, alias="schema", description="Types by column; the others are inferred"
    )

    @field_validator("delimiter", "quote")
    @classmethod
    def _one_character(cls, given: str | None) -> str | None:
        given = "\t" if given == r"\t" else given
        if given is not None and (len(given) != 1 or not given.isascii() or given in "\r\n"):
            raise ValueError("must be one ASCII character")
        return given

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, given: str) -> str:
        return checked_encoding(given)

    @field_validator("null_values", mode="before")
    @classmethod
    def _one_or_many(cls, given: object) -> object:
        return (given,) if isinstance(given, str) else given

    @field_validator("types")
    @classmethod
    def _known_types(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        return type_names(given)


class Csv(Format[CsvOptions]):
    """Arrow splits lines into texts, strictly; the texts become values here.

    Columns of no value are strings, unless `schema` says better.
    """

    name = "csv"
    suffixes = SUFFIXES["csv"]
    Options = CsvOptions
    capabilities = FormatCapabilities(types=False, end=False)

    def __init__(self, options: CsvOptions) -> None:
        super().__init__(options)
        chosen = options.model_dump(include={"delimiter", "quote", "encoding", "header"})
        self._layout = Layout(null_values=options.null_values, **chosen)
        self._declared = {name: parse_type(kind) for name, kind in options.types.items()}

    @property
    def manner(self) -> str:
        layout = self._layout
        nulls = ", ".join(map(repr, layout.null_values))
        return (
            f"csv with delimiter {layout.delimiter!r}, quote {layout.quote!r}, {layout.encoding}, "
            f"header {str(layout.header).lower()}, null_values {nulls}"
        )

    @property
    def named(self) -> Collection[str]:
        return self._declared

    def held(self, kind: pl.DataType) -> pl.DataType | None:
        """What has a text: no lists, no objects, no bytes, no durations."""
        bare = kind.is_nested() or isinstance(kind, pl.Binary | pl.Duration)
        return None if bare else kind

    def schema(self, source: Source) -> TableSchema:
        with Rows(source, self._layout) as rows:
            guesses = {name: Guess() for name in rows.names if name not in self._declared}
            for texts in rows:
                for name in rows.names:
                    if name in guesses:
                        guesses[name].look(texts[name])
                    else:
                        self._value(rows, texts[name], self._declared[name])
            return TableSchema(
                tuple(
                    Column(name, guesses[name].kind if name in guesses else self._declared[name])
                    for name in rows.names
                ),
                notes=tuple(self._doubts(rows.names)),
            )

    def _doubts(self, names: Sequence[str]) -> Iterator[str]:
        others = [mark for mark in ",;\t|" if mark != self.options.delimiter and mark in names[0]]
        if len(names) == 1 and others:
            shown = "\\t" if others[0] == "\t" else others[0]
            yield f"one column, {_shown(names[0])}: if it is several, set `delimiter: '{shown}'`"

    def settled(self, kind: pl.DataType) -> pl.DataType:
        return pl.String() if kind == pl.Null() else kind

    def widened(self, one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
        """All can be read as text; whole numbers as floats, which is checked when they are read."""
        if pl.Null() not in (one, other) and pl.String() in (one, other):
            return pl.String()
        if {one, other} == {pl.Int64(), pl.Float64()}:
            return pl.Float64()
        return widened(one, other)

    def blocks(self, source: Source) -> Sequence[Block] | None:
        return None

    def batches(
        self, source: Source, schema: TableSchema, span: Span | None = None
    ) -> Iterator[pl.DataFrame]:
        with Rows(source, self._layout, schema.names) as rows:
            yield from joined(self._values(rows, texts, schema) for texts in rows)

    def _values(self, rows: Rows, texts: pl.DataFrame, schema: TableSchema) -> pl.DataFrame:
        columns = [
            self._value(rows, texts[column.name], column.type)
            if column.name in texts.columns
            else absent(column, texts.height)
            for column in schema.columns
        ]
        return pl.DataFrame(columns)

    def _value(self, rows: Rows, texts: pl.Series, kind: pl.DataType) -> pl.Series:
        plain = texts.name not in self._declared
        values = parsed(texts, kind, plain=plain)
        if values is not None:
            return values
        at = first_misfit(texts, kind, plain=plain)
        what = f"{_shown(texts[at])} is not {type_name(kind)}"
        if plain and kind == pl.Float64() and texts[at].lstrip("-").isdigit():
            what += ", as fractions of this column are; it would be rounded"
        raise SchemaMismatch(
            what,
            file=rows.source.name,
            line=rows.line_of(at),
            column=texts.name,
            hint="correct the value, name it in `null_values`, or give the column another type "
            "in `schema`",
        )

    def rows(self, source: Source) -> int:
        """By the line ends outside quotes. A finished file ends with one."""
        return counted(source, self._layout)

    def writer(self, sink: Sink, schema: TableSchema) -> Writer:
        self.refuse(schema)
        return CsvWriter(sink, schema, self._layout)


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
