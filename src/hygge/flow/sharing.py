"""How many connections a flow takes for itself, and what it can do at once with so many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hygge.core.errors import ConfigError
from hygge.core.home import Home
from hygge.core.store import Store
from hygge.core.supply import Needs, Shares, Supply


@dataclass(frozen=True)
class Sharing:
    """What a flow takes before it begins, how many partitions at once that is enough for, and its
    Home and its Store, which take no more. `note` says if it is less than was asked for."""

    shares: Shares
    parallel: int
    home: Home[Any]
    store: Store[Any]
    note: str = ""


def sharing(name: str, home: Home[Any], store: Store[Any], parallel: int) -> Sharing:
    """Raises ConfigError where there is too little for one partition at a time."""
    wish = _too_little(home, store, parallel)
    for count in range(parallel, 0, -1):
        lack = wish if count == parallel else _too_little(home, store, count)
        if lack is None:
            notes = [f"parallel is {count}, not {parallel}: {wish.told}"] if wish else []
            theirs, ours = store.needs(count), home.needs(count)
            stored = _own(theirs, {supply: need.least for supply, need in ours.items()})
            own = _own(ours, stored)
            shares = Counter(own)
            shares.update(stored)
            notes += [
                f"the store has {stored[supply]} {supply.name}, and could use {need.most}: "
                f"{supply.setting} is {supply.size}"
                for supply, need in theirs.items()
                if stored[supply] < need.most
            ]
            ends = home.limited(own), store.limited(stored, count)
            return Sharing(shares, count, *ends, "; ".join(notes))
    assert lack is not None
    hint = f"set {lack.supply.setting}: {lack.needed} for that connection, or more"
    raise ConfigError(lack.told, flow=name, hint=hint)


@dataclass(frozen=True)
class _Lack:
    supply: Supply
    needed: int

    @property
    def told(self) -> str:
        there = f"{self.supply.setting} is {self.supply.size}"
        return f"it needs {self.needed} {self.supply.name} at once, and {there}"


def _too_little(home: Home[Any], store: Store[Any], parallel: int) -> _Lack | None:
    """The first supply that cannot give what so many partitions at once need."""
    total = Counter[Supply]()
    for needs in (home.needs(parallel), store.needs(parallel)):
        total.update({supply: need.least for supply, need in needs.items()})
    lacks = (_Lack(supply, count) for supply, count in total.items() if count > supply.size)
    return next(lacks, None)


def _own(needs: Needs, others: Shares) -> dict[Supply, int]:
    """As much as is of use, of what the others leave. A Store comes first: what it can use, it was
    told to."""
    return {
        supply: min(need.most, supply.size - others.get(supply, 0))
        for supply, need in needs.items()
    }
