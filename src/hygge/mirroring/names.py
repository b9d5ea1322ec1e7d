"""The names that Open Mirroring gives a meaning (LZF)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

ROW_MARKER: Final = "__rowMarker__"
METADATA: Final = "_metadata.json"
PARTNER: Final = "_partnerEvents.json"
SCHEMA_SUFFIX: Final = ".schema"
PROCESSED: Final = "_ProcessedFiles"
DELETABLE: Final = "_FilesReadyToDelete"
FIRST: Final = 1

_NUMBERED = re.compile(r"([0-9]{20})\.([^./]+)")


class Marker(IntEnum):
    """What is done with a row, by its key. INSERT looks for no row of that key."""

    INSERT = 0
    UPDATE = 1
    DELETE = 2
    UPSERT = 4


class Detection(StrEnum):
    """How the service finds new files, and in which order it takes them."""

    SEQUENTIAL = "SequentialFileName"
    LAST_UPDATE = "LastUpdateTimeFileDetection"


def file_name(number: int, extension: str = "parquet") -> str:
    """`00000000000000000001.parquet`."""
    return f"{number:020}.{extension}"


def number_of(name: str) -> int | None:
    """The number of a sequential file's name; None for any other name."""
    found = _NUMBERED.fullmatch(name)
    return int(found[1]) if found else None


def is_hidden(name: str) -> bool:
    """Whether the service passes this file or folder over."""
    return name.startswith("_")


@dataclass(frozen=True, slots=True, order=True)
class MirroredTable:
    """A table by its schema and name. Without a schema it lies in the database's default one."""

    schema: str | None
    name: str

    @property
    def folder(self) -> str:
        """Below the landing zone: `Orders`, or `sales.schema/Orders`."""
        return f"{self.schema}{SCHEMA_SUFFIX}/{self.name}" if self.schema else self.name

    def alike(self, default_schema: str) -> tuple[str, str]:
        """Tables of which this is the same are one to the service, which looks at no case."""
        return (self.schema or default_schema).lower(), self.name.lower()

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}" if self.schema else self.name
