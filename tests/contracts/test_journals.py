"""Every Journal keeps the contract; what that means is written in the suite."""

from __future__ import annotations

from pathlib import Path

from hygge.core.journal import Journal
from hygge.journal.memory import MemoryJournal
from hygge.journal.sqlite import SqliteJournal
from hygge.testing.contracts.journal import DurableJournalContract, JournalContract


class TestMemory(JournalContract):
    def make(self, tmp_path: Path) -> Journal:
        return MemoryJournal()


class TestSqlite(DurableJournalContract):
    def make(self, tmp_path: Path) -> Journal:
        return SqliteJournal(tmp_path / ".hygge" / "journal.db")

    def code(self, tmp_path: Path) -> str:
        return (
            "import pathlib; from hygge.journal.sqlite import SqliteJournal; "
            f"journal = SqliteJournal(pathlib.Path({str(tmp_path)!r}, '.hygge', 'journal.db'))"
        )
