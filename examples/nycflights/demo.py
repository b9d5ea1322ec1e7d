"""The flights that left New York in 2013, from CSV to parquet and on. Run by `make demo`."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from check import Table, check_types, check_values, read
from source import ROWS, fetch, unpack

ROOT = Path(__file__).resolve().parents[2]

WORKSPACE = ROOT / "demo"
HYGGE = Path(sys.executable).with_name("hygge")
LAND = """\
# CSV as it came: five tables, side by side. `NA` is how this data says "nothing".
home:
  type: csv
  path: data
  null_values: ["", "NA"]
store: lake/landed
entities: [airlines, airports, flights, planes, weather]
"""
SETTLE = """\
# From parquet to parquet, with even column names.
home: lake/landed
store: lake/settled
polish:
  columns: {case: snake}
entities: [airlines, airports, flights, planes, weather]
"""


def main() -> None:
    began = time.monotonic()
    say("The flights that left New York in 2013: five tables, from CSV to parquet and on.")
    make_workspace(fetch(ROOT / ".cache"))
    hygge("go", "--flow", "land")
    hygge("go", "--flow", "settle")
    first = look()
    say("Again. A full load replaces the table, so nothing may be lost and nothing come twice:")
    hygge("go", "--flow", "land")
    hygge("go", "--flow", "settle")
    compare(first)
    hygge("history")
    took = time.monotonic() - began
    say(f"Done in {took:.1f} s. It is all in {shown(WORKSPACE)}/, to look around in.")


def make_workspace(archive: Path) -> None:
    """What `hygge init` makes, with the flights in place of its own small table."""
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    hygge("init", shown(WORKSPACE), cwd=ROOT)
    for sample in ("flows", "data"):
        shutil.rmtree(WORKSPACE / sample)
    unpack(archive, WORKSPACE / "data")
    for name, text in {"land": LAND, "settle": SETTLE}.items():
        file = WORKSPACE / "flows" / name / "flow.yml"
        file.parent.mkdir(parents=True)
        file.write_text(text)
        say(f"{shown(file)}:", *("  " + line for line in text.splitlines()))


def look() -> dict[str, Table]:
    """Where the data settled, read by PyArrow alone, and compared with the CSV value by value."""
    say("Where it settled, read by another reader and compared with the CSV, value by value:")
    tables = dict[str, Table]()
    for name, rows in ROWS.items():
        folder = WORKSPACE / "lake" / "settled" / name
        tables[name] = found = read(folder)
        if found.num_rows != rows:
            sys.exit(f"{name} has {found.num_rows} rows and should have {rows}")
        check_values(WORKSPACE / "data" / f"{name}.csv", found)
        size = sum(file.stat().st_size for file in folder.glob("*.parquet"))
        print(f"  {shown(folder):<28} {rows:>9,} rows  {size / 1e6:>6.2f} MB  equal")
    for told in check_types(tables):
        print(f"  {told}")
    return tables


def compare(first: dict[str, Table]) -> None:
    """Raise SystemExit unless the second run left exactly the rows of the first."""
    for name, before in first.items():
        after = read(WORKSPACE / "lake" / "settled" / name)
        if not after.equals(before):
            sys.exit(f"the second run left other rows in {name}")
    say(f"The same {sum(table.num_rows for table in first.values()):,} rows as before.")


def hygge(*words: str, cwd: Path | None = None) -> None:
    """Run the real command; its failure is ours."""
    say(f"$ hygge {' '.join(words)}")
    done = subprocess.run([HYGGE, *words], cwd=cwd or WORKSPACE, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(*lines: str) -> None:
    print("", *lines, sep="\n", flush=True)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


if __name__ == "__main__":
    main()
