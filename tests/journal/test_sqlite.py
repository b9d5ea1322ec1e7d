"""What is particular to a journal in a file: its making, and all that can be wrong with it."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from hygge.core.errors import JournalError
from hygge.core.journal import SCHEMA_VERSION, EntityRun, from_json
from hygge.core.store import Receipt
from hygge.journal.sqlite import SqliteJournal
from hygge.testing.contracts.journal import intent, part, receipt, run


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "project" / ".hygge" / "journal.db"


async def record(path: Path, *names: str, patience: float = 30) -> None:
    async with SqliteJournal(path, patience=patience) as journal:
        await asyncio.gather(*(journal.record(run(name)) for name in names))


async def history(path: Path) -> list[EntityRun]:
    async with SqliteJournal(path) as journal:
        return list(await journal.history(limit=10_000))


async def failed(path: Path) -> str:
    """What reading and writing this journal says; they must say the same."""
    with pytest.raises(JournalError) as reading:
        await history(path)
    with pytest.raises(JournalError) as writing:
        await record(path, "1")
    assert str(reading.value) == str(writing.value)
    assert str(path) in str(writing.value)
    assert writing.value.hint
    return str(writing.value)


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)


def test_reading_makes_nothing(path: Path, tmp_path: Path) -> None:
    async def story() -> None:
        async with SqliteJournal(path) as journal:
            assert list(await journal.history()) == []
            assert await journal.unfinished("users") == []

    asyncio.run(story())
    assert list(tmp_path.iterdir()) == []


def test_the_first_change_makes_the_folder_unseen_by_git(path: Path) -> None:
    asyncio.run(record(path, "1"))
    assert sorted(file.name for file in path.parent.iterdir()) == [".gitignore", "journal.db"]
    assert (path.parent / ".gitignore").read_text() == "*\n"


def test_a_folder_that_is_not_ours_gets_no_gitignore(tmp_path: Path) -> None:
    asyncio.run(record(tmp_path / "journal.db", "1"))
    assert [file.name for file in tmp_path.iterdir()] == ["journal.db"]


def test_the_path_holds_wherever_the_program_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    journal = SqliteJournal(Path("journal.db"))
    monkeypatch.chdir(tmp_path / "elsewhere")

    async def story() -> None:
        async with journal:
            await journal.record(run("1"))

    asyncio.run(story())
    assert (tmp_path / "journal.db").is_file()


def test_it_is_durable_and_shared(path: Path) -> None:
    async def story() -> None:
        async with SqliteJournal(path) as journal:
            await journal.record(run("1"))
            found = await journal._group.read(
                lambda db: {
                    name: db.execute(f"pragma {name}").fetchone()[0]
                    for name in ("synchronous", "journal_mode", "user_version", "busy_timeout")
                }
            )
        assert found == {
            "synchronous": 2,  # full
            "journal_mode": "wal",
            "user_version": SCHEMA_VERSION,
            "busy_timeout": 30_000,
        }

    asyncio.run(story())


def test_the_history_is_plain_to_read_with_other_tools(path: Path) -> None:
    there = timezone(timedelta(hours=-7))

    async def story() -> None:
        async with SqliteJournal(path) as journal:
            await journal.record(
                replace(run("1"), start_time=run("1").start_time.astimezone(there))
            )

    asyncio.run(story())
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("select * from runs")
        names = [column[0] for column in rows.description]
        (row,) = rows
    assert names == [field.name for field in fields(EntityRun)]
    told = dict(zip(names, row, strict=True))
    assert told["start_time"] == "2024-02-29T12:00:00.000000+00:00"
    assert told["finish_time"] == "2024-02-29T12:00:01.500000+00:00"
    assert (told["status"], told["row_count"], told["duration"]) == ("success", 2**40, 1.5)


@pytest.mark.parametrize(
    ("ends", "state", "note"),
    [
        (["complete"], "published", None),
        (["discard"], "discarded", "why not"),
        (["complete", "discard", "complete"], "published", None),
        (["discard", "complete", "discard"], "published", None),
    ],
)
def test_what_was_published_stays_so_and_its_parts_go(
    path: Path, ends: list[str], state: str, note: str | None
) -> None:
    """The store knows best: a commit that was found later goes before giving up."""

    async def story() -> None:
        async with SqliteJournal(path) as journal:
            await journal.begin(await journal.lease("users", 60), intent("1"))
            await journal.staged(part("1"))
            for number, end in enumerate(ends):
                if end == "complete":
                    await journal.complete(replace(receipt("1"), rows=number))
                else:
                    await journal.discard("1", "why not")

    asyncio.run(story())
    with closing(sqlite3.connect(path)) as db:
        ((found, proof, why, ended),) = db.execute(
            "select state, receipt, note, ended_at from loads"
        )
        assert (found, why) == (state, note)
        assert ended
        assert db.execute("select count(*) from parts").fetchone() == (0,)
    if state == "published":
        first = ends.index("complete")
        assert from_json(Receipt, proof) == replace(receipt("1"), rows=first)


# what can be wrong with the file


def test_an_empty_file_is_filled_for_its_maker_was_killed(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.touch()
    assert asyncio.run(history(path)) == []
    assert path.stat().st_size == 0
    asyncio.run(record(path, "1"))
    assert asyncio.run(history(path)) == [run("1")]


def test_text_is_no_journal(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("this is no database at all. " * 100)
    assert "not a journal" in asyncio.run(failed(path))
    assert path.read_text().startswith("this is no database")


def test_another_programs_database_is_left_alone(path: Path) -> None:
    path.parent.mkdir(parents=True)
    change(path, "create table runs (mine int)", f"pragma user_version = {SCHEMA_VERSION}")
    before = path.read_bytes()
    assert "another program" in asyncio.run(failed(path))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "harm",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:4096],
        lambda whole: whole[:4096] + b"\xff" * (len(whole) - 4096),
        lambda whole: b"\x00" * len(whole),
    ],
    ids=["half", "first page only", "garbage pages", "zeros"],
)
def test_a_damaged_journal_is_told_and_never_replaced(
    path: Path, harm: Callable[[bytes], bytes]
) -> None:
    asyncio.run(record(path, *(str(n) for n in range(50))))
    damaged = harm(path.read_bytes())
    path.write_bytes(damaged)
    told = asyncio.run(failed(path))
    assert "damaged" in told or "not a journal" in told
    assert path.read_bytes() == damaged


def test_a_newer_journal_is_refused(path: Path) -> None:
    asyncio.run(record(path, "1"))
    change(path, f"pragma user_version = {SCHEMA_VERSION + 1}")
    told = asyncio.run(failed(path))
    assert f"version {SCHEMA_VERSION + 1}" in told
    assert "upgrade" in told


def test_a_folder_in_its_place_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    assert "cannot be opened" in asyncio.run(failed(path))


def test_a_file_in_the_place_of_its_folder_is_told(path: Path) -> None:
    path.parent.parent.mkdir()
    path.parent.touch()
    with pytest.raises(JournalError) as writing:
        asyncio.run(record(path, "1"))
    assert str(path) in str(writing.value)


def test_what_cannot_be_understood_is_told(path: Path) -> None:
    async def begin() -> None:
        async with SqliteJournal(path) as journal:
            await journal.begin(await journal.lease("users", 60), intent("1"))
            await journal.staged(part("1"))

    async def read() -> None:
        async with SqliteJournal(path) as journal:
            await journal.unfinished("users")

    asyncio.run(begin())
    for harm in ('{"$new": 1}', "null", "not json"):
        change(path, f"update parts set staged = '{harm}'")
        with pytest.raises(JournalError, match="load 1 cannot be understood"):
            asyncio.run(read())


def test_a_file_that_stays_locked_is_told_and_the_loop_goes_on(path: Path) -> None:
    asyncio.run(record(path, "1"))

    async def story() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("begin immediate")
            with pytest.raises(JournalError, match="locked") as told:
                await record(path, "2", patience=0.05)
            assert "fuser" in str(told.value)
            async with SqliteJournal(path) as journal:
                waiting = asyncio.create_task(journal.record(run("3")))
                await asyncio.sleep(0)
                other.execute("commit")  # only a loop that is not blocked gets here
                await waiting

    asyncio.run(story())
    assert [one.entity_run_id for one in asyncio.run(history(path))] == ["3", "1"]


def in_a_child(before: str, path: Path) -> str:
    """What a process says that writes runs until it cannot, after it did `before`."""
    code = f"""
import asyncio, os, pathlib, resource
from hygge.core.errors import JournalError
from hygge.journal.sqlite import SqliteJournal
from hygge.testing.contracts.journal import run
{before}
async def story():
    async with SqliteJournal(pathlib.Path({str(path)!r})) as journal:
        for n in range(10_000):
            try:
                await journal.record(run(str(n)))
            except JournalError as told:
                print(n)
                print(told)
                return
asyncio.run(story())
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return child.stdout


def test_a_disk_without_room_loses_nothing_that_was_answered(path: Path) -> None:
    asyncio.run(record(path, "first"))
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
    number, _, told = in_a_child(limit, path).partition("\n")
    assert "the disk" in told
    assert "df " in told
    assert str(path) in told
    found = [one.entity_run_id for one in asyncio.run(history(path))]
    assert found == [*(str(n) for n in reversed(range(int(number)))), "first"]


NO_PRIVILEGES = """
import ctypes, struct
assert ctypes.CDLL(None).capset(struct.pack("Ii", 0x20080522, 0), bytes(24)) == 0
"""  # so that root is refused like anybody


def test_a_folder_that_may_not_be_written_is_told(path: Path) -> None:
    path.parent.parent.mkdir(mode=0o555)
    number, _, told = in_a_child(NO_PRIVILEGES, path).partition("\n")
    assert number == "0"
    assert "permission denied" in told
    assert "ls -ld" in told


def test_a_journal_that_may_not_be_written_is_told(path: Path) -> None:
    asyncio.run(record(path, "first"))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    number, _, told = in_a_child(NO_PRIVILEGES, path).partition("\n")
    path.parent.chmod(0o755)
    assert number == "0"
    assert "give this user the rights" in told
    assert asyncio.run(history(path)) == [run("first")]


def test_one_that_may_only_be_read_can_be_read(path: Path) -> None:
    asyncio.run(record(path, "first"))
    path.chmod(0o444)
    path.parent.chmod(0o555)
    code = f"""
{NO_PRIVILEGES}
import asyncio, pathlib
from tests.journal.test_sqlite import history
print(*(one.entity_run_id for one in asyncio.run(history(pathlib.Path({str(path)!r})))))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    path.parent.chmod(0o755)
    assert done.stdout == "first\n"
    assert [file.name for file in path.parent.iterdir() if file.suffix == ".db-shm"] == []
