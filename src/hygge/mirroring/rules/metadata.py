"""A table's `_metadata.json`, and the partner's file: R08 to R20."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from hygge.core.config import nearest
from hygge.mirroring.metadata import written
from hygge.mirroring.names import METADATA, PARTNER, Detection, is_hidden
from hygge.mirroring.rules.delimited import delimited
from hygge.mirroring.rules.rule import (
    Answer,
    Need,
    Over,
    Rule,
    Severity,
    Source,
    Unsaid,
    error,
    warning,
)  # fmt: skip
from hygge.mirroring.rules.views import UNTOLD, FileView, TableView, ZoneView
from hygge.mirroring.written import lowered

_NAMES: Final = {
    "keycolumns": "keyColumns",
    "filedetectionstrategy": "fileDetectionStrategy",
    "isupsertdefaultrowmarker": "isUpsertDefaultRowMarker",
    "fileformat": "FileFormat",
    "fileextension": "FileExtension",
    "schemadefinition": "SchemaDefinition",
    "fileformattypeproperties": "FileFormatTypeProperties",
}


def missing(view: TableView) -> Answer:
    if not view.written.there:
        hint = (
            f"write {METADATA}: keyColumns for a table with keys, fileDetectionStrategy alone else"
        )
        yield error(METADATA, "it is missing: the table is not mirrored without it", hint)


def unreadable(view: TableView) -> Answer:
    if view.written.wrong is not None:
        hint = "write it with a JSON library, as UTF-8"
        yield error(METADATA, f"not a JSON object: {view.written.wrong}", hint)


def key_list(view: TableView) -> Answer:
    if "keycolumns" not in view.written.given:
        return
    keys = view.written.given["keycolumns"]
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        yield error(METADATA, "keyColumns is not a list of names", '"keyColumns": ["id"]')
    elif "" in (stripped := [key.strip() for key in keys]):
        yield error(METADATA, "keyColumns has an empty name", "leave it out")
    elif len(set(stripped)) < len(keys):
        yield error(METADATA, "keyColumns names a column twice", "name each once")


def keys_there(view: FileView) -> Answer:
    """In each file; where the metadata declares columns, there too."""
    if not view.file.readable:
        return
    given = [column.name for column in view.file.own]
    places = [(view.file.path, given, "the file")]
    if view.file.delimited and (declared := [c.name for c in view.written.columns]):
        places.append((METADATA, declared, "SchemaDefinition"))
    for where, names, place in places:
        for key in view.metadata.keys:
            if key in names:
                continue
            near = next((name for name in names if name.lower() == key.lower()), None)
            if near is not None:
                yield warning(where, f"the key {key!r} is {near!r} in {place}", "spell both alike")
            else:
                yield error(where, f"the key {key!r} is no column of {place}", _near(key, names))


def _near(key: str, names: list[str]) -> str:
    near = nearest(key, names)
    return f"did you mean {near!r}?" if near else f"a key that is there: {', '.join(names[:8])}"


def keys_changed(view: TableView) -> Answer:
    if view.story.state is None:
        yield Unsaid(UNTOLD)
        return
    known = view.story.before.keys if view.story.before else ()
    if known and set(known) != set(view.metadata.keys):
        was, now = ", ".join(known), ", ".join(view.metadata.keys) or "none"
        hint = "put the old keys back, or drop the table and load it anew"
        yield error(METADATA, f"keyColumns were {was}, and are {now}", hint)


def strategy(view: TableView) -> Answer:
    if "filedetectionstrategy" in view.written.given:
        found = view.written.given["filedetectionstrategy"]
        known = [one.value for one in Detection]
        if found not in known:
            near = nearest(str(found), known)
            hint = f"did you mean {near}?" if near else " or ".join(known)
            yield error(METADATA, f"fileDetectionStrategy {found!r} is none", hint)


def upsert_flag(view: TableView) -> Answer:
    found = view.written.given.get("isupsertdefaultrowmarker", False)
    if not isinstance(found, bool):
        yield error(METADATA, f"isUpsertDefaultRowMarker is {found!r}, not true or false",
                    '"isUpsertDefaultRowMarker": true')  # fmt: skip


def upserts_without_keys(view: TableView) -> Answer:
    if view.metadata.upserts and not view.metadata.keys:
        what = "isUpsertDefaultRowMarker without keyColumns: there is nothing to upsert by"
        yield error(METADATA, what, "name the keyColumns, or leave the flag out")


def many_keys(view: TableView) -> Answer:
    if (count := len(view.metadata.keys)) >= view.limits.key_columns:
        yield warning(METADATA, f"{count} key columns", "fewer than 5 are advised")


def unknown(view: TableView) -> Answer:
    for name in view.written.given:
        if name not in _NAMES:
            near = nearest(name, _NAMES)
            hint = f"did you mean {_NAMES[near]}?" if near else "leave it out"
            yield warning(METADATA, f"an unknown property: {name}", hint)


def changed(view: TableView) -> Answer:
    if view.story.state is None:
        yield Unsaid(UNTOLD)
        return
    before = view.story.before
    if before is None or not (before.last or before.processed):
        return
    pairs = (
        ("fileDetectionStrategy", before.detection.value, view.metadata.detection.value),
        ("isUpsertDefaultRowMarker", before.upserts, view.metadata.upserts),
    )
    for name, was, now in pairs:
        if was != now:
            what = f"{name} was {_said(was)}, and is {_said(now)}"
            yield warning(METADATA, what, _BACK)
    if before.delimited is None:
        yield Unsaid(UNTOLD)
        return
    was_said, is_said = before.delimited, view.metadata.delimited
    for name in sorted(was_said.keys() | is_said.keys()):
        if was_said.get(name) != is_said.get(name):
            yield warning(METADATA, f"{_NAMES[name]} is another than it was", _BACK)


_BACK: Final = "put it back, or drop the table and load it anew"


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def partner(view: ZoneView) -> Answer:
    for info in view.zone.beside:
        if info.path.endswith(f"/{PARTNER}"):
            yield warning(info.path, "it lies in a schema's folder", _IN_ROOT)
    if view.partner is None:
        yield warning(
            PARTNER, "it is not there", '{"partnerName": …, "sourceInfo": {"sourceType": …}}'
        )
        return
    yield from (
        error(PARTNER, what, "write it with a JSON library") for what in _amiss(view.partner)
    )


def _amiss(data: bytes) -> Iterator[str]:
    try:
        given: dict[str, Any] = written(data)
    except (ValueError, RecursionError) as failed:
        yield f"not a JSON object: {failed}"
        return
    if not _text(given.get("partnername")):
        yield "it has no partnerName"
    if not _text(lowered(given.get("sourceinfo")).get("sourcetype")):
        yield "it has no sourceInfo.sourceType"


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def partner_within(view: TableView) -> Answer:
    for info in view.folder.files:
        folder, _, name = info.path.rpartition("/")
        if name == PARTNER and not any(map(is_hidden, folder.split("/"))):
            yield warning(info.path, "it lies in a table's folder", _IN_ROOT)


_IN_ROOT: Final = "one, in the landing zone's root"


_E, _W = (Severity.ERROR,), (Severity.WARNING,)
_EW = (Severity.ERROR, Severity.WARNING)
_LZF, _BP, _FIELD, _INFER = ((source,) for source in Source)
_PARTNER: Final = (
    "`_partnerEvents.json` lies in the root, with partnerName and sourceInfo.sourceType."
)

RULES: Final = (
    Rule("R08", _E, "Every table's folder has a `_metadata.json`.", _FIELD, {Over.TABLE: missing}),
    Rule("R09", _E, "`_metadata.json` is a JSON object in UTF-8.", _LZF, {Over.TABLE: unreadable}),
    Rule("R10", _E, "`keyColumns` is a list of names, none empty and none twice.", _LZF,
         {Over.TABLE: key_list}),
    Rule("R11", _EW, "Every key is a column of the data (a warning where only its case differs).",
         (Source.LZF, Source.FIELD), {Over.FILE: keys_there}),
    Rule("R12", _E, "`keyColumns` stay as they were accepted; a table without may be given some.",
         _LZF, {Over.TABLE: keys_changed}, Need.STATE),
    Rule("R13", _E, "`fileDetectionStrategy` is one of the two there are.", _LZF,
         {Over.TABLE: strategy}),
    Rule("R14", _E, "`isUpsertDefaultRowMarker` is true or false.", _LZF,
         {Over.TABLE: upsert_flag}),
    Rule("R15", _E, "Upserts by default need keys.", _INFER, {Over.TABLE: upserts_without_keys}),
    Rule("R16", _W, "There are fewer than five key columns.", _BP, {Over.TABLE: many_keys}),
    Rule("R17", _E, "What is said of delimited files can be: FileExtension with DelimitedText, a "
         "header, known separators, quotes, escapes, encodings and DataTypes.", _LZF,
         {Over.TABLE: delimited}),
    Rule("R18", _W, "Every property of `_metadata.json` is a known one.",
         (Source.LZF, Source.INFER), {Over.TABLE: unknown}),
    Rule("R19", _W, "`_metadata.json` stays as it is after the first file.", _INFER,
         {Over.TABLE: changed}, Need.STATE),
    Rule("R20", _EW, _PARTNER, _LZF, {Over.ZONE: partner, Over.TABLE: partner_within}),
)  # fmt: skip
