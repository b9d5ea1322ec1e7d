"""What a flow takes before it begins, and what it can do with so many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from hygge.core.errors import ConfigError
from hygge.core.supply import Need, Needs, Shares, Supply
from hygge.flow.sharing import Sharing, sharing


@dataclass
class End:
    """A Home or a Store that needs so many: at `parallel` = n, that many more for each."""

    supply: Supply
    each: int
    more: int = 0
    useful: int = 0
    shares: Shares = field(default_factory=dict)

    def needs(self, parallel: int) -> Needs:
        least = self.each * parallel + self.more
        return {self.supply: Need(least, max(least, self.useful))}

    def limited(self, shares: Shares, parallel: int = 0) -> End:
        return End(self.supply, self.each, self.more, self.useful, shares)


def shared(home: End, store: End, parallel: int) -> Sharing:
    return sharing("t", cast(Any, home), cast(Any, store), parallel)


@pytest.mark.parametrize(
    ("size", "parallel", "told"),
    [
        (99, 4, ""),
        (9, 4, ""),
        (8, 3, "parallel is 3, not 4: it needs 9 connections at once, and pool_size is 8"),
        (3, 1, "parallel is 1, not 4: it needs 9 connections at once, and pool_size is 3"),
    ],
)
def test_as_many_partitions_as_one_pool_allows(size: int, parallel: int, told: str) -> None:
    supply = Supply("connections", size, setting="pool_size")
    found = shared(End(supply, 1), End(supply, 1, 1), 4)
    assert (found.parallel, found.note) == (parallel, told)
    assert found.shares == {supply: 2 * parallel + 1}
    assert cast(Any, found.home).shares == {supply: parallel}


def test_each_has_its_own() -> None:
    one, two = Supply("a", 9, setting="pool_size"), Supply("b", 3, setting="pool_size")
    found = shared(End(one, 1), End(two, 1, 1), 4)
    assert (found.parallel, found.shares) == (2, {one: 2, two: 3})


def test_a_home_gets_what_is_of_use_to_it_and_left() -> None:
    supply = Supply("connections", 8, setting="pool_size")
    for useful, got in ((3, 3), (5, 5), (17, 6)):
        found = shared(End(supply, 1, 0, useful), End(supply, 1, 1), 1)
        assert cast(Any, found.home).shares == {supply: got}
        assert found.shares == {supply: got + 2}


def test_too_few_for_one_partition() -> None:
    supply = Supply("connections to here", 2, setting="pool_size")
    with pytest.raises(ConfigError, match="needs 3 connections to here at once") as failed:
        shared(End(supply, 1), End(supply, 1, 1), 4)
    assert "pool_size: 3" in str(failed.value)
    assert "flow t" in str(failed.value)
