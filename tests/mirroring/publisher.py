"""A table that is published into a landing zone, by a store whose filesystem may fail; and what
Fabric would show of it, which is looked at through the local mirror and the linter."""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hygge.core.errors import LoadLost, NotYet
from hygge.core.partition import Partition
from hygge.core.schema import OPERATION, Column, TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StagedPart
from hygge.filesystems import memory
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.locating import locate
from hygge.mirroring.applied import Applied, Status
from hygge.mirroring.choices import Choices
from hygge.mirroring.engine import apply
from hygge.mirroring.lint import lint
from hygge.mirroring.names import file_name, number_of
from hygge.mirroring.report import Report
from hygge.stores import mirror_waiting
from hygge.stores.mirror_config import OpenMirroringConfig
from hygge.stores.mirror_load import MirrorLoad
from hygge.stores.open_mirroring import OpenMirroringStore
from hygge.testing.faulty_filesystem import FaultyFileSystem
from hygge.testing.harness import Row, request, unordered

Told = Mapping[str, Any]


class Killed(BaseException):
    """The process is gone: nothing that it would still do is done."""


def die(what: str) -> None:
    raise Killed(what)


class Clock:
    """Time that goes when it is told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.now = 1_000_000.0
        patch.setattr(mirror_waiting, "time", self)

    def time(self) -> float:
        return self.now


def marked(rows: pl.DataFrame, *gone: int) -> pl.DataFrame:
    """With `__op__`: rows of these ids are deletes."""
    return rows.with_columns(pl.col("id").is_in(gone).cast(pl.Int8).alias(OPERATION))


def asked(
    mode: Mode, frames: Sequence[pl.DataFrame], base: Receipt | None, **more: Any
) -> LoadRequest:
    """A load of these rows. `required`: columns that are never NULL."""
    required = more.pop("required", ())
    schema = more.pop("schema", None)
    if schema is None and frames:
        columns = [
            Column(name, kind, nullable=name not in required)
            for name, kind in frames[0].schema.items()
        ]
        schema = TableSchema(tuple(columns))
    known: dict[str, Any] = {} if schema is None else {"schema": schema}
    return request(mode, base, **known, **more)


@dataclass(frozen=True)
class Load:
    """A load as it is asked for. Each frame is a part; of a tuple, each is a batch."""

    mode: Mode
    frames: tuple[Any, ...]
    more: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, mode: Mode, *frames: Any, **more: Any) -> Load:
        return cls(mode, frames, tuple(more.items()))

    def request(self, base: Receipt | None) -> LoadRequest:
        first = [f[0] if isinstance(f, tuple) else f for f in self.frames]
        return asked(self.mode, first, base, **dict(self.more))


def stage(load: MirrorLoad, frames: Sequence[Any]) -> list[StagedPart]:
    parts = list[StagedPart]()
    for n, frame in enumerate(frames):
        part = load.part(Partition(f"part {n}"))
        part.open()
        try:
            for batch in frame if isinstance(frame, tuple) else (frame,):
                part.write(batch)
            parts.append(part.finish())
        finally:
            part.close()
    return parts


class Publisher:
    """One table of one landing zone, on this disk or in memory; its mirror lies on this disk."""

    def __init__(self, folder: Path, where: str = "local", **settings: Any) -> None:
        self.tmp, self.where, self.settings = folder, where, settings
        self.mirror = folder / "mirror"
        name = f"{zlib.crc32(str(folder).encode()):08x}"
        place = str(folder / "zone") if where == "local" else f"memory://{name}/zone"
        self.files, self.zone = self.found(place)
        self.folder = f"{self.zone}/dbo.schema/people"
        self.faulty = FaultyFileSystem(self.files)

    def found(self, place: str) -> tuple[FileSystem, str]:
        return locate(place)

    def store(self, files: FileSystem | None = None, **settings: Any) -> OpenMirroringStore:
        told: dict[str, Any] = {"account_url": "file:///x", "schema": "dbo", "table": "people"}
        told |= {"folder_deletion_wait_seconds": 0, **self.settings, **settings}
        return OpenMirroringStore(
            OpenMirroringConfig.model_validate({"type": "open_mirroring", **told}),
            files or self.files,
            self.zone,
        )

    # loads

    def newest(self) -> Receipt | None:
        return self.store().newest("people")

    def begin(self, what: Load, *, faulty: bool = False, **settings: Any) -> MirrorLoad:
        """Opened, on top of what is there."""
        store = self.store(self.faulty if faulty else None, **settings)
        made = store.open_load(what.request(self.newest()))
        assert isinstance(made, MirrorLoad)
        made.open()
        return made

    def run(
        self,
        what: Load,
        *,
        faulty: bool = False,
        wait: Callable[[float], object] | None = None,
        **settings: Any,
    ) -> Receipt:
        """All of it, waiting where it must."""
        made = self.begin(what, faulty=faulty, **settings)
        return self.finish(made, what, wait)

    def finish(
        self, made: MirrorLoad, what: Load, wait: Callable[[float], object] | None = None
    ) -> Receipt:
        parts = stage(made, what.frames)
        found = made.verify(parts)
        if [found[p.partition.name] for p in parts] != [p.rows for p in parts]:
            raise LoadLost("what was staged is gone", load_id=made.request.load_id)
        while True:
            try:
                return made.commit(parts)
            except NotYet as waiting:
                if wait is None:
                    raise
                wait(waiting.seconds)

    def put(self, mode: Mode, *frames: Any, **more: Any) -> Receipt:
        return self.run(Load.of(mode, *frames, **more))

    def recover(
        self, *load_ids: str, wait: Callable[[float], object] | None = None
    ) -> list[Receipt]:
        """What the next run does first, with the load_ids that its journal knows."""
        store = self.store()
        known = sorted({*load_ids, *store.strays("people")})
        landed = list[Receipt | None]()
        for load_id in known:
            while True:
                try:
                    landed.append(store.settle("people", load_id, keep=False))
                    break
                except NotYet as waiting:
                    if wait is None:
                        raise
                    wait(waiting.seconds)
        return [receipt for receipt in landed if receipt is not None]

    # looking

    def apply(self, choices: Choices | None = None, **more: Any) -> Applied:
        into = locate(str(self.mirror))
        return apply(self.files, self.zone, into, choices or Choices(), **more)

    def lint(self, applied: Applied) -> Report:
        return lint(self.files, self.zone, state=applied.state)

    def frame(self) -> pl.DataFrame:
        """The table as Fabric would show it; nothing in the zone may be wrong."""
        before = lint(self.files, self.zone)
        applied = self.apply()
        after = self.lint(applied)
        assert not before.errors, before.shown
        assert not after.errors, after.shown
        for table in applied.tables:
            assert table.status is Status.REPLICATING, table
            assert table.waits is None, table
        return pl.read_delta(str(self.mirror / "dbo" / "people"))

    def rows(self) -> list[Row]:
        return unordered(self.frame().rows())

    def rows_only(self) -> list[Row]:
        """The same, of a table that others began in their own way."""
        self.apply()
        return unordered(pl.read_delta(str(self.mirror / "dbo" / "people")).rows())

    def path(self, number: int) -> str:
        return f"{self.folder}/{file_name(number)}"

    def names(self) -> list[str]:
        """Every file of the table's folder, below it."""
        cut = len(self.folder) + 1
        return [info.path[cut:] for info in self.files.list(self.folder)]

    def numbers(self) -> list[int]:
        found = (number_of(name.rpartition("/")[2]) for name in self.names())
        return sorted(number for number in found if number is not None)

    def staged(self) -> list[str]:
        return [info.path for info in self.files.list(f"{self.zone}/_hygge/staging")]

    def same(self, path: str, number: int, load_id: str) -> bool:
        """Whether a staged file is the one that is to have this number."""
        record = self.store().table.log.of(load_id)
        assert record is not None
        wanted = [source for source, target in record.moves if target == file_name(number)]
        return path.rpartition("/")[2] in wanted

    def read(self, number: int) -> pl.DataFrame:
        """A file as it was published."""
        wanted = file_name(number)
        path = next(name for name in self.names() if name.endswith(wanted))
        with self.files.open(f"{self.folder}/{path}") as file:
            return pl.read_parquet(file.read())

    def metadata(self) -> str:
        return (self.files.get(f"{self.folder}/_metadata.json") or b"").decode()

    def complaints(self, expected: Sequence[Row]) -> list[str]:
        """What is not as it should be when all is done."""
        found = [f"left in staging: {path}" for path in self.staged()]
        numbers = self.numbers()
        if numbers != list(range(1, len(numbers) + 1)):
            found.append(f"the numbers are {numbers}")
        try:
            rows = self.rows()
        except AssertionError as failed:
            return [*found, str(failed)]
        if rows != unordered(expected):
            found.append(f"{len(rows)} rows are not the {len(expected)} of the source: {rows}")
        return found

    # as it was

    def keep(self) -> None:
        """Remember how all is, for `back`."""
        self._copy(self.mirror, self.tmp / "kept mirror")
        if self.where == "local":
            self._copy(self.tmp / "zone", self.tmp / "kept zone")
        else:
            self._kept = dict(self._disk().files), set(self._disk().folders)

    def back(self) -> None:
        self._copy(self.tmp / "kept mirror", self.mirror)
        if self.where == "local":
            self._copy(self.tmp / "kept zone", self.tmp / "zone")
        else:
            self._disk().files, self._disk().folders = dict(self._kept[0]), set(self._kept[1])

    def _disk(self) -> Any:
        assert isinstance(self.files, memory.MemoryFileSystem)
        return self.files._disk

    def _copy(self, source: Path, target: Path) -> None:
        """With the same files, or a folder that is to be dropped would be another."""
        shutil.rmtree(target, ignore_errors=True)
        if source.exists():
            shutil.copytree(source, target, copy_function=lambda a, b: Path(b).hardlink_to(a))
