"""A notebook: a folder of JSON pages, and an index that says which of them count."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from hygge.core.errors import HomeError, StoreError
from hygge.core.journal import from_json, to_json
from hygge.core.schema import TableSchema
from hygge.core.store import Piece, Receipt
from hygge.core.typed_json import TypedValue


@dataclass(frozen=True)
class Page:
    """Rows and their columns, as they lie in one file. Dates and decimals survive."""

    schema: TableSchema
    rows: list[list[TypedValue]]

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self.rows, schema=self.schema.polars(), orient="row")


@dataclass(frozen=True)
class Index:
    """The whole truth about a notebook. `fates` by load_id: a receipt, or null for erased."""

    schema: TableSchema | None = None
    pages: tuple[Piece, ...] = ()
    fates: Mapping[str, Receipt | None] = field(default_factory=dict)

    @property
    def newest(self) -> Receipt | None:
        return next((r for r in reversed(list(self.fates.values())) if r is not None), None)


class Notebook:
    """One folder. The index is replaced as a whole, so readers see the old one or the new."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pages = folder, folder / "pages"
        self._index = folder / "index.json"

    def index(self) -> Index:
        """What counts now; an empty index where there is no notebook yet."""
        try:
            return from_json(Index, self._index.read_bytes())
        except FileNotFoundError:
            return Index()
        except (OSError, ValueError) as failed:
            raise HomeError(f"not a notebook's index: {failed}", file=self._index) from failed

    def change(self, decide: Callable[[Index], Index]) -> Index:
        """Replace the index by what `decide` makes of it, with nobody in between."""
        with told(self.folder), self._locked():
            before = self.index()
            after = decide(before)
            if after != before:
                coming = self._index.with_suffix(".coming")
                write(coming, to_json(after).encode())
                coming.replace(self._index)
                sync(self.folder)
            return after

    def put(self, name: str, frame: pl.DataFrame) -> Piece:
        """Write a page whose folder is there. Raises FileNotFoundError if it is not."""
        rows = [list(row) for row in frame.rows()]
        data = to_json(Page(TableSchema.of(frame.schema), rows)).encode()
        write(self.pages / name, data)
        return Piece(name, frame.height, len(data), digest(data))

    def read(self, piece: Piece) -> Page | None:
        """The page, if it is there and exactly what was written."""
        try:
            data = (self.pages / piece.name).read_bytes()
        except FileNotFoundError:
            return None
        return from_json(Page, data) if digest(data) == piece.digest else None

    def sweep(self, load_id: str) -> None:
        """Delete what this load left and the index does not list."""
        listed, folder = {piece.name for piece in self.index().pages}, self.pages / load_id
        if not any(name.startswith(f"{load_id}/") for name in listed):
            shutil.rmtree(folder, ignore_errors=True)
        for page in folder.glob("*"):
            if f"{load_id}/{page.name}" not in listed:
                page.unlink(missing_ok=True)

    def left(self) -> list[str]:
        """The load_ids that have pages (or an empty folder) which the index does not list."""
        listed = {piece.name for piece in self.index().pages}
        folders = sorted(self.pages.glob("*"))
        return [
            f.name
            for f in folders
            if {f"{f.name}/{p.name}" for p in f.glob("*")} - listed or not any(f.iterdir())
        ]

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


@contextmanager
def told(place: Path) -> Iterator[None]:
    """The disk's refusals as hygge's errors: what, where."""
    try:
        yield
    except OSError as failed:
        raise StoreError(
            f"the notebook cannot be written: {failed.strerror}", file=place
        ) from failed


def write(file: Path, data: bytes) -> None:
    """Durably, before anything names it."""
    with file.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def sync(folder: Path) -> None:
    """Make the names in this folder durable, too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
