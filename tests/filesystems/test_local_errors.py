"""What this machine's disk says, and what to try."""

from __future__ import annotations

import errno
from pathlib import Path

from hygge.core.errors import StoreError
from hygge.filesystems.local_errors import translate


def test_a_full_disk_is_named_by_where_it_begins(tmp_path: Path) -> None:
    """What was being written is gone by the time that somebody looks."""
    failed = translate(
        OSError(errno.ENOSPC, ""), StoreError, "write", tmp_path / "gone" / "part.parquet"
    )
    mounted = Path((failed.hint or "").partition("`df ")[2].partition("`")[0])
    assert mounted.is_mount()
    assert tmp_path.is_relative_to(mounted)
