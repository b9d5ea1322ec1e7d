"""Staged rows into a table by their keys: one row a key, the latest; and rows that are gone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import cached_property

import polars as pl

from hygge.core.errors import StoreError
from hygge.core.names import begun
from hygge.core.schema import DELETED_AT, OPERATION
from hygge.core.store import Deletes, LoadRequest
from hygge.databases.arriving import arrived
from hygge.databases.database import Database, Session
from hygge.stores.deleting import manner, refuse_many
from hygge.stores.latest import refuse_null_keys, refuse_ties
from hygge.stores.sql_pieces import pieces_of
from hygge.stores.sql_table import SqlTable

_LOOKED_AT = 100_000
"""Rows that are equally late, at most, of which we see for ourselves whether they differ."""


class Merging:
    """A look at what is staged, and statements of the publishing transaction: first, staging is
    thinned to one row a key.

    `pieces` name the parts of rows in the order of the commit, `keys` those of nothing but keys.
    """

    def __init__(
        self,
        database: Database,
        session: Session,
        target: SqlTable,
        staging: SqlTable,
        request: LoadRequest,
    ) -> None:
        self._db, self._session, self._target = database, session, target
        self._staging, self._request = staging, request
        self._names = [name for name in request.schema.names if name != OPERATION]
        self._keys = {database.quoted(key): request.schema[key].type for key in request.keys}
        apart = (database.told_apart(key, kind) for key, kind in self._keys.items())
        self._apart = ", ".join(word for words in apart for word in words)
        self._pieces = pieces_of(database)
        self._operation = database.quoted(OPERATION)
        self._tells = OPERATION in request.schema
        self._how = manner(request)
        self._hints: Sequence[str] = ()
        self._made = False  # whether the table is one that this load made
        self._doubled = False  # whether a key was staged more than once

    @cached_property
    def _deleted_at(self) -> str | None:
        """The column that marks rows, if the table has one: it may be made for this load."""
        there = {field.column.name for field in self._target.fields()}
        ours = DELETED_AT in there and DELETED_AT not in self._request.schema
        return self._db.quoted(DELETED_AT) if ours else None

    def look(self, pieces: Sequence[str], keys: Sequence[str] = ()) -> None:
        """Before the transaction, within which one connection could not bring rows as well.

        Raises StoreError for rows whose key is NULL, and for several that are equally late.
        """
        if not self._request.keys:
            raise StoreError("a merge needs keys", hint="set `keys`")
        if pieces or keys:
            self._refuse_null_keys(self._listed([*pieces, *keys]))
        if pieces:
            listed = self._counting(pieces)
            self._doubled = self._several(listed)
            if self._doubled:
                self._refuse_ties(listed)

    def refuse_doubles(self, pieces: Sequence[str]) -> None:
        """As `look`, where no two rows may have one key."""
        listed, keys = self._listed(pieces), self._request.keys
        self._refuse_null_keys(listed)
        if self._several(listed):
            raise StoreError(
                f"several rows have the same {', '.join(keys)}, which is to be the primary key",
                column=keys[0],
                hint="choose `keys` that name one row each, or leave out `create`",
            )

    def into(self, target: SqlTable, hints: Sequence[str], *, made: bool) -> None:
        """The table to be filled, where it has become another one since; how, and whether it was
        made for this load."""
        self._target, self._hints, self._made = target, hints, made

    def merge(self, pieces: Sequence[str], keys: Sequence[str] = ()) -> int:
        """What was looked at, into the table: how many rows were deleted, or marked as such.

        Raises StoreError where more rows are gone than may be.
        """
        deleted = 0
        if self._request.most_gone is not None:
            deleted += self._delete_missing([*pieces, *keys])
        deleted += self._apply(pieces) if pieces else 0
        if pieces and not (self._made and self._request.most_gone is None):
            self._refuse_other_keys(pieces)
        return deleted

    def _refuse_other_keys(self, pieces: Sequence[str]) -> None:
        """A key that is stored as another one, or was dropped, would be taken for gone then."""
        same = self._same("s", "t")
        ((count,),) = self._session.rows(  # counted: a first row would be looked for one by one
            f"select {self._db.counted} from {self._staging.sql} s "
            f"where {self._upserts(pieces)} "
            f"and not exists (select 1 from {self._target.sql} t where {same})"
        )
        if count:
            raise StoreError(
                f"{count:,} keys are not in the table as they came: it changed or dropped them",
                hint="give its key columns the types of the source; see its triggers and rules",
            )

    def corrections(self, pieces: Sequence[str]) -> int:
        """How many rows are gone, as these parts tell, or are marked and there."""
        there = self._staged(self._listed(pieces))
        wrong = self._living(f"not {there}")
        if self._deleted_at is not None:
            wrong = f"({wrong}) or ({self._deleted_at} is not null and {there})"
        return self._count(wrong)

    def _delete_missing(self, pieces: Sequence[str]) -> int:
        there = self._staged(self._listed(pieces))
        gone = f"not {there}"
        count = self._count(self._living(gone))
        refuse_many(count, self._count(self._living("1 = 1")), self._request)
        if count or self._deleted_at is not None:  # one that was marked may have to go now
            self._take_out(gone)
        self._revive(there)
        return count

    def _apply(self, pieces: Sequence[str]) -> int:
        listed, upserts = self._counting(pieces), self._upserts(pieces)
        if self._doubled:
            self._thin_out(listed, upserts, pieces)
        self._upsert(upserts)
        if not self._tells or self._how is Deletes.IGNORE:
            return 0
        gone = self._staged(f"{listed} and s.{self._operation} = 1")
        count = self._count(self._living(gone))
        self._take_out(gone)
        return count

    def _counting(self, pieces: Sequence[str]) -> str:
        """Those that have a say: what is ignored has none."""
        return self._upserts(pieces) if self._how is Deletes.IGNORE else self._listed(pieces)

    def _upserts(self, pieces: Sequence[str]) -> str:
        listed = self._listed(pieces)
        return f"{listed} and coalesce(s.{self._operation}, 0) = 0" if self._tells else listed

    def _upsert(self, upserts: str) -> None:
        rows = f"select s.* from {self._staging.sql} s where {upserts}"
        self._update(rows)
        self._insert(rows)
        self._revive(self._staged(upserts))

    def _update(self, rows: str) -> None:
        others = [name for name in self._names if name not in self._request.keys]
        if others:
            sets = [self._db.quoted(name) for name in others]
            sql = self._db.updating(self._target.sql, sets, rows, self._same, self._hints)
            self._session.change(sql)

    def _insert(self, rows: str) -> None:
        target = self._db.hinted(self._target.sql, self._hints)
        self._session.change(
            f"insert into {target} ({self._target.names(self._names)}) "
            f"select {self._target.names(self._names, 'w')} from ({rows}) w "
            f"where not exists (select 1 from {self._target.sql} t where {self._same('w', 't')})"
        )

    def _take_out(self, gone: str) -> None:
        """Delete these rows of the table; or mark them, but for those that are marked."""
        if self._how is Deletes.SOFT:
            moment = begun(self._request.load_id).strftime(self._db.moments)
            sets = f"{self._deleted_at} = '{moment}'"
            self._session.change(f"update {self._target.sql} set {sets} where {self._living(gone)}")
        else:
            self._session.change(f"delete from {self._target.sql} where {gone}")

    def _revive(self, there: str) -> None:
        if self._deleted_at is not None:
            self._session.change(
                f"update {self._target.sql} set {self._deleted_at} = null "
                f"where {self._deleted_at} is not null and {there}"
            )

    # conditions

    def _listed(self, pieces: Sequence[str]) -> str:
        return self._pieces.among(pieces, "s") if pieces else "1 = 0"

    def _same(self, one: str, other: str) -> str:
        return " and ".join(
            self._db.same(f"{one}.{key}", f"{other}.{key}", kind)
            for key, kind in self._keys.items()
        )

    def _staged(self, which: str) -> str:
        """Of the table's rows: those whose key is that of such a staged row."""
        same = self._same("s", self._target.sql)
        return f"exists (select 1 from {self._staging.sql} s where {which} and {same})"

    def _living(self, condition: str) -> str:
        return (
            condition if self._deleted_at is None else f"{self._deleted_at} is null and {condition}"
        )

    def _count(self, condition: str) -> int:
        sql = f"select {self._db.counted} from {self._target.sql} where {condition}"
        return int(self._session.rows(sql)[0][0])

    # one row a key

    def _refuse_null_keys(self, listed: str) -> None:
        nulls = (f"case when {key} is null then 1 end" for key in self._keys)
        counts = ", ".join(self._db.counted.replace("*", null) for null in nulls)
        sql = f"select {counts} from {self._staging.sql} s where {listed}"
        refuse_null_keys(self._request.keys, self._session.rows(sql)[0])

    def _several(self, listed: str) -> bool:
        sql = (
            f"select 1 from {self._staging.sql} s where {listed} "
            f"group by {self._apart} having count(*) > 1"
        )
        return bool(self._session.rows(self._db.first(1, sql)))

    def _refuse_ties(self, listed: str) -> None:
        latest = self._request.latest
        if latest is None or self._request.any_tie:
            return
        keys, fields = self._apart, self._staging.fields()
        reads = [field for field in fields if field.column.name in self._names]
        ranked = (
            f"select s.*, dense_rank() over (partition by {keys} order by {self._newest()}) "
            f"hygge_n from {self._staging.sql} s where {listed}"
        )
        counted = (
            f"select r.*, count(*) over (partition by {keys}) hygge_m from ({ranked}) r "
            f"where hygge_n = 1"
        )
        words = ", ".join(field.read for field in reads)
        sql = f"select {words} from ({counted}) c where hygge_m > 1"
        sql = self._db.first(_LOOKED_AT + 1, sql)
        with closing(self._session.batches(sql, (), reads)) as batches:
            found = [arrived(batch, reads) for batch in batches]
        if not found:
            return
        tied = pl.concat(found)
        if tied.height > _LOOKED_AT:
            raise StoreError(
                f"more than {_LOOKED_AT:,} rows share their key and their {latest} with another",
                column=latest,
                hint="choose `keys` that name one row each, a finer watermark, or `on_tie: any`",
            )
        refuse_ties(tied, self._request)

    def _newest(self) -> str:
        """NULL is the least, as it is not in every database."""
        latest = self._request.latest or ""
        name = self._db.quoted(latest)
        kind = self._request.schema[latest].type
        ours = isinstance(kind, pl.Date | pl.Datetime)  # even as texts, written alike by us
        placed = name if ours else self._db.compared(name, kind)
        if placed is None:
            raise StoreError(
                "several rows of one key came, and this database cannot tell which is the latest",
                column=latest,
                hint="a watermark that is an integer, a date or a time; or full loads",
            )
        return f"case when {name} is null then 1 else 0 end, {placed} desc"

    def _thin_out(self, listed: str, upserts: str, pieces: Sequence[str]) -> None:
        """Leave the latest of each key; of those alike, the last in the order of the commit.

        A row that is to stay when it is deleted stays as it was then: its last upsert is left, too.
        """
        if self._how is Deletes.SOFT and self._tells:
            self._leave_last(listed, pieces, f"{self._operation} = 1 and ")
            self._leave_last(upserts, pieces)
        else:
            self._leave_last(listed, pieces)

    def _leave_last(self, listed: str, pieces: Sequence[str], only: str = "") -> None:
        order = self._pieces.latest(pieces)
        if self._request.latest is not None:
            order = f"{self._newest()}, {order}"
        place = self._pieces.place
        ranked = (
            f"select {', '.join(place)}, row_number() over (partition by {self._apart} "
            f"order by {order}) hygge_n from {self._staging.sql} s where {listed}"
        )
        self._session.change(self._db.thinning(self._staging.sql, only, place, ranked))
