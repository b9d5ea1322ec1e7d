"""One table in a database, and what is done to it by SQL."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import polars as pl

from hygge.core.errors import DatabaseError, StoreError
from hygge.core.schema import Column, TableSchema
from hygge.core.store import Mode
from hygge.core.types import type_name
from hygge.core.widening import holds, loses
from hygge.databases.database import Database, Field, Session, Table
from hygge.databases.wider import Wider


class SqlTable:
    """A table by its name; it need not be there."""

    def __init__(self, database: Database, session: Session, table: Table) -> None:
        self._db, self._session, self.table = database, session, table
        self.sql = database.named(table)

    def fields(self) -> list[Field]:
        return self._session.fields(self.table)

    def exists(self) -> bool:
        return bool(self.fields())

    def has_rows(self) -> bool:
        return bool(self._session.rows(self._db.first(1, f"select 1 from {self.sql}")))

    def keeps_rows(self) -> bool:
        """As `has_rows`, of those that others are about to put in as well: nobody else can, from
        here to the end of the transaction."""
        *before, last = self._db.looking(self.sql)
        for sql in before:
            self._session.change(sql)
        return bool(self._session.rows(last))

    def count(self) -> int:
        return int(self._session.rows(f"select {self._db.counted} from {self.sql}")[0][0])

    def make(
        self,
        schema: TableSchema,
        *,
        keys: Sequence[str] = (),
        short: Sequence[str] = (),
        shape: str | None = None,
    ) -> None:
        """`short` are columns that may become keys later."""
        words = [self._word(c, key=c.name in keys, short=c.name in short) for c in schema.columns]
        if keys:
            words.append(self._db.primary_key(self.names(keys), shape))
        options = self._session.table_options
        self._session.change(f"create table {self.sql} ({', '.join(words)}){options}")
        for sql in self._db.shaping(self.table, shape):
            self._session.change(sql)

    def take_shape(self, schema: TableSchema, *, keys: Sequence[str], shape: str | None) -> None:
        """Become, of a heap that has rows, what `make` would have made."""
        columns = [(key, self.key_native(schema[key])) for key in keys]
        for sql in self._db.keying(self.table, columns, shape) if keys else ():
            self._session.change(sql)
        for sql in self._db.shaping(self.table, shape):
            self._session.change(sql)

    def key_native(self, column: Column) -> str:
        """The type of a column that is part of a primary key."""
        texts = pl.String, pl.Categorical, pl.Enum
        short = isinstance(column.type, texts)
        return self._db.key_type if short else self._db.native(column.type)

    def _word(self, column: Column, *, key: bool = False, short: bool = False) -> str:
        native = self.key_native(column) if key or short else self._db.native(column.type)
        required = self._db.nullable if column.nullable and not key else " not null"
        return f"{self._db.quoted(column.name)} {native}{required}"

    def names(self, names: Iterable[str], of: str = "") -> str:
        head = f"{of}." if of else ""
        return ", ".join(head + self._db.quoted(name) for name in names)

    def index(self, columns: Iterable[Column]) -> None:
        """Not where a column is one that the database cannot index."""
        words = [self._db.indexed(column.name, column.type) for column in columns]
        if None in words:
            return
        name = self._db.quoted(f"_hygge_{secrets.token_hex(8)}")
        told = ", ".join(word for word in words if word)
        self._session.change(f"create index {name} on {self.sql} ({told})")

    def widen(self, columns: Iterable[Column]) -> None:
        """Add these columns, but for those that are there."""
        there = {field.column.name for field in self.fields()}
        for column in columns:
            if column.name not in there:
                word = self._word(replace(column, nullable=True))
                self._session.change(f"alter table {self.sql} {self._db.adding} {word}")

    def make_like(self, other: SqlTable) -> None:
        """With the other's columns, indexes and defaults; without its rows."""
        self._session.change(f"create table {self.sql} like {other.sql}")

    def standing(self, known: TableSchema) -> TableSchema | None:
        """As Store.standing."""
        fields = self.fields()
        return TableSchema(tuple(self._standing(f, known) for f in fields)) if fields else None

    def _standing(self, field: Field, known: TableSchema) -> Column:
        name = field.column.name
        if name in known and self.made_as(field, known[name]):
            return replace(field.column, type=known[name].type)
        return field.column

    def made_as(self, field: Field, column: Column) -> bool:
        """Whether the column that is there is what would be made for this one."""
        plain = self._db.plain
        return plain(field.native) == plain(self._db.native(column.type))

    def widened(
        self, arriving: TableSchema, before: TableSchema | None, keys: Sequence[str]
    ) -> None:
        """Make columns that the last load left hold what arrives; NULL, too, but for keys.

        Raises StoreError where the database refuses, for one that others made narrower, too.
        """
        wanted = list(self._wider(arriving, before, keys)) if before else []
        if not wanted:
            return
        names = ", ".join(f"{wider.name} {wider.native or 'null'}" for wider in wanted)
        try:
            self._db.widen(self._session, self.table, wanted)
        except DatabaseError as failed:
            raise StoreError(
                f"the table's columns cannot become wider ({names}): {failed.what}",
                table=str(self.table),
                hint=failed.hint
                or "take away what depends on them (views, indexes, constraints), "
                "run again, and make it anew",
            ) from failed

    def _wider(
        self, arriving: TableSchema, before: TableSchema, keys: Sequence[str]
    ) -> Iterator[Wider]:
        for field in self.fields():
            name = field.column.name
            if name not in before or name not in arriving:
                continue
            was, now = before[name], arriving[name]
            retyped = self._is_narrower(field, was, now)
            freed = now.nullable and not was.nullable and not field.column.nullable
            freed = freed and name not in (*keys, *self._session.keys(self.table))
            if retyped or freed:
                there = was.type if self.made_as(field, was) else field.column.type
                native = self._db.native(now.type) if retyped else None
                yield Wider(name, there, now.type, field.native, native, freed)

    def _is_narrower(self, field: Field, was: Column, now: Column) -> bool:
        """Whether the column that is there has to become wider. Raises StoreError where others made
        it narrower than what was loaded."""
        there = field.column.type
        if self.made_as(field, now) or holds(there, now.type):
            return False
        if self.made_as(field, was) or (holds(there, was.type) and holds(now.type, there)):
            return was.type != now.type
        if loses(there, now.type):
            raise StoreError(
                f"the table's column is {type_name(there)}, which cannot hold "
                f"{type_name(now.type)}",
                column=now.name,
                hint=f"change it back to {type_name(was.type)}",
            )
        return False

    def replaced_by(self, successor: SqlTable, old: SqlTable, *, away: bool) -> None:
        """At one moment for readers: this one becomes `old`, and the successor this one. Without
        `away` there must be none: it would be somebody else's."""
        first = f"{self.sql} to {old.sql}, " if away and self.exists() else ""
        self._session.change(f"rename table {first}{successor.sql} to {self.sql}")

    def become(self, name: str, *, shed: Iterable[Column], more: Iterable[Column]) -> None:
        """Take this name, without some columns, and with others; the rows stay where they lie."""
        drops = [f"drop column {self._db.quoted(column.name)}" for column in shed]
        adds = [f"{self._db.adding} {self._word(column)}" for column in more]
        for sql in self._db.becoming(self.table, [*drops, *adds], name):
            self._session.change(sql)

    def drop(self) -> None:
        self._session.change(f"drop table if exists {self.sql}")


def staged_beside(target: Table, load_id: str, schema: str | None) -> Table:
    """Where a load stages its rows: in the target's schema, or in another."""
    beside = target.beside(f"_hygge_{load_id}")
    return replace(beside, schema=schema) if schema else beside


def make_schema(database: Database, session: Session, name: str | None) -> None:
    """Harmless where it is there already, and where another makes it at the same time."""

    def is_there() -> bool:
        return name in {row[0] for row in session.rows(database.schemas or "")}

    if not name or not database.schemas or is_there():
        return
    try:
        session.change(database.making_schema.format(database.quoted(name)))
    except DatabaseError:
        if not is_there():
            raise


class Staging:
    """What a load has beside its target: the rows it stages, and a table to take its place.

    Only where tables cannot be made in the publishing transaction is there such a table: once the
    load is published, its name is changed, again if need be.
    """

    def __init__(
        self,
        database: Database,
        session: Session,
        target: Table,
        load_id: str,
        schema: str | None = None,
    ) -> None:
        def beside(name: str) -> SqlTable:
            return SqlTable(database, session, target.beside(name))

        self._target = SqlTable(database, session, target)
        self.rows = SqlTable(database, session, staged_beside(target, load_id, schema))
        self.successor, self._old = beside(f"_hygge_{load_id}_new"), beside(f"_hygge_{load_id}_old")

    def succeed(self, mode: Mode) -> None:
        """Let the successor take the target's place, if there is one."""
        if self.successor.exists():
            replaces = mode is Mode.REPLACE
            self._target.replaced_by(self.successor, self._old, away=replaces)

    def clear(self, published: Mode | None) -> None:
        """Let the successor of a published load succeed, or drop it; then all the rest."""
        if published is not None:
            self.succeed(published)
        for table in (self.successor, self._old, self.rows):
            table.drop()
