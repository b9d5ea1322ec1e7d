"""Whether a table that is there can take what arrives, column by column, as it is."""

from __future__ import annotations

from collections.abc import Sequence

from hygge.core.errors import StoreError
from hygge.core.schema import DELETED_AT, Column, TableSchema
from hygge.databases.database import Database
from hygge.stores.sql_table import SqlTable


def misfit(
    database: Database, target: SqlTable, arriving: TableSchema, primary: Sequence[str]
) -> str | None:
    """What keeps the table from taking these columns as they are, for a person to read; None: it
    takes them. `primary` are the columns of the primary key that we would make."""
    fields = target.fields()
    if DELETED_AT not in arriving:  # a column of ours is empty then, and does no harm
        fields = [field for field in fields if field.column.name != DELETED_AT]
    there, wanted = [f.column.name for f in fields], list(arriving.names)
    if there != wanted:
        told = ", ".join(there)
        return f"it has the columns {told}, not {', '.join(wanted)}"
    for field, column in zip(fields, arriving.columns, strict=True):
        natives = _natives(database, target, column, primary)
        if _told(database.plain(field.native), field.column.nullable) not in natives:
            now = _told(field.native, field.column.nullable)
            return f"its column {column.name} is {now}, not {natives[0]}"
    return None


def _natives(
    database: Database, target: SqlTable, column: Column, primary: Sequence[str]
) -> Sequence[str]:
    """What the column may be there."""
    natives = [_told(database.plain(database.native(column.type)), column.nullable)]
    if column.name in primary:  # as we make them
        natives.append(_told(database.plain(target.key_native(column)), False))
    return natives


def _told(native: str, nullable: bool) -> str:
    return native if nullable else f"{native} not null"


def refuse_misfit(
    database: Database, target: SqlTable, arriving: TableSchema, primary: Sequence[str]
) -> None:
    """Raise StoreError for a table of others that a full load would have to make anew."""
    if target.exists() and (why := misfit(database, target, arriving, primary)) is not None:
        raise StoreError(
            f"{target.table} was made by others, and {why}: to be loaded it would be made anew, "
            "without its indexes, defaults and grants",
            hint="`if_exists: replace` makes it anew; or give it these columns",
        )
