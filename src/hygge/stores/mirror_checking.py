"""The linter's rules over what is staged: a file that Fabric would stop at is never published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hygge.core.errors import StoreError
from hygge.core.store import Piece
from hygge.formats.columns import to_arrow
from hygge.mirroring.fabric_types import mirrored
from hygge.mirroring.footers import plain
from hygge.mirroring.lint import facts_of, file_findings
from hygge.mirroring.metadata import TableMetadata
from hygge.mirroring.rules.rule import Severity
from hygge.mirroring.state import SeenColumn

if TYPE_CHECKING:
    from hygge.stores.mirror_load import MirrorLoad


def refuse_bad(
    load: MirrorLoad, pieces: Sequence[Piece], names: Sequence[str], about: TableMetadata
) -> None:
    """Raise StoreError for the first file that breaks a rule, by the rule's number."""
    seen, marked = _pinned(load), not load.seeds
    for number, (piece, name) in enumerate(zip(pieces, names, strict=True)):
        facts = facts_of(load.fs, f"{load.staging}/{piece.name}", about, name)
        first = load.seeds and number == 0
        for found in file_findings(facts, about, seen, first=first, marked=marked):
            if found.severity is Severity.ERROR:
                raise StoreError(
                    f"a file is not published, for Fabric would stop at it ({found.rule}): "
                    f"{found.what}",
                    file=name,
                    hint=found.hint,
                )
        marked = marked or facts.is_marked
        known = {column.name for column in seen}
        seen = (*seen, *(column for column in facts.seen if column.name not in known))


def refuse_foreign(load: MirrorLoad, names: Sequence[str]) -> None:
    """Raise StoreError for a file of others that is to be taken for ours, and cannot be read."""
    table = load.table
    for name in names:
        facts = facts_of(table.fs, f"{table.folder}/{name}", load.about, name)
        if facts.broken or facts.illegal:
            told = f"a file that hygge did not put cannot be taken: {facts.broken or facts.illegal}"
            hint = "put a good one under exactly its name, or take it away"
            raise StoreError(told, file=name, folder=table.url, hint=hint)


def _pinned(load: MirrorLoad) -> Sequence[SeenColumn]:
    """The columns that Fabric has seen, by the types that our files had."""
    before = load.columns.before
    if before is None:
        return ()
    schema = mirrored(before, load.columns.required)
    fields = to_arrow(schema, views=False)
    return tuple(SeenColumn(f.name, str(plain(f.type)), f.nullable) for f in fields)
