"""One JSON object a line: every event as it happens, and the summary last."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, TextIO

from hygge.core import events
from hygge.watch.progress import FAIL, SKIP, SUCCESS, SUSPENDED, Progress

DETAILS = (events.BatchStaged, events.PartStaged, events.PartReused)
"""Told only with `--verbose`: there may be very many of them."""


class JsonLines:
    """Tells programs what people read elsewhere."""

    def __init__(self, data: TextIO, *, verbose: bool = False) -> None:
        self._data, self._verbose = data, verbose
        self._progress = Progress()

    def hear(self, event: events.Event) -> None:
        """One object: `event`, `at`, and the event's own fields."""
        self._progress.hear(event)
        if self._verbose or not isinstance(event, DETAILS):
            fields = asdict(event)
            self._write(name_of(event), fields.pop("at"), fields)

    def tick(self, now: datetime) -> None:
        """Programs need no heartbeat."""

    def close(self) -> None:
        """The run is over: the summary."""
        if self._progress.run_id:
            self._write(
                "summary", self._progress.ended or datetime.now(UTC), _summary(self._progress)
            )

    def _write(self, name: str, at: datetime, fields: dict[str, Any]) -> None:
        told = {"event": name, "at": at.isoformat(), **fields}
        self._data.write(json.dumps(told, ensure_ascii=False, default=str) + "\n")
        self._data.flush()


def name_of(event: events.Event) -> str:
    """`FlowFinished` → `flow_finished`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", type(event).__name__).lower()


def _summary(progress: Progress) -> dict[str, Any]:
    return {
        "run_id": progress.run_id,
        "succeeded": len(progress.of(SUCCESS)),
        "failed": len(progress.of(FAIL)) + len(progress.cut_off),
        "suspended": len(progress.of(SUSPENDED)),
        "skipped": len(progress.of(SKIP)),
        "not_started": len(progress.not_started),
        "not_started_flows": list(progress.not_started),
        "cut_off": list(progress.cut_off),
        "rows": progress.rows_landed,
        "seconds": round(progress.seconds(), 3),
        "flows": [asdict(done) for done in progress.done],
    }
