"""New York's flights into a landing zone of Fabric's Open Mirroring, with no Fabric.

Loaded, looked over by the linter, applied as the service does it, changed, loaded again, and
compared. Run by `make demo-mirror`.
"""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

from source import ROWS, fetch, unpack

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ROOT / "demo-mirror"
HYGGE = Path(sys.executable).with_name("hygge")
KEYS = {
    "airlines": "carrier",
    "airports": "faa",
    "flights": "[time_hour, carrier, flight]",
    "planes": "tailnum",
    "weather": "[origin, time_hour]",
}
ENTITIES = "".join(f"  - {{name: {name}, keys: {keys}}}\n" for name, keys in KEYS.items())
FLOWS = {
    "to_shop": f"""\
# Where the tables live: a database.
home: {{type: csv, path: data, null_values: ["", "NA"]}}
store: {{type: sqlite, path: shop.db, table: "{{entity}}"}}
entities: [{", ".join(KEYS)}]
""",
    "mirror": f"""\
# What Fabric would read: a landing zone.
home: {{type: sqlite, path: shop.db, table: "{{entity}}"}}
store: {{type: open_mirroring, account_url: ./database, schema: nyc}}
run_type: incremental
watermark: changed
entities:
{ENTITIES}""",
}
CHANGES = (
    "update flights set dep_delay = dep_delay + 60 where month = 12 and day = 24",
    "insert into flights select * from flights where rowid = 1",
    "update flights set flight = 9999 where rowid = (select max(rowid) from flights)",
    "update planes set seats = null where engines = 4",
    "insert into airlines (carrier, name) values ('HY', 'Hygge Air')",
)
NUMBERED = """
alter table {name} add column changed integer;
update {name} set changed = rowid;
create trigger {name}_i after insert on {name} begin
  update {name} set changed = (select max(changed) + 1 from {name}) where rowid = new.rowid; end;
create trigger {name}_u after update on {name} when new.changed = old.changed begin
  update {name} set changed = (select max(changed) + 1 from {name}) where rowid = new.rowid; end;
create index {name}_changed on {name} (changed)
"""
"""Each row knows when it was changed last: every change takes the next number."""


def main() -> None:
    began = time.monotonic()
    say("Five tables into a landing zone, and out of it as Fabric would show them.")
    make_workspace(fetch(ROOT / ".cache"))
    hygge("go", "--flow", "to_shop")
    ask(*(NUMBERED.format(name=name) for name in KEYS))
    mirror()
    say("Some rows change:", *(f"  {sql}" for sql in CHANGES))
    ask(*CHANGES)
    mirror()
    verify()
    say(f"Done in {time.monotonic() - began:.1f} s. It is all in {shown(WORKSPACE)}/.")


def make_workspace(archive: Path) -> None:
    """A workspace of two flows: into a database, and from there into the landing zone."""
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    unpack(archive, WORKSPACE / "data")
    (WORKSPACE / "hygge.yml").write_text("name: mirror\n")
    for name, text in FLOWS.items():
        file = WORKSPACE / "flows" / name / "flow.yml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        say(f"{shown(file)}:", *("  " + line for line in text.splitlines()))


def mirror() -> None:
    """Load, look it over, apply it, and compare every table with its source."""
    hygge("go", "--flow", "mirror")
    state = Path("fabric") / "_mirror" / "state.json"
    known = ["--state", str(state)] if (WORKSPACE / state).exists() else []
    hygge("mirror", "lint", "database", "--strict", *known)
    hygge("mirror", "apply", "database", "--into", "fabric")
    for name in KEYS:
        hygge("mirror", "diff", f"mirror.{name}", "--into", "fabric")


def verify() -> None:
    """By another reader: what Fabric would show has every row, and what was changed."""
    import polars as pl

    for name, rows in ROWS.items():
        found = pl.read_delta(str(WORKSPACE / "fabric" / "nyc" / name))
        expected = rows + (name in ("flights", "airlines"))
        if found.height != expected:
            sys.exit(f"{name} has {found.height} rows and should have {expected}")
        print(f"  {name:<10} {found.height:>9,} rows")
    airlines = pl.read_delta(str(WORKSPACE / "fabric" / "nyc" / "airlines"))
    if "Hygge Air" not in airlines["name"]:
        sys.exit("a new row is not there")


def ask(*statements: str) -> None:
    with closing(sqlite3.connect(WORKSPACE / "shop.db")) as db, db:
        for sql in statements:
            db.executescript(sql)


def hygge(*words: str) -> None:
    """Run the real command; its failure is ours."""
    say(f"$ hygge {' '.join(words)}")
    done = subprocess.run([HYGGE, *words], cwd=WORKSPACE, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(*lines: str) -> None:
    print("", *lines, sep="\n", flush=True)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    main()
