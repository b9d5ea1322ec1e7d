"""What every Journal promises, as tests. Subclass it and say how yours is made."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from datetime import time as clock_time
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import pytest

from hygge.core.errors import FlowBusy, JournalError, LoadLost
from hygge.core.home import ReadRequest
from hygge.core.journal import EntityRun, Intent, Journal, Status
from hygge.core.partition import Partition
from hygge.core.schema import TableSchema
from hygge.core.store import LoadRequest, Mode, Piece, Receipt, StagedPart
from hygge.core.ties import Ties
from hygge.core.watermark import Watermark

T = TypeVar("T")
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
SCHEMA = TableSchema.of(pl.Schema({"id": pl.Int64(), "price": pl.Decimal(38, 9)}), ["id"])
TIES = Ties(3, 2**64 - 1, (1, 2, 2**64 - 4), "by")
MARKS = [
    Watermark("at", "datetime(us, UTC)", NOON + timedelta(microseconds=1)),
    Watermark("day", "date", date(9999, 12, 31), closed=False),
    Watermark(
        "price",
        "decimal(38, 9)",
        Decimal("12345678901234567890.100000000"),
        ties=Ties(3, 2**64 - 1, (1, 2, 2**64 - 4), "by"),
    ),
    Watermark("hour", "time", clock_time(23, 59, 59, 999999)),
    Watermark("id", "int64", 2**63 - 1),
    Watermark("name", "string", "Ünï\x00'\""),
]


def intent(load_id: str, flow: str = "users", mark: Watermark | None = None) -> Intent:
    load = LoadRequest(load_id, flow, Mode.MERGE, SCHEMA, ("id",), "base", "source", None, mark)
    return Intent(load, ReadRequest(("id",), "id > 1", mark, mark, SCHEMA), "store", "print")


def part(
    load_id: str, name: str = "p1", rows: int = 7, mark: Watermark | None = None
) -> StagedPart:
    pieces = (Piece("file", rows, 99, "digest"), Piece("other", 0, 0))
    return StagedPart(
        load_id, Partition(name, "v1", ("path", 1, None)), rows, pieces, mark, Ties(2)
    )


def receipt(load_id: str, flow: str = "users") -> Receipt:
    return Receipt(load_id, flow, 7, 99, MARKS[0], {"file": "digest"}, NOON, "source")


def run(name: str, flow: str = "users", entity: str | None = None) -> EntityRun:
    return EntityRun(
        entity_run_id=name,
        coordinator_run_id="run",
        flow_run_id="flow run",
        coordinator="project",
        flow=flow,
        entity=entity or flow,
        start_time=NOON,
        finish_time=NOON + timedelta(seconds=1.5),
        status=Status.SUCCESS,
        run_type="incremental",
        row_count=2**40,
        duration=1.5,
    )


class JournalContract(ABC):
    """Nothing here knows which journal it is."""

    @abstractmethod
    def make(self, tmp_path: Path) -> Journal:
        """A journal; asked twice with one path, two that share what they remember."""

    @pytest.fixture
    def told(self, tmp_path: Path) -> Callable[[Callable[[Journal], Awaitable[T]]], T]:
        """Runs a story about one journal, and sees that closing leaves no thread."""

        def tell(story: Callable[[Journal], Awaitable[T]]) -> T:
            async def whole() -> T:
                journal = self.make(tmp_path)
                try:
                    return await story(journal)
                finally:
                    await journal.close()

            before = set(threading.enumerate())
            try:
                return asyncio.run(whole())
            finally:
                assert set(threading.enumerate()) <= before

        return tell

    # loads

    @pytest.mark.parametrize("mark", [None, *MARKS], ids=lambda m: m.type if m else "none")
    def test_what_was_begun_and_staged_comes_back_as_it_was(
        self, told: Any, mark: Watermark | None
    ) -> None:
        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            await journal.begin(lease, intent("1", mark=mark))
            await journal.staged(part("1", mark=mark))
            assert await journal.unfinished("users") == [
                (intent("1", mark=mark), [part("1", mark=mark)])
            ]

        told(story)

    def test_a_new_journal_knows_nothing(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            assert await journal.unfinished("users") == []
            assert list(await journal.history()) == []

        told(story)

    def test_unfinished_loads_come_oldest_first_and_by_flow(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            users, orders = await journal.lease("users", 60), await journal.lease("orders", 60)
            for load_id in ("2", "3", "1"):
                await journal.begin(users, intent(load_id))
                await journal.staged(part(load_id))
            await journal.begin(orders, intent("0", "orders"))
            found = await journal.unfinished("users")
            assert found == [(intent(name), [part(name)]) for name in ("1", "2", "3")]

        told(story)

    def test_parts_come_in_the_order_they_were_first_staged(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            await journal.begin(await journal.lease("users", 60), intent("1"))
            for name in ("b", "c", "a"):
                await journal.staged(part("1", name))
            await journal.staged(part("1", "b", rows=8))  # again: it replaces
            ((_, parts),) = await journal.unfinished("users")
            assert [(p.partition.name, p.rows) for p in parts] == [("b", 8), ("c", 7), ("a", 7)]

        told(story)

    def test_a_load_that_ended_is_not_unfinished(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            for load_id in ("1", "2", "3"):
                await journal.begin(lease, intent(load_id))
                await journal.staged(part(load_id))
            await journal.complete(receipt("1"))
            await journal.discard("2", "why not")
            assert await journal.unfinished("users") == [(intent("3"), [part("3")])]

        told(story)

    def test_ending_twice_or_an_unknown_load_is_harmless(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            await journal.begin(lease, intent("1"))
            for load_id in ("1", "1", "unknown"):
                await journal.complete(receipt(load_id))
                await journal.discard(load_id, "why not")
            assert await journal.unfinished("users") == []

        told(story)

    def test_nothing_is_staged_for_a_load_that_is_over(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            await journal.begin(lease, intent("1"))
            await journal.begin(lease, intent("2"))
            await journal.complete(receipt("1"))
            await journal.discard("2", "why not")
            with pytest.raises(LoadLost, match="published"):
                await journal.staged(part("1"))
            with pytest.raises(LoadLost, match="discarded"):
                await journal.staged(part("2"))
            with pytest.raises(LoadLost, match="never begun"):
                await journal.staged(part("3"))

        told(story)

    def test_a_load_is_begun_once(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            await journal.begin(lease, intent("1"))
            with pytest.raises(JournalError):
                await journal.begin(lease, intent("1", "orders"))
            assert await journal.unfinished("users") == [(intent("1"), [])]

        told(story)

    # leases

    def test_a_name_has_one_holder(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            with pytest.raises(FlowBusy, match=str(lease.owner)) as refused:
                await journal.lease("users", 60)
            assert " since 20" in str(refused.value)
            assert " until 20" in str(refused.value)
            assert refused.value.hint
            await journal.lease("orders", 60)

        told(story)

    def test_of_many_that_ask_at_once_one_gets_it(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            asked = (journal.lease("users", 60) for _ in range(20))
            answers = await asyncio.gather(*asked, return_exceptions=True)
            refused = [answer for answer in answers if isinstance(answer, FlowBusy)]
            assert len(refused) == 19
            assert len({id(answer) for answer in refused}) == 19, "each has an error of its own"

        told(story)

    def test_what_is_released_can_be_had(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            await journal.release(lease)
            await journal.release(lease)
            again = await journal.lease("users", 60)
            assert again.owner != lease.owner
            await journal.release(lease)  # not its any more: nothing changes
            await journal.renew(again, 60)

        told(story)

    def test_a_lease_that_ran_out_can_be_had_and_its_holder_is_told(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            late = await journal.lease("users", 0)
            await journal.begin(late, intent("1"))  # nobody took it meanwhile: it is still ours
            now = await journal.lease("users", 60)
            with pytest.raises(FlowBusy, match="ran out"):
                await journal.renew(late, 60)
            with pytest.raises(FlowBusy, match=str(now.owner)):
                await journal.begin(late, intent("2"))
            assert [i.load.load_id for i, _ in await journal.unfinished("users")] == ["1"]
            await journal.release(now)
            with pytest.raises(FlowBusy, match="another run had it"):
                await journal.begin(late, intent("2"))

        told(story)

    def test_renewing_keeps_it(self, told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [time.time()]
        monkeypatch.setattr(time, "time", lambda: now[0])

        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            for _ in range(3):
                now[0] += 59
                await journal.renew(lease, 60)
            with pytest.raises(FlowBusy):
                await journal.lease("users", 60)
            now[0] += 60
            await journal.lease("users", 60)

        told(story)

    def test_a_clock_put_back_holds_a_name_no_longer_than_its_lease(
        self, told: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = [time.time()]
        monkeypatch.setattr(time, "time", lambda: now[0])

        async def story(journal: Journal) -> None:
            lease = await journal.lease("users", 60)
            now[0] -= 24 * 3600
            await journal.renew(lease, 60)
            await journal.lease("orders", 60)
            now[0] -= 24 * 3600
            with pytest.raises(FlowBusy):
                await journal.lease("orders", 60)
            now[0] += 60
            await journal.lease("orders", 60)

        told(story)

    # history

    def test_the_history_is_newest_first(self, told: Any) -> None:
        full = replace(
            run("full"),
            status=Status.FAIL,
            primary_key="id, name",
            watermark_column="at",
            watermark_type="datetime(us, UTC)",
            watermark="2024-02-29 12:00:00+00:00",
            message="what\n  try: this",
        )

        async def story(journal: Journal) -> None:
            runs = [run("1"), full, replace(run("3"), status=Status.SKIP)]
            for one in runs:
                await journal.record(one)
            assert list(await journal.history()) == runs[::-1]
            assert list(await journal.history(limit=2)) == [runs[2], full]

        told(story)

    def test_the_newest_is_the_one_that_began_last(self, told: Any) -> None:
        long = replace(run("long"), finish_time=NOON + timedelta(hours=2))
        short = replace(run("short"), start_time=NOON + timedelta(hours=1))

        async def story(journal: Journal) -> None:
            for one in (short, long):  # as they ended
                await journal.record(one)
            assert [one.entity_run_id for one in await journal.history()] == ["short", "long"]

        told(story)

    def test_the_history_of_one_flow_has_its_entities(self, told: Any) -> None:
        runs = [
            run("1", "users"),
            run("2", "users", "orders"),
            run("3", "users_old"),
            run("4", "orders"),
            run("5", "users", "people"),
        ]

        async def story(journal: Journal) -> None:
            for one in runs:
                await journal.record(one)

            async def names(flow: str, limit: int = 20) -> list[str]:
                return [one.entity_run_id for one in await journal.history(limit, flow)]

            assert await names("users") == ["5", "2", "1"]
            assert await names("users", limit=1) == ["5"]
            assert await names("users.orders") == ["2"]
            assert await names("orders") == ["4"]
            assert await names("us%") == []

        told(story)

    def test_times_of_the_history_are_one_moment_wherever_they_were_taken(self, told: Any) -> None:
        there = NOON.astimezone(timezone(timedelta(hours=-7)))

        async def story(journal: Journal) -> None:
            await journal.record(replace(run("1"), start_time=there))
            (found,) = await journal.history()
            assert found.start_time == NOON

        told(story)

    # endings

    def test_closing_twice_or_unused_is_harmless_and_a_call_opens_it_again(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            await journal.close()
            await journal.record(run("1"))
            await journal.close()
            await journal.close()
            assert list(await journal.history()) == [run("1")]

        told(story)

    def test_a_cancelled_call_is_over_when_its_caller_goes_on(self, told: Any) -> None:
        async def story(journal: Journal) -> None:
            for number in range(20):
                call = asyncio.create_task(journal.record(run(str(number))))
                for _ in range(number):
                    await asyncio.sleep(0)
                call.cancel()
                await asyncio.wait([call])
                before = await journal.history(100)
                await journal.record(run(f"{number} again"))
                assert list((await journal.history(100))[1:]) == list(before)

        told(story)


class DurableJournalContract(JournalContract):
    """For journals that outlive the process, and that processes share."""

    @abstractmethod
    def code(self, tmp_path: Path) -> str:
        """Python statements that set `journal` to what `make` gives."""

    @contextmanager
    def elsewhere(self, tmp_path: Path, *steps: str) -> Iterator[subprocess.Popen[str]]:
        """Another process that does this, says "done" and waits to be killed."""
        lines = [
            "import asyncio, sys",
            "from hygge.testing.contracts.journal import intent, part, receipt, run",
            self.code(tmp_path),
            "async def story():",
            *(f"    {step}" for step in steps),
            "    print('done', flush=True)",
            "    sys.stdin.read()",
            "asyncio.run(story())",
        ]
        child = subprocess.Popen(
            [sys.executable, "-c", "\n".join(lines)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            try:
                assert child.stdout is not None
                assert child.stdout.readline() == "done\n"
                yield child
            finally:
                child.kill()

    def test_two_journals_of_one_place_are_one(self, tmp_path: Path) -> None:
        async def story() -> None:
            first, second = self.make(tmp_path), self.make(tmp_path)
            try:
                lease = await first.lease("users", 60)
                with pytest.raises(FlowBusy):
                    await second.lease("users", 60)
                await second.begin(lease, intent("1"))
                await first.staged(part("1"))
                assert await second.unfinished("users") == [(intent("1"), [part("1")])]
                await second.complete(receipt("1"))
                assert await first.unfinished("users") == []
                many = [(first if n % 2 else second).record(run(str(n))) for n in range(100)]
                await asyncio.gather(*many)
                assert len(await second.history(1000)) == 100
            finally:
                await first.close()
                await second.close()

        asyncio.run(story())

    def test_what_was_remembered_outlives_the_journal(self, tmp_path: Path) -> None:
        async def write() -> None:
            journal = self.make(tmp_path)
            await journal.begin(await journal.lease("users", 60), intent("1"))
            await journal.staged(part("1"))
            await journal.record(run("1"))
            await journal.close()

        async def read() -> None:
            journal = self.make(tmp_path)
            assert await journal.unfinished("users") == [(intent("1"), [part("1")])]
            assert list(await journal.history()) == [run("1")]
            await journal.close()

        asyncio.run(write())
        asyncio.run(read())

    def test_another_process_that_lives_is_respected_and_one_that_was_killed_is_not(
        self, tmp_path: Path
    ) -> None:
        async def story(child: subprocess.Popen[str]) -> None:
            journal = self.make(tmp_path)
            try:
                with pytest.raises(FlowBusy, match=f"process {child.pid} on "):
                    await journal.lease("users", 3600)
                child.kill()
                await asyncio.to_thread(child.wait)
                await journal.lease("users", 3600)
            finally:
                await journal.close()

        with self.elsewhere(tmp_path, "await journal.lease('users', 3600)") as child:
            asyncio.run(story(child))

    def test_what_was_answered_before_a_kill_is_known_after_it(self, tmp_path: Path) -> None:
        async def read() -> None:
            journal = self.make(tmp_path)
            found = await journal.unfinished("users")
            assert found == [(intent("2"), [part("2", str(n)) for n in range(5)])]
            assert list(await journal.history()) == [run("1")]
            await journal.close()

        steps = (
            "lease = await journal.lease('users', 60)",
            "await journal.begin(lease, intent('1'))",
            "await journal.complete(receipt('1'))",
            "await journal.record(run('1'))",
            "await journal.begin(lease, intent('2'))",
            "for n in range(5): await journal.staged(part('2', str(n)))",
        )
        with self.elsewhere(tmp_path, *steps) as child:
            child.kill()
            child.wait()
        asyncio.run(read())
