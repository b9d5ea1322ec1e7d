"""What `_metadata.json` says of delimited files: R17."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from typing import Any, Final

from hygge.mirroring.names import METADATA
from hygge.mirroring.rules.rule import Answer, error
from hygge.mirroring.rules.views import TableView
from hygge.mirroring.written import TYPES, lowered

_LAYOUT: Final = {
    "rowseparator": ("RowSeparator", ("\r\n", "\n", "\r", "\\r\\n", "\\n", "\\r")),
    "columnseparator": ("ColumnSeparator", (",", ";", "|", "\t", "\\t")),
    "quotecharacter": ("QuoteCharacter", ('"', "'", "")),
    "escapecharacter": ("EscapeCharacter", ("\\", "/", '"', "")),
}
"""What a delimited file's layout may be; the signs for line breaks and tabs spelled out, too."""
_TYPES: Final = (
    "Double, Single, Int16, Int32, Int64, DateTime, IDate, ITime, String, Boolean or ByteArray"
)


def delimited(view: TableView) -> Answer:
    given = view.written.given
    kind = given.get("fileformat", "CSV")
    if not isinstance(kind, str) or kind.lower() not in ("csv", "delimitedtext", "parquet"):
        yield error(METADATA, f"FileFormat {kind!r} is none", "CSV or DelimitedText")
    elif kind.lower() == "delimitedtext" and not view.written.extension:
        yield error(METADATA, "DelimitedText without FileExtension", '"FileExtension": "tsv"')
    if not isinstance(given.get("fileformattypeproperties", {}), dict):
        yield error(METADATA, "FileFormatTypeProperties is no object", '{"ColumnSeparator": ";"}')
    yield from _layout(view.written.layout)
    yield from _columns(given)


def _layout(layout: Mapping[str, Any]) -> Answer:
    header = layout.get("firstrowasheader", True)
    if header is not True and str(header).lower() != "true":
        yield error(METADATA, "FirstRowAsHeader is not true", "begin each file with a header")
    for name, (spelled, known) in _LAYOUT.items():
        if name in layout and layout[name] not in known:
            allowed = " ".join(repr(mark) for mark in known if len(mark) < 2 or mark == "\r\n")
            yield error(METADATA, f"{spelled} {layout[name]!r} cannot be", f"one of {allowed}")
    if not _is_encoding(layout.get("encoding", "UTF-8")):
        yield error(METADATA, f"Encoding {layout['encoding']!r} is none", "UTF-8")


def _is_encoding(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(codecs.lookup(value))
    except (LookupError, ValueError):
        return False


def _columns(given: Mapping[str, Any]) -> Answer:
    if "schemadefinition" not in given:
        return
    columns = lowered(given["schemadefinition"]).get("columns")
    if not isinstance(columns, list):
        hint = '{"Columns": [{"Name": "id", "DataType": "Int32", "IsNullable": false}]}'
        yield error(METADATA, "SchemaDefinition has no list of Columns", hint)
        return
    for number, column in enumerate(map(lowered, columns), 1):
        name, kind = column.get("name"), column.get("datatype")
        if not isinstance(name, str) or not name.strip():
            yield error(METADATA, f"column {number} of SchemaDefinition has no Name", "name it")
        if str(kind).lower() not in TYPES:
            yield error(METADATA, f"DataType {kind!r} of {name!r} is none", f"one of {_TYPES}")
        if not isinstance(nullable := column.get("isnullable", True), bool):
            what = f"IsNullable of {name!r} is {nullable!r}, not true or false"
            yield error(METADATA, what, '"IsNullable": true')
