"""The default journal: one small SQLite file in the workspace."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from pydantic import ValidationError

from hygge.core.errors import FlowBusy, JournalError
from hygge.core.journal import EntityRun, Intent, from_json, to_json
from hygge.core.lease import Lease, Owner
from hygge.core.store import Receipt, StagedPart
from hygge.journal import history, journal_file
from hygge.journal.group_commit import GroupCommit, Work
from hygge.journal.hold import Hold
from hygge.journal.refusals import lost, over

T = TypeVar("T")


class SqliteJournal:
    """Remembers loads, leases and runs in `path`. Making it does nothing; the first change does.

    `patience`: how many seconds another process may keep the file locked.
    """

    def __init__(self, path: Path, *, patience: float = journal_file.PATIENCE) -> None:
        self.path = path.absolute()
        self._group = GroupCommit(
            "journal",
            create=lambda: journal_file.create(self.path, patience),
            look=lambda: journal_file.look(self.path, patience),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        with journal_file.told(self.path):
            await self._group.close()

    async def _change(self, work: Work[T]) -> T:
        with journal_file.told(self.path):
            return await self._group.change(work)

    async def lease(self, name: str, seconds: float) -> Lease:
        taken = await self._change(partial(_take, name=name, seconds=seconds))
        if isinstance(taken, FlowBusy):
            raise taken
        return taken

    async def renew(self, lease: Lease, seconds: float) -> None:
        def longer(db: sqlite3.Connection) -> None:
            hold = _held(db, lease)
            _keep(db, lease.name, hold.renewed(time.time(), seconds))

        await self._change(longer)

    async def release(self, lease: Lease) -> None:
        def free(db: sqlite3.Connection) -> None:
            hold = _hold(db, lease.name)
            if hold is not None and hold.owner == lease.owner:
                db.execute("delete from leases where name = ?", (lease.name,))

        await self._change(free)

    async def begin(self, lease: Lease, intent: Intent) -> None:
        row = (intent.load.load_id, intent.load.flow, "begun", to_json(intent), _now())

        def start(db: sqlite3.Connection) -> None:
            _held(db, lease)  # a sleeper that woke up late begins nothing
            db.execute(
                "insert into loads (load_id, flow, state, intent, begun_at) values (?, ?, ?, ?, ?)",
                row,
            )

        await self._change(start)

    async def staged(self, part: StagedPart) -> None:
        row = (part.load_id, part.partition.name, to_json(part))

        def keep(db: sqlite3.Connection) -> None:
            _under_way(db, part.load_id)
            db.execute(
                "insert into parts (load_id, partition, staged) values (?, ?, ?)"
                " on conflict do update set staged = excluded.staged",
                row,
            )

        await self._change(keep)

    async def complete(self, receipt: Receipt) -> None:
        values = ("published", to_json(receipt), _now(), receipt.load_id)

        def end(db: sqlite3.Connection) -> None:
            db.execute(
                "update loads set state = ?, receipt = ?, note = null, ended_at = ?"
                " where load_id = ? and state <> 'published'",
                values,
            )
            db.execute("delete from parts where load_id = ?", (receipt.load_id,))

        await self._change(end)

    async def discard(self, load_id: str, why: str) -> None:
        def end(db: sqlite3.Connection) -> None:
            db.execute(
                "update loads set state = 'discarded', note = ?, ended_at = ?"
                " where load_id = ? and state = 'begun'",
                (why, _now(), load_id),
            )
            db.execute("delete from parts where load_id = ?", (load_id,))

        await self._change(end)

    async def unfinished(self, flow: str) -> list[tuple[Intent, list[StagedPart]]]:
        with journal_file.told(self.path):
            rows = await self._group.read(partial(_begun, flow=flow))
        found = dict[str, tuple[Intent, list[StagedPart]]]()
        for load_id, intent, part in rows or []:
            if load_id not in found:
                found[load_id] = (self._understood(Intent, intent, load_id), [])
            if part is not None:
                found[load_id][1].append(self._understood(StagedPart, part, load_id))
        return list(found.values())

    def _understood(self, kind: type[T], text: str, load_id: str) -> T:
        try:
            return from_json(kind, text)
        except ValidationError as failed:
            raise JournalError(
                f"what the journal says of load {load_id} cannot be understood",
                file=self.path,
                hint="another version of hygge wrote it: finish the load with that one",
            ) from failed

    async def holds(self) -> dict[str, Hold]:
        """Every lease that was not given back: of runs under way, and of those that were killed."""
        with journal_file.told(self.path):
            rows = await self._group.read(lambda db: db.execute("select * from leases").fetchall())
        return {name: from_json(Hold, hold) for name, hold in rows or []}

    async def record(self, run: EntityRun) -> None:
        await self._change(lambda db: history.add(db, run))

    async def history(self, limit: int = 20, flow: str | None = None) -> Sequence[EntityRun]:
        with journal_file.told(self.path):
            return await self._group.read(lambda db: history.newest(db, limit, flow)) or []


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _hold(db: sqlite3.Connection, name: str) -> Hold | None:
    row = db.execute("select hold from leases where name = ?", (name,)).fetchone()
    return from_json(Hold, row[0]) if row else None


def _keep(db: sqlite3.Connection, name: str, hold: Hold) -> None:
    db.execute("insert or replace into leases values (?, ?)", (name, to_json(hold)))


def _take(db: sqlite3.Connection, name: str, seconds: float) -> Lease | FlowBusy:
    """The refusal is returned, not raised: what was learnt about the clock has to stay."""
    now, hold = time.time(), _hold(db, name)
    if hold is None or hold.is_over(now):
        owner = Owner.me()
        _keep(db, name, Hold.start(owner, now, seconds))
        return Lease(name, owner)
    shorter = hold.shortened(now)
    if shorter != hold:
        _keep(db, name, shorter)
    return shorter.busy(name)


def _held(db: sqlite3.Connection, lease: Lease) -> Hold:
    """Our own hold. Raises FlowBusy if it is not ours any more."""
    hold = _hold(db, lease.name)
    if hold is None or hold.owner != lease.owner:
        raise lost(lease.name, hold)
    return hold


def _under_way(db: sqlite3.Connection, load_id: str) -> None:
    row = db.execute("select state from loads where load_id = ?", (load_id,)).fetchone()
    if row is None or row[0] != "begun":
        raise over(load_id, row[0] if row else None)


def _begun(db: sqlite3.Connection, flow: str) -> list[tuple[str, str, str | None]]:
    """Load, intent and part of every load under way; the oldest load first, parts as they came."""
    return db.execute(
        "select load_id, intent, staged from loads left join parts using (load_id)"
        " where flow = ? and state = 'begun' order by load_id, number",
        (flow,),
    ).fetchall()
