"""From staging into the table: replace, append or merge, by statements of one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hygge.core.errors import ConfigError, DatabaseError, HyggeError, LoadLost
from hygge.core.schema import DELETED_AT, OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode
from hygge.databases.database import Database, Session, Table
from hygge.stores.deleting import marks
from hygge.stores.ledger import Entry
from hygge.stores.sql_changes import refuse_changes
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
        *,
        swap: bool = False,
    ) -> None:
        self._db, self._session, self._request, self._swap = database, session, request, swap
        self._target = SqlTable(database, session, target)
        self._staging = Staging(database, session, target, request.load_id)
        self._pieces = pieces_of(database)
        self._names = [name for name in request.schema.names if name != OPERATION]
        self._new = False  # whether the target was made for this load
        self._became = False  # whether it is what was staging, rows and all
        self.deleted = 0
        self._merging: Merging | None = None

    def look(self, pieces: Sequence[str], keys: Sequence[str]) -> None:
        """Before the transaction: raises StoreError for staged rows that cannot be published."""
        if self._request.mode is Mode.MERGE or OPERATION in self._request.schema:
            staged = self._staging.rows
            self._merging = Merging(self._db, self._session, self._target, staged, self._request)
            self._merging.look(pieces, keys)

    def fill(
        self, pieces: Sequence[str], keys: Sequence[str], before: TableSchema | None
    ) -> TableSchema:
        """The rows into the table, which has room for them; the columns that it has then.

        `keys` are the pieces of nothing but keys. `deleted` is told afterwards.
        """
        staging = self._staging.rows.sql
        arriving = self._request.schema.select(self._names)
        if self._became:
            return arriving
        if self._db.ddl_in_transactions and self._new and self._may_become(pieces):
            self._target.drop()
            self._become(self._target.table.name)
            self._find_keys_fast(arriving)  # the index that there was went with the empty table
            return arriving
        if self._request.mode is Mode.REPLACE:
            self._session.change(f"delete from {self._target.sql}")
        elif pieces and not self._new:
            listed, staged = self._pieces.among(pieces, "s"), self._staging.rows
            refuse_changes(self._db, self._session, self._target, staged, arriving, listed)
        if self._merging is not None:
            self._merging.into(self._target)
            self.deleted = self._merging.merge(pieces, keys)
        else:
            for piece in pieces:
                self._add(staging, piece)
        if self._request.mode is Mode.REPLACE or before is None:
            return arriving
        return before.and_then(arriving)

    def _may_become(self, pieces: Sequence[str]) -> bool:
        """Whether the staged rows need not be copied: the new table can be the staging itself.

        Not where a try was given up: DuckDB drops no columns and indexes no keys of a table from
        which the same transaction deleted.
        """
        plain = self._request.mode is not Mode.MERGE and OPERATION not in self._request.schema.names
        sheds = self._db.sheds_columns or not self._pieces.own
        if not (sheds and plain and self._pieces.in_order(pieces)):
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

    def _add(self, staging: str, piece: str) -> None:
        """In the order in which they lie there, which is that of one writer; sorting costs more."""
        names = self._target.names(self._names)
        self._session.change(
            f"insert into {self._target.sql} ({names}) select {names} from {staging} "
            f"where {self._pieces.among([piece])}"
        )

    def make_room(self, newest: Entry | None, pieces: Sequence[str], rows: int) -> None:
        """See that the table is there and has the columns, and that they are wide enough.

        `newest` is the last load that was published, `rows` how many the pieces have. Raises
        StoreError where it cannot.
        """
        arriving = self._request.schema.select(self._names)
        self._session.refuse_target(self._target.table, swap=self._swap)
        if self._succeeds_itself(arriving, pieces, rows):
            return
        if not self._target.exists():
            keys = self._request.keys if self._request.mode is Mode.MERGE else ()
            self._target.make(self._whole(arriving), keys=keys)
            self._find_keys_fast(arriving)
            self._new = True
        elif self._request.mode is not Mode.REPLACE:
            self._target.widen(self._whole(arriving).columns)
            before = newest.schema if newest else None
            self._target.widened(arriving, before, self._request.keys)
            self._index_new_keys(newest, arriving)
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
            self._target.drop()
        else:  # it takes the table's place once the load is published
            self._target = self._staging.successor
            self._target.drop()
        self._target.make(self._whole(arriving))
        self._find_keys_fast(arriving)
        self._new = True

    def _index_new_keys(self, newest: Entry | None, arriving: TableSchema) -> None:
        """A merge after loads that knew no keys looks for each in a table that has no index."""
        knew = newest is None or newest.receipt is None or newest.receipt.keys
        if self._request.mode is Mode.MERGE and not knew:
            self._target.index([arriving[key] for key in self._request.keys])

    def _find_keys_fast(self, arriving: TableSchema) -> None:
        """A full load may hold a key twice, so no index but a plain one; merges will need it."""
        if self._request.mode is Mode.REPLACE and self._request.keys:
            self._target.index([arriving[key] for key in self._request.keys])

    def _whole(self, arriving: TableSchema) -> TableSchema:
        """With the columns that are the store's own."""
        return TableSchema((*arriving.columns, *marks(self._request)))

    def _fits(self, arriving: TableSchema) -> bool:
        """Whether the table that is there can take these columns as they are. A column of ours is
        empty then, and does no harm."""
        plain = self._db.plain
        there = [(f.column.name, plain(f.native), f.column.nullable) for f in self._target.fields()]
        if DELETED_AT not in self._names:
            there = [column for column in there if column[0] != DELETED_AT]
        wanted = [(c.name, plain(self._db.native(c.type)), c.nullable) for c in arriving.columns]
        return there == wanted
