"""One table's turn: what of its folder is applied, in order, and what it stops at."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from hygge.core.errors import HomeError, SchemaMismatch, SourceMissing, Unsupported
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.mirroring.applied import AppliedFile, Status, TableApplied
from hygge.mirroring.arrivals import arrivals, strangers
from hygge.mirroring.choices import Choices
from hygge.mirroring.effects import Effects
from hygge.mirroring.identity import Folder
from hygge.mirroring.landed import Landed, opened, sha256
from hygge.mirroring.leaving import Leaving
from hygge.mirroring.merging import merged
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.mirror_log import MirrorLog, Remembered
from hygge.mirroring.mirror_table import publish
from hygge.mirroring.names import METADATA, Marker, number_of
from hygge.mirroring.state import TableState
from hygge.mirroring.stopping import REBUILD, TableStops, Why, remedy


class Turn:
    """One table, one look. With `check` nothing is written, and everything is found out."""

    def __init__(
        self, files: FileSystem, folder: Folder, log: MirrorLog, choices: Choices, check: bool
    ) -> None:
        self._files, self._choices, self._check = files, choices, check
        self._folder, self._identity, self._since = folder.folder, folder.identity, folder.since
        self._log = log
        self._known = log.remembered or Remembered(TableState(self._identity))
        self._culprit: FileInfo | None = None
        self.told = TableApplied(self._folder.table)

    def take(self) -> TableApplied:
        """Apply what can be applied."""
        try:
            if not self._is_read():
                self._stand()
            elif not self._is_stopped():
                self._go()
        except TableStops as stops:
            self._stop(stops)
        except SourceMissing:
            self.told.notes.append("a file went away while it was read: it is looked for again")
        self.told.remembered = self._known
        return self.told

    def _is_read(self) -> bool:
        """Whether the folder is a table at all; its settings are taken over."""
        data = self._files.get(f"{self._folder.path}/{METADATA}")
        if data is None and not self._choices.without_metadata:
            self.told.notes.append(f"there is no {METADATA}: the folder is not read")
            return False
        try:
            found = TableMetadata() if data is None else TableMetadata.of(data)
        except ValueError as failed:
            told = f"{METADATA}: {failed}"
            raise TableStops(told, Why.METADATA, hint=f"correct {METADATA}") from failed
        state = self._known.state
        known = bool(state.keys and state.processed)
        if state.error is None and known and set(state.keys) != set(found.keys):
            told = f"keyColumns were {_names(state.keys)} and are {_names(found.keys)}"
            raise TableStops(told, Why.KEYS, hint=REBUILD)
        if state.error is None:
            self._known = replace(self._known, state=_told_now(state, found))
        return True

    def _is_stopped(self) -> bool:
        """Whether it stopped before, and nothing has come that helps."""
        state = self._known.state
        if state.error is None:
            return False
        if self._is_replaced():
            cleared = replace(state, error=None)
            self._known = replace(self._known, state=cleared, culprit="", blame="", why="")
            return not self._is_read()
        self._stand()
        return True

    def _stand(self) -> None:
        """Tell how it was left."""
        state = self._known.state
        if state.error is not None:
            self.told.status, self.told.why = Status.FAILED, self._known.why
            why = Why(self._known.why)
            self.told.error = TableStops(state.error, why, hint=remedy(why))
        elif state.processed:
            self.told.status = Status.REPLICATING

    def _is_replaced(self) -> bool:
        known = self._known
        lasting = TableStops("", Why(known.why)).lasting
        if lasting or not known.culprit or not self._choices.replaceable:
            return False
        there = next((f for f in self._folder.data if f.path == known.culprit), None)
        if there is None:
            return False
        return sha256(self._files, f"{self._folder.path}/{there.path}") != known.blame

    def _go(self) -> None:
        state = self._known.state
        names = strangers(self._folder, state.detection)
        self.told.notes += [f"{name} is never read: its name is no number" for name in names]
        leaving = Leaving(self._files, self._folder, self._choices, self._check)
        self.told.notes += leaving.tidy(self._known)
        found = arrivals(self._folder, state)
        for info in found.next:
            self._culprit = info
            before = self._known.reference
            self._apply(info)
            self._culprit = None
            leaving.move(before)
        found = arrivals(self._folder, self._known.state)  # a number that is there twice shows now
        self.told.waits = found.waits
        self.told.status = self._status()

    def _status(self) -> Status:
        if self._known.state.processed:
            return Status.REPLICATING
        waited = datetime.now(UTC) - self._since
        if self.told.waits is not None or waited < self._choices.empty_for:
            return Status.INITIALIZED
        self.told.why = Why.EMPTY
        hint = "publish a file without rows"
        self.told.error = TableStops(f"no file for {waited.days} days", Why.EMPTY, hint=hint)
        return Status.FAILED

    def _apply(self, info: FileInfo) -> None:
        path = f"{self._folder.path}/{info.path}"
        landed = opened(self._files, path, info)
        newer = self._with(landed)
        try:
            state = newer.state
            upserts = state.upserts and bool(state.keys)
            unmarked = Marker.UPSERT if upserts else Marker.INSERT
            effects = Effects(landed, state.keys, unmarked, self._choices.null_keys)
            if not self._check:
                self._refuse_moving(path, info)
                publish(self._log, landed, effects, newer)
                newer = self._log.remembered or newer
        except SourceMissing:
            raise
        except (HomeError, SchemaMismatch, Unsupported) as failed:  # its rows cannot be read
            raise TableStops(f"{info.path}: {failed.what}") from failed
        self._known = newer
        self.told.files.append(AppliedFile(info.path, landed.rows, info.size))

    def _with(self, landed: Landed) -> Remembered:
        """What is to be remembered once this file is in."""
        state, name = self._known.state, landed.info.path
        newer = replace(
            state,
            columns=merged(state, landed),
            last=max(state.last, number_of(name) or 0),
            processed={**state.processed, name: landed.digest},
            marked=state.marked or landed.marked,
            operations=state.operations + landed.rows,
            bytes=state.bytes + landed.info.size,
        )
        written = landed.info.modified
        return Remembered(
            newer,
            reference=name,
            version=landed.info.version,
            written=datetime.fromtimestamp(written, UTC) if written is not None else None,
            applied=datetime.now(UTC),
        )

    def _refuse_moving(self, path: str, info: FileInfo) -> None:
        """What was summed up must be what is applied: a file that changes is taken up later."""
        now = self._files.info(path)
        if now is None or now.version != info.version:
            raise SourceMissing("the file changed while it was read", file=self._files.url(path))

    def _stop(self, stops: TableStops) -> None:
        self.told.status, self.told.error, self.told.why = Status.FAILED, stops, stops.why
        if stops.why is Why.METADATA or self._known.state.error is not None:
            return  # what is written there is looked at every time
        culprit, blame = "", ""
        if self._culprit is not None:
            culprit = self._culprit.path
            with suppress(SourceMissing):  # then any file by its name is another one
                blame = sha256(self._files, f"{self._folder.path}/{culprit}")
        stopped = replace(self._known.state, error=stops.what)
        self._known = replace(
            self._known, state=stopped, culprit=culprit, blame=blame, why=str(stops.why)
        )
        if self._check:
            return
        if self._log.version < 0:
            self._log.put_aside(self._known)
        else:
            self._log.write(self._known, [], "STOP")


def _told_now(state: TableState, found: TableMetadata) -> TableState:
    """Keys keep their order: files of the mirror are known by the values of the first one."""
    return replace(
        state,
        keys=state.keys if set(state.keys) == set(found.keys) else found.keys,
        detection=found.detection,
        upserts=found.upserts,
        delimited=found.delimited,
    )


def _names(keys: tuple[str, ...]) -> str:
    return ", ".join(keys) or "none"
