"""Text and JSON are printers of one story."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.golden.compare import golden
from tests.watch.runs import BEGAN, RUN_ID, at, mixed, moved

from hygge.core import events
from hygge.watch.jsonl import JsonLines, name_of
from hygge.watch.plain import Plain
from hygge.watch.progress import Progress
from hygge.watch.story import clean
from hygge.watch.summary import near, summary


def plainly(heard: Iterable[events.Event], *, verbose: bool = False) -> tuple[str, str]:
    """What a run leaves on stderr and on stdout."""
    talk, data = io.StringIO(), io.StringIO()
    printer = Plain(talk, data, verbose=verbose)
    for event in heard:
        printer.hear(event)
    printer.close()
    return talk.getvalue(), data.getvalue()


def as_json(heard: Iterable[events.Event], *, verbose: bool = False) -> list[dict[str, object]]:
    data = io.StringIO()
    printer = JsonLines(data, verbose=verbose)
    for event in heard:
        printer.hear(event)
    printer.close()
    return [json.loads(line) for line in data.getvalue().splitlines()]


@pytest.mark.parametrize("verbose", [False, True])
def test_plain_lines(verbose: bool) -> None:
    talk, data = plainly(mixed(), verbose=verbose)
    golden(f"cli/watch-plain{'-verbose' if verbose else ''}.txt", talk)
    golden("cli/watch-summary.txt", data)


@pytest.mark.parametrize("verbose", [False, True])
def test_json_lines(verbose: bool) -> None:
    told = as_json(mixed(), verbose=verbose)
    lines = "\n".join(json.dumps(line) for line in told)
    golden(f"cli/watch-json{'-verbose' if verbose else ''}.jsonl", lines)
    assert told[-1]["event"] == "summary"
    assert all(list(line)[:2] == ["event", "at"] for line in told)


def test_every_kind_of_event_has_its_json_name() -> None:
    kinds: list[type[events.Event]] = [events.RunStarted, events.RunStopping, events.RunFinished]
    kinds += events.FlowEvent.__subclasses__()
    names = {name_of(kind.__new__(kind)) for kind in kinds}
    assert {"run_started", "flow_finished", "batch_staged", "notice"} <= names
    assert len(names) == len({kind.__name__ for kind in kinds}) > 12


def test_a_quiet_flow_shows_that_it_lives_every_ten_seconds() -> None:
    talk = io.StringIO()
    printer = Plain(talk, io.StringIO())
    printer.hear(events.RunStarted(RUN_ID, ("users",), at=at(0)))
    printer.hear(events.FlowStarted("users", "/data", "/lake", "full_drop", at=at(0)))
    for second in range(1, 25):
        if second == 12:
            printer.hear(events.PartitionsPlanned("users", 1, 0, at=at(12)))
            printer.hear(events.BatchStaged("users", 50_000, 4_000_000, at=at(12)))
        printer.tick(at(second))
    assert talk.getvalue().splitlines() == [
        "[users] preparing, 10 s so far",
        "[users] moving: 50,000 rows, 5,000 rows/s, 4.0 MB, 20 s so far",
    ]


def test_two_hundred_flows_are_summed_up_in_a_screen() -> None:
    names = tuple(f"flow_{n}" for n in range(200))
    heard: list[events.Event] = [events.RunStarted(RUN_ID, names, at=at(0))]
    for name in names[:80]:
        heard += [events.FlowStarted(name, "/data", f"/lake/{name}", "full_drop", at=at(0))]
        heard += moved(name, 10)
    heard += [events.FlowFinished(name, "fail", 0, 0.1, "gone", at=at(1)) for name in names[80:150]]
    _, data = plainly(heard)
    assert len(data.splitlines()) < 50
    assert "… and 70 more" in data
    assert "… and 60 more; hygge history shows them" in data


def test_a_run_that_broke_off_is_summed_up_all_the_same() -> None:
    heard = [
        events.RunStarted(RUN_ID, ("users", "later"), at=at(0)),
        events.FlowStarted("users", "/data", "/lake", "full_drop", at=at(0)),
    ]
    _, data = plainly(heard)
    assert "2 flows, 0 rows" in data
    assert "failed users\n  cut off" in data
    assert as_json(heard)[-1]["cut_off"] == ["users"]


def test_nothing_began_nothing_is_said() -> None:
    assert plainly([]) == ("", "")
    assert as_json([]) == []


def test_rows_that_did_not_land_are_not_summed() -> None:
    run = Progress()
    run.hear(events.RunStarted(RUN_ID, ("users",), at=BEGAN))
    run.hear(events.FlowStarted("users", "/data", "/lake", "full_drop", at=BEGAN))
    run.hear(events.BatchStaged("users", 99, 99, at=BEGAN))
    assert "99" not in next(summary(run)).split(":")[0]


def test_nothing_that_is_told_can_steer_the_terminal() -> None:
    error = "bad value '\x1b[2J\x07'\nin row\r2"
    talk, data = plainly([*list(mixed())[:2], events.FlowFinished("users", "fail", 0, 0.1, error)])
    assert "\x1b" not in talk + data
    assert "bad value '\\x1b[2J\\x07'" in talk
    assert clean("Grüße ≤ 日本 \t") == "Grüße ≤ 日本 \\t"


def test_places_below_the_current_folder_are_shown_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert near(str(tmp_path / "lake" / "users")) == "lake/users"
    assert near("/elsewhere/users") == "/elsewhere/users"
    assert near("s3://bucket/users") == "s3://bucket/users"
