"""What a probe of a folder says where nothing may be written."""

from __future__ import annotations

import pytest

from hygge.core.errors import StoreError
from hygge.filesystems.locating import locate
from hygge.filesystems.memory import MemoryFileSystem


def test_who_may_not_write_is_told_that_and_not_that_nothing_can_be_deleted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def write(self: MemoryFileSystem, path: str, data: bytes) -> bool:
        raise StoreError("may not write")

    def delete(self: MemoryFileSystem, path: str) -> None:
        raise StoreError("may not delete")

    monkeypatch.setattr(MemoryFileSystem, "put_once", write)
    monkeypatch.setattr(MemoryFileSystem, "delete", delete)
    files, _ = locate("memory://probed/x")
    with pytest.raises(StoreError, match="may not write"):
        files.probe("")
