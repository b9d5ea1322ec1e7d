"""Applies a landing zone to Delta tables, as the service of Open Mirroring does.

<into>/<schema>/<table>/        a Delta table a mirrored one
<into>/_mirror/zone.json        which landing zone this is
<into>/_mirror/state.json       what is remembered of it, from the tables' logs
<into>/_mirror/stopped/         tables that stopped before their first version
<into>/_mirror/dropping/        tables that are being deleted
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import PurePosixPath

from hygge.core.errors import ConfigError
from hygge.core.journal import to_json
from hygge.filesystems.filesystem import FileSystem
from hygge.mirroring.applied import Applied, Status, TableApplied
from hygge.mirroring.choices import Choices
from hygge.mirroring.identity import Folder
from hygge.mirroring.mirror_log import MirrorLog
from hygge.mirroring.monitoring import Monitoring
from hygge.mirroring.places import known_landing_zone
from hygge.mirroring.state import ZoneState
from hygge.mirroring.stopping import TableStops, Why
from hygge.mirroring.turn import Turn
from hygge.mirroring.zone import TableFolder, Zone, listed

OWN = "_mirror"
Place = tuple[FileSystem, str]
_DEFAULT = Choices()


def apply(
    files: FileSystem,
    path: str,
    into: Place,
    choices: Choices = _DEFAULT,
    *,
    check: bool = False,
) -> Applied:
    """Apply all that can be applied now. Blocks.

    `path` is a landing zone, or the root of a mirrored database; `into` where the tables go. With
    `check` nothing is written, and the answer is what would happen. A table that stops does not
    stop the others, and is told of; raises ConfigError where there is no landing zone (see
    `known_landing_zone`), or another one was applied to `into`.
    """
    return Engine(files, path, into, choices).look(check=check)


class Engine:
    """One landing zone and its mirror, look by look. What was read of the mirror is kept."""

    def __init__(
        self, files: FileSystem, path: str, into: Place, choices: Choices = _DEFAULT
    ) -> None:
        self._files, self.zone = files, known_landing_zone(files, path)
        self._out, self._top = into[0], into[1].strip("/")
        self._choices = choices
        self._refuse_nested()
        self._logs = dict[str, MirrorLog]()
        self._said = b""
        self.monitoring = Monitoring(files, self.zone)

    def _refuse_nested(self) -> None:
        zone, mirror = (
            f"{fs.url(at)}/" for fs, at in ((self._files, self.zone), (self._out, self._top))
        )
        if zone.startswith(mirror) or mirror.startswith(zone):
            raise ConfigError("the mirror and the landing zone lie in each other", hint="--into")

    def _refuse_gone(self) -> None:
        """A landing zone that is away for a moment would drop every table."""
        if not self._files.is_folder(self.zone):
            hint = "put it back, or start again with the one that is there"
            raise ConfigError(
                f"there is no landing zone at {self._files.url(self.zone)}", hint=hint
            )

    def look(self, *, check: bool = False) -> Applied:
        """As `apply`, once."""
        self._refuse_gone()
        zone = listed(self._files, self.zone)
        self._claim(check)
        if not check:
            self._finish_drops()
        dropped = self._drop_missing(zone, check)
        first = {self._place(folder).lower(): folder for folder in reversed(zone.tables)}
        tables = tuple(self._table(folder, first, check) for folder in zone.tables)
        there = (table for table in tables if table.remembered is not None)
        states = {t.table.folder: t.remembered.state for t in there if t.remembered}
        beside = tuple(info.path for info in zone.beside if not _is_own(info.path))
        applied = Applied(tables, dropped, beside, ZoneState(states))
        if not check:
            self._say(applied)
        return applied

    def _table(
        self, folder: TableFolder, first: Mapping[str, TableFolder], check: bool
    ) -> TableApplied:
        place = self._place(folder)
        if (other := first[place.lower()]) is not folder:
            told = f"{folder.table.folder} and {other.table.folder} are one table"
            stops = TableStops(told, Why.CLASH, hint="delete one of the folders")
            return TableApplied(folder.table, Status.FAILED, error=stops, why=stops.why)
        found, log = Folder.of(self._files, folder), self._log(place)
        found = found if check else found.marked(self._files)
        known, dropped = log.remembered, False
        if known is not None and known.state.identity != found.identity:
            dropped, log = True, MirrorLog(self._out, log.folder, log.aside)
            if not check:
                self._drop(place)
                log = self._log(place)
        told_of = Turn(self._files, found, log, self._choices, check).take()
        told_of.dropped = dropped
        if not check:
            log.sweep(self._choices.keep.total_seconds())
        return told_of

    def _place(self, folder: TableFolder) -> str:
        return f"{folder.table.schema or self._choices.default_schema}/{folder.table.name}"

    def _path(self, *parts: str) -> str:
        return "/".join(part for part in (self._top, *parts) if part)

    def _log(self, place: str) -> MirrorLog:
        if place not in self._logs:
            aside = self._path(OWN, "stopped", f"{place}.json")
            self._logs[place] = MirrorLog.read(self._out, self._path(place), aside)
        return self._logs[place]

    # tables that go

    def _drop_missing(self, zone: Zone, check: bool) -> tuple[str, ...]:
        there = {self._place(folder) for folder in zone.tables}
        gone = [place for place in self._mirrored() if place not in there]
        for place in gone:
            if not check:
                self._drop(place)
        return tuple(gone)

    def _mirrored(self) -> Iterator[str]:
        """Every table that a mirror made here, or remembers."""
        stopped = self._path(OWN, "stopped")
        aside = {
            str(PurePosixPath(info.path.removeprefix(f"{stopped}/")).with_suffix(""))
            for info in self._out.list(stopped)
        }
        made = {
            f"{schema}/{table}"
            for schema in self._out.folders(self._top)
            if not schema.startswith("_")
            for table in self._out.folders(self._path(schema))
            if self._out.is_folder(self._path(schema, table, "_delta_log"))
        }
        for place in sorted(made | aside):
            with suppress(ConfigError):  # somebody else's table is none of ours
                if self._log(place).remembered is not None:
                    yield place

    def _drop(self, place: str) -> None:
        """Delete a mirrored table, so that one who is killed meanwhile is finished later."""
        self._logs.pop(place, None)
        note = self._path(OWN, "dropping", f"{place}.json")
        self._out.put_once(note, b"{}")
        self._dropped(place, note)

    def _finish_drops(self) -> None:
        notes = self._path(OWN, "dropping")
        for info in list(self._out.list(notes)):
            inside = info.path.removeprefix(f"{notes}/")
            if not inside.rpartition("/")[2].startswith("_"):
                self._dropped(inside.removesuffix(".json"), info.path)

    def _dropped(self, place: str, note: str) -> None:
        self._out.delete_folder(self._path(place))
        self._out.delete(self._path(OWN, "stopped", f"{place}.json"))
        self._out.delete(note)

    # what is written about it

    def _claim(self, check: bool) -> None:
        """A mirror is of one landing zone for ever: of another, it would drop every table."""
        path, url = self._path(OWN, "zone.json"), self._files.url(self.zone)
        known = self._out.get(path)
        if known is None and not check:
            self._out.put_once(path, json.dumps({"zone": url}).encode())
            known = self._out.get(path)
        if known is not None and (other := json.loads(known)["zone"]) != url:
            told = f"{self._out.url(self._top)} mirrors another landing zone: {other}"
            raise ConfigError(told, hint="another --into, or delete that folder")

    def _say(self, applied: Applied) -> None:
        text = to_json(applied.state).encode()
        if text != self._said:
            self._out.replace(self._path(OWN, "state.json"), text)
            self._said = text
        self.monitoring.write(applied)


def _is_own(path: str) -> bool:
    return path.rpartition("/")[2].startswith("_")
