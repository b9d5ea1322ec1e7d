"""Plain lines, labelled with their flow: for logs, pipes and terminals that can do no more."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TextIO

from hygge.core import events
from hygge.watch import rates
from hygge.watch.progress import Moving, Progress
from hygge.watch.story import Line, clean, told
from hygge.watch.summary import print_summary

BEAT = timedelta(seconds=10)


class Plain:
    """Tells the story line by line to `talk`, and the summary to `data`."""

    def __init__(self, talk: TextIO, data: TextIO, *, verbose: bool = False) -> None:
        self._talk, self._data, self._verbose = talk, data, verbose
        self._progress = Progress()

    def hear(self, event: events.Event) -> None:
        """Say what this event is worth saying."""
        self._progress.hear(event)
        line = told(event, verbose=self._verbose)
        if line is None:
            return
        if line.flow in self._progress.running:
            self._progress.running[line.flow].last_said = event.at
        self._say(line)

    def tick(self, now: datetime) -> None:
        """Let a long flow that has said nothing for a while show that it lives."""
        for moving in self._progress.running.values():
            if now - moving.last_said >= BEAT:
                moving.last_said = now
                self._say(Line(moving.name, heartbeat(moving, now)))

    def close(self) -> None:
        """The run is over: the summary."""
        print_summary(self._progress, self._data)

    def _say(self, line: Line) -> None:
        label = f"[{clean(line.flow)}] " if line.flow else ""
        text = "\n".join(label + each for each in (line.text, *line.below))
        self._talk.write(text + "\n")
        self._talk.flush()


def heartbeat(moving: Moving, now: datetime) -> str:
    """How far a flow is, in one line."""
    since = rates.duration((now - moving.began).total_seconds())
    if not moving.rows:
        return f"{moving.doing}, {since} so far"
    if moving.state in ("committing", "waiting"):
        return f"{moving.doing}: {rates.rows(moving.rows)}, {since} so far"
    rate = f"{moving.rate.per_second(now):,.0f} rows/s"
    amount = f"{rates.rows(moving.rows)}, {rate}, {rates.size(moving.bytes)}"
    return f"{moving.doing}: {amount}, {since} so far"
