"""Loads into a table of a database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext, suppress
from typing import ClassVar, Self, TypeVar

from hygge.core.blocking_store import BlockingLoad, BlockingStore
from hygge.core.config import Connections
from hygge.core.errors import ConnectionFailed, Unsupported
from hygge.core.lease import HELD, Lease
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StoreCapabilities, StoreConfig
from hygge.core.supply import Need, Needs, Shares
from hygge.databases.answering import about, answered, opened
from hygge.databases.database import Database, Session, Table
from hygge.databases.found import found
from hygge.stores.ledger import LEASES, Fate, Ledger
from hygge.stores.sql_config import SqlStoreConfig as SqlStoreConfig
from hygge.stores.sql_load import SqlLoad
from hygge.stores.sql_lossy import Lossy
from hygge.stores.sql_table import SqlTable, Staging
from hygge.stores.sql_undo import take_back

T = TypeVar("T")


class SqlStore(BlockingStore[SqlStoreConfig]):
    """A table of a database. Readers see the old rows or the new, never a half."""

    Config: ClassVar[type[StoreConfig]] = SqlStoreConfig
    capabilities: StoreCapabilities = StoreCapabilities(frozenset(Mode), deletes=True, undo=True)  # type: ignore[misc]

    def __init__(self, config: SqlStoreConfig, database: Database) -> None:
        self.lossy, self._exact = Lossy.of(config.allow_lossy), database
        self.config, self.database = config, database.tolerant() if self.lossy else database
        self.target = Table.of(config.table)
        alone = database.one_writer or database.row_number is not None
        self.workers = 1 if alone else config.workers
        self.capabilities = StoreCapabilities(
            frozenset(Mode),
            deletes=True,
            undo=True,
            one_writer=database.one_writer,
            widens=database.widening is not None,
        )

    @classmethod
    def build(cls, config: SqlStoreConfig, connections: Connections) -> Self:
        database = found(config, connections)
        config.refuse(database)
        return cls(config, database)

    @property
    def identity(self) -> str:
        return f"{self.database.identity}#{self.target}"

    @property
    def manner(self) -> str:
        return self.lossy.manner

    def refuse(self, schema: TableSchema) -> None:
        for name in filter(None, (self.target.name, self.config.staging_schema)):
            self.database.refuse_name(name)
        self.lossy.refuse_unknown(schema)
        for column in schema.columns:
            try:
                self.database.refuse_name(column.name)
                database = self.database if column.name in self.lossy else self._exact
                database.native(column.type)
            except Unsupported as refused:
                raise refused.at(column=column.name) from None

    def needs(self, parallel: int) -> Needs:
        """One for each part, or for each of its workers, and one to renew the lease; the load
        itself rests meanwhile."""
        if (pool := self.database.pool) is None:
            return {}
        return {pool.supply: Need(parallel + 1, parallel * self.workers + 1)}

    def limited(self, shares: Shares, parallel: int) -> Self:
        if (pool := self.database.pool) is None:
            return self
        found = type(self)(self.config, self._exact)
        found.workers = min(self.workers, (shares[pool.supply] - 1) // parallel)
        return found

    def open_load(self, request: LoadRequest) -> BlockingLoad:
        load = SqlLoad(self.database, self.target, request, self.config)
        load.lossy, load.workers = self.lossy, self.workers
        return load

    # each on a connection of its own

    async def _on_thread(self, name: str, work: Callable[[], T], seconds: float | None = None) -> T:
        return await answered(name, work, seconds or self.database.patience)

    def _connected(self) -> Session:
        return opened(self.database.connect(write=True))

    def _looked(self, look: Callable[[Session, Ledger], T], otherwise: T) -> T:
        """What the ledger says; `otherwise` where there is none yet."""
        with closing(self._connected()) as session:
            ledger = Ledger(self.database, session, self.target)
            return look(session, ledger) if ledger.exists() else otherwise

    def _changed(self, change: Callable[[Session, Ledger], T]) -> T:
        with closing(self._connected()) as session:
            ledger = Ledger(self.database, session, self.target)
            if not ledger.exists():
                ledger.make()
            return change(session, ledger)

    def settle(self, flow: str, load_id: str, *, keep: bool) -> Receipt | None:
        def settled(session: Session, ledger: Ledger) -> Receipt | None:
            with session.transaction(self.target):
                entry = ledger.of(load_id)
                done = entry is not None and entry.fate is not Fate.OPEN
                if not done and not keep:
                    ledger.erase(load_id, flow)
            receipt = entry.receipt if entry else None
            if done or not keep:
                where = entry.staging if entry else None
                staging = Staging(self.database, session, self.target, load_id, where)
                # what was erased may still be locked by whom it was taken from: it is a stray, then
                patient = suppress(ConnectionFailed) if receipt is None else nullcontext()
                with patient, session.transaction(self.target):  # beside nobody who publishes
                    staging.clear((receipt.mode or Mode.REPLACE) if receipt else None)
                    ledger.cleared(load_id)
            return receipt

        return self._changed(settled)

    def strays(self, flow: str) -> Sequence[str]:
        return self._looked(lambda _, ledger: ledger.staged(), [])

    async def undo(self, flow: str, load_id: str, by: str) -> Receipt:
        return await answered("undo", lambda: self.take_back(flow, load_id, by), None)

    def take_back(self, flow: str, load_id: str, by: str) -> Receipt:
        return self._changed(
            lambda session, _: take_back(self.database, session, self.target, flow, load_id, by)
        )

    def newest(self, flow: str) -> Receipt | None:
        entry = self._looked(lambda _, ledger: ledger.newest(), None)
        return entry.receipt if entry else None

    def table_schema(self) -> TableSchema | None:
        return self._looked(lambda _, ledger: ledger.columns(), None)

    async def standing(self, known: TableSchema) -> TableSchema | None:
        return await self._on_thread("standing", lambda: self._standing(known))

    def _standing(self, known: TableSchema) -> TableSchema | None:
        with closing(self._connected()) as session:
            return SqlTable(self.database, session, self.target).standing(known)

    async def about(self) -> str | None:
        return await self._on_thread("about", lambda: about(self.database))

    def probe(self) -> None:
        with closing(self._connected()) as session:
            session.rows("select 1")

    @property
    def _lease_turn(self) -> Table:
        """Its own: who renews a lease does not wait for who publishes, however long that takes."""
        return self.target.beside(f"{LEASES} {self.target.name}")

    async def lease(self, name: str, seconds: float) -> Lease:
        made, given_up = list[Lease](), list[bool]()

        def taken(session: Session, ledger: Ledger) -> Lease:
            with session.transaction(self._lease_turn):
                lease = ledger.take(name, seconds)
                made.append(lease)
                HELD.add(lease.owner.nonce)
            if given_up:  # we were not waited for: nobody knows that we hold it
                HELD.discard(lease.owner.nonce)
            return lease

        try:
            return await self._on_thread("lease", lambda: self._changed(taken))
        except BaseException:  # a cancelled caller, too, holds nothing
            given_up.append(True)
            HELD.difference_update(lease.owner.nonce for lease in made)
            raise

    async def renew(self, lease: Lease, seconds: float) -> None:
        await self._leasing(lambda ledger: ledger.renew(lease, seconds))

    async def release(self, lease: Lease) -> None:
        HELD.discard(lease.owner.nonce)  # whatever the database learns of it
        await self._leasing(lambda ledger: ledger.release(lease))

    async def _leasing(self, work: Callable[[Ledger], T]) -> T:
        def one_at_a_time(session: Session, ledger: Ledger) -> T:
            with session.transaction(self._lease_turn):
                return work(ledger)

        return await self._on_thread("lease", lambda: self._changed(one_at_a_time))
