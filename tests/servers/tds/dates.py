"""T-SQL's functions of moments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sqlglot import exp
from tests.servers.tds.casting import Node, call, cast, converted, literal
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import MOMENTS, Kind
from tests.servers.tds.queries import Queries
from tests.servers.tds.scopes import kind_of, marked

_INT, _BIG, _FINE = Kind("int"), Kind("bigint"), Kind("datetime2", 0, 7)


_UNITS: Final = {
    **{"ns": "ns", "nanosecond": "ns", "mcs": "microsecond", "microsecond": "microsecond"},
    **{"ms": "millisecond", "millisecond": "millisecond", "ss": "second", "s": "second"},
    **{"second": "second", "mi": "minute", "n": "minute", "minute": "minute", "hh": "hour"},
    **{"hour": "hour", "dd": "day", "d": "day", "day": "day", "wk": "week", "ww": "week"},
    **{"week": "week", "mm": "month", "m": "month", "month": "month", "qq": "quarter"},
    **{"quarter": "quarter", "yy": "year", "yyyy": "year", "year": "year"},
    **{"dy": "dayofyear", "dayofyear": "dayofyear", "dw": "weekday", "weekday": "weekday"},
    **{"isowk": "iso_week", "iso_week": "iso_week", "tz": "tzoffset", "tzoffset": "tzoffset"},
}


_TICKS: Final = {
    **{"microsecond": 10, "millisecond": 10_000, "second": 10_000_000, "minute": 600_000_000},
    **{"hour": 36_000_000_000, "day": 864_000_000_000, "week": 6_048_000_000_000},
}


_MONTHS: Final = {"month": 1, "quarter": 3, "year": 12}


def _moment(node: Node) -> Node:
    return converted(node, kind_of(node), _FINE)


def _stamp(node: Node) -> Node:
    return call("tds_stamp", _moment(node))


def _unit(node: Node) -> str:
    found = _UNITS.get(node.name.lower())
    if found is None:
        raise SqlError(155, f"'{node.name}' is not a recognized datepart option.", 15)
    return found


def add(queries: Queries, found: list[Node]) -> Node:
    unit, amount, start = _unit(found[0]), found[1], found[2]
    kind = kind_of(start) or Kind("datetime")
    target = kind if kind.name in (*MOMENTS, "date", "time") else Kind("datetime")
    if unit in _MONTHS:
        times = exp.Mul(this=exp.Paren(this=amount), expression=literal(_MONTHS[unit]))
        made: Node = call("tds_add_months", _moment(start), times)
    else:
        ticks = literal(_TICKS.get(unit, 1))
        whole = cast(exp.Paren(this=amount), "bigint")
        if unit == "ns":
            made = call("tds_add", _moment(start), exp.IntDiv(this=whole, expression=literal(100)))
        else:
            made = call("tds_add", _moment(start), exp.Mul(this=whole, expression=ticks))
    return marked(converted(made, _FINE, target), target)


def difference(queries: Queries, found: list[Node], kind: Kind = _INT) -> Node:
    unit = _unit(found[0])
    if unit == "ns":
        ticks = [call("tds_ticks", _moment(one)) for one in (found[2], found[1])]
        made: Node = exp.Mul(
            this=exp.Paren(this=exp.Sub(this=ticks[0], expression=ticks[1])),
            expression=literal(100),
        )
    else:
        unit = "day" if unit in ("dayofyear", "weekday") else unit
        made = call("date_diff", unit, _stamp(found[1]), _stamp(found[2]))
    return marked(cast(made, kind.stored), kind)


def big_difference(queries: Queries, found: list[Node]) -> Node:
    return difference(queries, found, _BIG)


def part(queries: Queries, found: list[Node]) -> Node:
    unit = _unit(found[0])
    moment = _moment(found[1])
    if unit in ("ns", "microsecond", "millisecond"):
        parts = {"ns": 1, "microsecond": 10, "millisecond": 10_000}[unit]
        rest = exp.Mod(this=call("tds_ticks", moment), expression=literal(10_000_000))
        made: Node = exp.IntDiv(this=exp.Paren(this=rest), expression=literal(parts))
        if unit == "ns":
            made = exp.Mul(this=made, expression=literal(100))
    elif unit == "weekday":
        day = call("dayofweek", call("tds_stamp", moment))
        made = exp.Add(this=day, expression=literal(1))
    elif unit == "tzoffset":
        made = literal(0)
    else:
        word = {"iso_week": "week", "dayofyear": "doy"}.get(unit, unit)
        made = call("date_part", word, call("tds_stamp", moment))
    return marked(cast(made, "integer"), _INT)


def name(queries: Queries, found: list[Node]) -> Node:
    unit = _unit(found[0])
    if unit in ("month", "weekday"):
        made: Node = call(f"{unit.removeprefix('week')}name", _stamp(found[1]))
    else:
        made = cast(part(queries, found), "varchar")
    return marked(made, Kind("nvarchar", 30))


def in_utc(queries: Queries, found: list[Node]) -> Node:
    """SWITCHOFFSET: only moments are kept, and none but UTC is asked for."""
    kind = Kind("datetimeoffset", 0, 7)
    known = kind_of(found[0])
    target = known if known is not None and known.name == kind.name else kind
    return marked(converted(found[0], known, target), target)


def of_unit(unit: str) -> Callable[[Queries, list[Node]], Node]:
    return lambda queries, found: part(queries, [literal(unit), *found])
