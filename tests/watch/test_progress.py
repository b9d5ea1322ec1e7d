"""What is going on, put together from events."""

from __future__ import annotations

import pytest
from tests.watch.runs import RUN_ID, at, mixed

from hygge.core import events
from hygge.watch.progress import FAIL, SKIP, SUCCESS, Progress


def progress(*heard: events.Event) -> Progress:
    made = Progress()
    for event in heard:
        made.hear(event)
    return made


def begun(name: str = "users") -> tuple[events.Event, ...]:
    return (
        events.RunStarted(RUN_ID, (name, "later"), at=at(0)),
        events.FlowStarted(name, "/data", "/lake", "full_drop", at=at(1)),
    )


def test_a_whole_run() -> None:
    run = progress(*mixed())
    assert [done.name for done in run.of(SUCCESS)] == ["users", "orders.items"]
    assert [done.name for done in run.of(SKIP)] == ["visits"]
    assert [done.name for done in run.of(FAIL)] == ["broken"]
    assert list(run.not_started) == ["later"]
    assert not run.running
    assert run.rows_landed == 12_346
    assert run.seconds() == 4.2


@pytest.mark.parametrize(
    ("heard", "doing"),
    [
        ([], "preparing"),
        ([events.LoadBegan("users", "1", "replace")], "planning"),
        ([events.PartitionsPlanned("users", 1, 0)], "moving"),
        (
            [events.PartitionsPlanned("users", 3, 0), events.PartStaged("users", "a", 1)],
            "moving 1/3",
        ),
        (
            [events.PartitionsPlanned("users", 1, 1), events.PartReused("users", "a", 1)],
            "verifying",
        ),
        ([events.LoadVerified("users", 1)], "committing"),
        ([events.LoadRecovered("users", "1", "kept")], "recovering"),
        ([events.LoadWaiting("users", "it takes a while")], "waiting"),
        ([events.FlowRetrying("users", 1, 1.0, "gone")], "waiting"),
    ],
)
def test_the_state_in_a_word(heard: list[events.Event], doing: str) -> None:
    assert progress(*begun(), *heard).running["users"].doing == doing


def test_a_new_try_counts_from_nothing() -> None:
    first = (
        events.PartitionsPlanned("users", 2, 0, at=at(2)),
        events.BatchStaged("users", 100, 800, at=at(2)),
        events.PartStaged("users", "a", 100, at=at(2)),
        events.FlowRetrying("users", 1, 1.0, "gone", at=at(3)),
    )
    moving = progress(*begun(), *first).running["users"]
    assert (moving.rows, moving.bytes, moving.parts_done) == (0, 0, 0)
    assert moving.rate.per_second(at(3)) == 0


def test_rows_on_their_way_count_but_have_not_landed() -> None:
    run = progress(*begun(), events.BatchStaged("users", 100, 800, at=at(2)))
    assert (run.rows, run.rows_landed) == (100, 0)


def test_what_was_cut_off_is_known() -> None:
    run = progress(*begun())
    assert list(run.cut_off) == ["users"]
    assert list(run.not_started) == ["later"]


def test_events_of_unknown_flows_do_no_harm() -> None:
    run = progress(events.LoadVerified("nobody", 1), events.FlowFinished("nobody", "skip", 0, 0.1))
    assert [done.name for done in run.done] == ["nobody"]
