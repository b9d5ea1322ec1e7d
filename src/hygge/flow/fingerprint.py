"""What a load must have in common with the one that it goes on with."""

from __future__ import annotations

import hashlib
import json

from hygge.core.journal import to_json
from hygge.core.schema import TableSchema
from hygge.flow.route import Route

_KEPT = {"columns", "where", "keys", "polish", "run_type", "range", "watermark", "incremental"}
_KEPT |= {"deletes", "detect_deletes", "max_delete_fraction"}


def fingerprint(route: Route, source: TableSchema, schema: TableSchema) -> str:
    """Of both ends, their columns, and what was asked for."""
    home, store, settings = route.home, route.store, route.settings
    kept = settings.model_dump(mode="json", include=_KEPT)
    ends = [home.identity, store.identity, store.manner]
    schemas = [to_json(source), to_json(schema)]
    told = json.dumps([ends, schemas, settings.mode, kept], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
