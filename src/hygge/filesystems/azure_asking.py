"""How Azure is asked: errors say what to try, and a token that is refused is got anew, once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from hygge.core.errors import HyggeError
from hygge.filesystems.azure_errors import advise, is_refused_token

ASKING = (
    "list",
    "folders",
    "info",
    "is_folder",
    "open",
    "_fetched",
    "get",
    "was_made",
    "create",
    "put_once",
    "replace",
    "make_folder",
    "move",
    "move_once",
    "drop_folder",
    "delete",
    "delete_folder",
    "prune",
)
"""The methods that ask the service."""


def with_advice(kind: type) -> None:
    """Make the methods of this class so that they ask in this way."""
    for name in ASKING:
        if name in vars(kind):
            setattr(kind, name, advised(vars(kind)[name]))


def advised(method: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(method)
    def tried(self: Any, *given: Any) -> Any:
        try:
            return method(self, *given)
        except Exception as failed:
            if isinstance(failed, HyggeError):
                advise(failed)
            if getattr(failed, "_asked_again", False) or not is_refused_token(failed):
                raise
            if not self.renew():
                raise
        try:
            return method(self, *given)
        except Exception as failed:
            failed._asked_again = True  # type: ignore[attr-defined]
            if isinstance(failed, HyggeError):
                advise(failed)
            raise

    return tried
