"""What sys.types and sys.columns say of each kind."""

from __future__ import annotations

from typing import Final

from tests.servers.tds.kinds import BYTES, TEXTS, Kind

TYPE_IDS: Final = {
    **{"image": 34, "text": 35, "uniqueidentifier": 36, "date": 40, "time": 41, "datetime2": 42},
    **{"datetimeoffset": 43, "tinyint": 48, "smallint": 52, "int": 56, "smalldatetime": 58},
    **{"real": 59, "money": 60, "datetime": 61, "float": 62, "sql_variant": 98, "ntext": 99},
    **{"bit": 104, "decimal": 106, "smallmoney": 122, "bigint": 127, "varbinary": 165},
    **{"varchar": 167, "binary": 173, "char": 175, "rowversion": 189, "nvarchar": 231},
    **{"nchar": 239, "xml": 241, "hierarchyid": 240, "geometry": 240, "geography": 240},
}
_USER_IDS: Final = {"hierarchyid": 128, "geometry": 129, "geography": 130}
_DIGITS: Final = {
    **{"tinyint": (3, 0), "smallint": (5, 0), "int": (10, 0), "bigint": (19, 0), "bit": (1, 0)},
    **{"real": (24, 0), "float": (53, 0), "money": (19, 4), "smallmoney": (10, 4)},
    **{"date": (10, 0), "datetime": (23, 3), "smalldatetime": (16, 0)},
}


def name_of(kind: Kind) -> str:
    """As sys.types has it."""
    return "timestamp" if kind.name == "rowversion" else kind.name


def user_type_id(kind: Kind) -> int:
    return _USER_IDS.get(kind.name, TYPE_IDS[kind.name])


def digits(kind: Kind) -> tuple[int, int]:
    """Precision and scale."""
    if kind.name == "decimal":
        return kind.size, kind.scale
    start = {"time": 8, "datetime2": 19, "datetimeoffset": 26}.get(kind.name)
    if start is not None:
        return start + (kind.scale + 1 if kind.scale else 0), kind.scale
    return _DIGITS.get(kind.name, (0, 0))


def facts(kind: Kind) -> tuple[int, int, int, int, int]:
    """Both numbers of the type, length, precision and scale."""
    return TYPE_IDS[kind.name], user_type_id(kind), kind.width, *digits(kind)


def rows() -> str:
    """sys.types, as rows of VALUES."""
    made = []
    for name in TYPE_IDS:
        kind = Kind.of(name)
        width = 8000 if name in (*BYTES, *TEXTS) and kind.size == 1 else kind.width
        precision, scale = (38, 38) if name == "decimal" else digits(kind)
        numbers = f"{TYPE_IDS[name]}, {user_type_id(kind)}, {width}, {precision}, {scale}"
        made.append(f"('{name_of(kind)}', {numbers})")
    made += ["('numeric', 108, 108, 17, 38, 38)", "('sysname', 231, 256, 256, 0, 0)"]
    return ", ".join(made)
