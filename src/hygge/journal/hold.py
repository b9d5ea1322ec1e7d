"""Who holds a name, and when another run may have it: one rule for every journal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hygge.core.errors import FlowBusy
from hygge.core.lease import Owner


@dataclass(frozen=True, slots=True)
class Hold:
    """One owner's lease as it is remembered. Times are seconds since 1970 on the owner's clock."""

    owner: Owner
    since: float
    until: float
    seconds: float

    @classmethod
    def start(cls, owner: Owner, now: float, seconds: float) -> Hold:
        return cls(owner, now, now + seconds, seconds)

    def renewed(self, now: float, seconds: float) -> Hold:
        return replace(self, until=now + seconds, seconds=seconds)

    def is_over(self, now: float) -> bool:
        """Run out, or its owner is certainly dead."""
        return self.until <= now or self.owner.is_dead

    def shortened(self, now: float) -> Hold:
        """The same, seen by a clock that was put back: never longer than it was taken for."""
        return replace(self, until=min(self.until, now + self.seconds))

    def busy(self, name: str) -> FlowBusy:
        """What the run is told that may not have it."""
        return FlowBusy(
            f"{name} is being run by {self.owner}, since {clock(self.since)}, "
            f"held until {clock(self.until)} unless renewed",
            hint="wait for that run to end; if it is gone, its hold ends by itself",
            flow=name,
        )


def clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
