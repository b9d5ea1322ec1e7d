"""Who writes to a folder of files now: told by numbered files that are created once."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace

from hygge.core.errors import FlowBusy, HyggeError
from hygge.core.journal import from_json, to_json
from hygge.core.lease import HELD, Lease, Owner
from hygge.filesystems.filesystem import FileSystem


@dataclass(frozen=True, slots=True)
class _Note:
    """What a lease file says. Times are seconds since 1970 on the owner's clock."""

    flow: str
    owner: Owner
    until: float


class FileLease:
    """The leases of one table: `_hygge/leases/<table>.<20-digit n>.json`; the highest counts.

    All tables' leases share a folder: making one for each would cost more than the lease.
    """

    def __init__(self, filesystem: FileSystem, ours: str, table: str, place: str) -> None:
        """`ours` is the folder that is ours: it goes when it is empty."""
        self._fs, self._ours, self._folder = filesystem, ours, f"{ours}/leases"
        self._table, self._place = table, place
        self._name = re.compile(rf"{re.escape(table)}\.(\d{{20}})\.json")
        # with what follows, or it would be a lease of another table: one that begins with _
        self._half = re.compile(rf"_{self._name.pattern}\.[^.]+")

    def take(self, flow: str, seconds: float) -> Lease:
        """Raises FlowBusy while another owner holds it, and is neither dead nor too late."""
        owner = Owner.me()
        while True:
            numbers = self._numbers()
            newest = self._read(numbers[-1]) if numbers else None
            if newest is not None and newest.until > time.time() and not newest.owner.is_gone:
                raise self._busy(newest)
            note = _Note(flow, owner, time.time() + seconds)
            number = numbers[-1] + 1 if numbers else 1
            if self._put(number, note):
                self._sweep(number)
                HELD.add(owner.nonce)
                return Lease(flow, owner)

    def _put(self, number: int, note: _Note) -> bool:
        try:
            return self._fs.put_once(self._path(number), to_json(note).encode())
        except HyggeError:  # it may have arrived all the same: then it is ours, so look
            if self._read(number) == note:
                return True
            raise

    def _sweep(self, number: int) -> None:
        """Older leases, and what killed owners left half written, go."""
        for info in list(self._fs.list(self._folder)):
            name = info.path.rpartition("/")[2]
            ours = self._name.fullmatch(name)
            if self._half.fullmatch(name) or (ours and int(ours[1]) < number):
                self._fs.delete(info.path)

    def renew(self, lease: Lease, seconds: float) -> None:
        """Raises FlowBusy if another owner took it."""
        number, note = self._mine(lease)
        if note is None:
            newest = self._read(number) if number else None
            raise self._busy(newest)
        longer = replace(note, until=time.time() + seconds)
        self._fs.replace(self._path(number), to_json(longer).encode())

    def release(self, lease: Lease) -> None:
        """Another owner's lease is left alone."""
        HELD.discard(lease.owner.nonce)  # whatever the place learns of it
        number, note = self._mine(lease)
        if note is not None:
            self._fs.delete(self._path(number))
            self._fs.prune(self._folder, self._ours)

    def _mine(self, lease: Lease) -> tuple[int, _Note | None]:
        numbers = self._numbers()
        if not numbers:
            return 0, None
        note = self._read(numbers[-1])
        ours = note is not None and note.owner == lease.owner
        return numbers[-1], note if ours else None

    def _busy(self, note: _Note | None) -> FlowBusy:
        who = f"flow {note.flow}, {note.owner}" if note else "another run"
        return FlowBusy(f"{self._place} is being written by {who}", hint="wait until it is done")

    def _path(self, number: int) -> str:
        return f"{self._folder}/{self._table}.{number:020}.json"

    def _numbers(self) -> list[int]:
        names = (info.path.rpartition("/")[2] for info in self._fs.list(self._folder))
        return sorted(int(found[1]) for found in map(self._name.fullmatch, names) if found)

    def _read(self, number: int) -> _Note | None:
        found = self._fs.get(self._path(number))
        return from_json(_Note, found) if found else None
