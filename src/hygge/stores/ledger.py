"""What a database remembers of loads: one row a load, whose fate is written once.

`_hygge_loads` lies in the target's schema. A load is open, then published or erased; the word is
written in the transaction that publishes, so that the rows and the word are one. Published loads
are numbered as they come: clocks differ, and with them the load_ids of two machines. `staged` is 1
until its staging is gone: not every database drops a table in the transaction that publishes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

import polars as pl

from hygge.core.errors import FlowBusy, StoreError
from hygge.core.journal import from_json, to_json
from hygge.core.lease import Lease, Owner
from hygge.core.schema import TableSchema
from hygge.core.store import Receipt
from hygge.databases.database import Database, Session, Table

LOADS, LEASES = "_hygge_loads", "_hygge_leases"


class Fate(StrEnum):
    OPEN = "open"
    PUBLISHED = "published"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Entry:
    """One load's row. `receipt` and `schema` are those of a published one."""

    load_id: str
    flow: str
    fate: Fate
    receipt: Receipt | None = None
    schema: TableSchema | None = None


@dataclass(frozen=True, slots=True)
class _Published:
    """What the row of a published load says beyond its fate."""

    receipt: Receipt
    schema: TableSchema


@dataclass(frozen=True, slots=True)
class _Note:
    """Who writes to a table now. Times are seconds since 1970 on the owner's clock."""

    flow: str
    owner: Owner
    until: float


class Ledger:
    """The loads of one table. Writing calls belong in a transaction of the session."""

    def __init__(self, database: Database, session: Session, target: Table) -> None:
        self._db, self._session, self._target = database, session, target
        self._loads, self._leases = (database.named(target.beside(n)) for n in (LOADS, LEASES))

    @property
    def _key(self) -> str:
        return self._target.name

    def exists(self) -> bool:
        return bool(self._session.fields(self._target.beside(LOADS)))

    def make(self) -> None:
        """Harmless where it is made already. In turn: of two who make a table at once, even if it
        does not exist, PostgreSQL lets one fail. That of loads comes last, for it is looked for."""
        self._make_schema()
        text = self._db.native(pl.String())
        key, whole = self._db.name_type or self._db.key_type, self._db.native(pl.Int64())
        with self._session.transaction(self._target.beside(LOADS)):
            self._make(LEASES, f"table_name {key} not null primary key, note {text} not null")
            self._make(
                LOADS,
                f"table_name {key} not null, load_id {key} not null, flow {text} not null, "
                f"fate {text} not null, staged {whole} not null, number {whole}, record {text}, "
                "primary key (table_name, load_id)",
            )

    def _make(self, name: str, words: str) -> None:
        options = self._session.table_options
        made = self._db.make_missing(self._target.beside(name), f"({words}){options}")
        self._session.change(made)

    def _make_schema(self) -> None:
        schema, known = self._target.schema, self._db.schemas
        if schema and known and schema not in {row[0] for row in self._session.rows(known)}:
            self._session.change(self._db.making_schema.format(self._db.quoted(schema)))

    def _ask(self, condition: str, *values: str, order: str = "load_id") -> list[Entry]:
        marks = [self._db.mark(n + 1) for n in range(len(values) + 1)]
        found = self._session.rows(
            f"select load_id, flow, fate, record from {self._loads} "
            f"where table_name = {marks[0]}{condition.format(*marks[1:])} order by {order}",
            self._key,
            *values,
        )
        return [_entry(*row) for row in found]

    def of(self, load_id: str) -> Entry | None:
        return next(iter(self._ask(" and load_id = {}", load_id)), None)

    def staged(self) -> list[str]:
        """Loads that have something in staging, the oldest first."""
        return [entry.load_id for entry in self._ask(" and staged = 1")]

    def published(self) -> list[Entry]:
        """Every published load, the newest first."""
        found = self._ask(" and number is not null", order="number desc")
        return [entry for entry in found if entry.fate is Fate.PUBLISHED]

    def newest(self) -> Entry | None:
        """The newest published load."""
        latest = f"(select max(number) from {self._loads} where table_name = {{}})"
        return next(iter(self._ask(f" and number = {latest}", self._key)), None)

    def columns(self) -> TableSchema | None:
        """Those that the newest published load left."""
        entry = self.newest()
        return entry.schema if entry else None

    def open(self, load_id: str, flow: str) -> None:
        """Before there is any staging, so that it is found."""
        self._insert(load_id, flow, Fate.OPEN, staged=1)

    def erase(self, load_id: str, flow: str) -> None:
        if self.of(load_id) is None:
            self._insert(load_id, flow, Fate.ERASED, staged=0)
        else:
            self._write(load_id, Fate.ERASED, None)

    def cleared(self, load_id: str) -> None:
        """Its staging is gone."""
        one, two = self._db.mark(1), self._db.mark(2)
        sql = f"update {self._loads} set staged = 0 where table_name = {one} and load_id = {two}"
        self._session.change(sql, self._key, load_id)

    def publish(self, receipt: Receipt, schema: TableSchema) -> None:
        record = to_json(_Published(receipt, schema))
        latest = self._session.rows(
            f"select coalesce(max(number), 0) from {self._loads} "
            f"where table_name = {self._db.mark(1)}",
            self._key,
        )
        self._write(receipt.load_id, Fate.PUBLISHED, record, int(latest[0][0]) + 1)

    def _insert(self, load_id: str, flow: str, fate: Fate, *, staged: int) -> None:
        marks = ", ".join(self._db.mark(n) for n in range(1, 6))
        self._session.change(
            f"insert into {self._loads} (table_name, load_id, flow, fate, staged) values ({marks})",
            *(self._key, load_id, flow, fate.value, staged),
        )

    def _write(
        self, load_id: str, fate: Fate, record: str | None, number: int | None = None
    ) -> None:
        marks = [self._db.mark(n) for n in range(1, 6)]
        self._session.change(
            f"update {self._loads} set fate = {marks[0]}, record = {marks[1]}, "
            f"number = {marks[2]} where table_name = {marks[3]} and load_id = {marks[4]}",
            *(fate.value, record, number, self._key, load_id),
        )

    # leases

    def take(self, flow: str, seconds: float) -> Lease:
        """Raises FlowBusy while another owner holds it, and is neither dead nor too late."""
        note = self._note()
        if note is not None and note.until > time.time() and not note.owner.is_gone:
            raise self._busy(note)
        owner = Owner.me()
        self._hold(_Note(flow, owner, time.time() + seconds))
        return Lease(flow, owner)

    def renew(self, lease: Lease, seconds: float) -> None:
        """Raises FlowBusy if another owner took it."""
        note = self._note()
        if note is None or note.owner != lease.owner:
            raise self._busy(note)
        self._hold(_Note(lease.name, lease.owner, time.time() + seconds))

    def release(self, lease: Lease) -> None:
        note = self._note()
        if note is not None and note.owner == lease.owner:
            self._drop()

    def _note(self) -> _Note | None:
        sql = f"select note from {self._leases} where table_name = {self._db.mark(1)}"
        found = self._session.rows(sql, self._key)
        return from_json(_Note, found[0][0]) if found else None

    def _drop(self) -> None:
        sql = f"delete from {self._leases} where table_name = {self._db.mark(1)}"
        self._session.change(sql, self._key)

    def _hold(self, note: _Note) -> None:
        self._drop()
        marks = f"{self._db.mark(1)}, {self._db.mark(2)}"
        sql = f"insert into {self._leases} (table_name, note) values ({marks})"
        self._session.change(sql, self._key, to_json(note))

    def _busy(self, note: _Note | None) -> FlowBusy:
        who = f"flow {note.flow}, {note.owner}" if note else "another run"
        return FlowBusy(
            f"{self._target} is being written by {who}", hint="run again when it is done"
        )


def _entry(load_id: str, flow: str, fate: str, record: str | None) -> Entry:
    try:
        told = from_json(_Published, record) if record else None
    except ValueError as failed:
        raise StoreError(
            f"what {LOADS} says of a load cannot be read",
            load_id=load_id,
            hint="use the hygge that wrote it, or restore it from a backup",
        ) from failed
    return Entry(
        load_id, flow, Fate(fate), told.receipt if told else None, told.schema if told else None
    )
