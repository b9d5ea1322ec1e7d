"""Final names of files: never used twice, so that replaying a move harms nobody."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime

from hygge.core.errors import ConfigError

DEFAULT_PATTERN = "{sequence:020}"
_FIELDS = {"sequence", "timestamp", "flow", "entity", "load_id"}
_SEQUENCE = re.compile(r"\d{20}")


def check_pattern(pattern: str) -> str:
    """Raises ConfigError for an unknown field, and for names that could come twice."""
    try:
        used = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
    except ValueError as failed:
        raise ConfigError(f"file_pattern {pattern!r}: {failed}") from None
    known = ", ".join(f"{{{name}}}" for name in sorted(_FIELDS))
    if unknown := used - _FIELDS:
        raise ConfigError(
            f"file_pattern {pattern!r} has an unknown field {sorted(unknown)[0]!r}",
            hint=f"known: {known}",
        )
    if "sequence" not in used:
        raise ConfigError(
            f"file_pattern {pattern!r} would give two files one name", hint="add {sequence}"
        )
    if "/" in pattern or pattern.startswith(("_", ".")):
        raise ConfigError(
            f"file_pattern {pattern!r} would hide its files or need folders",
            hint="no /, and begin with something other than _ and .",
        )
    return pattern


def file_name(pattern: str, suffix: str, number: int, flow: str, load_id: str) -> str:
    """One file's name; timestamp is the load's own, in UTC."""
    began = datetime.fromtimestamp(int(load_id[:16], 16) / 1e9, UTC)
    fields = {
        "sequence": number,
        "timestamp": began.strftime("%Y%m%dT%H%M%S"),
        "flow": flow.partition(".")[0],
        "entity": flow.partition(".")[2] or flow,
        "load_id": load_id,
    }
    return pattern.format(**fields).replace("/", "_") + suffix


def sequence_of(name: str) -> int:
    """The number of a file that is named by the default pattern; 0 for any other."""
    stem = name.rpartition("/")[2].partition(".")[0]
    return int(stem) if _SEQUENCE.fullmatch(stem) else 0
