"""How far a table of a database may be read for good, while others write to it.

A row gets its position when it is written and is seen when its transaction commits: a later one may
be seen earlier. So the greatest position is taken first, then who writes is looked at, and rows are
read last. Whoever is not writing by then has committed, and is seen, or begins above.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from hygge.core.errors import HyggeError, Unsupported
from hygge.core.home import Bound
from hygge.core.types import type_name
from hygge.core.watermark import Watermark, before, greatest, highest
from hygge.databases.accounts import Account
from hygge.databases.arriving import arrived
from hygge.databases.database import Field, Session, Table, Writer

if TYPE_CHECKING:
    from hygge.homes.sql import SqlHome

PATIENCE = 2.0
"""Seconds to wait for those who write: most transactions are shorter."""
_PAUSE = 0.02

Least = Callable[[str], Watermark | None]
"""The least position among the rows of a condition, as an open one."""


def settled(session: Session, field: Field, top: Watermark | None, least: Least | None) -> Bound:
    """The bound for a table whose greatest position is `top`."""
    now, hands = session.clock()
    clock = now if getattr(field.column.type, "time_zone", None) else hands
    if top is None:
        return Bound(None, now=clock)
    try:
        writers = _lasting(session)
    except Unsupported as failed:
        return Bound(top, exact=False, why=f"rows may have been missed: {failed.what}", now=clock)
    if not writers:
        return Bound(top, now=clock)
    if before(top.column, field.column.type, now) is not None:
        return replace(_by_time(session, field, top, writers), now=clock)
    return _by_rows(session, top, writers, least)


def _lasting(session: Session) -> Sequence[Writer]:
    """Those who write now, and still do after some patience."""
    writers, until = session.writers(), time.monotonic() + PATIENCE
    while writers and time.monotonic() < until:
        time.sleep(_PAUSE)
        still = {writer.number for writer in session.writers()}
        writers = [writer for writer in writers if writer.number in still]
    return writers


def accounted(session: Session, table: Table, position: str, account: Account) -> Bound:
    """The bound by the database's own account of its rows: what is over, is seen."""
    point, until = account.now(session, table), time.monotonic() + PATIENCE
    wanted = point.last
    while point.finished < wanted and time.monotonic() < until:
        time.sleep(_PAUSE)
        point = account.now(session, table)
    kind = type_name(pl.Int64())
    top = Watermark(position, kind, point.finished, counter=point.counter)
    if point.counter is None:
        why = "who the server is, is not told: another one in its place would not be noticed"
        return Bound(top, exact=False, why=why)
    if point.finished < wanted:
        why = "somebody has been writing: rows since then are left for the next run"
        return Bound(top, why=why)
    return Bound(top)


def end_of(
    home: SqlHome, session: Session, field: Field, which: str, condition: str
) -> Watermark | None:
    """The greatest (`max`) or least position of the rows that fulfil a condition."""
    name = home.database.quoted(field.column.name)
    sql = f"select {field.read} from {home.source} where {name} is not null and {condition}"
    if compared := home.database.compared(name, field.column.type):
        end = f"select {which}({compared}) from {home.source} where {condition}"
        sql += f" and {compared} = ({end})"
    found: Watermark | None = None
    for rows in session.batches(sql, (), [field]):
        values = arrived(rows, [field])[field.column.name]
        found = highest(found, greatest(values)) if which == "max" else _least(found, values)
    return found


def _least(known: Watermark | None, values: pl.Series) -> Watermark | None:
    found = greatest(values.sort().head(1))
    return min(filter(None, (known, found)), key=lambda mark: mark.value, default=None)


def _by_time(session: Session, field: Field, top: Watermark, writers: Sequence[Writer]) -> Bound:
    """Nobody writes a time before that at which it began: that full second, for a column or a
    function may have no fractions."""
    known = [writer.began for writer in writers if writer.began is not None]
    if len(known) < len(writers):
        why = "rows may have been missed: when transactions began is not told to this user"
        return Bound(top, exact=False, why=why)
    began = min(known).replace(microsecond=0)
    cap = before(top.column, field.column.type, _shown(session, field, began))
    if cap is None or cap.value > top.value:
        return Bound(top)
    return Bound(cap, why=f"{_told(writers)}: rows from then on are left for the next run")


def _shown(session: Session, field: Field, moment: datetime) -> datetime:
    """As the column shows it. Without a zone, it may be the server's hands or UTC: the earlier."""
    if getattr(field.column.type, "time_zone", None):
        return moment
    now, hands = session.clock()
    utc = moment.replace(tzinfo=None)
    return min(utc, utc + (hands - now.replace(tzinfo=None)))


def _by_rows(
    session: Session, top: Watermark, writers: Sequence[Writer], least: Least | None
) -> Bound:
    """What came after those who write began is left, for it may be above what they write."""
    oldest = min(writers, key=lambda writer: int(writer.number) if writer.number.isdigit() else 0)
    condition = session.since(oldest)
    if condition is not None and least is not None:
        try:
            cap = least(condition)
        except HyggeError:  # a view, say: its rows have no author
            pass
        else:
            why = f"{_told(writers)}: rows since then are left for the next run"
            below = cap is not None and cap.value <= top.value
            return Bound(cap, why=why) if below else Bound(top)
    why = f"{_told(writers)}, and may still write rows below those that are seen"
    return Bound(top, exact=False, why=why, held=True)


def _told(writers: Sequence[Writer]) -> str:
    known = [writer.began for writer in writers if writer.began is not None]
    since = f" since {min(known):%Y-%m-%d %H:%M:%S} UTC" if known else ""
    return f"{len(writers)} transactions have been writing{since}"
