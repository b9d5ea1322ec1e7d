"""The calm live view of a run in a terminal: what moves below, what is done scrolls up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hygge.core import events
from hygge.watch import rates
from hygge.watch.progress import Moving, Progress
from hygge.watch.story import Line, Mark, clean, told
from hygge.watch.summary import print_summary

SHOWN = 10
_STYLES = {Mark.GOOD: "green", Mark.QUIET: "dim", Mark.WARN: "yellow", Mark.BAD: "red"}
_SIGNS = {Mark.GOOD: "✓", Mark.QUIET: "·", Mark.WARN: "!", Mark.BAD: "✗"}
_ASCII = {Mark.GOOD: "+", Mark.QUIET: "-", Mark.WARN: "!", Mark.BAD: "x"}


class Terminal:
    """Shows the run on `talk`, which is a terminal; the summary goes to `data`."""

    def __init__(
        self, talk: TextIO, data: TextIO, *, verbose: bool = False, console: Console | None = None
    ) -> None:
        self._console = console or Console(file=talk, highlight=False, markup=False, emoji=False)
        self._data, self._verbose = data, verbose
        self._progress = Progress()
        utf = self._console.encoding.lower().startswith("utf")
        self._signs, self._dot = (_SIGNS, "·") if utf else (_ASCII, "-")
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def hear(self, event: events.Event) -> None:
        """Take it in; what is worth a line of its own scrolls up at once."""
        self._progress.hear(event)
        if isinstance(event, events.RunStarted):
            self._live.start()
        line = told(event, verbose=self._verbose)
        if line is not None:
            self.tick(event.at)  # or a flow that is done would show twice
            self._say(line)

    def tick(self, now: datetime) -> None:
        """Draw what is moving."""
        if self._live.is_started:
            self._live.update(Group(*self.view(now)), refresh=True)

    def close(self) -> None:
        """The run is over: the view goes, the summary stays."""
        self._live.stop()
        print_summary(self._progress, self._data)

    def view(self, now: datetime) -> Iterator[Text]:
        """The lines below: the flows that move, the longest first, and all of it together."""
        moving = list(self._progress.running.values())
        room = max(1, min(SHOWN, self._console.height - 4))
        for row in fitted([_cells(one, now) for one in moving[:room]], self._console.width - 1):
            yield Text(row, no_wrap=True, overflow="ellipsis")
        if len(moving) > room:
            yield Text(f"  and {len(moving) - room} more", style="dim", no_wrap=True)
        yield Text(self._overall(now), style="bold", no_wrap=True, overflow="ellipsis")

    def _overall(self, now: datetime) -> str:
        run = self._progress
        cells = [
            f"{len(run.done)} of {rates.flows(run.planned).rpartition(', ')[2]} done",
            rates.rows(run.rows),
            rates.duration(run.seconds(now)),
        ]
        if failed := len(run.of("fail")):
            cells.insert(1, f"{failed} failed")
        if run.stopping:
            cells.insert(0, "stopping")
        return f" {self._dot} ".join(cells)

    def _say(self, line: Line) -> None:
        style = _STYLES[line.mark]
        words = "" if line.mark is Mark.GOOD else style
        said = Text().append(f"{self._signs[line.mark]} ", style=style)
        if line.flow:
            said.append(f"{clean(line.flow)} ", style="bold")
        said.append(line.text, style=words)
        for below in line.below:
            said.append(f"\n  {below}", style="" if below.lstrip().startswith("try:") else words)
        self._console.print(said, soft_wrap=True)  # whole lines, so that paths can be copied


def _cells(one: Moving, now: datetime) -> list[str]:
    """Name, state, rows, rows a second, bytes; what comes last is the first to be left out."""
    cells = [clean(one.name), one.doing, "", "", ""]
    if one.rows:
        rate = f"{one.rate.per_second(now):,.0f} rows/s"
        cells[2:] = [rates.rows(one.rows), rate, rates.size(one.bytes)]
    return cells


def fitted(table: Sequence[list[str]], width: int) -> Iterator[str]:
    """The cells as lines of at most `width`: columns that line up, names cut, the last left out."""
    if not table:
        return
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)]
    widths[0] = max(8, min(widths[0], width // 3))
    while len(widths) > 2 and 2 * len(widths) + sum(widths) > width:
        widths.pop()
    for name, state, *numbers in table:
        shown = [f"{cell:>{space}}" for cell, space in zip(numbers, widths[2:], strict=False)]
        cells = [_cut(name, widths[0]), f"{state:<{widths[1]}}", *shown]
        yield ("  " + "  ".join(cells)).rstrip()


def _cut(name: str, width: int) -> str:
    """A name in so many cells; of a long one the end, which tells entities apart."""
    while cell_len(name) > width:
        name = f"..{name.removeprefix('..')[1:]}"
    return set_cell_size(name, width)
