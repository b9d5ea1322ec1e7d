"""A landing zone with all that an apply does in one look, to be killed in the middle of it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from tests.mirroring.zones import Zone

from hygge.filesystems.locating import locate
from hygge.mirroring.engine import apply
from hygge.testing import faults
from hygge.testing.faults import Trigger
from hygge.testing.faulty_filesystem import FaultyFileSystem

TABLES = ("T", "anew", "gone", "bad", "late", "new", "sales.schema/T")
SEED = [(n, f"row {n}") for n in range(1, 6)]


def prepared(folder: Path) -> Zone:
    """Tables with a file applied, and then one that has more files, one whose folder was made
    anew, one whose folder is gone, one that stops, and three that are new."""
    zone = Zone(folder)
    for table in ("T", "anew", "gone", "bad"):
        zone.metadata(table)
        zone.put(1, SEED, marked=False, table=table)
    zone.apply()
    zone.put(2, [(1, "one", 1), (2, None, 2), (8, "eight", 0)])
    zone.put(3, [(8, "again", 0), (3, "three", 4)])
    zone.put(5, [(1, "too soon", 0)])
    for table in ("anew", "gone"):
        shutil.rmtree(zone.folder(table))
    zone.put(2, [(1, "x", 3)], table="bad")
    for table in ("anew", "new", "sales.schema/T"):
        zone.metadata(table)
        zone.put(1, SEED[:2], marked=False, table=table)
        zone.put(2, [(9, "nine", 0)], table=table)
    zone.metadata("late", fileDetectionStrategy="LastUpdateTimeFileDetection")
    for at, name in ((2000, "a"), (1000, "b")):
        os.utime(zone.put(f"{name}.parquet", [(1, name, 4), (2, name, 0)], table="late"), (at, at))
    return zone


def outcome(zone: Zone) -> dict[str, Any]:
    """All that must be the same whatever happened on the way."""
    state, found = zone.state().tables, dict[str, Any]()
    for table in TABLES:
        place = f"sales/{table[13:]}" if "/" in table else f"dbo/{table}"
        found[table] = zone.rows(place)
        if table in state:
            own = state[table]
            found[f"{table} remembered"] = (own.last, own.operations, own.processed, own.error)
            found[f"{table} files"] = (zone.left(table), zone.processed(table))
            found[f"{table} version"] = zone.version(place)
    found["monitoring"] = {
        name: (table["status"], table["metrics"]["processedRowCount"])
        for name, table in zone.monitoring().items()
    }
    found["left"] = [str(path) for path in (zone.into / "_mirror" / "dropping").rglob("*.json")]
    return found


def broken(zone: Zone, at: int) -> int | None:
    """Apply with every side effect refused from this one on; None: there is no such one."""
    FaultyFileSystem.trigger = Trigger(at, faults.refuse, for_good=True)
    into = FaultyFileSystem.at(str(zone.into))
    try:
        apply(*FaultyFileSystem.at(str(zone.root)), into)
    except Exception:
        if FaultyFileSystem.trigger.met is None:
            raise
    finally:
        trigger, FaultyFileSystem.trigger = FaultyFileSystem.trigger, Trigger()
    return at if trigger.met is not None else None


def killed(folder: Path, at: int) -> None:
    """Apply, and die before the file operation of this number. In a fork."""
    faults.watch_files(Trigger(at, faults.die), folder)
    zone = Zone(folder)
    apply(*locate(str(zone.root)), locate(str(zone.into)))
