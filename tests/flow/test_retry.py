"""Trying again: what may help and nothing else, with growing waits, and never twice the rows."""

from __future__ import annotations

import pytest
from tests.flow.stage import INCREMENTAL, Stage

from hygge.core.errors import ConnectionFailed, LoadLost, StoreError, VerificationFailed
from hygge.core.events import FlowRetrying
from hygge.core.journal import Status
from hygge.testing.faults import Trigger, drop_the_connection
from hygge.testing.faulty_store import FaultyStore
from hygge.testing.harness import people, unordered


class Failing:
    """Raises at the first few calls of one kind."""

    def __init__(self, what: str, error: Exception, times: int) -> None:
        self.what, self.error, self.times, self.calls = what, error, times, 0

    def __call__(self, what: str) -> None:
        if what == self.what:
            self.calls += 1
            if self.calls <= self.times:
                raise self.error


@pytest.mark.parametrize("what", ["open", "write", "finish", "verify", "commit", "last"])
def test_a_transient_error_is_tried_again_with_growing_waits(stage: Stage, what: str) -> None:
    stage.give(people(0, 5))
    failing = Failing(what, ConnectionFailed("for a moment"), 3)
    stage.done(stage.flow(store=FaultyStore(stage.target.store(), failing)))
    assert stage.rows == unordered(people(0, 5).rows())
    assert stage.waits == sorted(stage.waits)
    assert len(stage.waits) == 3
    assert stage.waits[-1] > 2 * stage.waits[0] - 1
    assert [event.attempt for event in stage.told(FlowRetrying)] == [1, 2, 3]
    assert not stage.leftovers


@pytest.mark.parametrize("what", ["open", "write", "finish", "verify", "commit"])
def test_an_error_that_stays_is_not_tried_again(stage: Stage, what: str) -> None:
    stage.give(people(0, 5))
    failing = Failing(what, StoreError("for ever"), 9)
    report = stage.run(stage.flow(store=FaultyStore(stage.target.store(), failing)))
    assert report.error is failing.error
    assert (report.status, failing.calls, stage.waits) == (Status.FAIL, 1, [])
    assert stage.target.look() is None


def test_the_last_error_is_the_one_told(stage: Stage) -> None:
    stage.give(people(0, 5))
    failing = Failing("write", ConnectionFailed("for ever"), 99)
    flow = stage.flow(store=FaultyStore(stage.target.store(), failing), retries=2)
    report = stage.run(flow)
    assert report.error is failing.error
    assert (failing.calls, len(stage.waits)) == (3, 2)
    assert not stage.leftovers


@pytest.mark.parametrize("error", [ConnectionFailed("lost"), StoreError("no answer")])
def test_a_commit_that_landed_and_was_told_as_failed_is_a_success(
    stage: Stage, error: Exception
) -> None:
    stage.give(people(0, 5))
    stage.done(**INCREMENTAL)
    stage.give(people(0, 9))
    failing = Failing("committed", error, 1)
    stage.done(stage.flow(store=FaultyStore(stage.target.store(), failing), **INCREMENTAL))
    assert stage.rows == unordered(people(0, 9).rows())
    assert not stage.leftovers


@pytest.mark.parametrize("error", [LoadLost("taken"), VerificationFailed("misfit")])
def test_losing_a_load_is_worth_another_try(stage: Stage, error: Exception) -> None:
    stage.give(people(0, 5))
    failing = Failing("verify", error, 1)
    stage.done(stage.flow(store=FaultyStore(stage.target.store(), failing)))
    assert stage.rows == unordered(people(0, 5).rows())
    assert not stage.leftovers


def test_a_failure_at_every_step_in_turn_never_doubles_a_row(stage: Stage) -> None:
    stage.give(people(0, 2))
    stage.done(**INCREMENTAL)
    for step in range(1, 100):
        stage.give(people(0, 2 * step), people(2 * step, 1), people(2 * step + 1, 1))
        trigger = Trigger(step, drop_the_connection)
        store = FaultyStore(stage.target.store(), trigger)
        stage.done(stage.flow(store=store, **INCREMENTAL))
        assert stage.rows == unordered(people(0, 2 * step + 2).rows()), trigger.met
        assert not stage.leftovers, trigger.met
        if trigger.met is None:
            return
    pytest.fail("the steps do not end")
