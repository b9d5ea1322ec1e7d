"""A flow of many tables that cannot begin: nothing told which tables there are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hygge.core import events
from hygge.core.errors import HyggeError
from hygge.core.journal import Journal, Status
from hygge.flow.report import FlowReport, entity_run
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms


@dataclass(frozen=True)
class Unready:
    """Takes the place of all its tables in a run, and fails there; the other flows do not care."""

    name: str
    error: HyggeError

    async def fail(self, journal: Journal, listen: events.Listener, terms: Terms) -> FlowReport:
        """Its run: for the history, and for those who listen. Raises JournalError only."""
        now = datetime.now(UTC)
        run = entity_run(self.name, None, FlowSettings(), terms, now, None, self.error)
        run = replace(run, run_type="")  # each table may have its own
        await journal.record(run)
        status = Status.FAIL.value
        listen(events.FlowFinished(self.name, status, 0, run.duration, str(self.error)))
        return FlowReport(self.name, run, None, self.error)
