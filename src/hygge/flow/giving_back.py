"""Memory that is free, back to the system: the C library keeps what each thread once had."""

from __future__ import annotations

import ctypes
import sys

LARGE = 32 * 2**20
"""Bytes that passed: below, it is not worth the look."""


def give_back() -> None:
    """Does nothing but on Linux with glibc."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
