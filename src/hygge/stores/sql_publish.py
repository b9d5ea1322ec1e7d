"""From staging into the table: replace, append or merge, by statements of one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from hygge.core.errors import ConfigError, DatabaseError, HyggeError, LoadLost, StoreError
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode
from hygge.databases.database import Database, Session, Table
from hygge.stores.deleting import marks
from hygge.stores.ledger import Entry
from hygge.stores.sql_changes import refuse_changes
from hygge.stores.sql_config import SqlStoreConfig
from hygge.stores.sql_fitting import misfit, refuse_misfit
from hygge.stores.sql_merge import Merging
from hygge.stores.sql_pieces import pieces_of
from hygge.stores.sql_table import SqlTable, Staging


class Publishing:
    """Makes the staged rows of a load the table's, in the order of the commit."""

    def __init__(
        self,
        database: Database,
        session: Session,
        target: Table,
        request: LoadRequest,
        config: SqlStoreConfig,
        staging: Staging,
    ) -> None:
        self._db, self._session, self._request = database, session, request
        self._config, self._staging = config, staging
        self._swap = config.swap == "rename" and request.mode is Mode.REPLACE
        self._target = SqlTable(database, session, target)
        self._pieces = pieces_of(database)
        self._shape = config.shape
        self._keyed = self._shape is not None and database.shapes[self._shape]
        merges = request.mode is Mode.MERGE
        self._primary = request.keys if merges or self._keyed else ()
        self._names = [name for name in request.schema.names if name != OPERATION]
        self._new = False  # whether the target was made for this load
        self._became = False  # whether it is what was staging, rows and all
        self._rows = 0
        self.deleted = 0
        self._merging: Merging | None = None

    def look(self, pieces: Sequence[str], keys: Sequence[str]) -> None:
        """Before the transaction: raises StoreError for staged rows that cannot be published."""
        if self._request.mode is Mode.MERGE or OPERATION in self._request.schema:
            staged = self._staging.rows
            self._merging = Merging(self._db, self._session, self._target, staged, self._request)
            self._merging.look(pieces, keys)
        elif self._keyed and pieces:
            staged = self._staging.rows
            looking = Merging(self._db, self._session, self._target, staged, self._request)
            looking.refuse_doubles(pieces)

    def fill(
        self, pieces: Sequence[str], keys: Sequence[str], before: TableSchema | None
    ) -> TableSchema:
        """The rows into the table, which has room for them; the columns that it has then.

        `keys` are the pieces of nothing but keys. `deleted` is told afterwards.
        """
        arriving = self._request.schema.select(self._names)
        if self._became:
            return arriving
        if self._db.ddl_in_transactions and self._new and self._may_become(pieces):
            self._target.drop()
            self._become(self._target.table.name)
            self._target.take_shape(arriving, keys=self._primary, shape=self._shape)
            self._find_keys_fast(arriving)  # the index that there was went with the empty table
            return arriving
        replaces = self._request.mode is Mode.REPLACE
        switch = self._make_way(first=before is None)
        if pieces and not self._new and not replaces:
            listed, staged = self._pieces.among(pieces, "s"), self._staging.rows
            refuse_changes(self._db, self._session, self._target, staged, arriving, listed)
        if self._merging is not None:
            self._merging.into(self._target, self._hints, made=self._new)
            self.deleted = self._merging.merge(pieces, keys)
        else:
            self._refuse_less([self._add(piece) for piece in pieces])
        if switch is not None:
            switch()
        elif replaces and not self._new:
            self._refuse_others()
        return arriving if replaces or before is None else before.and_then(arriving)

    def _make_way(self, *, first: bool) -> Callable[[], None] | None:
        """Old rows go, where they are replaced: at once; or by what this returns, when the others
        lie in a table beside."""
        mode, choice = self._request.mode, self._config
        if self._new or not (mode is Mode.REPLACE or (first and choice.if_exists == "replace")):
            return None
        if mode is Mode.REPLACE and choice.swap != "delete":
            beside = self._staging.successor
            switch = self._session.twin(self._target.table, beside.table.name)
            if switch is not None:
                self._target, self._new = beside, True
                return switch
        self._session.change(f"delete from {self._target.sql}")
        return None

    @property
    def _hints(self) -> Sequence[str]:
        """What the user says; else what suits a table that nobody else sees."""
        return self._config.table_hints or (self._db.alone if self._new else ())

    def _may_become(self, pieces: Sequence[str]) -> bool:
        """Whether the staged rows need not be copied: the new table can be the staging itself.

        Not where a try was given up: DuckDB drops no columns and indexes no keys of a table from
        which the same transaction deleted.
        """
        plain = self._request.mode is not Mode.MERGE and OPERATION not in self._request.schema.names
        sheds = self._db.sheds_columns or not self._pieces.own
        sheds = sheds and (self._db.sheds_cleanly or self._swap)
        here = self._staging.rows.table.schema == self._target.table.schema
        if not (sheds and here and plain and self._pieces.in_order(pieces)):
            return False
        if not self._claim():
            return False
        listed = self._pieces.among(pieces)
        others = f"select 1 from {self._staging.rows.sql} where not {listed}"
        return not self._session.rows(self._db.first(1, others))

    def _claim(self) -> bool:
        """Whoever still writes to the staging is done before we look, and nobody does later."""
        if not self._db.claiming:
            return True
        try:
            self._session.change(self._db.claiming.format(self._staging.rows.sql))
        except (ConfigError, DatabaseError):  # a right that not everybody has
            if self._db.ddl_in_transactions:  # it has ended the transaction
                raise
            return False
        return True

    def _become(self, name: str) -> None:
        """The staging gets this name, and the columns of a target."""
        self._staging.rows.become(name, shed=self._pieces.own, more=marks(self._request))

    def _refuse_less(self, taken: Sequence[int | None]) -> None:
        """Raise StoreError where the table did not take each row: others may have seen to that."""
        told = [count for count in taken if count is not None]
        if len(told) == len(taken) and sum(told) != self._rows:
            raise StoreError(
                f"the table took {sum(told):,} of {self._rows:,} rows: a trigger, a rule or a "
                "constraint of its own drops some",
                table=str(self._target.table),
                hint="take that away, or choose another table",
            )

    def _refuse_others(self) -> None:
        """Raise StoreError where the table has not just the rows of a full load."""
        if self._merging is None and (count := self._target.count()) != self._rows:
            raise StoreError(
                f"the table has {count:,} rows after {self._rows:,} were put in: a constraint of "
                "its own drops some, or others put in more",
                table=str(self._target.table),
                hint="see to that, or choose another table",
            )

    def _add(self, piece: str) -> int | None:
        """In the order in which they lie there, which is that of one writer; sorting costs more."""
        names = self._target.names(self._names)
        target = self._db.hinted(self._target.sql, self._hints)
        return self._session.put(
            f"insert into {target} ({names}) select {names} from {self._staging.rows.sql} "
            f"where {self._pieces.among([piece])}"
        )

    def make_room(self, newest: Entry | None, pieces: Sequence[str], rows: int) -> None:
        """See that the table is there and has the columns, and that they are wide enough.

        `newest` is the last load that was published, `rows` how many the pieces have. Raises
        StoreError where it cannot.
        """
        self._rows = rows
        arriving = self._request.schema.select(self._names)
        self._session.refuse_target(self._target.table, swap=self._swap)
        if self._succeeds_itself(arriving, pieces, rows):
            return
        if not self._target.exists():
            self._make(arriving)
        elif self._request.mode is not Mode.REPLACE:
            self._target.widen(self._whole(arriving).columns)
            before = newest.schema if newest else None
            self._target.widened(arriving, before, self._request.keys)
            self._index_new_keys(newest, arriving)
        elif self._swap and self._db.ddl_in_transactions:
            self._make_anew(arriving)
        elif self._swap:
            self._make_another(arriving)
        elif self._fits(arriving):
            self._target.widen(self._whole(arriving).columns)
        else:
            self._make_anew(arriving)

    def _succeeds_itself(self, arriving: TableSchema, pieces: Sequence[str], rows: int) -> bool:
        """Where tables cannot be made in the transaction, the staging becomes the successor before
        it. A try before this one may have come so far."""
        if self._db.ddl_in_transactions:
            return False
        successor, staged = self._staging.successor, self._staging.rows
        if not staged.exists():
            if not successor.exists() or successor.count() != rows:
                raise LoadLost("what was staged is gone", load_id=self._request.load_id)
            self._target, self._became = successor, True
            return True
        successor.drop()  # whatever an earlier try meant it for
        if self._target.exists() and (
            self._request.mode is not Mode.REPLACE or self._fits(arriving)
        ):
            return False
        try:
            if not self._may_become(pieces):
                return False
            self._target = staged
            self._find_keys_fast(arriving)
            self._target, self._became = successor, True
            self._become(successor.table.name)
        finally:
            if self._db.releasing:
                with suppress(HyggeError):  # the connection may be gone, and the claim with it
                    self._session.change(self._db.releasing)
        return True

    def _make_another(self, arriving: TableSchema) -> None:
        """A table to take this one's place, like it where the columns are the same."""
        if not self._fits(arriving):
            self._make_anew(arriving)
            return
        there, self._target = self._target, self._staging.successor
        self._target.drop()
        self._target.make_like(there)
        self._target.widen(self._whole(arriving).columns)

    def _make_anew(self, arriving: TableSchema) -> None:
        if self._db.ddl_in_transactions:
            self._take_away()
        else:  # it takes the table's place once the load is published
            self._target = self._staging.successor
            self._target.drop()
        self._make(arriving)

    def _take_away(self) -> None:
        try:
            self._target.drop()
        except DatabaseError as failed:
            keep = "leave out `swap`: then its rows are replaced, and the table stays"
            raise StoreError(
                f"another table cannot take the place of {self._target.table}: {failed.what}",
                hint=keep if self._swap else failed.hint or "take away what depends on it",
            ) from failed

    def _make(self, arriving: TableSchema) -> None:
        whole = self._whole(arriving)
        self._target.make(whole, keys=self._primary, shape=self._shape)
        self._find_keys_fast(arriving)
        self._new = True

    def _index_new_keys(self, newest: Entry | None, arriving: TableSchema) -> None:
        """A merge after loads that knew no keys looks for each in a table that has no index."""
        knew = newest is None or newest.receipt is None or newest.receipt.keys
        if self._request.mode is Mode.MERGE and not knew:
            self._target.index([arriving[key] for key in self._request.keys])

    def _find_keys_fast(self, arriving: TableSchema) -> None:
        """A full load may hold a key twice, so no index but a plain one; merges will need it."""
        if self._request.mode is Mode.REPLACE and self._request.keys and not self._keyed:
            self._target.index([arriving[key] for key in self._request.keys])

    def _whole(self, arriving: TableSchema) -> TableSchema:
        """With the columns that are the store's own."""
        return TableSchema((*arriving.columns, *marks(self._request)))

    def _fits(self, arriving: TableSchema) -> bool:
        return misfit(self._db, self._target, arriving, self._primary) is None

    def refuse_misfit(self) -> None:
        """Raise StoreError where rows are to be replaced in a table of others that cannot take
        these columns as it is; not where it is to be replaced itself."""
        replaces = self._request.mode is Mode.REPLACE and not self._swap
        if not replaces or self._config.if_exists == "replace":
            return
        arriving = self._request.schema.select(self._names)
        refuse_misfit(self._db, self._target, arriving, self._primary)
