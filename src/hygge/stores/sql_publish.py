"""From staging into the table: replace, append or merge, by statements of one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hygge.core.errors import StoreError
from hygge.core.schema import OPERATION, TableSchema
from hygge.core.store import LoadRequest, Mode
from hygge.databases.database import Database, Session, Table
from hygge.stores.sql_table import SqlTable, Staging


class Publishing:
    """Makes the staged rows of a load the table's, in the order of the commit."""

    def __init__(
        self, database: Database, session: Session, target: Table, request: LoadRequest
    ) -> None:
        self._db, self._session, self._request = database, session, request
        self._target = SqlTable(database, session, target)
        self._staging = Staging(database, session, target, request.load_id)
        self._names = [name for name in request.schema.names if name != OPERATION]
        self._deleting = OPERATION in request.schema.names
        self._new = False  # whether the target was made for this load

    def fill(self, tags: Sequence[str], before: TableSchema | None) -> TableSchema:
        """The rows into the table, which has room for them; the columns that it has then."""
        staging = self._staging.rows.sql
        arriving = self._request.schema.select(self._names)
        if self._may_become(tags):
            self._become(tags[0])
            return arriving
        if self._request.mode is Mode.REPLACE:
            self._session.change(f"delete from {self._target.sql}")
        for tag in tags:
            if self._request.mode is Mode.MERGE:
                self._merge(staging, tag)
            else:
                self._add(staging, tag)
        return arriving if self._request.mode is Mode.REPLACE else _widened(before, arriving)

    def _may_become(self, tags: Sequence[str]) -> bool:
        """Whether the staged rows need not be copied: the new table can be the staging itself."""
        plain = self._request.mode is not Mode.MERGE and not self._deleting
        return self._new and self._db.sheds_columns and plain and len(tags) == 1

    def _become(self, tag: str) -> None:
        staged = self._staging.rows
        self._session.change(
            f"delete from {staged.sql} where {self._part} <> {self._db.mark(1)}", tag
        )
        self._target.drop()
        for name in (self._part, self._row):
            self._session.change(f"alter table {staged.sql} drop column {name}")
        name = self._db.quoted(self._target.table.name)
        self._session.change(f"alter table {staged.sql} rename to {name}")

    def _add(self, staging: str, tag: str) -> None:
        """In the order in which they lie there, which is that of one writer; sorting costs more."""
        names = self._target.names(self._names)
        self._session.change(
            f"insert into {self._target.sql} ({names}) select {names} from {staging} "
            f"where {self._part} = {self._db.mark(1)}",
            tag,
        )

    @property
    def _part(self) -> str:
        return self._db.quoted("_hygge_part")

    @property
    def _row(self) -> str:
        return self._db.quoted("_hygge_row")

    def make_room(self) -> None:
        """See that the table is there and has the columns. Raises StoreError where it cannot."""
        arriving = self._request.schema.select(self._names)
        if not self._target.exists():
            keys = self._request.keys if self._request.mode is Mode.MERGE else ()
            self._target.make(arriving, keys=keys)
            self._new = True
        elif self._request.mode is not Mode.REPLACE:
            self._target.widen(arriving.columns)
        elif not self._fits(arriving):
            self._make_anew(arriving)

    def _make_anew(self, arriving: TableSchema) -> None:
        if self._db.ddl_in_transactions:
            self._target.drop()
        else:  # it takes the table's place once the load is published
            self._target = self._staging.successor
            self._target.drop()
        self._target.make(arriving)
        self._new = True

    def _fits(self, arriving: TableSchema) -> bool:
        """Whether the table that is there can take these columns as they are."""
        plain = self._db.plain
        there = [(f.column.name, plain(f.native), f.column.nullable) for f in self._target.fields()]
        wanted = [(c.name, plain(self._db.native(c.type)), c.nullable) for c in arriving.columns]
        return there == wanted

    def _merge(self, staging: str, tag: str) -> None:
        keys = self._request.keys
        if not keys:
            raise StoreError("a merge needs keys", hint="set `keys`")
        last = self._last(staging, keys)
        if self._deleting:
            gone = f"{last} and s.{self._db.quoted(OPERATION)} = 1"
            same = self._same("s", self._target.sql)
            sql = f"delete from {self._target.sql} where exists ({gone} and {same})"
            self._session.change(sql, tag, tag)
            last = f"{last} and coalesce(s.{self._db.quoted(OPERATION)}, 0) = 0"
        others = [name for name in self._names if name not in keys]
        if others:
            sets = [self._db.quoted(name) for name in others]
            same = self._same("w", self._target.sql)
            self._session.change(self._db.updating(self._target.sql, sets, last, same), tag, tag)
        names = self._target.names(self._names)
        self._session.change(
            f"insert into {self._target.sql} ({names}) "
            f"select {self._target.names(self._names, 'w')} from ({last}) w "
            f"where not exists (select 1 from {self._target.sql} t where {self._same('w', 't')}) "
            f"order by w.{self._row}",
            tag,
            tag,
        )

    def _last(self, staging: str, keys: Sequence[str]) -> str:
        """The last row of each key in one part."""
        one, two = self._db.mark(1), self._db.mark(2)
        return (
            f"select s.* from {staging} s where s.{self._part} = {one} and s.{self._row} in "
            f"(select max({self._row}) from {staging} where {self._part} = {two} "
            f"group by {self._target.names(keys)})"
        )

    def _same(self, one: str, other: str) -> str:
        pairs = (self._db.quoted(key) for key in self._request.keys)
        return " and ".join(f"{one}.{key} = {other}.{key}" for key in pairs)


def _widened(before: TableSchema | None, arriving: TableSchema) -> TableSchema:
    """Those that a load lacks stay; those that came later are NULL in older rows."""
    if before is None:
        return arriving
    old = (
        arriving[c.name] if c.name in arriving else replace(c, nullable=True)
        for c in before.columns
    )
    new = (replace(c, nullable=True) for c in arriving.columns if c.name not in before)
    return TableSchema((*old, *new), arriving.keys)
