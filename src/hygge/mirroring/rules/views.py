"""What the rules look at: a landing zone, a table of it, a file of that."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Final

from hygge.mirroring.facts import FileFacts
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.replay import Replayed
from hygge.mirroring.state import SeenColumn, ZoneState
from hygge.mirroring.story import Story
from hygge.mirroring.written import Written
from hygge.mirroring.zone import TableFolder, Zone

UNSEEN: Final = "which files the service has taken before these is not known"
"""Why a rule that needs a table's history cannot tell."""
UNTAKEN: Final = "which of its files the service has taken is not known"
"""Why a rule cannot tell which files wait."""
UNTOLD: Final = "what the service remembers of them is not known"
"""Why a rule that needs a state cannot tell."""


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is too much."""

    tables: int = field(default=1000, metadata={"said": "tables in one landing zone (R06)"})
    key_columns: int = field(default=5, metadata={"said": "so many key columns are many (R16)"})
    temp_hours: float = field(default=24, metadata={"said": "a `_` file older is left over (R07)"})
    small_bytes: int = field(default=10**6, metadata={"said": "a smaller file is small (R36)"})
    pending: int = field(default=10, metadata={"said": "more files waiting are many (R36)"})
    large_bytes: int = field(default=10**9, metadata={"said": "a larger file is large (R36)"})
    column_name: int = field(
        default=0, metadata={"said": "characters of a column's name; 0 is not known (R35)"}
    )
    bytes_a_day: int = field(default=10**12, metadata={"said": "new bytes in 24 hours (R59)"})
    waiting_hours: float = field(
        default=24, metadata={"said": "a file that waits longer is stuck (R61)"}
    )
    keys: int = field(
        default=1_000_000, metadata={"said": "keys of a table held in memory (R48 to R51)"}
    )

    @classmethod
    def known(cls) -> Mapping[str, type[int | float]]:
        """The name of each limit, and of which kind its value is."""
        return {f.name: float if f.type == "float" else int for f in fields(cls)}


@dataclass(frozen=True, slots=True)
class ZoneView:
    """`partner`: what `_partnerEvents.json` holds, None if there is none. `now`: seconds since
    1970. `journals`: what each writer says that it has published."""

    zone: Zone
    partner: bytes | None
    now: float
    limits: Limits = Limits()
    default_schema: str = "dbo"
    journals: tuple[ZoneState, ...] = ()


@dataclass(frozen=True, slots=True)
class TableView:
    """`files` are the facts of those that were read, by path; `digests` the SHA-256 of those that
    the state has processed. `replayed` is None where not every row is there to be looked at."""

    folder: TableFolder
    written: Written
    story: Story
    now: float
    files: Mapping[str, FileFacts] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)
    replayed: Replayed | None = None
    limits: Limits = Limits()

    @property
    def metadata(self) -> TableMetadata:
        return self.written.table


@dataclass(frozen=True, slots=True)
class FileView:
    """A file, and what came before it: `pinned` are all columns ever seen, `marked` whether a file
    had markers, `first` whether there was none, `latest` the names in the one right before that was
    not all deletes. None: that is not known."""

    file: FileFacts
    written: Written
    pinned: Sequence[SeenColumn] | None
    first: bool | None
    marked: bool | None
    limits: Limits = Limits()
    latest: Collection[str] | None = None

    @property
    def metadata(self) -> TableMetadata:
        return self.written.table
