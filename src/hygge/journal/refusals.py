"""What a run is told that may not go on, in the same words by every journal."""

from __future__ import annotations

from hygge.core.errors import FlowBusy, LoadLost
from hygge.journal.hold import Hold, clock


def lost(name: str, hold: Hold | None) -> FlowBusy:
    """For the run that had this name and has it no more; `hold` is who has it now."""
    who = f"{hold.owner} has it since {clock(hold.since)}" if hold else "another run had it since"
    return FlowBusy(
        f"the hold on {name} ran out, and {who}",
        hint="run again when that run has ended; nothing is lost",
        flow=name,
    )


def over(load_id: str, state: str | None) -> LoadLost:
    """For the run whose load is published or discarded already, or was never begun."""
    return LoadLost(
        f"the journal knows load {load_id} as {state or 'never begun'}",
        hint="another run has settled it: run again",
    )
