"""One mapping that the user wrote (defaults, a flow, an entity) in the one form we read."""

from __future__ import annotations

from collections.abc import Iterable

from hygge.workspace.complaints import Complaints
from hygge.workspace.marked import Marked
from hygge.workspace.models import SPELLINGS

_WATERMARK = {"watermark_column": "column"}


def fragment(written: Marked, known: Iterable[str], complaints: Complaints) -> Marked:
    """Other spellings made even, short forms written out, unknown keys complained of."""
    names = frozenset(known)
    even = _respelled(_watermark(written, complaints), SPELLINGS, complaints)
    items = dict[str, Marked]()
    for key, item in even.items.items():
        if key not in names:
            complaints.unknown(key, names, item.spot)
        elif key in ("home", "store"):
            end = _end(key, item, complaints)
            items |= {key: end} if end is not None else {}
        else:
            items[key] = item
    return written.having(items)


def respelled_store(store: Marked, complaints: Complaints) -> Marked:
    """A store's own settings with `key_columns` and `primary_key` as `keys`."""
    return _respelled(store, SPELLINGS, complaints)


def _end(key: str, written: Marked, complaints: Complaints) -> Marked | None:
    """A home or store as a mapping; a text is its path. Nothing written is nothing."""
    if isinstance(written.value, str):
        return Marked({"path": written}, written.spot)
    if written.value is None:
        return None
    if not isinstance(written.value, dict):
        complaints.say(f"{key!r} takes a path, or a mapping with `type`", written.spot)
    return written


def _watermark(written: Marked, complaints: Complaints) -> Marked:
    """The earlier form `{primary_key, watermark_column}`: keys and column in one."""
    mark = written.get("watermark")
    if mark is None or not isinstance(mark.value, dict):
        return written
    even = _respelled(mark, {**_WATERMARK, **SPELLINGS}, complaints)
    keys = even.get("keys")
    items = {**written.items, "watermark": even.without("keys")}
    if keys is None:
        return written.having(items)
    for key in ("keys", *SPELLINGS):
        if key in written.items:
            complaints.say(
                f"the keys are given twice, also in line {written.items[key].spot.line}",
                keys.spot,
                "keep one of them",
            )
    return written.having({**items, "keys": keys})


def _respelled(written: Marked, spellings: dict[str, str], complaints: Complaints) -> Marked:
    items = dict[str, Marked]()
    for key, item in written.items.items():
        name = spellings.get(key, key)
        if name in items:
            complaints.say(
                f"{key!r} says {name!r} again, first in line {items[name].spot.line}",
                item.spot,
                "keep one of them",
            )
        items[name] = item
    return written.having(items)
