"""What is said about an event, in a line that a person reads. One story for every printer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hygge.core import events
from hygge.watch import rates


class Mark(Enum):
    """What kind of line it is."""

    GOOD = "good"
    QUIET = "quiet"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Line:
    """One line about a flow, or about the run where `flow` is None; `below` stands beneath it."""

    flow: str | None
    text: str
    mark: Mark = Mark.QUIET
    below: tuple[str, ...] = ()


_FATES = {
    "published": "an interrupted load was finished: {}",
    "kept": "an interrupted load is taken up again: {}",
    "erased": "what an unfinished load had staged was erased: {}",
    "undone": "what the failed load had staged was erased: {}",
}


def told(event: events.Event, *, verbose: bool = False) -> Line | None:
    """The line about this event; None where it is not worth one."""
    match event:
        case events.RunStopping():
            return Line(None, _stopping(event.hard), Mark.WARN)
        case events.Notice():
            return Line(event.flow, clean(event.text), Mark.WARN)
        case events.LoadWaiting():
            return Line(event.flow, clean(event.why), Mark.WARN)
        case events.FlowRetrying():
            first, *rest = lines(event.error)
            wait = rates.duration(event.seconds)
            text = f"try {event.attempt} failed, again in {wait}: {first}"
            return Line(event.flow, text, Mark.WARN, tuple(rest))
        case events.LoadRecovered() if event.fate != "undone" or verbose:
            return Line(
                event.flow, _FATES.get(event.fate, event.fate + ": {}").format(event.load_id)
            )
        case events.FlowFinished():
            return _finished(event)
        case events.FlowEvent() if verbose:
            return _detail(event)
    return None


def _finished(event: events.FlowFinished) -> Line:
    took = rates.duration(event.seconds)
    if event.status == "success":
        deleted = f" and {event.deleted:,} deleted" if event.deleted else ""
        return Line(event.flow, f"{rates.rows(event.rows)}{deleted} in {took}", Mark.GOOD)
    if event.status == "skip":
        return Line(event.flow, f"nothing new ({took})")
    word, mark = ("failed", Mark.BAD) if event.status == "fail" else (event.status, Mark.WARN)
    return Line(event.flow, f"{word} after {took}", mark, lines(event.error or "no reason given"))


def _detail(event: events.FlowEvent) -> Line | None:
    text = None
    match event:
        case events.FlowStarted():
            text = f"{event.run_type} from {clean(event.home)} to {clean(event.store)}"
        case events.LoadBegan():
            text = f"load {event.load_id} began: {event.mode}"
        case events.PartitionsPlanned():
            parts = "1 partition" if event.count == 1 else f"{event.count} partitions"
            text = f"{parts} planned, {event.reused} of them staged before"
        case events.BatchStaged():
            text = f"batch staged: {rates.rows(event.rows)}, {rates.size(event.bytes)}"
        case events.PartStaged():
            text = f"part {clean(event.partition)} staged: {rates.rows(event.rows)}"
        case events.PartReused():
            text = f"part {clean(event.partition)} kept from before: {rates.rows(event.rows)}"
        case events.LoadVerified():
            text = f"verified: {rates.rows(event.rows)}"
        case events.LoadCommitted():
            text = f"load {event.load_id} committed: {rates.rows(event.rows)}"
    return Line(event.flow, text) if text else None


def _stopping(hard: bool) -> str:
    if hard:
        return "stopping now: nothing more is published, the next run moves what is left"
    return "stopping: no new flow starts, running loads finish (Ctrl-C again suspends them)"


def lines(text: str) -> tuple[str, ...]:
    """An error's lines, fit to be shown; never none."""
    return tuple(clean(line) for line in text.splitlines()) or ("",)


def clean(text: str) -> str:
    """The text without what could steer a terminal; line breaks become visible, too."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
