"""The demo of Open Mirroring, whole, with few rows."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "nycflights"
FLIGHT = "2013-12-24T{hour}:00:00Z,HA,{flight},12,24,{late}\n"
TABLES = {
    "airlines": "carrier,name\nHA,Hawaiian\n",
    "airports": "faa,name\nEWR,Newark\nJFK,Kennedy\n",
    "flights": "time_hour,carrier,flight,month,day,dep_delay\n"
    + "".join(FLIGHT.format(hour=10 + n, flight=n, late=n or "NA") for n in range(9)),
    "planes": "tailnum,seats,engines\nN1,90,4\nN2,NA,2\n",
    "weather": "origin,time_hour,temp\nEWR,2013-01-01T06:00:00Z,39.02\n",
}


@pytest.mark.long
def test_it_runs_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    main = import_module("demo_mirror")
    shim = tmp_path / "hygge"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hygge "$@"\n')
    shim.chmod(0o755)

    def unpack(_: object, folder: Path) -> None:
        folder.mkdir(parents=True)
        for name, text in TABLES.items():
            (folder / f"{name}.csv").write_text(text)

    monkeypatch.setenv("PYTHONPATH", str(FOLDER.parents[1] / "src"))
    monkeypatch.setattr(main, "ROWS", {n: text.count("\n") - 1 for n, text in TABLES.items()})
    for name, value in {
        "ROOT": tmp_path,
        "WORKSPACE": tmp_path / "demo-mirror",
        "HYGGE": shim,
        "unpack": unpack,
        "fetch": lambda cache: cache,
    }.items():
        monkeypatch.setattr(main, name, value)
    main.main()
    told = capfd.readouterr().out
    assert told.count("- 0  + 0  * 0  ! 0") == 2 * len(TABLES)
    assert told.count("all well") == 2
    assert "flights           10 rows" in told
    for name in ("source", "demo_mirror"):
        del sys.modules[name]
