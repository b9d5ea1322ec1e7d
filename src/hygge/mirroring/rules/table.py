"""Every rule, in the order of its number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hygge.mirroring.rules import file, folder, marker, metadata, order, schema, whole
from hygge.mirroring.rules.rule import Rule

GROUPS: Final[Mapping[str, tuple[Rule, ...]]] = {
    "Folders": folder.RULES,
    "Metadata": metadata.RULES,
    "Names and order": order.RULES,
    "Files": file.RULES,
    "Markers and keys": marker.RULES,
    "Columns": schema.RULES,
    "The whole": whole.RULES,
}
ALL: Final = tuple(rule for rules in GROUPS.values() for rule in rules)
BY_ID: Final = {rule.id: rule for rule in ALL}
