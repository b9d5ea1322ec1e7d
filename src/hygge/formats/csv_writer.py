"""Writes one CSV file: ISO times, NULL unquoted, empty texts quoted."""

from __future__ import annotations

import codecs
import io
from typing import Literal

import polars as pl

from hygge.core.errors import StoreError, Unsupported
from hygge.core.schema import TableSchema
from hygge.core.text import texts_of
from hygge.formats.columns import Gathering
from hygge.formats.csv_layout import Layout
from hygge.formats.format import Sink


class CsvWriter:
    """Quotes what needs it, so that reading gives back the same values."""

    def __init__(self, sink: Sink, schema: TableSchema, layout: Layout) -> None:
        if layout.quote is None:
            raise Unsupported("csv is not written without quotes", hint="leave `quote` out")
        self._sink, self._schema, self._layout = sink, schema, layout
        self._quote = layout.quote
        self._gathering = Gathering(schema)
        self._encoder = codecs.getincrementalencoder(layout.encoding)()
        self._header, self._begun = layout.header, False

    def write(self, batch: pl.DataFrame) -> None:
        for part in self._gathering.add(batch):
            self._put(part)

    def close(self) -> None:
        for part in self._gathering.rest():
            self._put(part)
        if self._header:
            self._put(pl.DataFrame(schema=self._schema.polars()))

    def abort(self) -> None:
        return None

    def _put(self, part: pl.DataFrame) -> None:
        out = io.BytesIO()
        pl.DataFrame([self._told(values) for values in part]).write_csv(
            out,
            include_header=self._header,
            separator=self._layout.delimiter,
            quote_char=self._quote,
            quote_style=self._style(),
            null_value=self._layout.null_values[0],
            batch_size=8192,
        )
        self._header = False
        data = out.getvalue()
        if data and not self._begun and data.startswith(codecs.BOM_UTF8):
            data = codecs.BOM_UTF8 + data  # readers take one away
        self._begun = self._begun or bool(data)
        if self._layout.encoding != "utf-8":
            data = self._encoded(data.decode())
        self._sink.write(data)

    def _told(self, values: pl.Series) -> pl.Series:
        """As text, which is quoted, where a value could read like NULL."""
        texts = texts_of(values)
        if self._style() == "necessary" or texts.dtype == pl.String:
            return texts
        said = texts.cast(pl.String)
        return said if said.is_in(self._layout.null_values).any() else texts

    def _style(self) -> Literal["necessary", "non_numeric"]:
        """A text that reads like NULL must be quoted; Polars itself sees to the empty one."""
        return "necessary" if self._layout.null_values == ("",) else "non_numeric"

    def _encoded(self, text: str) -> bytes:
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as failed:
            sign = text[failed.start]
            raise StoreError(
                f"{self._layout.encoding} has no {sign!r}", hint="write with `encoding: utf-8`"
            ) from failed
