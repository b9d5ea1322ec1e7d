"""A full_drop's wait, as a run meets it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from tests.mirroring.test_runs import workspace as workspace

import hygge
from hygge.core import events
from hygge.core.errors import ConfigError
from hygge.core.journal import Status
from hygge.stores.mirror_load import MirrorLoad

TOLD = "the table is gone until this is done"
FLOW = """
home: data/green.csv
store: {type: open_mirroring, account_url: ./lake, folder_deletion_wait_seconds: 5}
run_type: full_drop
timeout: 4
"""


def test_a_timeout_is_for_what_a_flow_does_and_not_for_the_wait(
    workspace: Path,
) -> None:
    """Or every night would drop the table, and end with it gone."""
    flow = workspace / "flows" / "green" / "flow.yml"
    flow.write_text(FLOW)
    heard = list[events.Event]()
    for _ in range(2):
        report = hygge.run(workspace, flows=["green"], listen=heard.append)
        assert report.of(Status.SUCCESS), report
    waits = [event for event in heard if isinstance(event, events.LoadWaiting)]
    assert [event.why.startswith(TOLD) for event in waits] == [True], (
        "the first has nothing to drop"
    )
    assert not [event for event in heard if isinstance(event, events.LoadRecovered)]


def test_a_flow_that_keeps_the_latest_row_begins_anew_with_it(workspace: Path) -> None:
    """`--full-drop` is what every refusal names."""
    source = workspace / "data" / "green.csv"
    source.write_text("id,name\n1,a\n2,b\n")
    flow = workspace / "flows" / "green" / "flow.yml"
    store = "{type: open_mirroring, account_url: ./lake, folder_deletion_wait_seconds: 0}"
    flow.write_text(
        f"home: data/green.csv\nstore: {store}\nkeys: name\nrun_type: incremental\nwatermark: id\n"
    )
    source.write_text("id,name\n1,a\n2,b\n3,a\n")
    for run_type in ("incremental", "full_drop"):
        report = hygge.run(workspace, flows=["green"], run_type=run_type)
        assert report.of(Status.SUCCESS), report


def test_time_that_is_up_while_it_is_published_stops_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table is dropped by then: it has to come again."""
    flow = workspace / "flows" / "green" / "flow.yml"
    flow.write_text(FLOW.replace("seconds: 5", "seconds: 1").replace("timeout: 4", "timeout: 3"))
    assert hygge.run(workspace, flows=["green"]).ok
    record = MirrorLoad._record

    def slow(load: MirrorLoad, *given: Any) -> Any:
        time.sleep(4)
        return record(load, *given)

    monkeypatch.setattr(MirrorLoad, "_record", slow)
    report = hygge.run(workspace, flows=["green"])
    assert report.of(Status.SUCCESS), report
    assert (workspace / "lake/Files/LandingZone/green/_metadata.json").exists()


@pytest.mark.parametrize("other", ["table: GREEN", "table: green, schema: dbo", "table: DBO.Green"])
def test_two_flows_of_one_table_do_not_begin(workspace: Path, other: str) -> None:
    store = "{type: open_mirroring, account_url: ./lake, table: green}"
    for name, told in (("green", store), ("black", store.replace("table: green", other))):
        flow = workspace / "flows" / name / "flow.yml"
        flow.write_text(f"home: data/{name}.csv\nstore: {told}\nrun_type: full_drop\n")
    with pytest.raises(ConfigError, match="two flows settle in"):
        hygge.run(workspace)
