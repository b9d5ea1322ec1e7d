"""A printer on its own thread neither slows nor stops a run."""

from __future__ import annotations

import threading
from datetime import datetime

from tests.watch.runs import RUN_ID, mixed

from hygge.core import events
from hygge.watch.hearing import Hearing


class Noting:
    """Writes down what it is asked, and on which thread."""

    def __init__(self) -> None:
        self.heard = list[events.Event]()
        self.ticked, self.closed = threading.Event(), 0
        self.threads = set[str]()

    def hear(self, event: events.Event) -> None:
        self.threads.add(threading.current_thread().name)
        self.heard.append(event)

    def tick(self, now: datetime) -> None:
        self.ticked.set()

    def close(self) -> None:
        self.closed += 1


class Broken(Noting):
    """Cannot bear notices, nor the end."""

    def hear(self, event: events.Event) -> None:
        if isinstance(event, events.Notice):
            raise BrokenPipeError("nobody reads this")
        super().hear(event)

    def close(self) -> None:
        raise ValueError("closed already")


class Echoing(Noting):
    """Never runs out of events: each one brings the next."""

    again: events.Listener = staticmethod(events.nobody)

    def hear(self, event: events.Event) -> None:
        super().hear(event)
        self.again(event)


class Stuck(Noting):
    """A terminal that takes nothing until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.released = threading.Event()

    def hear(self, event: events.Event) -> None:
        assert self.released.wait(60)
        super().hear(event)


def test_every_event_arrives_in_order_and_the_thread_is_gone_afterwards() -> None:
    printer, told = Noting(), list(mixed())
    with Hearing(printer, 1.0) as hearing:
        for event in told:
            hearing(event)
    assert printer.heard == told
    assert printer.closed == 1
    assert printer.threads == {"hygge-watch"}
    assert "hygge-watch" not in [thread.name for thread in threading.enumerate()]


def test_the_clock_ticks_also_while_events_pour_in() -> None:
    printer = Echoing()
    with Hearing(printer, 0.01) as hearing:
        printer.again = hearing
        hearing(events.Notice("users", "again"))
        assert printer.ticked.wait(60)
        printer.again = events.nobody
    assert len(printer.heard) > 1


def test_a_broken_printer_is_remembered_and_asked_on() -> None:
    printer, told = Broken(), list(mixed())
    with Hearing(printer, 1.0) as hearing:
        for event in told:
            hearing(event)
    assert len(printer.heard) == len(told) - 1
    assert isinstance(hearing.failure, BrokenPipeError)


def test_a_terminal_that_is_stopped_does_not_stop_the_run() -> None:
    printer = Stuck()
    with Hearing(printer, 1.0) as hearing:
        hearing(events.RunStarted(RUN_ID, ()))
        for event in mixed():
            hearing(event)  # would block here if it waited for the terminal
        assert not printer.heard
        printer.released.set()
    assert len(printer.heard) == len(list(mixed())) + 1
