"""What lies where in a landing zone: R01 to R07."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from hygge.filesystems.filesystem import FileInfo
from hygge.mirroring.identity import IDENTITY
from hygge.mirroring.names import (
    DELETABLE,
    METADATA,
    PARTNER,
    PROCESSED,
    SCHEMA_SUFFIX,
    MirroredTable,
    is_hidden,
)
from hygge.mirroring.rules.rule import Answer, Over, Rule, Severity, Source, error, warning
from hygge.mirroring.rules.views import TableView, ZoneView

_DATA: Final = (".parquet", ".csv", ".tsv", ".psv")
_STAY: Final = ("_hygge", "_schema.json", IDENTITY, METADATA, PARTNER, PROCESSED, DELETABLE)
"""What begins with `_` and is no file on its way."""


def strays(view: ZoneView) -> Answer:
    for info in view.zone.beside:
        if "/" not in info.path and not is_hidden(info.path):
            hint = "move it away; only folders of tables and of schemas belong here"
            yield error(info.path, "a file in the root of the landing zone", hint)


def schema_folders(view: ZoneView) -> Answer:
    for name in view.zone.schemas:
        if name == SCHEMA_SUFFIX:
            yield error(name, "a schema's folder without the schema's name", "name.schema")
    for folder in view.zone.tables:
        table, where = folder.table, folder.table.folder
        named = table.name.lower().endswith(SCHEMA_SUFFIX)
        if table.schema and named:
            yield error(where, "a schema's folder within another", "one folder deep: name.schema")
        elif named:
            right = table.name[: -len(SCHEMA_SUFFIX)] + SCHEMA_SUFFIX
            yield error(where, f"a schema's folder ends in exactly {SCHEMA_SUFFIX}", right)
        elif any(_is_of_a_table(info.path) for info in folder.files):
            what = "it holds tables, and is not called as a schema's folder is"
            right = f"{table.schema or table.name}{SCHEMA_SUFFIX}"
            yield error(where, what, f"{right}, with the tables directly in it")


def _is_of_a_table(path: str) -> bool:
    """Whether another folder than this one says by it that it is a table's."""
    folder, _, name = path.rpartition("/")
    return bool(folder) and name == METADATA and not any(map(is_hidden, folder.split("/")))


def data_beside(view: ZoneView) -> Answer:
    for info in view.zone.beside:
        name = info.path.rpartition("/")[2]
        if name.lower().endswith(_DATA) and not is_hidden(name):
            yield warning(info.path, "data that is never read: it lies in no table's folder",
                          "move it into the folder of its table")  # fmt: skip


def inner_folders(view: TableView) -> Answer:
    inner = {i.path.partition("/")[0] for i in view.folder.files if "/" in i.path}
    for name in sorted(name for name in inner if not is_hidden(name)):
        what = "a folder within a table's: whether it is read is not documented"
        yield warning(name, what, "put the files directly into the table's folder")


def alike(view: ZoneView) -> Answer:
    seen = defaultdict[tuple[str, str], list[MirroredTable]](list)
    for folder in view.zone.tables:
        schema = folder.table.schema or view.default_schema
        seen[schema.lower(), folder.table.name.lower()].append(folder.table)
    for first, *others in seen.values():
        for other in others:
            hint = f"keep one of {first.folder} and {other.folder}"
            yield error(other.folder, f"the same table as {first.folder}", hint)


def too_many(view: ZoneView) -> Answer:
    if (count := len(view.zone.tables)) > view.limits.tables:
        what = f"{count:,} tables; a mirrored database takes {view.limits.tables:,}"
        yield error("", what, "spread them over several mirrored databases")


def left_over(view: ZoneView) -> Answer:
    """Beside the tables."""
    yield from _old(view.zone.hidden, view.now, view.limits.temp_hours)


def left_over_within(view: TableView) -> Answer:
    within = [info for info in view.folder.files if is_hidden(info.path)]
    yield from _old(within, view.now, view.limits.temp_hours)


def _old(files: list[FileInfo] | tuple[FileInfo, ...], now: float, hours: float) -> Answer:
    for info in files:
        if set(info.path.split("/")) & set(_STAY) or info.modified is None:
            continue
        if now - info.modified > hours * 3600:
            what = f"an unfinished file, {(now - info.modified) / 3600:,.0f} hours old"
            yield warning(info.path, what, "delete it, if no writer is at work on it")


_E, _W = (Severity.ERROR,), (Severity.WARNING,)
_LZF, _BP, _FIELD, _INFER = ((source,) for source in Source)

RULES: Final = (
    Rule("R01", _E, "The root holds only folders of tables and schemas, `_partnerEvents.json`, and "
         "names that begin with `_`.", _LZF, {Over.ZONE: strays}),
    Rule("R02", _E, "A schema's folder is called `<schema>.schema`, and no schema lies in another.",
         _LZF, {Over.ZONE: schema_folders}),
    Rule("R03", _W, "No data lies in the root or directly in a schema's folder: it is never read.",
         _LZF, {Over.ZONE: data_beside}),
    Rule("R04", _W, "A table's folder has no folders within, but those that begin with `_`.",
         _INFER, {Over.TABLE: inner_folders}),
    Rule("R05", _E, "No two tables have one name, whatever its case; one without a schema is in "
         "the default one.", (Source.FIELD, Source.INFER), {Over.ZONE: alike}),
    Rule("R06", _E, "There are no more tables than a mirrored database takes.", _BP,
         {Over.ZONE: too_many}),
    Rule("R07", _W, "No unfinished file (`_…`) is left over.", _FIELD,
         {Over.TABLE: left_over_within, Over.ZONE: left_over}),
)  # fmt: skip
