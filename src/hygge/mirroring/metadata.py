"""A table's `_metadata.json`: its keys, and how its files are found (LZF)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from hygge.mirroring.names import Detection

_DELIMITED: Final = ("fileformat", "fileextension", "schemadefinition", "fileformattypeproperties")


@dataclass(frozen=True, slots=True)
class TableMetadata:
    """What a table's folder says of itself. `upserts`: rows without a marker are upserts.

    `given` is all that is written there, by its names in lower case.
    """

    keys: tuple[str, ...] = ()
    detection: Detection = Detection.SEQUENTIAL
    upserts: bool = False
    given: dict[str, Any] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, data: bytes) -> TableMetadata:
        """From the file's bytes; names in any case, for Microsoft prints both. Raises ValueError
        for what is no JSON object, or holds values that no service could take."""
        given = written(data)
        keys = given.get("keycolumns", [])
        if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
            raise ValueError("keyColumns is not a list of names")
        if "" in (stripped := [key.strip() for key in keys]):
            raise ValueError("keyColumns has an empty name")
        if len(set(stripped)) < len(keys):
            raise ValueError("keyColumns names a column twice")
        upserts = given.get("isupsertdefaultrowmarker", False)
        if not isinstance(upserts, bool):
            raise ValueError("isUpsertDefaultRowMarker is not a bool")  # noqa: TRY004
        detection = Detection(given.get("filedetectionstrategy", Detection.SEQUENTIAL))
        return cls(tuple(keys), detection, upserts, given)

    @property
    def delimited(self) -> dict[str, Any]:
        """What is written there of delimited files, by its names in lower case."""
        return {name: self.given[name] for name in _DELIMITED if name in self.given}

    def to_bytes(self) -> bytes:
        """As the file has it."""
        told: dict[str, Any] = {"keyColumns": list(self.keys)} if self.keys else {}
        told["fileDetectionStrategy"] = self.detection.value
        if self.upserts:
            told["isUpsertDefaultRowMarker"] = True
        return json.dumps(told, indent=2, ensure_ascii=False).encode()


def written(data: bytes) -> dict[str, Any]:
    """A JSON object by its names in lower case. Raises ValueError."""
    text = data.decode("utf-8-sig")
    found = json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    if not isinstance(found, dict):
        raise ValueError("this is not a JSON object")  # noqa: TRY004
    return _once([(str(name).lower(), value) for name, value in found.items()])


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two values by one name, each reader would take another."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return found


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")
