"""Loads into a table of a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field

from hygge.core.blocking_store import BlockingLoad, BlockingStore
from hygge.core.config import Connections
from hygge.core.errors import Unsupported
from hygge.core.lease import HELD, Lease
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Receipt, StoreCapabilities, StoreConfig
from hygge.core.supply import Need, Needs
from hygge.databases.answering import about, answered, opened
from hygge.databases.database import Database, Session, Table
from hygge.databases.found import found, located_settings, named_table
from hygge.stores.ledger import LEASES, Fate, Ledger
from hygge.stores.sql_load import SqlLoad
from hygge.stores.sql_table import SqlTable, Staging
from hygge.stores.sql_undo import take_back

T = TypeVar("T")


class SqlStoreConfig(StoreConfig):
    """Settings of a table to be loaded."""

    table: str = Field(min_length=1, description="`users` or `schema.users`; {entity} is filled in")
    database: str | None = Field(default=None, description="Which kind, if the URL does not say")
    connection: str | None = Field(
        default=None, description="Which of `connections:` to use, or a database's URL"
    )
    path: str | None = Field(default=None, description="The file of a database that is a file")
    swap: Literal["rename"] | None = Field(
        default=None,
        description="`rename`: a full_drop fills another table, which takes its name (MySQL)",
    )
    adopt: bool = Field(
        default=False, description="Load into a table whose rows hygge did not put there"
    )

    def located(self, root: Path) -> Self:
        return self.model_copy(update=located_settings(self, root))

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        return named_table(super().for_entity(flow, entity, name), name)


class SqlStore(BlockingStore[SqlStoreConfig]):
    """A table of a database. Readers see the old rows or the new, never a half."""

    Config: ClassVar[type[StoreConfig]] = SqlStoreConfig
    capabilities: StoreCapabilities = StoreCapabilities(frozenset(Mode), deletes=True, undo=True)  # type: ignore[misc]

    def __init__(self, config: SqlStoreConfig, database: Database) -> None:
        self.config, self.database = config, database
        self.target = Table.of(config.table)
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
        if config.swap is not None and database.ddl_in_transactions:
            raise Unsupported(
                f"{database.name} needs no `swap`: there, making a table is part of publishing",
                hint="leave it out",
            )
        return cls(config, database)

    @property
    def identity(self) -> str:
        return f"{self.database.identity}#{self.target}"

    def refuse(self, schema: TableSchema) -> None:
        self.database.refuse_name(self.target.name)
        for column in schema.columns:
            try:
                self.database.refuse_name(column.name)
                self.database.native(column.type)
            except Unsupported as refused:
                raise refused.at(column=column.name) from None

    def needs(self, parallel: int) -> Needs:
        """One for each part, and one to renew the lease; the load itself rests meanwhile."""
        pool = self.database.pool
        return {pool.supply: Need(parallel + 1, parallel + 1)} if pool else {}

    def open_load(self, request: LoadRequest) -> BlockingLoad:
        swap, adopt = self.config.swap is not None, self.config.adopt
        return SqlLoad(self.database, self.target, request, adopt=adopt, swap=swap)

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
                mode = (receipt.mode or Mode.REPLACE) if receipt else None
                Staging(self.database, session, self.target, load_id).clear(mode)
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
