"""Names that are made once and never again."""

from __future__ import annotations

import re
import secrets
import time
from datetime import UTC, datetime, timedelta

from hygge.core.errors import ConfigError

_NAME = re.compile(r"[^\W_][\w\-]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_load_id() -> str:
    """A name no load has had before; sorts by age. 24 hex characters."""
    return f"{time.time_ns():016x}{secrets.token_hex(4)}"


def begun(load_id: str) -> datetime:
    """When a load was named: its own time, which a resume repeats."""
    return _EPOCH + timedelta(microseconds=int(load_id[:16], 16) // 1000)


def new_run_id() -> str:
    """A name for one run in the history. 32 hex characters."""
    return secrets.token_hex(16)


def flow_name(flow: str, entity: str | None) -> str:
    """The name of one Flow at run time: `flow`, or `flow.entity`."""
    return flow if entity is None else f"{flow}.{entity}"


def check_flow_name(name: str) -> str:
    """A flow's name starts with a letter or digit; no dots, they part flow from entity."""
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot name a flow",
            hint="letters, digits, - and _, beginning with a letter or digit",
        )
    return name
