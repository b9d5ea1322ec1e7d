"""What the service remembers of a landing zone: its side of the story, between two looks at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hygge.mirroring.names import Detection


@dataclass(frozen=True, slots=True)
class SeenColumn:
    """A column of a mirrored table: `type` in Arrow's words (`str(pa.DataType)`)."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class TableState:
    """One table. `identity` is its folder's: another one is another table. `columns` are all that
    were ever seen, `processed` the SHA-256 (hex) of every file that was applied, by name, `last`
    the greatest number among them. `marked`: a file with markers was applied. `error` is what the
    table stopped at; nothing later is applied until it is dropped. `delimited` is what the metadata
    said of delimited files, None where that was not written down."""

    identity: str
    keys: tuple[str, ...] = ()
    detection: Detection = Detection.SEQUENTIAL
    upserts: bool = False
    columns: tuple[SeenColumn, ...] = ()
    last: int = 0
    processed: Mapping[str, str] = field(default_factory=dict)
    marked: bool = False
    operations: int = 0
    bytes: int = 0
    error: str | None = None
    delimited: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ZoneState:
    """Tables by their folders below the landing zone. JSON-able (`to_json`, `from_json`). `whole`:
    those that are not here are new; else nothing is known of them."""

    tables: Mapping[str, TableState] = field(default_factory=dict)
    whole: bool = True
