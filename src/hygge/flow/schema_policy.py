"""What to do when the source's columns are not those that were loaded last."""

from __future__ import annotations

from collections.abc import Sequence

from hygge.core.errors import FlowError
from hygge.core.schema import Change, SchemaChange, TableSchema, compare
from hygge.core.store import Mode


def decide(loaded: TableSchema | None, arriving: TableSchema, mode: Mode) -> Sequence[SchemaChange]:
    """The changes to go through with. Raises FlowError for one that rows already there forbid.

    A full load may change anything. Added columns are NULL in older rows; removed ones stay, and
    are NULL in newer rows. A changed type would give one column two types.
    """
    changes = compare(loaded, arriving) if loaded is not None else []
    retyped = [change for change in changes if change.kind is Change.RETYPED]
    if retyped and mode is not Mode.REPLACE:
        assert retyped[0].after is not None
        raise FlowError(
            f"columns changed their type since the last load: {'; '.join(map(str, retyped))}",
            column=retyped[0].after.name,
            hint="load everything once: hygge go --full-drop; of csv and ndjson, the home's "
            "`schema: {column: type}` keeps types from night to night",
        )
    return changes
