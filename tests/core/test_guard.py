"""The guard of tests/conftest.py bites: else every test that relies on it would prove nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from blockbuster import BlockingError

from hygge.filesystems.local import LocalFileSystem
from hygge.journal import journal_file


def test_a_blocking_call_on_the_loop_fails_its_test(tmp_path: Path) -> None:
    async def read() -> None:
        LocalFileSystem(str(tmp_path)).get("file")

    (tmp_path / "file").write_bytes(b"1")
    with pytest.raises(BlockingError):
        asyncio.run(read())


def test_a_journal_opened_on_the_loop_fails_its_test(tmp_path: Path) -> None:
    async def look() -> None:
        journal_file.create(tmp_path / "journal.db", 1)

    with pytest.raises(BlockingError):
        asyncio.run(look())
