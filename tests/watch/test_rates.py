"""Numbers as people say them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.watch.runs import at

from hygge.watch import rates


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0.0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (125, "2 min 05 s"),
        (3599.6, "1 h 00 min"),
        (3720, "1 h 02 min"),
        (360_000, "100 h 00 min"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert rates.duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (12_345_678, "12.3 MB"), (10**18, "1000.0 PB")],
)
def test_sizes(count: int, said: str) -> None:
    assert rates.size(count) == said


def test_sizes_are_never_a_thousand_of_what_has_a_bigger_name() -> None:
    assert rates.size(999_999) == "1.0 MB"


def test_one_is_not_many() -> None:
    assert (rates.rows(1), rates.rows(0), rates.rows(12_345)) == ("1 row", "0 rows", "12,345 rows")
    assert (rates.flows("a"), rates.flows("ab")) == ("1 flow", "2 flows")
    assert rates.flows(["shop.users", "shop.orders", "teas"]) == "2 flows, 3 tables"
    assert rates.flows(["shop.users"]) == "1 flow"


def test_a_rate_counts_the_window_only() -> None:
    rate = rates.Rate(at(0))
    rate.add(at(1), 1000)
    assert rate.per_second(at(2)) == 500
    rate.add(at(15), 3000)
    assert rate.per_second(at(15)) == 300


def test_a_stall_shows() -> None:
    rate = rates.Rate(at(0))
    rate.add(at(1), 1000)
    assert rate.per_second(at(30)) == 0


def test_the_first_moment_gives_no_absurd_rate() -> None:
    rate = rates.Rate(at(0))
    rate.add(at(0.001), 1000)
    assert rate.per_second(at(0.001)) == 1000


def test_many_small_batches_cost_little() -> None:
    rate = rates.Rate(at(0), timedelta(seconds=10))
    for step in range(10_000):
        rate.add(at(step / 1000), 1)
    assert len(rate._seen) <= 101
    assert rate.per_second(at(10)) == pytest.approx(1000, rel=0.01)
