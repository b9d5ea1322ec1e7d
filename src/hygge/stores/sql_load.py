"""One load into a table: staged in a table beside it, published in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime

from hygge.core.blocking_store import BlockingLoad, BlockingPart
from hygge.core.errors import HyggeError, LoadLost, StoreError
from hygge.core.partition import Partition
from hygge.core.reaching import reached
from hygge.core.schema import DELETED_AT, OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode, Piece, Receipt, StagedPart
from hygge.databases.database import Database, Session, Table
from hygge.stores.deleting import refuse_deletes_without_keys
from hygge.stores.ledger import Entry, Fate, Ledger
from hygge.stores.sql_config import SqlStoreConfig
from hygge.stores.sql_lossy import Lossy
from hygge.stores.sql_merge import Merging
from hygge.stores.sql_part import SqlPart
from hygge.stores.sql_pieces import pieces_of, staged_schema
from hygge.stores.sql_publish import Publishing
from hygge.stores.sql_table import SqlTable, Staging, make_schema, staged_beside


class SqlLoad(BlockingLoad):
    """Staged in `_hygge_<load_id>`, whose rows are known by their part and their place in it."""

    lossy, workers = Lossy(), 1

    def __init__(
        self,
        database: Database,
        target: Table,
        request: LoadRequest,
        config: SqlStoreConfig,
    ) -> None:
        self.database, self.target, self.request, self.config = database, target, request, config
        self.swap = config.swap == "rename" and request.mode is Mode.REPLACE
        self.one_writer, self.pieces = database.one_writer, pieces_of(database)
        self._staged_in = config.staging_schema
        self._session: Session | None = None

    @property
    def session(self) -> Session:
        if self._session is None:
            self._session = self.database.connect(write=True)
        return self._session

    @property
    def staged(self) -> Table:
        return staged_beside(self.target, self.request.load_id, self._staged_in)

    @property
    def _staging(self) -> Staging:
        load_id, schema = self.request.load_id, self._staged_in
        return Staging(self.database, self.session, self.target, load_id, schema)

    @property
    def _publishing(self) -> Publishing:
        return Publishing(
            self.database, self.session, self.target, self.request, self.config, self._staging
        )

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Between its calls a load keeps no connection that others may wait for."""
        yield
        if self.database.pool is not None:
            self.close()

    def open(self) -> None:
        refuse_deletes_without_keys(self.request)
        shape = self.config.shape
        if shape is not None and self.database.shapes[shape] and not self.request.keys:
            raise StoreError(f"`create: {shape}` needs keys", hint="set `keys`")
        with self._working():
            self._open()

    def _open(self) -> None:
        ledger = Ledger(self.database, self.session, self.target)
        if not ledger.exists():
            ledger.make()
        make_schema(self.database, self.session, self._staged_in)
        with self.session.transaction(self.target):
            entry = ledger.of(self.request.load_id)
            self._refuse_lost(entry, ledger)
            if entry is not None:  # begun before, when another schema may have been set
                self._staged_in = entry.staging
                return
            ledger.open(self.request.load_id, self.request.flow, self._staged_in)
            # before anything is staged; it is looked at again in the end
            self._refuse_strangers(newest := ledger.newest())
            if newest is None:
                self._publishing.refuse_misfit()
            self.session.refuse_target(self.target, swap=self.swap)
            self._make_staging()

    def _is_staged(self) -> bool:
        return SqlTable(self.database, self.session, self.staged).exists()

    def _has_become(self, parts: Sequence[StagedPart]) -> bool:
        """Whether a try at publishing has made the successor of it, with all these rows."""
        successor = self._staging.successor
        return successor.exists() and successor.count() == _rows(parts)

    def _make_staging(self) -> None:
        """Where rows are deleted by what is staged, its keys are looked up: for each of the table's
        rows, if the database knows no better."""
        request, staged = self.request, SqlTable(self.database, self.session, self.staged)
        columns = staged_schema(self.pieces, self._staged_columns())
        there = [f.column.name for f in SqlTable(self.database, self.session, self.target).fields()]
        replaces, shape = request.mode is Mode.REPLACE, self.config.shape
        keyed = shape is not None and self.database.shapes[shape]
        made = replaces or (not there and request.mode is Mode.APPEND)
        staged.make(columns, short=request.keys if keyed and made else ())
        merges = not replaces or OPERATION in request.schema
        looked_up = request.most_gone is not None or OPERATION in request.schema
        looked_up = looked_up or DELETED_AT in there
        if merges and looked_up and request.keys and self.database.by_index:
            staged.index([request.schema[key] for key in request.keys])

    def _staged_columns(self) -> TableSchema:
        """A row of nothing but a key has no other value."""
        schema = self.request.schema
        if self.request.most_gone is None:
            return schema
        return TableSchema(tuple(replace(column, nullable=True) for column in schema.columns))

    def _refuse_lost(self, entry: Entry | None, ledger: Ledger) -> None:
        load_id = self.request.load_id
        if entry is not None and entry.fate is Fate.ERASED:
            raise LoadLost("this load was erased", load_id=load_id)
        if entry is not None and entry.fate is Fate.PUBLISHED:
            return
        newest = ledger.newest()
        if (newest.load_id if newest else None) != self.request.base:
            raise LoadLost("another load came in between", load_id=load_id)
        if newest is not None and not self.database.ddl_in_transactions:
            before = Staging(self.database, self.session, self.target, newest.load_id)
            if before.successor.exists():
                raise LoadLost("the load before has not taken its place yet", load_id=load_id)

    def _refuse_strangers(self, newest: Entry | None, *, alone: bool = False) -> None:
        """Raise StoreError for rows of others that are not to be touched. `alone`: no others come
        between this and the end of the transaction, where rows are about to be replaced."""
        how, mode = self.config.if_exists, self.request.mode
        kept = how == "append" and mode is Mode.REPLACE
        if not kept and (how != "fail" or newest is not None):
            return
        table = SqlTable(self.database, self.session, self.target)
        sees = table.keeps_rows if alone and mode is Mode.REPLACE else table.has_rows
        if not table.exists() or not sees():
            return
        if kept:
            raise StoreError(
                f"`if_exists: append` keeps the rows of {self.target}, and a full_drop replaces "
                "them",
                hint="`run_type: incremental` adds to them; or set `if_exists: replace`",
            )
        raise StoreError(
            f"{self.target} has rows that hygge did not put there",
            hint=f"choose another table, or set `if_exists`: {_CHOICES[mode]}",
        )

    def part(self, partition: Partition) -> BlockingPart:
        return SqlPart(self, partition)

    def verify(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        """Counted by the database; a part with a row missing, or twice, counts nothing."""
        with self._working():
            return self._counted(parts)

    def _counted(self, parts: Sequence[StagedPart]) -> Mapping[str, int]:
        names = [piece.name for part in parts for piece in part.pieces]
        try:
            whole = self.pieces.whole(self.session, self.database.named(self.staged), names)
        except HyggeError:
            if self._is_staged():
                raise
            if self._has_become(parts):  # the table that was to succeed, when it was counted
                return {p.partition.name: p.rows for p in parts}
            whole = {}  # erased by another hand: nothing is there
        return {p.partition.name: sum(_intact(whole, x) for x in p.pieces) for p in parts}

    def corrections(self, parts: Sequence[StagedPart]) -> int:
        if self.request.most_gone is None:
            return 0
        with self._working():
            table = SqlTable(self.database, self.session, self.target)
            if not table.exists():
                return 0
            staged = SqlTable(self.database, self.session, self.staged)
            merging = Merging(self.database, self.session, table, staged, self.request)
            return merging.corrections(_tags(parts))

    def commit(self, parts: Sequence[StagedPart]) -> Receipt:
        ledger = Ledger(self.database, self.session, self.target)
        publishing = self._publishing
        tags = _tags(parts, keys=False), _tags(parts, keys=True)
        self._look(ledger, publishing, *tags)
        if not self.database.ddl_in_transactions:
            with self.session.transaction(self.target):  # its turn lasts, whatever ends within
                begun = ledger.of(self.request.load_id)
                self._refuse_lost(begun, ledger)
                if begun is None or begun.receipt is None:  # else its rows are in there already
                    self._refuse_strangers(ledger.newest())
                    publishing.make_room(ledger.newest(), tags[0], _rows(parts))
        with self.session.transaction(self.target):
            entry = ledger.of(self.request.load_id)
            if entry is None:
                raise LoadLost("this load is not known here", load_id=self.request.load_id)
            self._refuse_lost(entry, ledger)
            receipt = entry.receipt or self._receipt(parts)
            if entry.receipt is None:
                newest = ledger.newest()
                if self.database.ddl_in_transactions:
                    self._refuse_strangers(newest, alone=True)  # some may have come since
                    publishing.make_room(newest, tags[0], _rows(parts))
                else:
                    self._refuse_strangers(newest, alone=True)
                schema = publishing.fill(*tags, newest.schema if newest else None)
                receipt = replace(receipt, deleted=publishing.deleted)
                ledger.publish(receipt, schema, self._staged_in)
        staging = self._staging
        if not self.database.ddl_in_transactions:
            staging.succeed(self.request.mode)  # not done before readers see the rows
        with suppress(HyggeError):  # the rows are there; whoever comes next finds what is left
            staging.clear(self.request.mode)
            ledger.cleared(self.request.load_id)
        return receipt

    def _look(
        self, ledger: Ledger, publishing: Publishing, rows: Sequence[str], keys: Sequence[str]
    ) -> None:
        """At rows that nobody adds to any more; what else may have become of them is seen later."""
        entry = ledger.of(self.request.load_id)
        if entry is None or entry.fate is not Fate.OPEN:
            return
        try:
            publishing.look(rows, keys)
        except HyggeError:
            if SqlTable(self.database, self.session, self.staged).exists():
                raise

    def _receipt(self, parts: Sequence[StagedPart]) -> Receipt:
        rows = [part for part in parts if not part.keys]
        return Receipt(
            load_id=self.request.load_id,
            flow=self.request.flow,
            rows=_rows(parts),
            bytes=sum(piece.bytes for part in rows for piece in part.pieces),
            watermark=reached(self.request, parts),
            digests={},
            at=datetime.now(UTC),
            source=self.request.source,
            where=self.request.where,
            keys=self.request.keys,
            beyond=self.request.beyond,
            mode=self.request.mode,
            changed=sum((Counter(part.changed) for part in rows), Counter[str]()),
        )

    def interrupt(self) -> None:
        if (session := self._session) is not None:
            session.interrupt()

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


_CHOICES = {
    Mode.REPLACE: "`replace` replaces them",
    Mode.APPEND: "`append` keeps them and adds others, `replace` replaces them",
    Mode.MERGE: "`append` replaces those with the same keys, and takes the others for loaded ones; "
    "`replace` replaces all",
}


def _tags(parts: Sequence[StagedPart], *, keys: bool | None = None) -> list[str]:
    """Of all parts, or of those of nothing but keys, or of the others."""
    chosen = (part for part in parts if keys is None or part.keys is keys)
    return [piece.name for part in chosen for piece in part.pieces]


def _rows(parts: Sequence[StagedPart]) -> int:
    return sum(part.rows for part in parts if not part.keys)


def _intact(whole: Mapping[str, int], piece: Piece) -> int:
    return piece.rows if whole.get(piece.name) == piece.rows else 0
