"""What is of one kind becomes another, as an expression of DuckDB's."""

from __future__ import annotations

from functools import cache
from typing import Final

from sqlglot import exp
from tests.servers.tds.kinds import BYTES, MAX, MOMENTS, ODD, TEXTS, WHOLE, Kind

Node = exp.Expr
NUMBERS: Final = (*WHOLE, "decimal", "money", "smallmoney", "real", "float")
_RANKS: Final = {
    name: n
    for n, name in enumerate(
        (
            *("binary", "rowversion", "varbinary", "image", "char", "varchar", "text", "nchar"),
            *("nvarchar", "ntext", "uniqueidentifier", "bit", "tinyint", "smallint", "int"),
            *("bigint", "smallmoney", "money", "decimal", "real", "float", "xml", "time", "date"),
            *("smalldatetime", "datetime", "datetime2", "datetimeoffset", "sql_variant"),
        )
    )
}


def call(name: str, *arguments: Node | str | int) -> exp.Anonymous:
    """A function or macro of DuckDB's; texts and numbers become literals."""
    return exp.Anonymous(this=name, expressions=[literal(a) for a in arguments])


def literal(value: Node | str | int | None) -> Node:
    if isinstance(value, exp.Expr):
        return value
    if value is None:
        return exp.Null()
    if isinstance(value, int):
        number = exp.Literal.number(abs(value))
        return exp.Neg(this=number) if value < 0 else number
    return exp.Literal.string(value)


@cache
def _type(stored: str) -> exp.DataType:
    return exp.DataType.build(stored, dialect="duckdb")


def cast(node: Node, stored: str, *, safe: bool = False) -> Node:
    return (exp.TryCast if safe else exp.Cast)(this=node, to=_type(stored).copy())


def rank(kind: Kind) -> int:
    """Where it stands when two kinds meet: the higher wins."""
    return _RANKS.get(kind.name, 0)


def family(kind: Kind) -> str:
    """Kinds of one family are compared as they are."""
    if kind.name in MOMENTS:
        return "moment"
    if kind.name in NUMBERS or kind.name == "bit":
        return "number"
    if kind.name in TEXTS or kind.name in ODD:
        return "text"
    return "bytes" if kind.name in BYTES else kind.name


def converted(
    node: Node, source: Kind | None, target: Kind, style: int = 0, *, safe: bool = False
) -> Node:
    """`source` is None where it is not known; `safe` gives NULL for what cannot be."""
    if source == target:
        return node
    if isinstance(node, exp.Null):
        return cast(node, target.stored)
    name = target.name
    if name == "sql_variant":
        return _variant(node, source)
    if source is not None and source.name == "sql_variant":
        node, source = _inside(node), None
        if name in BYTES:
            return call("unhex", node)
    if name in MOMENTS:
        return _moment(node, source, target, safe=safe)
    if name == "time":
        return _time(node, source, target, safe=safe)
    if name == "date":
        return _date(node, source, safe=safe)
    if name in TEXTS:
        return _text(node, source, target, style)
    if name in BYTES:
        return _bytes(node, source, target, style)
    if name in ODD:
        return cast(node, "varchar")
    return _number(node, source, target, safe=safe)


def _moment(node: Node, source: Kind | None, target: Kind, *, safe: bool) -> Node:
    if source is not None and source.name in MOMENTS:
        made, digits = node, _digits(source)
    elif source is not None and source.name == "date":
        made, digits = exp.DPipe(this=cast(node, "varchar"), expression=_midnight()), 0
    elif source is not None and source.name == "time":
        made = exp.DPipe(this=literal("1900-01-01 "), expression=node)
        digits = source.scale
    else:
        word = "tds_utc" if target.name == "datetimeoffset" else "tds_moment"
        made = cast(node, "varchar")
        if target.name in ("datetime", "smalldatetime") and source and source.name in TEXTS:
            made = call("tds_coarse_or_null" if safe else "tds_coarse", made)
        made = call(f"{word}_or_null" if safe else word, made)
        digits = 7
    if target.name == "datetime":
        same = source is not None and source.name in ("datetime", "smalldatetime", "date")
        return made if same else call("tds_old", made)
    if target.name == "smalldatetime":
        return call("tds_round", made, 600_000_000)
    return made if digits <= target.scale else call("tds_round", made, 10 ** (7 - target.scale))


_MARK: Final = chr(31)
"""Between the kind and the text of what is kept as a sql_variant."""


def _variant(node: Node, source: Kind | None) -> Node:
    """Bytes are kept in hex, for texts lie there; numbers and moments with all their digits."""
    kind = source or Kind("nvarchar", MAX)
    told = call("hex", node) if kind.name in BYTES else cast(node, "varchar")
    return exp.Paren(this=exp.DPipe(this=literal(f"{kind.name}{_MARK}"), expression=told))


def _inside(node: Node) -> Node:
    after = exp.Add(this=call("instr", node, _MARK), expression=literal(1))
    return call("substr", node, after)


def variant_kind(node: Node) -> Node:
    return call("split_part", node, _MARK, 1)


def _midnight() -> Node:
    return literal(" 00:00:00.0000000")


def _digits(kind: Kind) -> int:
    return {"datetime": 7, "smalldatetime": 0}.get(kind.name, kind.scale)


def _time(node: Node, source: Kind | None, target: Kind, *, safe: bool) -> Node:
    if source is not None and source.name == "time":
        made, digits = node, source.scale
    else:
        moment = _moment(node, source, Kind("datetime2", 0, 7), safe=safe)
        made, digits = call("substr", moment, 12), 7
    if digits <= target.scale:
        return made
    return call("tds_round_clock", made, 10 ** (7 - target.scale))


def _date(node: Node, source: Kind | None, *, safe: bool) -> Node:
    if source is not None and source.name == "date":
        return node
    return call("tds_day", _moment(node, source, Kind("datetime2", 0, 7), safe=safe))


def _text(node: Node, source: Kind | None, target: Kind, style: int) -> Node:
    made = _paged(shown(node, source, style), source, target)
    known = source.size if source is not None and source.name in TEXTS else MAX
    if target.size == MAX or target.name in ("text", "ntext", "xml"):
        return made
    if known != MAX and known <= target.size:
        return made
    return call("left", made, target.size)


def _paged(node: Node, source: Kind | None, target: Kind) -> Node:
    """What has two bytes a letter becomes what has one: a code page has not every letter."""
    wide = source is not None and source.name in ("nchar", "nvarchar", "ntext")
    return call("tds_paged", node) if wide and target.name in ("char", "varchar", "text") else node


def shown(node: Node, source: Kind | None, style: int = 0) -> Node:
    """As a text of any length."""
    if source is None:
        return cast(node, "varchar")
    name = source.name
    if name in TEXTS or name in ODD:
        return node
    if name == "bit":
        return cast(cast(node, "integer"), "varchar")
    if name == "uniqueidentifier":
        return call("upper", cast(node, "varchar"))
    if name in BYTES:
        if style in (1, 2):
            hexed = call("hex", node)
            return exp.DPipe(this=literal("0x"), expression=hexed) if style == 1 else hexed
        return call("decode", node)
    if name in MOMENTS or name == "time":
        return _moment_shown(node, source, style)
    return cast(node, "varchar")


def _moment_shown(node: Node, source: Kind, style: int) -> Node:
    if source.name == "time":
        return call("substr", node, 1, 8 if not source.scale else 9 + source.scale)
    digits = {"datetime": 3, "smalldatetime": 0}.get(source.name, source.scale)
    made: Node = call("tds_shown", call("tds_round", node, 10_000) if digits == 3 else node, digits)
    if source.name == "datetimeoffset":
        zone = "Z" if style == 127 else "+00:00" if style == 126 else " +00:00"
        made = exp.DPipe(this=made, expression=literal(zone))
    return call("replace", made, " ", "T") if style in (126, 127) else made


def _bytes(node: Node, source: Kind | None, target: Kind, style: int) -> Node:
    size = 8 if target.name == "rowversion" else target.size
    fixed = target.name in ("binary", "rowversion")
    if source is not None and source.name in (*WHOLE, "bit"):
        width = WHOLE.get(source.name, 1)
        if size >= width == 8 or (fixed and size == 8):
            return call("tds_bytes8", node)
        return call("tds_bytes", cast(node, "bigint"), size if fixed else width)
    if source is not None and source.name in TEXTS:
        hexed = style in (1, 2)
        node = call("tds_from_hex", node, style) if hexed else call("encode", node)
    elif source is None:
        node = cast(node, "blob")
    if fixed and size != MAX:
        same = source is not None and source.width == size
        return node if same else call("tds_fitted", node, size)
    known = source is not None and source.name in BYTES and 0 < source.width <= size
    return node if target.is_whole or known else call("tds_cut", node, size)


def _number(node: Node, source: Kind | None, target: Kind, *, safe: bool) -> Node:
    if source is not None and source.name in BYTES and target.name in WHOLE:
        return cast(call("tds_number", node), target.stored)
    if target.name == "bit" and source is not None and source.name in NUMBERS:
        return exp.NEQ(this=node, expression=literal(0))
    if target.name in WHOLE and source is not None and source.name in NUMBERS[4:]:
        node = call("trunc", node)
    if source is not None and source.name in TEXTS and target.name in NUMBERS:
        node = call("trim", node)
    if source is not None and source.stored == target.stored:
        return node
    return cast(node, target.stored, safe=safe)


def stored_text(node: Node, source: Kind | None, target: Kind, told: str) -> Node:
    """A text or bytes as a column takes them: error 2628 for what is too long."""
    whole = Kind(target.name, MAX)
    made = node if source is not None and family(source) == family(target) else None
    made = made if made is not None else converted(node, source, whole)
    made = _paged(made, source, target)
    if target.size == MAX or target.name in ("text", "ntext", "xml", "image", *ODD):
        return made
    same = source is not None and family(source) == family(target) and target.name != "binary"
    if same and source is not None and 0 < source.size <= target.size:
        return made
    if target.name in BYTES:
        made = call("tds_short_bytes", made, target.size, told)
        return call("tds_fitted", made, target.size) if target.name == "binary" else made
    return call("tds_short", made, target.size, told)


def is_exact(collation: str) -> bool:
    """Whether texts differ by their case."""
    return "BIN" in collation.upper() or "_CS" in collation.upper()


def collated(node: Node, collation: str) -> Node:
    word = exp.to_identifier("binary", quoted=True) if is_exact(collation) else "nocase"
    return exp.Collate(this=node, expression=word if word != "nocase" else exp.Var(this=word))
