"""Flows that would get in each other's way, or in their own."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from hygge.workspace.complaints import Complaints
from hygge.workspace.resolve import PlannedFlow


def check_conflicts(flows: Sequence[PlannedFlow], complaints: Complaints) -> None:
    """Complain of flows that read their own output, and of destinations that are shared."""
    for flow in flows:
        _reads_itself(flow, complaints)
    identities, places = dict[str, PlannedFlow](), dict[str, PlannedFlow]()
    for flow in flows:
        first = identities.setdefault(flow.identity, flow)
        same = None if first is flow else first
        for place in map(_even, flow.store.places()):
            same = same or places.get(place)
            places.setdefault(place, flow)
        if same is not None:
            _shared(flow, same, complaints)
    for flow in flows:
        _inside_another(flow, places, complaints)


def _reads_itself(flow: PlannedFlow, complaints: Complaints) -> None:
    for source in map(_even, flow.home.places()):
        for target in map(_even, flow.store.places()):
            if source == target:
                what, hint = "the store is the home itself", "let the store have its own folder"
            elif target.startswith(f"{source}/"):
                what = "the store lies inside the home, which would read what the flow writes"
                hint = "put the store beside the home"
            elif source.startswith(f"{target}/"):
                what = "the home lies inside the store, which would replace what the flow reads"
                hint = "put the home outside the store's folder"
            else:
                continue
            complaints.say(what, flow.store_spot, hint, flow=flow.name)


def _shared(flow: PlannedFlow, first: PlannedFlow, complaints: Complaints) -> None:
    same = "" if first.identity == flow.identity else " (but for upper and lower case)"
    complaints.say(
        f"{flow.name} and {first.name} settle in the same place{same}{_other(flow, first)}",
        flow.store_spot,
        "give each its own; `{entity}` in a path is filled in with the entity's name",
    )


def _inside_another(
    flow: PlannedFlow, places: dict[str, PlannedFlow], complaints: Complaints
) -> None:
    for place in map(_even, flow.store.places()):
        parts = place.split("/")
        for depth in range(1, len(parts)):
            outer = places.get("/".join(parts[:depth]))
            if outer is not None and outer is not flow:
                complaints.say(
                    f"{flow.name} settles inside the folder of {outer.name}, whose readers would "
                    f"find its rows{_other(flow, outer)}",
                    flow.store_spot,
                    "let the two lie side by side",
                )


def _other(flow: PlannedFlow, other: PlannedFlow) -> str:
    """Where the other store is written, unless both get theirs from one line."""
    same = other.store_spot == flow.store_spot
    return "" if same else f"; the other one is at {other.store_spot}"


def _even(place: str) -> str:
    """As disks compare names that ignore case: two that differ only so may be one."""
    return unicodedata.normalize("NFC", place).casefold().rstrip("/")
