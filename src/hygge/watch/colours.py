"""Colour where it is welcome: on a terminal that can, unless NO_COLOR is set."""

from __future__ import annotations

import os
from enum import Enum
from typing import TextIO


class Colour(Enum):
    """The few we use."""

    RED = 31
    GREEN = 32
    YELLOW = 33


def is_live(stream: TextIO) -> bool:
    """Whether this is a terminal that understands more than lines."""
    return stream.isatty() and os.environ.get("TERM", "dumb") not in ("", "dumb", "unknown")


def paint(text: str, colour: Colour, stream: TextIO) -> str:
    """The text in this colour, or as it is where colour is not wanted."""
    if os.environ.get("NO_COLOR") or not is_live(stream):
        return text
    return f"\x1b[{colour.value}m{text}\x1b[0m"
