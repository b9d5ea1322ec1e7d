"""How this process keeps memory."""

from __future__ import annotations

import ctypes

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 2**17


def give_back_at_once() -> None:
    """From here on, a block of 128 KB or more goes back to the system with its last use.

    glibc would raise its threshold to the largest block that was freed, and keep the batches that
    follow in the arena of each thread that had one.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)
