"""Takes the last append out of a table: its rows are those above the watermark it began at."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hygge.core.errors import ANEW, LoadLost, StoreError, Unsupported
from hygge.core.store import Receipt
from hygge.core.types import parse_type
from hygge.core.undoing import last_and_before
from hygge.core.watermark import Watermark
from hygge.databases.database import Database, Session, Table
from hygge.stores.ledger import Ledger
from hygge.stores.sql_table import SqlTable


def take_back(
    database: Database, session: Session, target: Table, flow: str, load_id: str, by: str
) -> Receipt:
    """As Store.undo; StoreError where other rows than the load's lie there now."""
    ledger = Ledger(database, session, target)
    with session.transaction(target):
        if (done := ledger.of(by)) is not None:
            if done.receipt is None:
                raise LoadLost("this undoing was given up", load_id=load_id)
            return done.receipt
        published = ledger.published()
        last, before = last_and_before((e.receipt for e in published if e.receipt), load_id)
        _delete(database, session, SqlTable(database, session, target), last, before)
        receipt = replace(last.taken_back(before, by), at=datetime.now(UTC))
        schema = published[0].schema
        assert schema is not None
        ledger.open(by, flow)
        ledger.publish(receipt, schema)
        ledger.cleared(by)
    return receipt


def _delete(
    database: Database, session: Session, table: SqlTable, last: Receipt, before: Receipt
) -> None:
    low, high = before.watermark, last.watermark
    if low is None or high is None:
        raise Unsupported("this load has no watermark that tells its rows", load_id=last.load_id)
    condition, values = _between(database, table, low, high)
    counting = f"select {database.counted} from {table.sql} where {condition}"
    ((count,),) = session.rows(counting, *values)
    if count != last.rows:
        raise StoreError(
            f"{count} rows lie where this load put {last.rows}: they cannot be told apart",
            table=str(table.table),
            load_id=last.load_id,
            hint=f"take them out by hand, or load everything anew: {ANEW}",
        )
    session.change(f"delete from {table.sql} where {condition}", *values)


def _between(
    database: Database, table: SqlTable, low: Watermark, high: Watermark
) -> tuple[str, list[Any]]:
    """Above the one, up to the other. Raises Unsupported where the database cannot compare them."""
    column, values, told = database.quoted(low.column), list[Any](), list[str]()
    natives = {field.column.name: field.native for field in table.fields()}
    if low.column not in natives:
        raise Unsupported("the watermark's column is not in the table", column=low.column)
    if database.compared(column, parse_type(low.type)) is None:
        raise Unsupported("this database cannot tell rows by such values", column=low.column)
    for mark in (low, high):
        place = database.mark(len(values) + 1)
        found = database.narrowed(mark, "<", column, place, natives[low.column])
        if found is None:
            raise Unsupported("its values cannot be compared by the database", column=low.column)
        told.append(found[0])
        values += [] if found[1] is None else [found[1]]
    return f"not ({told[0]}) and {told[1]}", values
