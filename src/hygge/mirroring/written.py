"""A `_metadata.json` as it was written, right or wrong, and the table that can be made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self

from hygge.mirroring.metadata import TableMetadata, written
from hygge.mirroring.names import Detection
from hygge.mirroring.state import SeenColumn

TYPES: Final[Mapping[str, str]] = {
    "double": "double",
    "single": "float",
    "int16": "int16",
    "int32": "int32",
    "int64": "int64",
    "datetime": "timestamp[us, tz=UTC]",
    "idate": "date32[day]",
    "itime": "time64[us]",
    "string": "string",
    "boolean": "bool",
    "bytearray": "binary",
}
"""`DataType` of a delimited file's column, in lower case → Arrow's words."""


@dataclass(frozen=True, slots=True)
class Written:
    """`given`: what is in it, by names in lower case. `wrong`: why it is no JSON object."""

    table: TableMetadata = field(default_factory=TableMetadata)
    given: Mapping[str, Any] = field(default_factory=dict, hash=False)
    there: bool = True
    wrong: str | None = None

    @classmethod
    def of(cls, data: bytes | None) -> Self:
        """Of the file's bytes, None if there is none. What cannot be used is left at its default,
        so that one mistake does not hide the next."""
        if data is None:
            return cls(there=False)
        try:
            given = written(data)
        except (ValueError, RecursionError) as failed:
            return cls(wrong=str(failed))
        return cls(_usable(given), given)

    @classmethod
    def by(cls, table: TableMetadata) -> Self:
        return cls(table, table.given or written(table.to_bytes()))

    @property
    def extension(self) -> str | None:
        """Of delimited files that are not plain .csv, without a dot."""
        found = self.given.get("fileextension")
        return found.lstrip(".") if isinstance(found, str) and found.strip(".") else None

    @property
    def layout(self) -> Mapping[str, Any]:
        """`FileFormatTypeProperties`, by names in lower case."""
        return lowered(self.given.get("fileformattypeproperties"))

    @property
    def declared(self) -> tuple[Mapping[str, Any], ...]:
        """The columns of its `SchemaDefinition`, each by names in lower case."""
        columns = lowered(self.given.get("schemadefinition")).get("columns")
        found = columns if isinstance(columns, list) else []
        return tuple(lowered(column) for column in found)

    @property
    def columns(self) -> tuple[SeenColumn, ...]:
        """The same as a state has them; "" is a type that is none."""
        return tuple(
            SeenColumn(
                str(column.get("name", "")),
                TYPES.get(str(column.get("datatype")).lower(), ""),
                column.get("isnullable") is not False,
            )
            for column in self.declared
        )


def lowered(value: Any) -> dict[str, Any]:
    """An object by its names in lower case; of anything else, nothing."""
    found = value if isinstance(value, dict) else {}
    return {str(name).lower(): inner for name, inner in found.items()}


def _usable(given: Mapping[str, Any]) -> TableMetadata:
    keys = given.get("keycolumns")
    names = [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []
    strategy = str(given.get("filedetectionstrategy"))
    known = strategy in [one.value for one in Detection]
    return TableMetadata(
        tuple(names),
        Detection(strategy) if known else Detection.SEQUENTIAL,
        given.get("isupsertdefaultrowmarker") is True,
        dict(given),
    )
