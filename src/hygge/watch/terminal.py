"""The calm live view of a run in a terminal: what moves below, what is done scrolls up."""

from __future__ import annotations

from collections.abc import Iterator
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
        for one in moving[:room]:
            yield Text(self._row(one, now), no_wrap=True, overflow="ellipsis")
        if len(moving) > room:
            yield Text(f"  and {len(moving) - room} more", style="dim", no_wrap=True)
        yield Text(self._overall(now), style="bold", no_wrap=True, overflow="ellipsis")

    def _row(self, one: Moving, now: datetime) -> str:
        width = self._console.width - 1
        cells = [f"{one.doing:<14}"]
        if one.rows:
            rate = f"{one.rate.per_second(now):,.0f} rows/s"
            cells += [f"{rates.rows(one.rows):>18}", f"{rate:>18}", f"{rates.size(one.bytes):>9}"]
        widest = max(cell_len(clean(name)) for name in self._progress.running)
        name = max(8, min(widest, width // 3))
        while len(cells) > 1 and 2 + name + sum(len(cell) + 2 for cell in cells) > width:
            cells.pop()
        return "  " + "  ".join([set_cell_size(clean(one.name), name), *cells])

    def _overall(self, now: datetime) -> str:
        run = self._progress
        cells = [
            f"{len(run.done)} of {rates.flows(len(run.planned))} done",
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
        said = Text(f"{self._signs[line.mark]} ", style=style)
        if line.flow:
            said.append(f"{clean(line.flow)} ", style="" if line.mark is not Mark.BAD else style)
        said.append(line.text, style=style if line.mark is not Mark.GOOD else "")
        for below in line.below:
            said.append(
                f"\n    {below}", style=style if not below.lstrip().startswith("try:") else ""
            )
        self._console.print(said, soft_wrap=True)  # whole lines, so that paths can be copied
