"""What may be shown of settings: never a password."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"
_SECRET_KEY = re.compile(
    r"pass|pwd|secret|token|credential|(access|account|api|private)_?key|sas", re.I
)
_IN_URL = re.compile(r"(?<=://)([^/@\s]*)@")
_IN_TEXT = re.compile(
    r"((?:pass(?:word|wd)?|pwd|secret|token|accountkey|accesskey|api_?key|sig)\s*=\s*)[^;&\s]+",
    re.I,
)


def masked(value: Any, key: str = "") -> Any:
    """The value as it may be shown: secrets under telling names, in URLs and in texts hidden."""
    if isinstance(value, dict):
        return {name: masked(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item, key) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return HIDDEN if value is not None and _SECRET_KEY.search(key) else value
    return HIDDEN if _SECRET_KEY.search(key) else _text(str(value))


def _text(text: str) -> str:
    plain = _IN_URL.sub(lambda found: f"{_user(found[1])}@", text)
    return _IN_TEXT.sub(lambda found: f"{found[1]}{HIDDEN}", plain)


def _user(before: str) -> str:
    user, parted, _ = before.partition(":")
    return f"{user}:{HIDDEN}" if parted else user
