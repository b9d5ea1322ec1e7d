"""Tables are made, in DuckDB and in the catalog."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tests.servers.tds import facts
from tests.servers.tds.casting import is_exact
from tests.servers.tds.catalog import SCHEMAS, Catalog, Column, Table, next_id, quoted
from tests.servers.tds.declaring import Declared, Key, Reference
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import TEXTS, Kind
from tests.servers.tds.server import now

if TYPE_CHECKING:
    from tests.servers.tds.session import Session

COLLATION = "SQL_Latin1_General_CP1_CI_AS"
_marks = itertools.count(0x5F1E2D3C)


def catalog_for(session: Session, path: Sequence[str]) -> tuple[Catalog, str, str]:
    """The catalog, schema and name of what is to be made."""
    database, schema, name = session.scene.place(path)
    catalog = Catalog(session.con, database.name)
    found = catalog.schema(schema)
    if found is None and schema.startswith("#"):
        make_schema(catalog, schema)
        return catalog, schema, name
    if found is None:
        told = f'The specified schema name "{schema}" either does not exist or you do not have '
        raise SqlError(2760, told + "permission to use it.")
    return catalog, found[1], name


def make_schema(catalog: Catalog, name: str) -> None:
    ((last,),) = catalog.rows("select max(schema_id) from {sys}.schemas")
    catalog.add("schemas", max(int(last), 4) + 1, name)
    if name.lower() not in (known.lower() for known in SCHEMAS):
        catalog.con.execute(f"create schema {quoted(catalog.database, name)}")


def collated(column: Column, collation: str | None) -> str:
    """The column's type, as DuckDB is told of it."""
    if column.kind.name not in TEXTS:
        return column.kind.stored
    return (
        column.kind.stored if is_exact(collation or "") else f"{column.kind.stored} collate nocase"
    )


def make(session: Session, path: Sequence[str], declared: Declared) -> Table:
    """Raises SqlError if there is something of this name."""
    catalog, schema, name = catalog_for(session, path)
    if catalog.object(schema, name) is not None:
        told = f"There is already an object named '{name}' in the database."
        raise SqlError(2714, told)
    names = [column.name.lower() for column in declared.columns]
    twice = next((c.name for c in declared.columns if names.count(c.name.lower()) > 1), None)
    if twice is not None:
        told = f"Column names in each table must be unique. Column name '{twice}' in table '{name}'"
        raise SqlError(2705, told + " is specified more than once.")
    number, place = next_id(), quoted(catalog.database, schema, name)
    found = catalog.schema(schema)
    assert found is not None
    catalog.add("objects", number, found[0], name, "U", 0, now(), None)
    shown = [
        f"{quoted(c.name)} {collated(c, declared.collations.get(c.name))}"
        f"{'' if c.nullable else ' not null'}"
        for c in declared.columns
    ]
    catalog.con.execute(f"create table {place} ({', '.join(shown)})")
    add_columns(catalog, number, declared.columns, declared)
    catalog.add("indexes", number, 0, None, 0, False, False, False)
    for key in declared.keys:
        add_key(catalog, number, found[0], name, key)
    for reference in declared.references:
        add_reference(session, catalog, number, found[0], name, reference)
    add_checks(catalog, number, found[0], name, declared)
    made = catalog.table(schema, name)
    assert made is not None
    return made


def add_columns(
    catalog: Catalog, number: int, columns: Iterable[Column], declared: Declared
) -> None:
    """To the catalog; identity columns get their sequence."""
    for c in columns:
        collation = declared.collations.get(c.name, COLLATION) if c.kind.name in TEXTS else None
        catalog.add(
            "columns",
            *(number, c.number, c.name, str(c.kind), *facts.facts(c.kind), c.nullable, c.seed),
            *(c.step, c.default, declared.defaults.get(c.name), c.computed, collation),
        )
        if c.seed is not None:
            place = quoted(catalog.database, "sys", f"identity_{number}")
            catalog.con.execute(
                f"create sequence {place} start {c.seed} increment {c.step}"
                f"{' minvalue -9223372036854775808' if c.seed < 1 else ''}"
            )


def add_key(catalog: Catalog, number: int, schema: int, table: str, key: Key) -> None:
    """A primary key or unique constraint, which is an object with an index of the same name."""
    word = "PK" if key.primary else "UQ"
    name = key.name or f"{word}__{table[:9]}__{next(_marks):016X}"
    found = keyed(catalog, number, table, [column for column, _ in key.columns])
    columns = [(column, down) for column, (_, down) in zip(found, key.columns, strict=True)]
    if key.primary and catalog.rows(
        "select 1 from {sys}.indexes where object_id = ? and is_primary_key", number
    ):
        raise SqlError(1779, f"Table '{table}' already has a primary key defined on it.")
    clustered = key.clustered and not catalog.rows(
        "select 1 from {sys}.indexes where object_id = ? and type in (1, 5)", number
    )
    catalog.add("objects", next_id(), schema, name, word, number, now(), None)
    catalog.add_index(
        number,
        name,
        columns,
        kind=1 if clustered else 2,
        unique=True,
        primary=key.primary,
        constraint=not key.primary,
    )


def add_checks(catalog: Catalog, number: int, schema: int, table: str, made: Declared) -> None:
    """They are remembered; that rows keep to them is not seen to."""
    for given, text in made.checks:
        name = given or f"CK__{table[:9]}__{next(_marks):08X}"
        catalog.add("objects", next_id(), schema, name, "C", number, now(), f"({text})")


def numbered(catalog: Catalog, number: int, names: Iterable[str]) -> list[int]:
    """The numbers of columns. Raises SqlError for one that is not there."""
    found = catalog.rows(
        "select lower(name), column_id from {sys}.columns where object_id = ?", number
    )
    known = {str(name): int(column) for name, column in found}
    names = list(names)
    missing = [name for name in names if name.lower() not in known]
    if missing:
        told = f"Column name '{missing[0]}' does not exist in the target table or view."
        raise SqlError(1911, told)
    return [known[name.lower()] for name in names]


def keyed(catalog: Catalog, number: int, table: str, names: Sequence[str]) -> list[int]:
    """The numbers of columns that are to be a key: none of them is of any length."""
    for name, kind in catalog.rows(
        "select name, kind from {sys}.columns where object_id = ?", number
    ):
        if Kind.of(kind).is_whole and name.lower() in [one.lower() for one in names]:
            told = f"Column '{name}' in table '{table}' is of a type that is invalid for use as a "
            raise SqlError(1919, told + "key column in an index.")
    return numbered(catalog, number, names)


def add_reference(
    session: Session,
    catalog: Catalog,
    number: int,
    schema: int,
    table: str,
    reference: Reference,
) -> None:
    """It is remembered; that rows keep to it is not seen to."""
    other = session.scene.table(reference.table)
    if other is None:
        told = f"Foreign key references invalid table '{'.'.join(reference.table)}'."
        raise SqlError(1767, told)
    what = (catalog.database.lower(), other.schema.lower(), other.name.lower())
    session.transactions.redefine(what)
    own, name = next_id(), reference.name or f"FK__{table[:9]}__{next(_marks):08X}"
    catalog.add("objects", own, schema, name, "F", number, now(), None)
    catalog.add("foreign_keys", own, name, number, other.number)
    mine = numbered(catalog, number, reference.columns)
    theirs = numbered(catalog, other.number, reference.referenced or other.key)
    for n, (column, referenced) in enumerate(zip(mine, theirs, strict=True), 1):
        catalog.add("foreign_key_columns", own, n, number, column, other.number, referenced)
