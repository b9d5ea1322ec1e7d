"""What a mirrored table stops at."""

from __future__ import annotations

from enum import StrEnum

from hygge.core.errors import HyggeError
from hygge.mirroring.names import METADATA


class Why(StrEnum):
    """The kinds of it, for `Monitoring/`. Only SCHEMA was seen to be a word of the service's."""

    FILE = "InvalidFile"
    TYPE = "UnsupportedType"
    MARKER = "InvalidRowMarker"
    SCHEMA = "SchemaMergeFailure"
    KEYS = "KeyColumnsChanged"
    REUSED = "FileNameReused"
    METADATA = "InvalidMetadata"
    CLASH = "TwoFoldersOneTable"
    EMPTY = "NoData"
    DELIMITED = "DelimitedTextNotSupported"
    """Of the local mirror alone: the service takes it."""


class TableStops(HyggeError):
    """Nothing more is applied to this table. `why` is its kind."""

    def __init__(
        self, what: str, why: Why = Why.FILE, *, hint: str | None = None, **where: object
    ) -> None:
        super().__init__(what, hint=hint, **where)
        self.why = why

    @property
    def lasting(self) -> bool:
        """Whether no other file in place of the one that came would help: the table must go."""
        return self.why in (Why.SCHEMA, Why.KEYS, Why.REUSED, Why.DELIMITED)


REBUILD = (
    "delete the table's folder, and publish it anew from 00000000000000000001 on: "
    "`hygge go --full-drop --flow FLOW` does, where hygge publishes it"
)
AGAIN = "delete the file, and publish a good one under exactly its name"


def remedy(why: Why) -> str:
    """What to try, of a table that stopped some time ago."""
    if why is Why.METADATA:
        return f"correct {METADATA}"
    return REBUILD if TableStops("", why).lasting else AGAIN
