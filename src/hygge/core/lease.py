"""Who works on what: leases save work, they do not protect rows (a load's fate does)."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Protocol

LEASE_SECONDS = 60.0
HELD: set[str] = set()
"""The leases that this process holds, by their nonce. A note whose lease is not among them was
left when its place could not be reached to take it back."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One run of one process on one machine, since it was started."""

    host: str
    boot: str
    pid: int
    started: str
    nonce: str

    @classmethod
    def me(cls) -> Owner:
        return cls(*_this_process(os.getpid()), secrets.token_hex(8))

    @property
    def is_dead(self) -> bool:
        """Certainly dead: a process of this machine that is gone. Elsewhere only time tells."""
        if self.host != socket.gethostname():
            return False
        return self.boot != _boot() or _started(self.pid) != self.started

    @property
    def is_gone(self) -> bool:
        """Dead; or ourselves, who let go of it when the place could not be reached to say so."""
        mine = replace(Owner.me(), nonce=self.nonce) == self
        return self.nonce not in HELD if mine else self.is_dead

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


@dataclass(frozen=True, slots=True)
class Lease:
    """A flow, or a destination, held by one owner until it is released or runs out."""

    name: str
    owner: Owner


class Leases(Protocol):
    """Gives each name to one owner at a time. `seconds` is how long without a renewal."""

    async def lease(self, name: str, seconds: float) -> Lease:
        """Take it. Raises FlowBusy saying who holds it; a dead owner is replaced at once."""
        ...

    async def renew(self, lease: Lease, seconds: float) -> None:
        """Keep it. Raises FlowBusy if another run took it meanwhile."""
        ...

    async def release(self, lease: Lease) -> None:
        """Give it back; releasing what another run took changes nothing."""
        ...


@cache
def _this_process(pid: int) -> tuple[str, str, int, str]:
    """What every lease of one process says of it; each flow takes two."""
    return socket.gethostname(), _boot(), pid, _started(pid)


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _started(pid: int) -> str:
    """When a process was started, in the kernel's ticks; 'gone' if it is not running."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return "gone" if Path("/proc/self").exists() else _alive(pid)
    return "gone" if fields[0] in "ZX" else fields[19]


def _alive(pid: int) -> str:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return "gone"
    except PermissionError:
        pass
    return "running"
