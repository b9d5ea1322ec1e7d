"""The live view, on terminals of all kinds."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.golden.compare import golden
from tests.watch.runs import RUN_ID, at, mixed

from hygge.core import events
from hygge.watch.colours import Colour, is_live, paint
from hygge.watch.terminal import Terminal, fitted


class Screen(io.StringIO):
    """A terminal that remembers what it was sent."""

    def isatty(self) -> bool:
        return True


def terminal(width: int = 80, height: int = 24, encoding: str = "utf-8") -> tuple[Terminal, Screen]:
    screen = Screen()
    console = Console(file=screen, width=width, height=height, force_terminal=True)
    if encoding != "utf-8":
        raw = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        console = Console(file=raw, width=width, height=height, force_terminal=True)
    return Terminal(screen, io.StringIO(), console=console), screen


def moving(count: int, name: str = "flow_{}") -> list[events.Event]:
    names = tuple(name.format(n) for n in range(count))
    heard: list[events.Event] = [events.RunStarted(RUN_ID, names, at=at(0))]
    for number, one in enumerate(names):
        heard += [
            events.FlowStarted(one, "/data", "/lake", "full_drop", at=at(0)),
            events.LoadBegan(one, "1", "replace", at=at(1)),
            events.PartitionsPlanned(one, 12, 0, at=at(1)),
            events.BatchStaged(one, 1_234_567 * number, 87_654_321 * number, at=at(2)),
        ]
    return heard


def seen(printer: Terminal, heard: list[events.Event]) -> list[str]:
    """The lines of the view after these events."""
    for event in heard:
        printer._progress.hear(event)
    return [line.plain for line in printer.view(at(6))]


def test_the_view_lines_up() -> None:
    printer, _ = terminal(width=100)
    golden("cli/watch-live-100.txt", "\n".join(seen(printer, moving(4, "orders.table_{}"))))


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    printer, _ = terminal(width)
    rows = seen(printer, moving(9, "日本.a_table_with_quite_a_long_name_{}"))[:-1]
    if width >= 40:
        assert max(map(cell_len, rows)) < width
    assert len(rows) == 9


def test_long_names_keep_the_end_that_tells_them_apart() -> None:
    table = [[f"warehouse.orders_of_the_year_{n}", "moving", "", "", ""] for n in (2023, 2024)]
    assert [line.split()[0][-6:] for line in fitted(table, 40)] == ["r_2023", "r_2024"]


def test_only_so_many_flows_are_shown_and_the_rest_is_counted() -> None:
    printer, _ = terminal(height=24)
    lines = seen(printer, moving(200))
    assert len(lines) == 12
    assert lines[10] == "  and 190 more"
    assert lines[11].startswith("0 of 200 flows done")


def test_a_low_terminal_shows_fewer() -> None:
    printer, _ = terminal(height=6)
    assert len(seen(printer, moving(200))) == 4


def test_what_is_done_scrolls_up_and_the_view_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    printer, screen = terminal()
    for event in mixed():
        printer.hear(event)
    printer.tick(at(5))
    printer.close()
    told = [line for line in screen.getvalue().splitlines() if "✓" in line or "✗" in line]
    assert any("users" in line and "12,345 rows in 0.4 s" in line for line in told)
    assert any("broken" in line and "failed after 0.2 s" in line for line in told)
    assert "the file is not parquet (path /data/broken, flow broken)" in screen.getvalue()
    assert "    try: write it again" in screen.getvalue()


def test_a_terminal_without_unicode_gets_other_signs() -> None:
    printer, _ = terminal(encoding="ascii")
    assert printer._signs[next(iter(printer._signs))] == "+"
    assert all(line.isascii() for line in seen(printer, moving(2)))


def test_colour_only_where_it_is_welcome(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert paint("red", Colour.RED, Screen()) == "\x1b[31mred\x1b[0m"
    assert paint("red", Colour.RED, io.StringIO()) == "red"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("red", Colour.RED, Screen()) == "red"
    monkeypatch.setenv("TERM", "dumb")
    assert not is_live(Screen())


def test_a_flow_that_is_done_does_not_show_twice() -> None:
    printer, screen = terminal()
    for event in moving(2):
        printer.hear(event)
    printer.tick(at(3))
    before = len(screen.getvalue())
    printer.hear(events.FlowFinished("flow_1", "success", 10, 1.0, at=at(3)))
    printer.close()
    after = screen.getvalue()[before:]
    assert "flow_0" in after
    assert after.count("flow_1") == 1
    assert after.endswith("\x1b[2K"), "the view is wiped away in the end"
