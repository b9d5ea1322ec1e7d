"""hygge's own suites, run against the notebook's Home and Store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hygge_example.home import NotebookHome, NotebookHomeConfig
from hygge_example.notebook import Index, Notebook
from hygge_example.store import NotebookStore, NotebookStoreConfig

from hygge.core.schema import TableSchema
from hygge.core.store import StagedPart
from hygge.core.types import parse_type
from hygge.flow.factory import NoConnections
from hygge.testing import faults
from hygge.testing.contracts.home import HomeContract
from hygge.testing.contracts.store import StoreContract
from hygge.testing.harness import Harm, HomeRig, Row, StoreRig


class NotebookHomeRig(HomeRig):
    """Writes a notebook with the notebook's own pen."""

    def __init__(self, tmp: Path) -> None:
        self.folder = tmp / "notebook"
        self.given = 0

    def home(self) -> NotebookHome:
        return self._home(self.folder)

    def missing(self) -> NotebookHome:
        return self._home(self.folder.with_name("nowhere"))

    def give(self, *frames: pl.DataFrame) -> None:
        notebook = Notebook(self.folder)
        (notebook.pages / "given").mkdir(parents=True, exist_ok=True)
        pages = [notebook.put(f"given/{n}.json", frame) for n, frame in enumerate(frames)]
        schema = TableSchema.of(frames[0].schema)
        notebook.change(lambda _: Index(schema=schema, pages=tuple(pages)))

    def _home(self, folder: Path) -> NotebookHome:
        return NotebookHome.build(NotebookHomeConfig(path=str(folder)), NoConnections())


class NotebookStoreRig(StoreRig):
    """Looks into a notebook with nothing but `json`."""

    def __init__(self, tmp: Path) -> None:
        self.folder = tmp / "notebook"

    def store(self) -> NotebookStore:
        return NotebookStore.build(NotebookStoreConfig(path=str(self.folder)), NoConnections())

    def look(self) -> list[Row] | None:
        index = self._index()
        if index["schema"] is None:
            return None
        columns = [(c["name"], c["type"]) for c in index["schema"]["columns"]]
        found = list[Row]()
        for piece in index["pages"]:
            page = json.loads((self.folder / "pages" / piece["name"]).read_text())
            names = [c["name"] for c in page["schema"]["columns"]]
            for row in page["rows"]:
                values = dict(zip(names, map(plain, row), strict=True))
                found.append(tuple(values.get(name) for name, _ in columns))
        schema = {name: parse_type(kind) for name, kind in columns}
        return pl.DataFrame(found, schema=schema, orient="row").rows()

    def leftovers(self) -> Sequence[str]:
        listed = {piece["name"] for piece in self._index()["pages"]}
        there = {str(p.relative_to(self.folder / "pages")) for p in self.folder.glob("pages/*/*")}
        halves = [str(file) for file in self.folder.glob("*.coming")]
        return sorted(there - listed) + halves

    def spoil(self, harm: Harm, part: StagedPart) -> None:
        file = self.folder / "pages" / part.pieces[0].name
        match harm:
            case Harm.LOSE:
                faults.lose(file)
            case Harm.TRUNCATE:
                faults.truncate(file)
            case Harm.FLIP:
                faults.flip_a_byte(file)
            case Harm.DOUBLE:
                page = json.loads(file.read_text())
                file.write_text(json.dumps({**page, "rows": page["rows"] * 2}))

    def _index(self) -> dict[str, Any]:
        file = self.folder / "index.json"
        found = file.read_text() if file.exists() else '{"schema": null, "pages": []}'
        index: dict[str, Any] = json.loads(found)
        return index


def plain(value: Any) -> Any:
    """A value as the page has it: a tagged one is unwrapped and left to Polars."""
    if not isinstance(value, dict):
        return value
    ((tag, inside),) = value.items()
    read = {"$date": "date", "$datetime": "datetime"}[tag]
    return getattr(__import__("datetime"), read).fromisoformat(inside)


class TestNotebookHome(HomeContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> HomeRig:
        return NotebookHomeRig(tmp_path)


class TestNotebookStore(StoreContract):
    @pytest.fixture
    def rig(self, tmp_path: Path) -> StoreRig:
        return NotebookStoreRig(tmp_path)
