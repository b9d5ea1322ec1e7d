"""Lints a landing zone, or a file that is to be published: every rule, and what it answers."""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hygge.core.errors import HyggeError
from hygge.filesystems.filesystem import FileInfo, FileSystem
from hygge.mirroring.delimited import delimited_facts, delimited_rows
from hygge.mirroring.facts import FileFacts
from hygge.mirroring.footers import Rows, parquet_facts, parquet_rows
from hygge.mirroring.identity import identity_of
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.names import METADATA, PARTNER, ROW_MARKER
from hygge.mirroring.places import landing_zone
from hygge.mirroring.replay import Keys, Met, Replayed, TooMany
from hygge.mirroring.report import Report, Unchecked
from hygge.mirroring.rules.rule import Finding, Over, Said, Severity
from hygge.mirroring.rules.table import ALL
from hygge.mirroring.rules.views import FileView, Limits, TableView, ZoneView
from hygge.mirroring.state import SeenColumn, TableState, ZoneState
from hygge.mirroring.story import Story, name_of, story_of, told
from hygge.mirroring.written import Written
from hygge.mirroring.zone import TableFolder, listed

_CHUNK = 2**20


def lint(
    files: FileSystem,
    path: str,
    *,
    state: ZoneState | None = None,
    strict: bool = False,
    journals: Sequence[ZoneState] = (),
    limits: Limits | None = None,
    default_schema: str = "dbo",
    source_id: str | None = None,
    now: float | None = None,
) -> Report:
    """Every rule over the landing zone at this path, or below it (see `landing_zone`). Blocks.

    `state` is what the service has taken so far; without it, rules that need to know answer for
    those tables whose files are all there, and are not checked for others. `journals` are what each
    writer says that it has published, `source_id` a column that names a row of the source whatever
    its key, `now` seconds since 1970. The same files give the same report. Raises ConfigError for
    what is no landing zone.
    """
    moment = time.time() if now is None else now
    limits = limits or Limits()
    where = landing_zone(files, path)
    zone = listed(files, where)
    partner = files.get(f"{where}/{PARTNER}".lstrip("/"))
    view = ZoneView(zone, partner, moment, limits, default_schema, tuple(journals))
    answers = list(_answers(Over.ZONE, view, "", ""))
    for folder in zone.tables:
        answers += _Table(files, folder, state, limits, source_id, moment).answers()
    findings = [one for one in answers if isinstance(one, Finding)]
    return Report(
        files.url(where),
        len(zone.tables),
        sum(len(folder.data) for folder in zone.tables),
        tuple(sorted(findings, key=_gravest_first)),
        tuple(dict.fromkeys(one for one in answers if isinstance(one, Unchecked))),
        strict,
    )


def file_findings(
    file: FileFacts,
    metadata: TableMetadata,
    pinned: Sequence[SeenColumn] | None,
    *,
    first: bool,
    marked: bool,
    limits: Limits | None = None,
) -> Sequence[Finding]:
    """What the rules of files, markers and columns say of one file, the gravest first: to be asked
    before it is published. No I/O.

    `pinned` are the columns of all files before it (none: `()`; None: not known, and the rules that
    compare with them say nothing), `marked` whether one of those had markers.
    """
    view = FileView(file, Written.by(metadata), pinned, first, marked, limits or Limits())
    found = (one for one in _answers(Over.FILE, view, "", "") if isinstance(one, Finding))
    return sorted(found, key=_gravest_first)


def facts_of(
    files: FileSystem, path: str, metadata: TableMetadata, name: str | None = None
) -> FileFacts:
    """The facts of one data file, parquet or delimited by its name. Blocks. `name` is what it will
    be called below its table's folder; else as it is. Raises SourceMissing, and HyggeError where
    the filesystem fails; a file that is broken says so."""
    size = files.source(path).size
    return _facts(files, path, name or name_of(path), size, Written.by(metadata))


def _gravest_first(finding: Finding) -> tuple[str, Severity, str, str, str]:
    return finding.table, finding.severity, finding.rule, finding.where, finding.what


def _answers(
    over: Over, view: ZoneView | TableView | FileView, table: str, folder: str
) -> Iterator[Finding | Unchecked]:
    for rule in ALL:
        if (look := rule.looks.get(over)) is None:
            continue
        for said in look(view):
            if isinstance(said, Said):
                where = "/".join(part for part in (folder, said.where) if part)
                yield Finding(rule.id, said.severity, table, where, said.what, said.hint)
            else:
                yield Unchecked(rule.id, table, said.why)


def _facts(files: FileSystem, path: str, name: str, size: int, written: Written) -> FileFacts:
    if name.lower().endswith(".parquet"):
        return parquet_facts(files, path, name, size, written.table.keys)
    return delimited_facts(files, path, name, size, written)


@dataclass(frozen=True, slots=True)
class _Table:
    """One table being linted."""

    files: FileSystem
    folder: TableFolder
    state: ZoneState | None
    limits: Limits
    source_id: str | None
    now: float

    def answers(self) -> Iterator[Finding | Unchecked]:
        written = Written.of(self.files.get(f"{self.folder.path}/{METADATA}"))
        story = self._story(written)
        facts = {info.path: self._facts(info, written) for info in story.files}
        view = TableView(
            self.folder,
            written,
            story,
            self.now,
            facts,
            dict(self._digests(story.state)),
            self._replayed(written, story, facts),
            self.limits,
        )
        name, where = str(self.folder.table), self.folder.table.folder
        yield from _answers(Over.TABLE, view, name, where)
        here = {info.path for info in self.folder.data}
        for file, before in told(story, facts, written.table.detection):
            if file.path in here:
                one = FileView(
                    file,
                    written,
                    before.pinned,
                    before.first,
                    before.marked,
                    self.limits,
                    before.latest,
                )
                yield from _answers(Over.FILE, one, name, where)

    def _story(self, written: Written) -> Story:
        known = self.state.tables.get(self.folder.table.folder) if self.state else None
        return story_of(
            self.folder,
            written.table.detection,
            told=self.state is not None and (self.state.whole or known is not None),
            state=known,
            identity=identity_of(self.files, self.folder.path),
        )

    def _path(self, info: FileInfo) -> str:
        return f"{self.folder.path}/{info.path}"

    def _facts(self, info: FileInfo, written: Written) -> FileFacts:
        return _facts(self.files, self._path(info), info.path, info.size, written)

    def _digests(self, state: TableState | None) -> Iterator[tuple[str, str]]:
        """The SHA-256 of each file whose name the service has taken."""
        taken = state.processed if state is not None else {}
        for info in (*self.folder.data, *self.folder.processed):
            if name_of(info.path) in taken:
                total = hashlib.sha256()
                with self.files.open(self._path(info)) as file:
                    while data := file.read(_CHUNK):
                        total.update(data)
                yield info.path, total.hexdigest()

    def _replayed(
        self, written: Written, story: Story, facts: dict[str, FileFacts]
    ) -> Replayed | None:
        """Every row of the table, where every row is there."""
        source = self.source_id
        if story.chapters is None:
            return None
        keys = Keys(written.table, self.limits.keys, source)
        if not written.table.keys:
            return Replayed(source_id=source)  # without keys there is nothing to meet
        chapters = [facts.get(i.path) or self._facts(i, written) for i in story.chapters]
        if any(not file.readable for file in chapters):
            return Replayed(why="a file before them cannot be read", source_id=source)
        if any(not _can_be_followed(file, written.table.keys, source) for file in chapters):
            return Replayed(
                why="a file lacks a key, or has two columns of one name", source_id=source
            )
        if len({file.delimited for file in chapters}) > 1:
            return Replayed(why="its files are of several formats", source_id=source)
        met = list[Met]()
        try:
            for file in chapters:
                met += keys.take(file.path, self._rows(file, keys, written))
        except TooMany:
            return Replayed(why=f"it has more than {keys.most:,} keys", source_id=source)
        except (OSError, ValueError, csv.Error, HyggeError) as failed:
            return Replayed(why=f"its rows cannot be read: {failed}", source_id=source)
        return Replayed(tuple(met), source_id=source, lacking=_lacking(chapters, source))

    def _rows(self, file: FileFacts, keys: Keys, written: Written) -> Iterable[Rows]:
        path = f"{self.folder.path}/{file.path}"
        columns = keys.columns(column.name for column in file.columns)
        if file.delimited:
            return delimited_rows(self.files, path, columns, written)
        return parquet_rows(self.files, path, columns)


def _can_be_followed(file: FileFacts, keys: Sequence[str], source: str | None) -> bool:
    names = [column.name for column in file.columns]
    once = all(names.count(name) <= 1 for name in (ROW_MARKER, source or ROW_MARKER))
    return once and all(names.count(key) == 1 for key in keys)


def _lacking(chapters: Iterable[FileFacts], source: str | None) -> str | None:
    """The first file whose rows cannot be followed to those of the source."""
    coming = (file for file in chapters if file.rows and not file.only_deletes)
    return next((f.path for f in coming if source and f.column(source) is None), None)


__all__ = ["Limits", "Report", "facts_of", "file_findings", "lint"]
