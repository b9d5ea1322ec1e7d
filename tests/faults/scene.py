"""A table on a server behind a wire, a source that has changed, and runs between the two."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.crash.places import HERE, TEMPLATE, Place, place_of
from tests.rigs.memory import MemoryHomeRig
from tests.servers.proxy import Proxy

from hygge.core.errors import ConnectionFailed
from hygge.core.store import StoreConfig
from hygge.flow.factory import NoConnections, store_of
from hygge.flow.flow import Flow
from hygge.flow.report import FlowReport
from hygge.flow.settings import FlowSettings
from hygge.flow.terms import Terms
from hygge.journal.memory import MemoryJournal
from hygge.testing.harness import people, unordered

MODES: dict[str, dict[str, Any]] = {
    "full_drop": {},
    "append": {"run_type": "incremental", "watermark": "id", "write": "append"},
    "merge": {"run_type": "incremental", "watermark": "id", "write": "merge", "keys": ["id"]},
}
DATABASES = ("postgres", "mysql", "mssql")
PATIENCE: dict[str, Any] = {"lock_seconds": 1, "connect_seconds": 2, "acquire_timeout": 0.1}
LONG = 1.5
"""Seconds after which a flow that gets no answer gives up."""


class Named(NoConnections):
    """One connection, called db."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings

    def settings(self, name: str) -> Mapping[str, Any]:
        return self._settings


class Scene:
    """`put_back` makes all as it was before the load that meets the harm."""

    def __init__(self, tmp: Path, database: str, mode: str, wire: Proxy, place: Place) -> None:
        self.database, self.mode, self.wire, self.place = database, mode, wire, place
        self.source, self.journal = MemoryHomeRig(tmp), MemoryJournal()
        place.make()
        self.source.give(people(0, 6), people(6, 6))
        report = self.run(retries=2)
        assert report.error is None, report.error
        word = "new" if mode == "full_drop" else "old"
        self.frames = [people(0, 6, word), people(6, 6, word), people(12, 6, word)]
        self.source.give(*self.frames)
        place.copy(HERE, TEMPLATE)

    def put_back(self) -> None:
        self.wire.forget()
        self.place.copy(TEMPLATE, HERE)
        self.journal = MemoryJournal()

    def flow(self, who: str | None = None, **settings: Any) -> Flow:
        url = urlsplit(self.place.url)
        user = who or f"{url.username}{f':{url.password}' if url.password else ''}"
        at = url._replace(netloc=f"{user}@127.0.0.1:{self.wire.port}").geturl()
        known = {"type": self.database, "url": at, **PATIENCE}
        config = {"type": self.database, "connection": "db", "table": f"{self.place.prefix}people"}
        store = store_of(StoreConfig.create(config), Named(**known))
        chosen = FlowSettings(**{"retries": 0, **MODES[self.mode], **settings})
        return Flow("people", self.source.home(), store, self.journal, chosen)

    def run(self, **settings: Any) -> FlowReport:
        return asyncio.run(self.flow(**settings).run(Terms(pause=lambda _: asyncio.sleep(0))))

    def complaints(self) -> list[str]:
        """What is not as it should be, once all is over."""
        found = [f"left: {name}" for name in self.place.leftovers()]
        found += [f"still held: {note}" for note in self.place.leases()]
        return found + self.wrong_rows()

    def wrong_rows(self) -> list[str]:
        wanted = unordered([row for frame in self.frames for row in frame.rows()])
        if (rows := unordered(self.place.look())) != wanted:
            return [f"{len(rows)} rows, not the {len(wanted)} of the source"]
        return []

    def settled(self, **settings: Any) -> list[str]:
        """Run once more, in peace; what is not as it should be then."""
        report = self.run(**settings)
        # until the server knows, it keeps locks: to try again at once would only wait longer
        if isinstance(report.error, ConnectionFailed) or self.place.leftovers():
            self.wire.forget()
            report = self.run(retries=2, **settings)
        if report.error is not None:
            return [f"the next run: {report.error}"]
        return self.complaints()


@contextmanager
def scene(tmp: Path, database: str, mode: str) -> Iterator[Scene]:
    place = place_of(database, tmp)
    assert place is not None
    at = urlsplit(place.url)
    with Proxy(str(at.hostname), int(at.port or 0)) as wire:
        yield Scene(tmp, database, mode, wire, place)
