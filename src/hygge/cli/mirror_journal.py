"""What a journal of ours tells of a landing zone: what was published, and what of it is taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from hygge.core.errors import JournalError
from hygge.core.journal import Intent, from_json
from hygge.core.schema import OPERATION
from hygge.core.store import Mode, Receipt
from hygge.filesystems.filesystem import FileSystem
from hygge.formats.columns import to_arrow
from hygge.journal import journal_file
from hygge.mirroring.fabric_types import mirrored
from hygge.mirroring.footers import plain
from hygge.mirroring.names import Detection, number_of
from hygge.mirroring.places import landing_zone
from hygge.mirroring.state import SeenColumn, TableState, ZoneState
from hygge.mirroring.zone import TableFolder, listed

MAGIC: Final = b"SQLite format 3\0"
_LOADS: Final = "select intent, receipt from loads where state = 'published' order by load_id"
Load = tuple[Intent, Receipt]


def is_journal(file: Path) -> bool:
    """Whether this is a database, and no state. One that cannot be read is neither."""
    with suppress(OSError), file.open("rb") as opened:
        return opened.read(len(MAGIC)) == MAGIC
    return False


def published(file: Path, files: FileSystem, path: str) -> ZoneState:
    """All that this journal's loads have published there, each table since its last full load.
    Raises JournalError."""
    return ZoneState(
        {folder: _state(loads) for folder, loads in _by_table(file, files, path)}, whole=False
    )


def taken(file: Path, files: FileSystem, path: str) -> ZoneState:
    """The same, without what the service has not taken: by what has been moved aside, and by the
    last file that was, which stays (LZF). Other tables are not known. Raises JournalError."""
    folders = {f.table.folder: f for f in listed(files, landing_zone(files, path)).tables}
    told = published(file, files, path).tables
    known = {name: _taken(state, folders[name]) for name, state in told.items() if name in folders}
    return ZoneState(known, whole=False)


def _by_table(file: Path, files: FileSystem, path: str) -> Iterator[tuple[str, list[Load]]]:
    above = f"{files.url(landing_zone(files, path)).rstrip('/')}/"
    found = dict[str, list[Load]]()
    for intent, receipt in _loads(file):
        if not intent.store.startswith(above):
            continue
        loads = found.setdefault(intent.store.removeprefix(above), [])
        if intent.load.mode is Mode.REPLACE:
            loads.clear()
        loads.append((intent, receipt))
    yield from found.items()


def _loads(file: Path) -> Sequence[Load]:
    with journal_file.told(file):
        db = journal_file.look(file, journal_file.PATIENCE)
        if db is None:
            return []
        with closing(db):
            rows = db.execute(_LOADS).fetchall()
    try:
        return [(from_json(Intent, one), from_json(Receipt, other)) for one, other in rows]
    except ValueError as failed:
        hint = "the hygge that wrote it reads it"
        raise JournalError("a load cannot be understood", file=file, hint=hint) from failed


def _state(loads: Sequence[Load]) -> TableState:
    columns, digests = dict[str, SeenColumn](), dict[str, str]()
    keys = loads[-1][1].keys
    for intent, receipt in loads:
        digests |= receipt.digests
        schema = intent.load.schema
        rows = mirrored(schema.select(n for n in schema.names if n != OPERATION), keys)
        for field in to_arrow(rows, views=False):
            seen = SeenColumn(field.name, str(plain(field.type)), field.nullable)
            columns.setdefault(field.name, seen)
    numbered = all(number_of(name) is not None for name in digests)
    return TableState(
        identity="",
        keys=keys,
        detection=Detection.SEQUENTIAL if numbered else Detection.LAST_UPDATE,
        columns=tuple(columns.values()),
        last=_last(digests),
        processed=digests,
        marked=len(loads) > 1,
    )


def _taken(state: TableState, folder: TableFolder) -> TableState:
    waiting = sorted(info.path for info in folder.data if info.path in state.processed)
    aside = len(waiting) < len(state.processed)
    if waiting and (aside or len(waiting) == 1):
        del waiting[0]
    processed = {n: digest for n, digest in state.processed.items() if n not in waiting}
    return replace(state, processed=processed, last=_last(processed))


def _last(names: Mapping[str, str]) -> int:
    return max((number_of(name) or 0 for name in names), default=0)
