"""New York's flights through clouds that are none: S3, ADLS Gen2, a Delta table, and home again.

The two servers are those of our tests, started for it. After each hop another reader looks at what
arrived. Run by `make demo-cloud`.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import obstore
import polars as pl
import pyarrow as pa
import pyarrow.parquet
from check import Table, check_types, check_values, read
from obstore.store import S3Store
from source import ROWS, fetch, unpack

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.servers import s3  # noqa: E402 - they lie beside us, and are no part of hygge
from tests.servers.adls import shared as adls  # noqa: E402

WORKSPACE = ROOT / "demo-cloud"
HYGGE = Path(sys.executable).with_name("hygge")
ENTITIES = "entities: [airlines, airports, flights, planes, weather]\n"
FLOWS = {
    "to_s3": """\
# CSV on this disk, parquet in a bucket.
home: {type: csv, path: data, null_values: ["", "NA"]}
store: {type: parquet, connection: bucket, path: landed}
""",
    "to_adls": """\
# From one cloud into another.
home: {type: parquet, connection: bucket, path: landed}
store: {type: parquet, connection: lake, path: landed}
""",
    "to_delta": """\
# Files become tables with versions.
home: {type: parquet, connection: lake, path: landed}
store: {type: delta, path: tables}
""",
    "home_again": """\
# And parquet on this disk.
home: {type: delta, path: tables}
store: {type: parquet, path: settled}
""",
}
Look = Callable[[str], Table]


def main() -> None:
    began = time.monotonic()
    say("Five tables: from CSV to S3, to ADLS, to Delta, to parquet; looked at after every hop.")
    bucket, container = s3.new_bucket(), adls.new_container("lake")
    make_workspace(fetch(ROOT / ".cache"), bucket, container)
    looks: Mapping[str, Look] = {
        "to_s3": lambda name: in_bucket(bucket, f"landed/{name}"),
        "to_adls": lambda name: read(adls.folder() / "lake" / container / "landed" / name),
        "to_delta": lambda name: pl.read_delta(WORKSPACE / "tables" / name).to_arrow(),
        "home_again": lambda name: read(WORKSPACE / "settled" / name),
    }
    for flow, look in looks.items():
        hygge("go", "--flow", flow)
        verify(flow, look)
    hygge("history")
    say(f"Done in {time.monotonic() - began:.1f} s. It is all in {shown(WORKSPACE)}/.")


def make_workspace(archive: Path, bucket: str, container: str) -> None:
    """A workspace whose connections lead to the two servers."""
    shutil.rmtree(WORKSPACE, ignore_errors=True)
    unpack(archive, WORKSPACE / "data")
    known = {
        "bucket": {"type": "s3", **s3.settings(bucket)},
        "lake": {"type": "adls", **adls.settings("lake", container)},
    }
    # YAML has JSON in it
    (WORKSPACE / "hygge.yml").write_text(f"name: clouds\nconnections: {json.dumps(known)}\n")
    for name, text in FLOWS.items():
        file = WORKSPACE / "flows" / name / "flow.yml"
        file.parent.mkdir(parents=True)
        file.write_text(text + ENTITIES)
        say(f"{shown(file)}:", *("  " + line for line in text.splitlines()))


def in_bucket(bucket: str, folder: str) -> Table:
    """The rows of all parquet files below it, fetched without hygge."""
    told: Any = {**s3.KEYS, "endpoint": s3.url(), "client_options": {"allow_http": True}}
    store = S3Store(bucket, **told)
    names = sorted(found["path"] for page in obstore.list(store, folder) for found in page)
    files = [obstore.get(store, n).bytes().to_bytes() for n in names if n.endswith(".parquet")]
    return pa.concat_tables(pyarrow.parquet.read_table(io.BytesIO(file)) for file in files)


def verify(flow: str, look: Look) -> None:
    """Raise SystemExit unless each value is the one in the CSV."""
    tables = {name: look(name) for name in ROWS}
    for name, rows in ROWS.items():
        if tables[name].num_rows != rows:
            sys.exit(f"{flow}: {name} has {tables[name].num_rows} rows and should have {rows}")
        check_values(WORKSPACE / "data" / f"{name}.csv", tables[name])
        print(f"  {flow:<12} {name:<10} {rows:>9,} rows  equal")
    for _ in check_types(tables):
        """Raises where a number is none."""


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
