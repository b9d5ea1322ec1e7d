"""`Monitoring/replicator.json` and `tables.json`, in the shape that the service's have."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hygge.filesystems.filesystem import FileSystem
from hygge.mirroring.applied import Applied, TableApplied

FOLDER = "Monitoring"


class Monitoring:
    """Beside a landing zone. Written only where there is something new to say."""

    def __init__(self, files: FileSystem, zone: str) -> None:
        above = zone.rpartition("/")[0]
        self._files, self.folder = files, f"{above}/{FOLDER}".lstrip("/")
        self._said = dict[str, bytes]()

    def write(self, applied: Applied) -> None:
        """Tell what it came to."""
        failed = applied.failed
        first = failed[0] if failed else None
        whole = {
            "status": "Running" if first is None else "RunningWithWarning",
            "errorCode": first.why if first else "",
            "errorMessage": _message(first) if first else "",
        }
        self._put("replicator.json", whole)
        self._put("tables.json", {"tables": [_told(table) for table in applied.tables]})

    def _put(self, name: str, value: object) -> None:
        data = json.dumps(value, indent=2, ensure_ascii=False).encode()
        if self._said.get(name) != data:
            self._files.replace(f"{self.folder}/{name}", data)
            self._said[name] = data


def _told(table: TableApplied) -> dict[str, Any]:
    known = table.remembered
    state = known.state if known else None
    return {
        "id": state.identity if state else "",
        "status": table.status.value,
        "errorCode": table.why,
        "errorMessage": _message(table),
        "normalizedTableName": table.table.name,
        "sourceTableName": table.table.name,
        "sourceSchemaName": table.table.schema or "",
        "sourceObjectType": "Table",
        "metrics": {
            "processedRowCount": state.operations if state else 0,
            "processedByte": state.bytes if state else 0,
            "lastSourceCommitTimeUtc": _moment(known.written if known else None),
            "lastSyncTimeUtc": _moment(known.applied if known else None),
        },
    }


def _message(table: TableApplied) -> str:
    return table.error.what if table.error else ""


def _moment(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ") if at else None
