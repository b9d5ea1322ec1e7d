"""What is going on in a run, put together from its events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hygge.core import events
from hygge.watch.rates import Rate

SUCCESS, SKIP, FAIL, SUSPENDED = "success", "skip", "fail", "suspended"


@dataclass
class Moving:
    """A flow in progress. Rows and bytes are those of the present try."""

    name: str
    store: str
    began: datetime
    rate: Rate
    state: str = "preparing"
    rows: int = 0
    bytes: int = 0
    parts: int = 0
    parts_done: int = 0
    last_said: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.last_said = self.began

    def again(self, at: datetime) -> None:
        """A new try: what the last one counted is not what this one moves."""
        self.rows = self.bytes = self.parts = self.parts_done = 0
        self.rate = Rate(at)

    @property
    def doing(self) -> str:
        """The state in a word, and how far it is where that can be told."""
        many = self.state == "moving" and self.parts > 1
        return f"moving {self.parts_done}/{self.parts}" if many else self.state

    def hear(self, event: events.FlowEvent) -> None:
        """Go on by one event."""
        match event:
            case events.LoadBegan():
                self.again(event.at)
                self.state = "planning"
            case events.PartitionsPlanned():
                self.parts, self.state = event.count, "moving"
            case events.BatchStaged():
                self.rows, self.bytes = self.rows + event.rows, self.bytes + event.bytes
                self.rate.add(event.at, event.rows)
            case events.PartStaged():
                self._part_done()
            case events.PartReused():
                self.rows += event.rows
                self._part_done()
            case events.LoadVerified():
                self.state = "committing"
            case events.LoadRecovered():
                self.state = "recovering"
            case events.LoadWaiting():
                self.state = "waiting"
            case events.FlowRetrying():
                self.again(event.at)
                self.state = "waiting"

    def _part_done(self) -> None:
        self.parts_done += 1
        if self.parts_done >= self.parts:
            self.state = "verifying"


@dataclass(frozen=True)
class Done:
    """What became of one flow."""

    name: str
    store: str
    status: str
    rows: int
    seconds: float
    error: str | None


@dataclass
class Progress:
    """Which flows are under way, which are done, and what it all comes to."""

    run_id: str = ""
    planned: tuple[str, ...] = ()
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended: datetime | None = None
    stopping: bool = False
    running: dict[str, Moving] = field(default_factory=dict)
    done: list[Done] = field(default_factory=list)

    def hear(self, event: events.Event) -> None:
        """Go on by one event."""
        match event:
            case events.RunStarted():
                self.run_id, self.planned, self.began = event.run_id, event.flows, event.at
            case events.RunStopping():
                self.stopping = True
            case events.RunFinished():
                self.ended = event.at
            case events.FlowStarted():
                moving = Moving(event.flow, event.store, event.at, Rate(event.at))
                self.running[event.flow] = moving
            case events.FlowFinished():
                self._finish(event)
            case events.FlowEvent() if event.flow in self.running:
                self.running[event.flow].hear(event)

    def _finish(self, event: events.FlowFinished) -> None:
        moving = self.running.pop(event.flow, None)
        store = moving.store if moving else ""
        self.done.append(
            Done(event.flow, store, event.status, event.rows, event.seconds, event.error)
        )

    def of(self, status: str) -> Sequence[Done]:
        """The flows that came to this, in the order in which they were planned."""
        order = {name: n for n, name in enumerate(self.planned)}
        found = [done for done in self.done if done.status == status]
        return sorted(found, key=lambda done: order.get(done.name, len(order)))

    @property
    def not_started(self) -> Sequence[str]:
        """The flows that never began."""
        begun = self.running.keys() | {done.name for done in self.done}
        return [name for name in self.planned if name not in begun]

    @property
    def cut_off(self) -> Sequence[str]:
        """The flows that began and were never said to have ended, once the run is over."""
        return list(self.running)

    @property
    def rows(self) -> int:
        """Rows that have arrived, and those on their way."""
        landed = sum(done.rows for done in self.done)
        return landed + sum(moving.rows for moving in self.running.values())

    @property
    def rows_landed(self) -> int:
        return sum(done.rows for done in self.done)

    def seconds(self, now: datetime | None = None) -> float:
        """How long the run took, or has taken until now."""
        end = self.ended or now or datetime.now(UTC)
        return max((end - self.began).total_seconds(), 0.0)
