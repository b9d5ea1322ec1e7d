"""What can be chosen of the local mirror, where Microsoft's pages are silent or reports differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Choices:
    """The defaults are what we believe that the service does.

    `without_metadata`: a folder without `_metadata.json` is read all the same, as one of no keys.
    `null_keys`: NULLs in keys are equal to each other; else a change with one stops its table.
    `replaceable`: a table that a bad file stopped goes on once other bytes lie under its name
    (BP); else only when it is dropped.
    `empty_for`: so long a table may have no file before it counts as failed.
    `ready_after`, `delete_after`: so long after they were written, processed files go on to
    `_FilesReadyToDelete`, and away; None: never.
    `keep`: so long, files that no version of a mirrored table has any more are kept for readers.
    """

    default_schema: str = "dbo"
    without_metadata: bool = False
    null_keys: bool = False
    replaceable: bool = True
    empty_for: timedelta = timedelta(days=14)
    ready_after: timedelta | None = None
    delete_after: timedelta | None = None
    keep: timedelta = timedelta(days=1)
