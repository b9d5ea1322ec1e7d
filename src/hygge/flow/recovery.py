"""Learning what became of loads that were interrupted: finish, keep, or erase."""

from __future__ import annotations

from collections.abc import Collection

from hygge.core import events
from hygge.core.errors import (
    DriverHung,
    FlowError,
    FlowTimeout,
    HyggeError,
    JournalError,
    LoadLost,
    LoadOutdated,
)
from hygge.core.journal import Intent
from hygge.core.store import Receipt, StagedPart
from hygge.flow.preparing import Prepared
from hygge.flow.route import Route

_NOT_ITS_FAULT = (FlowTimeout, DriverHung, JournalError)


class Recovery:
    """Asks the Store, never guesses. The same question at a run's start and when it fails."""

    def __init__(self, route: Route, begun: Collection[str] = ()) -> None:
        """`begun`: loads that were not interrupted, for this run has begun them itself."""
        self._route, self._begun = route, begun
        self._known: list[tuple[Intent, list[StagedPart]]] = []
        self.kept = False
        """Whether what failed under our hands left something to go on with."""

    async def look(self) -> None:
        """Raise FlowError for unfinished work elsewhere, as a run would."""
        for intent, _ in await self._route.journal.unfinished(self._route.name):
            self._refuse_elsewhere(intent)

    async def finish_commits(self) -> Receipt | None:
        """Finish every commit that began; erase what no journal of ours knows.

        Returns the newest receipt among them. Raises FlowError for unfinished work elsewhere.
        """
        route = self._route
        known = await route.journal.unfinished(route.name)
        for intent, _ in known:
            self._refuse_elsewhere(intent)
        ours = {intent.load.load_id for intent, _ in known}
        landed = [await self._ask(x, keep=x in ours) for x in await self._all(ours)]
        gone = {receipt.load_id for receipt in landed if receipt is not None}
        self._known = [(i, parts) for i, parts in known if i.load.load_id not in gone]
        return max((r for r in landed if r is not None), key=lambda r: r.load_id, default=None)

    async def take_up(self, prepared: Prepared) -> tuple[Intent | None, list[StagedPart]]:
        """The load worth going on with and what it has staged; the others are erased."""
        chosen: tuple[Intent | None, list[StagedPart]] = (None, [])
        for intent, staged in reversed(self._known):
            same = intent.fingerprint == prepared.fingerprint and intent.load.base == prepared.base
            if chosen[0] is None and same and _worth(staged):
                chosen = (intent, staged)
                self._tell(intent.load.load_id, "kept")
            else:
                await self._erase(intent)
        return chosen

    async def settle(self, intent: Intent, failed: BaseException) -> Receipt | None:
        """What became of a load that failed under our hands; kept only if worth resuming."""
        known = await self._route.journal.unfinished(self._route.name)
        staged = next((p for i, p in known if i.load.load_id == intent.load.load_id), [])
        keep = _worth(staged) and _may_pass(failed)
        receipt = await self._ask(intent.load.load_id, keep=keep, gone="undone")
        self.kept = keep and receipt is None
        if receipt is None and not keep:
            await self._route.journal.discard(intent.load.load_id, "never published")
        return receipt

    async def _all(self, ours: set[str]) -> list[str]:
        return sorted(ours | set(await self._route.store.unfinished(self._route.name)))

    async def _ask(self, load_id: str, *, keep: bool, gone: str = "erased") -> Receipt | None:
        receipt = await self._route.store.recover(self._route.name, load_id, keep=keep)
        if receipt is not None:
            await self._route.journal.complete(receipt)
            if load_id not in self._begun:
                self._tell(load_id, "published")
        elif not keep:
            self._tell(load_id, gone)
        return receipt

    async def _erase(self, intent: Intent) -> None:
        await self._ask(intent.load.load_id, keep=False)
        await self._route.journal.discard(intent.load.load_id, "never published")

    def _refuse_elsewhere(self, intent: Intent) -> None:
        if intent.store == self._route.store.identity:
            return
        load_id = intent.load.load_id
        raise FlowError(
            f"load {load_id} was left unfinished in another store: {intent.store}",
            hint=f"run once with that store, or forget it: hygge go --abandon {load_id}",
        )

    def _tell(self, load_id: str, fate: str) -> None:
        self._route.listen(events.LoadRecovered(self._route.name, load_id, fate))


def _may_pass(failed: BaseException) -> bool:
    """Whether the same load may go on later. What is wrong in itself leaves nothing behind."""
    if not isinstance(failed, HyggeError) or isinstance(failed, _NOT_ITS_FAULT):
        return True
    return failed.transient and not isinstance(failed, (LoadLost, LoadOutdated))


def _worth(staged: list[StagedPart]) -> bool:
    return any(part.partition.version is not None for part in staged)
