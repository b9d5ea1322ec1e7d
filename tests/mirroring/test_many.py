"""Two hundred tables, three runs: the landing zone keeps every rule, the mirror has each row."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import hygge
from hygge.filesystems.locating import locate
from hygge.mirroring.engine import Engine
from hygge.mirroring.lint import lint

TABLES = 200
FLOW = """
home: {type: parquet, path: "data/{entity}.parquet"}
store: {type: open_mirroring, account_url: ./lake, schema: dbo, keys: id}
run_type: incremental
watermark: changed
"""


def written(folder: Path, run: int) -> None:
    """Each table grows by a row a run, and its first row changes; one in ten has none at first."""
    for n in range(TABLES):
        rows = [] if run == 0 and n % 10 == 9 else list(range(run + 1))
        frame = pl.DataFrame(
            {
                "id": rows,
                "name": [f"{n}-{i}-{run if i == 0 else i}" for i in rows],
                "changed": [10 * run if i in (0, run) else 10 * i for i in rows],
            },
            schema={"id": pl.Int64, "name": pl.String, "changed": pl.Int64},
        )
        frame.write_parquet(folder / f"t{n:03}.parquet")


@pytest.mark.long
@pytest.mark.timeout(300)
def test_two_hundred_tables_three_times(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    entities = "".join(f"  - t{n:03}\n" for n in range(TABLES))
    (tmp_path / "hygge.yml").write_text("name: many\n")
    (tmp_path / "flows" / "all").mkdir(parents=True)
    (tmp_path / "flows" / "all" / "flow.yml").write_text(f"{FLOW}entities:\n{entities}")
    mirror = tmp_path / "mirror"
    engine: Engine | None = None
    for run in range(3):
        written(tmp_path / "data", run)
        report = hygge.run(tmp_path)
        assert report.ok, [flow.error for flow in report.flows if flow.error]
        zone = locate(str(tmp_path / "lake"))
        engine = engine or Engine(*zone, locate(str(mirror)))
        done = engine.look()
        assert not done.failed
        told = lint(*zone, state=done.state, strict=True)
        assert told.ok, told.findings
        assert len(done.tables) == TABLES, "those without rows, too"
    for n in range(TABLES):
        found = pl.read_delta(str(mirror / "dbo" / f"t{n:03}")).sort("id")
        assert found.equals(pl.read_parquet(tmp_path / "data" / f"t{n:03}.parquet"))
        files = [*(tmp_path / "lake/Files/LandingZone/dbo.schema" / f"t{n:03}").rglob("*.parquet")]
        assert sorted(f.name for f in files) == [
            f"{i:020}.parquet" for i in range(1, len(files) + 1)
        ]
