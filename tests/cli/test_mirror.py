"""`hygge mirror apply` and `hygge mirror diff`, as a shell sees them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from tests.cli.shell import hygge, written
from tests.mirroring.zones import SCHEMA, Zone

from hygge.cli.main import cli
from hygge.cli.mirror_sides import mirrored
from hygge.mirroring.names import file_name

SEED = [(1, "one"), (2, "two"), (3, "three")]
FLOW = "flows:\n  shop:\n    home: data/shop.parquet\n    store: lake\n    keys: id\n"


@pytest.fixture
def zone(tmp_path: Path) -> Zone:
    made = Zone(tmp_path)
    made.metadata()
    made.put(1, SEED, marked=False)
    return made


def apply(zone: Zone, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(
        cli, ["mirror", "apply", str(zone.root), "--into", str(zone.into), *words]
    )
    return done.exit_code, done.output


def test_apply_tells_what_it_did(zone: Zone) -> None:
    assert apply(zone) == (0, "applied  T  1 file, 3 rows\n1 table: 1 file, 3 rows applied\n")
    assert apply(zone) == (0, "ok       T  nothing new\n1 table: 0 files, 0 rows applied\n")
    zone.put(3, [(1, None, 2)])
    assert apply(zone)[1].startswith(f"blocked  T  waits for {file_name(2)}\n")
    zone.put(2, [(1, "x", 7)])
    code, said = apply(zone)
    assert code == 1
    assert said.splitlines() == [
        f"failed   T  InvalidRowMarker: {file_name(2)}: __rowMarker__ is 7 in row 1: "
        "it is 0, 1, 2 or 4",
        "    try: delete the file, and publish a good one under exactly its name",
        "1 table: 0 files, 0 rows applied, 1 failed",
    ]
    shutil.rmtree(zone.folder())
    assert apply(zone) == (0, "dropped  dbo.T\n0 tables: 0 files, 0 rows applied\n")


def test_check_says_what_would_happen(zone: Zone) -> None:
    expected = "would    T  1 file, 3 rows\n1 table: 1 file, 3 rows would be applied\n"
    assert apply(zone, "--check") == (0, expected)
    assert not zone.into.exists()


def test_apply_as_json(zone: Zone) -> None:
    said = apply(zone, "--json")[1]
    size = (zone.folder() / file_name(1)).stat().st_size
    assert json.loads(said) == {
        "table": "T",
        "status": "Replicating",
        "applied": [{"name": file_name(1), "rows": 3, "bytes": size}],
        "waits": None,
        "why": None,
        "error": None,
        "dropped": False,
        "notes": [],
    }


@pytest.mark.parametrize(
    ("words", "rows"),
    [
        (["--without-metadata"], 3),
        (["--without-metadata", "--default-schema", "x"], None),
        ([], None),
    ],
)
def test_what_can_be_chosen_reaches_the_engine(
    zone: Zone, words: list[str], rows: int | None
) -> None:
    (zone.folder() / "_metadata.json").unlink()
    apply(zone, *words)
    found = zone.rows()
    assert (found and len(found)) == rows
    assert (zone.into / "x" / "T").exists() == ("x" in words)


def test_a_path_may_be_relative(zone: Zone) -> None:
    done = hygge(zone.root.parent, "mirror", "apply", "db", "--into", "mirror")
    assert done.returncode == 0, done.stderr
    assert len(zone.rows() or ()) == 3


def test_a_path_that_is_nowhere(zone: Zone) -> None:
    words = ["mirror", "apply", f"{zone.root}-not", "--into", str(zone.into)]
    done = CliRunner().invoke(cli, words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "there is no landing zone" in done.stderr


def test_watch_tells_only_what_is_new(zone: Zone, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = 0

    def wait(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            zone.put(2, [(1, None, 2)])
        if looks == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("hygge.cli.mirror_apply.time.sleep", wait)
    code, said = apply(zone, "--watch")
    assert code == 130
    assert [line for line in said.splitlines() if line.startswith("applied")] == [
        "applied  T  1 file, 3 rows",
        "applied  T  1 file, 1 row",
    ]
    told = [line for line in said.splitlines() if line]
    assert told[-1] == "interrupted"
    assert len(told) == 5, "the looks without anything new are quiet"


def shop(zone: Zone, rows: list[Any], flow: str = FLOW) -> Path:
    """A workspace whose source has these rows."""
    place = written(zone.root.parent, {"hygge.yml": f"name: shop\n{flow}"})
    (place / "data").mkdir()
    pl.DataFrame(rows, {"id": pl.Int32(), "name": pl.String()}, orient="row").write_parquet(
        place / "data" / "shop.parquet"
    )
    apply(zone)
    return place


def diff(place: Path, *words: str) -> tuple[int, str]:
    done = hygge(place, "mirror", "diff", "shop", "--into", "mirror", *words)
    return done.returncode, done.stdout + done.stderr


def test_diff_of_what_is_equal(zone: Zone) -> None:
    place = shop(zone, SEED)
    assert diff(place, "--table", "T") == (0, "dbo.T\n  = 3  - 0  + 0  * 0  ! 0\n")


def test_diff_looks_where_apply_has_put_it(zone: Zone) -> None:
    place = shop(zone, SEED)
    shutil.rmtree(zone.into)
    schema = ("--default-schema", "sales")
    apply(zone, *schema)
    assert diff(place, "--table", "T", *schema) == (0, "sales.T\n  = 3  - 0  + 0  * 0  ! 0\n")
    assert diff(place, "--table", "sales.T")[0] == 0
    assert diff(place, "--table", "T")[0] == 1


def test_diff_tells_each_row_that_differs(zone: Zone) -> None:
    place = shop(zone, [(1, "one"), (2, "TWO"), (4, "four")])
    code, said = diff(place, "--table", "dbo.T")
    assert code == 1
    assert sorted(said.splitlines()[1:]) == [
        "  * id=2: name",
        "  + id=3",
        "  - id=4",
        "  = 1  - 1  + 1  * 1  ! 0",
    ]
    told = [json.loads(line) for line in diff(place, "--table", "T", "--json")[1].splitlines()]
    assert told[-1] == {
        "table": "dbo.T",
        "equal": False,
        "counts": {"=": 1, "-": 1, "+": 1, "*": 1, "!": 0},
        "notes": [],
    }
    changed = {"table": "dbo.T", "mark": "*", "key": {"id": 2}, "columns": ["name"], "note": None}
    assert changed in told
    assert "… and 3 more" in diff(place, "--table", "T", "--limit", "0")[1]


def test_diff_reads_the_source_as_its_flow_does(zone: Zone) -> None:
    more = "    columns: [id]\n    polish: {timestamps: [{name: loaded}]}\n"
    place = shop(zone, [(1, "other"), (2, "x"), (3, None)], FLOW + more)
    code, said = diff(place, "--table", "T")
    assert (code, said.splitlines()[1:]) == (
        0,
        ["  column name is only in the mirror", "  = 3  - 0  + 0  * 0  ! 0"],
    )


def test_diff_by_polished_names(zone: Zone) -> None:
    flow = FLOW.replace("keys: id", "keys: ID\n    polish: {columns: {case: upper}}")
    place = shop(zone, SEED, flow)
    assert "a key column cannot be compared" in diff(place, "--table", "T")[1]
    upper = pa.schema([field.with_name(field.name.upper()) for field in SCHEMA])
    zone.metadata("U", keyColumns=["ID"])
    zone.put(1, SEED, marked=False, table="U", schema=upper)
    apply(zone)
    assert diff(place, "--table", "U")[0] == 0


def test_diff_of_a_table_that_nobody_names_or_mirrored(zone: Zone) -> None:
    place = shop(zone, SEED)
    code, said = diff(place)
    assert code == 2
    assert "does not say which table it is" in said
    code, said = diff(place, "--table", "other")
    assert code == 1
    assert "there is no such mirrored table" in said


def test_a_connection_that_nobody_has(zone: Zone) -> None:
    written(zone.root.parent, {"hygge.yml": f"name: shop\n{FLOW}"})
    words = ["mirror", "apply", "/db", "--into", "mirror", "--connection", "lake"]
    done = hygge(zone.root.parent, *words)
    assert done.returncode == 2
    assert "lake" in done.stderr


@pytest.mark.parametrize(
    ("settings", "given", "name"),
    [
        ({"schema": "sales", "table": "orders"}, None, "sales.orders"),
        ({"schema": None, "table": "orders"}, None, "dbo.orders"),
        ({"schema": "sales", "table": None}, None, "sales.lines"),
        ({"schema": "sales", "table": "orders"}, "other", "dbo.other"),
        ({"schema": "sales", "table": "orders"}, "a.b", "a.b"),
    ],
)
def test_a_store_of_open_mirroring_says_which_table_it_is(
    settings: dict[str, Any], given: str | None, name: str, tmp_path: Path
) -> None:
    store = SimpleNamespace(type="open_mirroring", model_dump=lambda by_alias: settings)
    planned: Any = SimpleNamespace(name="shop.lines", flow="shop", entity="lines", store=store)
    found, home = mirrored(planned, str(tmp_path), given)
    assert found == name
    assert home.identity == str(tmp_path / name.replace(".", "/"))
