"""Final names of files: never used twice, so that replaying a move harms nobody."""

from __future__ import annotations

import re
import string
from datetime import UTC, datetime

from hygge.core.errors import ConfigError

DEFAULT_PATTERN = "{sequence:020}"
_FIELDS = {"sequence", "timestamp", "flow", "entity", "load_id"}
_SEQUENCE = re.compile(r"\d{20}")
_COUNTING = re.compile(r"(0?\d{1,2})?d?")
_LONGEST = 255


def check_pattern(pattern: str) -> str:
    """Raises ConfigError for an unknown field, and for names that could come twice."""
    try:
        fields = [field for field in string.Formatter().parse(pattern) if field[1] is not None]
        used = {str(name) for _, name, _, _ in fields}
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
    for _, name, spec, conversion in fields:
        if name == "sequence" and (conversion or not _COUNTING.fullmatch(spec or "")):
            raise ConfigError(
                f"file_pattern {pattern!r} would not tell every number apart",
                hint="write {sequence}, or with leading zeros {sequence:06}",
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


def check_name(name: str) -> None:
    """Raises ConfigError for a name that readers pass over, or that a disk refuses."""
    if name[0] in "._":
        raise ConfigError(
            f"the file name {name!r} would be hidden from readers",
            hint="let `file_pattern` begin with something else",
        )
    if len(name.encode()) > _LONGEST:
        raise ConfigError(
            f"the file name {name[:40]}… is longer than {_LONGEST} bytes",
            hint="give `file_pattern` fewer fields",
        )


def sequence_of(name: str) -> int:
    """The number of a file that is named by the default pattern; 0 for any other."""
    stem = name.rpartition("/")[2].partition(".")[0]
    return int(stem) if _SEQUENCE.fullmatch(stem) else 0
