"""T-SQL's functions, as DuckDB's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlglot import exp
from tests.servers.tds import dates, parsing
from tests.servers.tds.casting import Node, call, cast, converted, literal, shown, variant_kind
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import BYTES, MAX, TEXTS, Kind
from tests.servers.tds.queries import Queries
from tests.servers.tds.scopes import Scope, kind_of, marked

_INT, _BIG, _NAME = Kind("int"), Kind("bigint"), Kind("nvarchar", 128)
_FINE = Kind("datetime2", 0, 7)

_FACTS: Final[dict[str, Kind]] = {
    **dict.fromkeys(("db_name", "user_name", "suser_sname", "original_login"), _NAME),
    **dict.fromkeys(("suser_name", "current_user", "session_user", "system_user"), _NAME),
    **dict.fromkeys(("user", "host_name", "app_name", "serverproperty"), _NAME),
    **dict.fromkeys(("databasepropertyex", "connectionproperty"), _NAME),
    **dict.fromkeys(("db_id", "has_perms_by_name", "is_srvrolemember", "is_member"), _INT),
    **dict.fromkeys(("xact_state", "has_dbaccess", "error_number", "error_severity"), _INT),
    **dict.fromkeys(("error_state", "error_line", "is_rolemember", "databaseproperty"), _INT),
    **dict.fromkeys(("@@spid", "@@trancount", "@@options", "@@fetch_status", "@@error"), _INT),
    **dict.fromkeys(("@@rowcount", "@@lock_timeout", "@@max_precision", "@@nestlevel"), _INT),
    **dict.fromkeys(("rowcount_big", "change_tracking_current_version"), _BIG),
    **dict.fromkeys(("change_tracking_min_valid_version", "@@microsoftversion"), _BIG),
    **dict.fromkeys(("@@version", "@@servername", "@@language", "error_message"), _NAME),
    **dict.fromkeys(("applock_mode", "@@servicename"), _NAME),
    **dict.fromkeys(("applock_test", "@@cpu_busy"), _INT),
    **dict.fromkeys(("sysutcdatetime", "sysdatetime"), _FINE),
    **dict.fromkeys(("getdate", "getutcdate", "current_timestamp"), Kind("datetime")),
    "sysdatetimeoffset": Kind("datetimeoffset", 0, 7),
    "scope_identity": Kind("decimal", 38, 0),
    "@@identity": Kind("decimal", 38, 0),
    "ident_current": Kind("decimal", 38, 0),
    "@@dbts": Kind("varbinary", 8),
    "min_active_rowversion": Kind("binary", 8),
    "context_info": Kind("varbinary", 128),
}
"""Those whose value the session knows."""


def system(queries: Queries, name: str, arguments: Sequence[Node]) -> Node:
    """A value that is the same for the whole statement."""
    kind = _FACTS.get(name)
    if kind is None:
        raise SqlError(195, f"'{name}' is not a recognized built-in function name.", 15)
    values = [parsing.constant(_plain(a), queries.scene) for a in arguments]
    found = queries.scene.fact(name, values)
    if isinstance(found, bytes):
        return marked(call("unhex", found.hex()), kind)
    if isinstance(found, bool):
        found = int(found)
    return marked(cast(literal(found), kind.stored), kind)


def _plain(node: Node) -> Node:
    """The literal in a cast that was made of one, or of a variable."""
    if isinstance(node, exp.Cast) and isinstance(node.this, exp.Null | exp.Literal | exp.Neg):
        return node.this
    if isinstance(node, exp.Var) and "$v_" in node.name:
        name = node.name.partition("$v_")[2].split(" ")[0]
        return exp.Parameter(this=exp.Var(this=name))
    return node


def takes_word(name: str, index: int | None) -> bool:
    """Whether this argument is a bare word, like `day`."""
    return index == 0 and name.lower().removeprefix(parsing.OURS) in _WITH_WORD


def called(queries: Queries, node: Any, scope: Scope) -> Node:
    """A function of ours, or one that DuckDB has under the same name."""
    name = node.name.lower().removeprefix(parsing.OURS)
    if name in _MADE:
        return _MADE[name](queries, node.expressions)
    if name in _FACTS:
        return system(queries, name, node.expressions)
    raise SqlError(195, f"'{node.name}' is not a recognized built-in function name.", 15)


def _text(node: Node) -> Node:
    return shown(node, kind_of(node))


def _data_length(queries: Queries, found: list[Node]) -> Node:
    node, kind = found[0], kind_of(found[0])
    if kind is None or kind.name in TEXTS:
        length: Node = call("length", _text(node))
        if kind is None or kind.name in ("nvarchar", "nchar", "ntext", "xml"):
            length = exp.Mul(this=length, expression=literal(2))
    elif kind.name in BYTES:
        length = call("octet_length", node)
    else:
        width = literal(kind.width)
        length = exp.Case(ifs=[exp.If(this=_not_null(node), true=width)])
    return marked(cast(length, "bigint" if kind and kind.size == MAX else "integer"), _INT)


def _not_null(node: Node) -> Node:
    return exp.Not(this=exp.Is(this=node, expression=exp.Null()))


def _length(queries: Queries, found: list[Node]) -> Node:
    return marked(call("tds_len", _text(found[0])), _INT)


def _is_null(queries: Queries, found: list[Node]) -> Node:
    kind = kind_of(found[0]) or kind_of(found[1])
    other = found[1]
    if kind is not None:
        other = converted(other, kind_of(other), kind)
    return marked(exp.Coalesce(this=found[0], expressions=[other]), kind)


def _new_id(queries: Queries, found: list[Node]) -> Node:
    return marked(call("uuid"), Kind("uniqueidentifier"))


def _checksum(queries: Queries, found: list[Node]) -> Node:
    texts = [_text(one) for one in found if not isinstance(one, exp.Star)]
    hashed = call("hash", *texts)
    made = exp.Mod(this=hashed, expression=literal(4_294_967_296))
    shifted = exp.Sub(this=cast(exp.Paren(this=made), "bigint"), expression=literal(2_147_483_648))
    return marked(cast(exp.Paren(this=shifted), "integer"), _INT)


def _object_id(queries: Queries, found: list[Node]) -> Node:
    values = [parsing.constant(_plain(one), queries.scene) for one in found]
    return marked(cast(literal(queries.scene.fact("object_id", values)), "integer"), _INT)


def _named(query: str) -> Callable[[Queries, list[Node]], Node]:
    """A name, by a number that may be a column's."""

    def made(queries: Queries, found: list[Node]) -> Node:
        given = found[0].sql("duckdb", copy=False) if found else "1"
        text = query.replace("{x}", given).replace("{sys}", queries.scene.fact("sys", []))
        return marked(exp.Var(this=f"({text})"), _NAME)

    return made


def _position(queries: Queries, found: list[Node]) -> Node:
    sought, text = call("lower", _text(found[0])), call("lower", _text(found[1]))
    return marked(cast(call("strpos", text, sought), "integer"), _INT)


def _same(name: str, *kinds: int) -> Callable[[Queries, list[Node]], Node]:
    """DuckDB's function on a text; the kind is that of the first argument."""

    def made(queries: Queries, found: list[Node]) -> Node:
        kind = kind_of(found[0])
        kind = kind if kind is not None and kind.name in TEXTS else Kind("nvarchar", 4000)
        return marked(call(name, _text(found[0]), *found[1:]), kind)

    return made


def _variant_property(queries: Queries, found: list[Node]) -> Node:
    if found[1].name.lower() != "basetype":
        raise SqlError(195, f"SQL_VARIANT_PROPERTY of {found[1].name!r} is not known here.", 15)
    return marked(variant_kind(found[0]), Kind("nvarchar", 128))


def _replicate(queries: Queries, found: list[Node]) -> Node:
    return marked(call("repeat", _text(found[0]), *found[1:]), Kind("nvarchar", MAX))


def _substring(queries: Queries, found: list[Node]) -> Node:
    kind = kind_of(found[0])
    if kind is None or kind.name not in BYTES:
        return _same("substr")(queries, found)
    start = exp.Sub(this=exp.Mul(this=found[1], expression=literal(2)), expression=literal(1))
    length = exp.Mul(this=found[2], expression=literal(2))
    hexed = call("substr", call("hex", found[0]), start, length)
    return marked(call("unhex", hexed), Kind("varbinary", kind.size))


def _hash_bytes(queries: Queries, found: list[Node]) -> Node:
    word = {"SHA2_256": "sha256", "MD5": "md5", "SHA1": "sha1"}[found[0].name.upper()]
    return marked(call("unhex", call(word, found[1])), Kind("varbinary", 8000))


def _concat(queries: Queries, found: list[Node]) -> Node:
    return marked(call("concat", *(_text(one) for one in found)), Kind("nvarchar", 4000))


def _quote_name(queries: Queries, found: list[Node]) -> Node:
    inner = call("replace", _text(found[0]), "]", "]]")
    made = exp.DPipe(this=exp.DPipe(this=literal("["), expression=inner), expression=literal("]"))
    return marked(exp.Paren(this=made), Kind("nvarchar", 258))


def _type_name(queries: Queries, found: list[Node]) -> Node:
    from tests.servers.tds import facts

    rows = f"(values {facts.rows()}) v(name, a, id, b, c, d)"
    made = f"(select v.name from {rows} where v.id = {found[0].sql('duckdb', copy=False)})"
    return marked(exp.Var(this=made), _NAME)


_OBJECT_NAME = "select o.name from {sys}.objects o where o.object_id = {x}"
_OBJECT_SCHEMA = (
    "select s.name from {sys}.objects o join {sys}.schemas s using (schema_id)"
    " where o.object_id = {x}"
)
_MADE: Final[dict[str, Callable[[Queries, list[Node]], Node]]] = {
    "dateadd": dates.add,
    "datediff": dates.difference,
    "datediff_big": dates.big_difference,
    "datepart": dates.part,
    "datename": dates.name,
    "switchoffset": dates.in_utc,
    "todatetimeoffset": dates.in_utc,
    **{unit: dates.of_unit(unit) for unit in ("year", "month", "day")},
    "datalength": _data_length,
    "len": _length,
    "isnull": _is_null,
    "newid": _new_id,
    "newsequentialid": _new_id,
    "checksum": _checksum,
    "binary_checksum": _checksum,
    "object_id": _object_id,
    "schema_name": _named("select s.name from {sys}.schemas s where s.schema_id = {x}"),
    "schema_id": _named("select s.schema_id from {sys}.schemas s where s.name = {x}"),
    "object_name": _named(_OBJECT_NAME),
    "object_schema_name": _named(_OBJECT_SCHEMA),
    "type_name": _type_name,
    "charindex": _position,
    "substring": _substring,
    "replicate": _replicate,
    "sql_variant_property": _variant_property,
    "hashbytes": _hash_bytes,
    "concat": _concat,
    "quotename": _quote_name,
    **{name: _same(name) for name in ("upper", "lower", "trim", "ltrim", "rtrim", "replace")},
    **{name: _same(name) for name in ("left", "right", "reverse")},
}
_WITH_WORD: Final = frozenset(("dateadd", "datediff", "datediff_big", "datepart", "datename"))
NAMES: Final = frozenset((*_MADE, *_FACTS, "changetable"))
"""Those that the parser is not to take for its own."""
