"""What is in a data file, whatever it was preceded by: R29 to R39."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from hygge.mirroring.facts import ColumnFacts
from hygge.mirroring.names import METADATA
from hygge.mirroring.rules.rule import (
    Answer,
    Need,
    Over,
    Rule,
    Severity,
    Source,
    Unsaid,
    error,
    strict,
    warning,
)  # fmt: skip
from hygge.mirroring.rules.views import UNTAKEN, FileView, TableView

_CODECS: Final = ("uncompressed", "snappy", "gzip", "zstd")
_INT: Final = ("INT32", "INT64")
_LEGAL: Final = {
    "STRING": ("BYTE_ARRAY",),
    "ENUM": ("BYTE_ARRAY",),
    "JSON": ("BYTE_ARRAY",),
    "BSON": ("BYTE_ARRAY",),
    "DATE": ("INT32",),
    "TIME": _INT,
    "TIMESTAMP": ("INT64",),
    "INT": _INT,
    "DECIMAL": (*_INT, "FIXED_LEN_BYTE_ARRAY", "BYTE_ARRAY"),
    "UUID": ("FIXED_LEN_BYTE_ARRAY",),
    "INTERVAL": ("FIXED_LEN_BYTE_ARRAY",),
    "FLOAT16": ("FIXED_LEN_BYTE_ARRAY",),
}
"""A logical type, and in which physical ones it may be written."""

_DOUBTFUL: Final = (
    (r"timestamp\[ns.*", "a timestamp in nanoseconds", "write timestamp('us', tz='UTC')"),
    (r"timestamp\[\w+\]", "a timestamp that is not in UTC", "write timestamp('us', tz='UTC')"),
    (r"uint(8|16|32)", "an unsigned number", "write the next wider signed one"),
    (r"uint64", "an unsigned number", "write decimal(20, 0)"),
    (r"time(32|64).*", "a time of day", "write a string: HH:MM:SS.ffffff"),
    (r"halffloat", "a number of 16 bits", "write float32"),
    (r"null", "a column without a type", "declare the type that the source has"),
)
"""Of a type in Arrow's words: what it is, and what to write."""


def broken(view: FileView) -> Answer:
    if view.file.broken is not None:
        hint = "write it anew under the same name, if it was not taken yet"
        yield error(view.file.path, view.file.broken, hint)


def codecs(view: FileView) -> Answer:
    for codec in view.file.codecs:
        if codec not in _CODECS:
            hint = "zstd, snappy, gzip or none"
            yield error(view.file.path, f"compressed with {codec}", hint)


def nested(view: FileView) -> Answer:
    for column in view.file.own:
        if column.nested:
            what = f"the column {column.name!r} is a {column.type}"
            yield error(view.file.path, what, "write it as a string of JSON")


def doubtful(view: FileView) -> Answer:
    for column in view.file.own:
        if not view.file.delimited and (found := _doubt(column)) is not None:
            what, hint = found
            yield strict(view.file.path, f"the column {column.name!r} is {what}", hint)


def _doubt(column: ColumnFacts) -> tuple[str, str] | None:
    if column.physical == "INT96":
        return "an INT96 timestamp", "write timestamp('us', tz='UTC')"
    if column.logical == "UUID":
        return "a UUID", "write a string"
    if (digits := re.match(r"decimal\d*\((\d+)", column.type)) and int(digits[1]) > 38:
        return f"a decimal of {digits[1]} digits", "write a string, or at most 38 digits"
    for pattern, what, hint in _DOUBTFUL:
        if re.fullmatch(pattern, column.type):
            return what, hint
    return None


def illegal(view: FileView) -> Answer:
    if view.file.illegal is not None:
        yield error(view.file.path, f"types that cannot be: {view.file.illegal}", _REWRITE)
    for column in view.file.own:
        if column.logical == "UNDEFINED":
            what = f"the column {column.name!r}: no logical type that can be {column.physical}"
            yield error(view.file.path, what, _REWRITE)
        elif column.physical not in _LEGAL.get(column.logical, (column.physical,)):
            what = f"the column {column.name!r}: {column.logical} cannot be {column.physical}"
            yield error(view.file.path, what, _REWRITE)


_REWRITE: Final = "write it with a library that keeps to the format (a DATE is an INT32)"


def column_names(view: FileView) -> Answer:
    counted = Counter(column.name.lower() for column in view.file.own)
    if counted[""]:
        yield error(view.file.path, "a column without a name", "name it")
    for name, count in counted.items():
        if name and count > 1:
            same = ", ".join(repr(c.name) for c in view.file.own if c.name.lower() == name)
            yield error(view.file.path, f"columns of one name: {same}", "rename all but one")


def long_names(view: FileView) -> Answer:
    most = view.limits.column_name
    if not most:
        yield Unsaid("which names the destination refuses is not known")
        return
    for column in view.file.own:
        if len(column.name) > most:
            what = f"the column {column.name!r} has a name of {len(column.name)} characters"
            yield warning(view.file.path, what, f"at most {most}")


def sizes(view: TableView) -> Answer:
    waiting = view.story.waiting
    if view.story.state is None and len(view.folder.data) > view.limits.pending:
        yield Unsaid(UNTAKEN)
    small = [info for info in waiting if info.size < view.limits.small_bytes]
    if len(waiting) > view.limits.pending and small:
        what = f"{len(small)} of the {len(waiting)} files that wait are small"
        yield warning(small[0].path, what, "publish fewer, larger ones")
    for info in view.folder.data:
        if info.size > view.limits.large_bytes:
            what = f"{info.size / 10**9:.1f} GB"
            yield warning(info.path, what, "64 to 512 MB a file")


def no_rows(view: FileView) -> Answer:
    if view.file.readable and not view.file.delimited and not view.file.rows:
        hint = "this is fine where it makes an empty table; else leave it out"
        yield warning(view.file.path, "it has no rows", hint)


def no_file(view: TableView) -> Answer:
    before, folder = view.story.before, view.folder
    taken = before is not None and (before.last or before.processed)
    if folder.has_metadata and not (folder.data or folder.processed or taken):
        what = "no file was ever published: after some days the table fails, and all others pause"
        yield warning(METADATA, what, "publish a parquet file with the columns and no rows")


def header_alone(view: FileView) -> Answer:
    if view.file.readable and view.file.delimited and not view.file.rows:
        hint = "leave it out, or publish a parquet file without rows"
        yield error(view.file.path, "a header and no rows: the service stops at it", hint)


_E, _W, _S = (Severity.ERROR,), (Severity.WARNING,), (Severity.STRICT,)
_LZF, _BP, _FIELD, _INFER = ((source,) for source in Source)

RULES: Final = (
    Rule("R29", _E, "A file is whole: not empty, not cut short, its footer readable.", _FIELD,
         {Over.FILE: broken}),
    Rule("R30", _E, "Parquet is compressed with zstd, snappy or gzip, or not at all.", _LZF,
         {Over.FILE: codecs}),
    Rule("R31", _E, "No column is a struct, a list or a map.", _BP, {Over.FILE: nested}),
    Rule("R32", _S, "No column has a type that may be lost: INT96, nanoseconds, a timestamp not in "
         "UTC, unsigned, TIME, UUID, float16, a decimal of more than 38 digits, null.", _INFER,
         {Over.FILE: doubtful}),
    Rule("R33", _E, "Each logical type is written in a physical one that it may have.", _BP,
         {Over.FILE: illegal}),
    Rule("R34", _E, "Every column has a name of its own, whatever its case.", _INFER,
         {Over.FILE: column_names}),
    Rule("R35", _W, "No column's name is longer than the destination takes.", _INFER,
         {Over.FILE: long_names}, Need.LIMIT),
    Rule("R36", _W, "Files are neither many and small, nor huge.", _INFER, {Over.TABLE: sizes},
         Need.STATE),
    Rule("R37", _W, "A parquet file has rows (without is legal, and makes an empty table).", _FIELD,
         {Over.FILE: no_rows}),
    Rule("R38", _W, "A table has had a file, be it without rows.", _FIELD, {Over.TABLE: no_file}),
    Rule("R39", _E, "A delimited file has rows below its header.", _FIELD,
         {Over.FILE: header_alone}),
)  # fmt: skip
