"""Carrying out a run while someone watches, and stopping it when they ask."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from hygge.cli.exit_codes import ExitCode, code_of_all
from hygge.cli.memory import give_back_at_once
from hygge.coordinator.coordinator import Coordinator, RunReport
from hygge.core.errors import FlowError
from hygge.core.events import Listener
from hygge.watch.colours import is_live
from hygge.watch.hearing import Hearing, Printer

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def run_watched(
    make: Callable[[Listener], Coordinator], *, as_json: bool, verbose: bool
) -> ExitCode:
    """Run what `make` makes for a listener; the exit code that its flows come to."""
    printer, every = _printer(as_json, verbose)
    gc.freeze()  # what start-up made is never looked through again
    gc.enable()
    give_back_at_once()
    with Hearing(printer, every) as hearing:
        report, interrupted = asyncio.run(_run(make(hearing)))
    gc.unfreeze()  # drivers look at the end whether all that is theirs was let go
    if hearing.failure is not None:
        told = f"{type(hearing.failure).__name__}: {hearing.failure}"
        click.echo(f"the output above is not complete ({told}); the run itself is", err=True)
    if verbose:
        _trace(report)
    return ExitCode.INTERRUPTED if interrupted else code_of_report(report)


def code_of_report(report: RunReport) -> ExitCode:
    """The kind of the errors where all are of one kind; else that some flow failed."""
    if report.ok:
        return ExitCode.OK
    errors = [flow.error for flow in report.flows if flow.error is not None]
    return code_of_all(errors or [FlowError("flows did not run")])


def _trace(report: RunReport) -> None:
    """Where each failure came from, for those who asked."""
    for flow in report.flows:
        if flow.error is not None:
            click.echo("".join(traceback.format_exception(flow.error)), err=True, nl=False)


def _printer(as_json: bool, verbose: bool) -> tuple[Printer, float]:
    """The printer that suits, and how often it wants to look at the clock."""
    if as_json:
        from hygge.watch.jsonl import JsonLines

        return JsonLines(sys.stdout, verbose=verbose), 3600.0
    if is_live(sys.stderr):
        from hygge.watch.terminal import Terminal

        return Terminal(sys.stderr, sys.stdout, verbose=verbose), 0.125
    from hygge.watch.plain import Plain

    return Plain(sys.stderr, sys.stdout, verbose=verbose), 1.0


async def _run(coordinator: Coordinator) -> tuple[RunReport, bool]:
    with _stopping(coordinator) as asked:
        return await coordinator.run(), bool(asked)


@contextmanager
def _stopping(coordinator: Coordinator) -> Iterator[list[int]]:
    """Signals while the block runs: finish what runs, then suspend it, then leave at once."""
    asked, loop = list[int](), asyncio.get_running_loop()

    def stop(number: int) -> None:
        asked.append(number)
        if len(asked) > 2:
            os._exit(ExitCode.INTERRUPTED)  # a hung driver; what is staged is safe at any instant
        coordinator.stop()

    for number in SIGNALS:
        loop.add_signal_handler(number, stop, number)
    try:
        yield asked
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)
