"""What SQL Server's catalog says of a table or a query."""

from __future__ import annotations

from collections.abc import Iterator

from hygge.core.errors import DatabaseError
from hygge.databases.database import Session

_FIELDS = (
    "select c.name, coalesce(b.name, t.name), c.max_length, c.precision, c.scale, c.is_nullable "
    "from sys.columns c join sys.types t on t.user_type_id = c.user_type_id "
    "left join sys.types b on b.user_type_id = t.system_type_id and t.is_user_defined = 1 "
    "where c.object_id = object_id(?) order by c.column_id"
)
KEYS = (
    "select c.name from sys.indexes i join sys.index_columns k "
    "on k.object_id = i.object_id and k.index_id = i.index_id "
    "join sys.columns c on c.object_id = k.object_id and c.column_id = k.column_id "
    "where i.is_primary_key = 1 and i.object_id = object_id(?) order by k.key_ordinal"
)
_DESCRIBED = "exec sp_describe_first_result_set ?"
_WIDE = ("nchar", "nvarchar")
_SAME = {"timestamp": "rowversion", "numeric": "decimal"}
MAX = -1

Found = tuple[str, str, bool]
"""A column's name, its type as it is declared, and whether it may be NULL."""


def fields(session: Session, table: str) -> Iterator[Found]:
    """The columns of a table or view, by its name in brackets."""
    for name, kind, size, precision, scale, null in session.rows(_FIELDS, table):
        yield name, _declared(kind, size, precision, scale), bool(null)


def _declared(kind: str, size: int, precision: int, scale: int) -> str:
    kind = _SAME.get(kind, kind)
    if kind == "decimal":
        return f"decimal({precision},{scale})"
    if kind in ("datetime2", "datetimeoffset", "time"):
        return f"{kind}({scale})"
    if kind in ("char", "varchar", "nchar", "nvarchar", "binary", "varbinary"):
        length = size // 2 if kind in _WIDE else size
        return f"{kind}({'max' if size == MAX else length})"
    return kind


def described(session: Session, query: str) -> Iterator[Found]:
    """The columns of a query's result. Raises DatabaseError where one has no name."""
    for row in session.rows(_DESCRIBED, f"select * from ({query}\n) q"):
        name, null, kind = row[2], row[3], str(row[5])
        if name is None:
            raise DatabaseError("a column of the query has no name", hint="name it: … as total")
        word, paren, rest = kind.partition("(")
        yield name, _SAME.get(word, word) + paren + rest, bool(null)
