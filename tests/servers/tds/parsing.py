"""T-SQL as trees. Its own functions get names that the parser leaves alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from tests.servers.tds.casting import NUMBERS, Node, family, rank
from tests.servers.tds.errors import SqlError
from tests.servers.tds.kinds import MAX, MOMENTS, TEXTS, WHOLE, Kind
from tests.servers.tds.words import Word, words

OURS = "tsql_"
_STRANGE = """
now length ifnull nvl substr char_length character_length random strpos date_trunc to_char to_date
to_timestamp group_concat array_agg bool_or bool_and any_value lpad rpad mod ceil pow ln md5 sha256
uuid gen_random_uuid unnest date_diff date_part extract epoch strftime hash median position initcap
starts_with list struct_pack octet_length to_hex hex unhex
"""
"""What others call functions, and the parser would take, but SQL Server does not know."""
_BARE = frozenset(("current_timestamp", "current_user", "session_user", "system_user", "user"))


@cache
def _strange() -> frozenset[str]:
    return frozenset(_STRANGE.split())


def parsed(sql: str) -> Node:
    """One statement. Raises SqlError."""
    return _parsed(prepared(sql)).copy()


@lru_cache(maxsize=512)
def _parsed(sql: str) -> Node:
    try:
        return sqlglot.parse_one(sql, read="tsql")
    except SqlglotError as failed:
        told = str(failed).splitlines()[0]
        raise SqlError(102, f"Incorrect syntax: {told}", 15) from failed


def prepared(sql: str) -> str:
    """With our functions' names, and without what the parser does not know."""
    from tests.servers.tds.functions import NAMES

    found, out, at, n = words(sql), [], 0, 0
    while n < len(found):
        word = found[n]
        following = found[n + 1].low if n + 1 < len(found) else ""
        made, used = _word(found, n, word.low, following, NAMES)
        if made is not None:
            out += [sql[at : word.start], made]
            at = found[n + used - 1].end
            n += used
        else:
            n += 1
    return "".join([*out, sql[at:]])


def _word(
    found: Sequence[Word], n: int, low: str, following: str, names: frozenset[str]
) -> tuple[str | None, int]:
    """What stands for it instead, and for how many words."""
    before = found[n - 1].low if n else ""
    if low == "changetable" and following == "(":
        return _changes(found, n)
    if low in names and following == "(" and before != ".":
        return OURS + low, 1
    if low in _BARE and following != "." and before != ".":
        return f"{OURS}{low}()", 1
    if (
        low in _strange()
        and following == "("
        and before not in (".", "into", "table", "join", "as")
    ):
        raise SqlError(195, f"'{low}' is not a recognized built-in function name.", 15)
    if low == "limit" and n + 1 < len(found) and found[n + 1].kind == "number":
        raise SqlError(102, f"Incorrect syntax near '{found[n + 1].text}'.", 15)
    if low == "real":
        return "float(24)", 1
    if low == "with" and following == "(" and found[0].low not in ("select", "with"):
        return _hint(found, n)
    return None, 1


def _hint(found: Sequence[Word], n: int) -> tuple[str | None, int]:
    """`WITH (…)` of a table, which is left out."""
    end = next((m for m in range(n, len(found)) if found[m].low == ")"), n)
    return ("", end - n + 1) if end > n else (None, 1)


def _changes(found: Sequence[Word], n: int) -> tuple[str | None, int]:
    """`changetable(changes dbo.t, @since)` as a function of a text and a value."""
    at = n + 3
    path = []
    while found[at].low != ",":
        path.append(found[at].text)
        at += 1
    name = "".join(path).replace("'", "''")
    return f"{OURS}changetable(N'{name}'", at - n


def path_of(node: exp.Table) -> list[str]:
    """Database, schema and name, as far as they were said."""
    parts = [node.catalog, node.db, node.name]
    this = node.this
    if isinstance(this, exp.Identifier):
        if this.args.get("temporary"):
            parts[2] = f"#{parts[2]}"
        elif this.args.get("global_"):
            parts[2] = f"##{parts[2]}"
    while len(parts) > 1 and not parts[0]:
        parts.pop(0)
    return parts


def named(text: str) -> list[str]:
    """The parts of a name in a text: `[my db]..[t]`."""
    parts, part = [], ""
    for word in words(text):
        if word.low == ".":
            parts.append(part)
            part = ""
        else:
            part += word.name
    return [*parts, part]


def constant(node: Node, scene: Any) -> Any:
    """The value of a literal or a variable. Raises SqlError for anything else."""
    if isinstance(node, exp.Parameter):
        return scene.variable(node.name)[1]
    if isinstance(node, exp.Literal):
        return node.name if node.is_string else int(node.name)
    if isinstance(node, exp.National):
        return node.name
    if isinstance(node, exp.Neg):
        return -constant(node.this, scene)
    if isinstance(node, exp.Null):
        return None
    if isinstance(node, exp.Anonymous) and node.name.lower().startswith(OURS):
        arguments = [constant(a, scene) for a in node.expressions]
        return scene.fact(node.name.lower().removeprefix(OURS), arguments)
    raise SqlError(102, f"Incorrect syntax near '{node.sql('tsql')[:40]}'.", 15)


def joined(kinds: Sequence[Kind | None]) -> Kind | None:
    """What values of these kinds are together; None if DuckDB is to say so."""
    known = [k for k in kinds if k is not None]
    if not known:
        return None
    best = max(known, key=rank)
    if all(k == best for k in known):
        return best if len(known) == len(kinds) or best.name in (*MOMENTS, "time") else None
    if best.name in TEXTS:
        texts = [k for k in known if k.name in TEXTS]
        size = MAX if MAX in [k.size for k in texts] else max(k.size for k in texts)
        name = {"char": "varchar", "nchar": "nvarchar"}.get(best.name, best.name)
        return Kind(name, size)
    if best.name in (*MOMENTS, "time"):
        return Kind(best.name, 0, max(k.scale for k in known if family(k) == family(best)))
    if best.name in NUMBERS and best.name not in WHOLE:
        return best if best.name in ("real", "float") else None
    return best
