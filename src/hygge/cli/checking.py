"""Asking every end of every flow whether a run could use it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hygge.coordinator.coordinator import Coordinator
from hygge.core.errors import FlowError, HyggeError, JournalError
from hygge.core.journal import Journal
from hygge.flow.flow import Flow
from hygge.flow.preparing import prepare
from hygge.flow.recovery import Recovery

AT_ONCE = 8
LOGIN = "login"
"""What a check is that tells who we are at a place, whatever the flow."""


@dataclass(frozen=True)
class Check:
    """One thing that a run needs; `error` says why it is not to be had.

    `what`: file (of the journal), home, store, fit (columns, keys, run type), or login. `note`:
    what is no fault, and a person should know.
    """

    flow: str
    what: str
    place: str
    error: HyggeError | None = None
    note: str | None = None


def check_all(coordinator: Coordinator, journal_path: Path) -> list[Check]:
    """Every check, in the order of the flows. What it finds it returns."""
    return asyncio.run(_check_all(coordinator, journal_path))


async def _check_all(coordinator: Coordinator, journal_path: Path) -> list[Check]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(flow: Flow) -> list[Check]:
        async with gate:
            return await check_flow(flow)

    journal = coordinator.journal
    try:
        error = await _answer(_journal(journal, journal_path))
        checks = [Check("journal", "file", str(journal_path), error)]
        checks += [Check(lost.name, "home", "", lost.error) for lost in coordinator.unready]
        for found in await asyncio.gather(*map(one, coordinator.flows)):
            checks += found
        return checks + await _logins(coordinator.flows, checks)
    finally:
        await journal.close()


async def _logins(flows: Sequence[Flow], checks: Sequence[Check]) -> list[Check]:
    """Who we are at each place that let us in, once a place."""
    well = {check.place for check in checks if check.error is None}
    ends = {
        end.identity.partition("#")[0]: end
        for flow in flows
        for end in (flow.home, flow.store)
        if end.identity in well
    }
    found = list[Check]()
    for place, end in ends.items():
        with suppress(HyggeError):  # what it cannot tell of itself is no fault
            if (told := await end.about()) is not None:
                found.append(Check("", LOGIN, place, note=told))
    return found


async def check_flow(flow: Flow) -> list[Check]:
    """Home and store; and where both are well, whether they fit each other as a run will ask."""
    home, store = await asyncio.gather(
        _answer(flow.home.check(), flow), _answer(flow.store.check(), flow)
    )
    checks = [
        Check(flow.name, "home", flow.home.identity, home),
        Check(flow.name, "store", flow.store.identity, store),
    ]
    if home is None and store is None:
        notes = list[str]()
        fit = await _answer(_fit(flow, notes), flow)
        checks.append(Check(flow.name, "fit", "", fit, "\n".join(notes) or None))
    return checks


async def _fit(flow: Flow, notes: list[str]) -> None:
    """What a run asks before its first row. Notes what it would decide about columns, and
    loads that are not finished, here or there."""
    await Recovery(flow.route).look()
    prepared = await prepare(flow.route)
    notes += [*prepared.notes, *prepared.doubts]
    known = {intent.load.load_id for intent, _ in await flow.journal.unfinished(flow.name)}
    unfinished = known | set(await flow.store.unfinished(flow.name))
    if not unfinished:  # else the table is another by then
        prepared.low()
        await flow.store.fits(prepared.draft)
    notes += [
        f"load {load_id} is not finished: its run goes on, or the next run finishes, resumes or "
        "erases it"
        for load_id in sorted(unfinished)
    ]


async def _answer(asked: Awaitable[object], flow: Flow | None = None) -> HyggeError | None:
    try:
        await asked
    except HyggeError as failed:
        return failed.at(flow=flow.name if flow else None)
    except Exception as failed:  # noqa: BLE001 - a driver's surprise is an answer, too
        error = FlowError(f"{type(failed).__name__}: {failed}", flow=flow.name if flow else None)
        error.__cause__ = failed
        return error
    return None


async def _journal(journal: Journal, path: Path) -> None:
    """Read it if it is there; if not, see that it could be made, and do not make it."""
    if await asyncio.to_thread(_is_there, path):
        await journal.history(limit=1)


def _is_there(path: Path) -> bool:
    if path.exists():
        return True
    above = next(folder for folder in path.parents if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
        raise JournalError(
            f"the journal cannot be made in {path.parent}", hint=f"let hygge write to {above}"
        )
    return False
