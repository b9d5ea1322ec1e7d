"""What a run came to, for people: always printed, also when it went wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from hygge.watch import rates
from hygge.watch.colours import Colour, paint
from hygge.watch.progress import FAIL, SKIP, SUCCESS, SUSPENDED, Done, Progress
from hygge.watch.story import clean, lines

SHOWN = 10


def print_summary(progress: Progress, out: TextIO) -> None:
    """Write it, if anything began at all."""
    if not progress.run_id:
        return
    for line in summary(progress):
        out.write((paint(line, Colour.RED, out) if line.startswith("failed ") else line) + "\n")
    out.flush()


def summary(progress: Progress) -> Iterator[str]:
    """The lines: how many flows, how many rows, where they settled, what failed and why."""
    took = rates.duration(progress.seconds())
    size = f"{rates.flows(progress.planned)}, {rates.rows(progress.rows_landed)}, {took}"
    yield f"{size}: {_counts(progress)}"
    yield from _settled(progress.of(SUCCESS))
    if progress.not_started:
        yield "not started"
        yield from _listed(progress.not_started)
    for name in progress.cut_off[:SHOWN]:
        yield f"failed {clean(name)}"
        yield "  cut off; the next run finishes or erases what it began"
    yield from _failed("suspended", progress.of(SUSPENDED))
    yield from _failed("failed", progress.of(FAIL))


def _counts(progress: Progress) -> str:
    counted = [
        (len(progress.of(SUCCESS)), "succeeded"),
        (len(progress.of(FAIL)) + len(progress.cut_off), "failed"),
        (len(progress.of(SUSPENDED)), "suspended"),
        (len(progress.of(SKIP)), "skipped (nothing new)"),
        (len(progress.not_started), "not started"),
    ]
    return ", ".join(f"{count} {word}" for count, word in counted if count) or "nothing to do"


def _settled(landed: Sequence[Done]) -> Iterator[str]:
    if not landed:
        return
    shown = landed[:SHOWN]
    name = max(len(clean(done.name)) for done in shown)
    count = max(len(rates.rows(done.rows)) for done in shown)
    yield "settled"
    for done in shown:
        yield f"  {clean(done.name):<{name}}  {rates.rows(done.rows):>{count}}  {near(done.store)}"
    yield from _more(landed)


def _failed(word: str, failed: Sequence[Done]) -> Iterator[str]:
    for done in failed[:SHOWN]:
        yield f"{word} {clean(done.name)}"
        yield from (f"  {line}" for line in lines(done.error or "no reason given"))
    yield from _more(failed, "; hygge history shows them")


def _listed(names: Sequence[str]) -> Iterator[str]:
    yield from (f"  {clean(name)}" for name in names[:SHOWN])
    yield from _more(names)


def _more(listed: Sequence[object], then: str = "") -> Iterator[str]:
    if len(listed) > SHOWN:
        yield f"  … and {len(listed) - SHOWN} more{then}"


def near(place: str) -> str:
    """A place as it is best read from here: a path below the current folder is shown relative."""
    scheme, told, rest = place.partition("://")
    path = Path(rest if told else place)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        place = f"{scheme if told else ''}{told}{path.relative_to(Path.cwd())}"
    return clean(place)
