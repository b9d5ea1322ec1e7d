"""What only time and others tell: R59 to R62."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Final

from hygge.mirroring.names import FIRST, Detection, Marker, file_name, number_of
from hygge.mirroring.rules.rule import (
    Answer,
    Need,
    Over,
    Rule,
    Severity,
    Source,
    Unsaid,
    error,
    warning,
)  # fmt: skip
from hygge.mirroring.rules.views import UNTAKEN, UNTOLD, TableView, ZoneView
from hygge.mirroring.story import name_of, numbered

_DAY: Final = 24 * 3600
_CLAIM: Final = re.compile(r"_+([0-9]{20})\b.*")


def too_much(view: ZoneView) -> Answer:
    every = [i for folder in view.zone.tables for i in (*folder.data, *folder.processed)]
    if any(info.modified is None for info in every):
        yield Unsaid("when each file was written is not told here")
    new = sum(i.size for i in every if i.modified is not None and view.now - i.modified < _DAY)
    if new > view.limits.bytes_a_day:
        what = f"{new:,} new bytes within 24 hours; {view.limits.bytes_a_day:,} are taken"
        yield error("", what, "spread the first load over days or mirrored databases")


def claims(view: ZoneView) -> Answer:
    """What two writers' journals say they have published under one name."""
    if len(view.journals) < 2:
        yield Unsaid("what each writer says that it has published is not known")
        return
    claimed = defaultdict[tuple[str, int | str], dict[str, str]](dict)
    for journal in view.journals:
        for folder, table in journal.tables.items():
            for name, digest in table.processed.items():
                claimed[folder, number_of(name) or name].setdefault(digest, name)
    for (folder, _), digests in sorted(claimed.items(), key=str):
        if len(digests) > 1:
            name = next(iter(digests.values()))
            what = f"{len(digests)} writers claim it, with different content"
            yield error(f"{folder}/{name}", what, "one writer a table; load the table anew")


def claims_under_way(view: TableView) -> Answer:
    """Files under way (`_<number>…`) that would be given one number, or one that is given."""
    claimed = defaultdict[int, list[str]](list)
    for info in view.folder.files:
        if found := _CLAIM.fullmatch(name_of(info.path)):
            claimed[int(found[1])].append(info.path)
    published = numbered((*view.folder.processed, *view.folder.data))
    for number, paths in sorted(claimed.items()):
        if len(paths) > 1:
            what = f"{' and '.join(paths[:2])} both claim number {number}"
            yield error(paths[1], what, "one writer a table")
        elif number in published:
            what = f"it claims number {number}, which {published[number][-1].path} has"
            hint = "one writer a table; delete it, if none is at work on it"
            yield error(paths[0], what, hint)


def stuck(view: TableView) -> Answer:
    if view.story.state is None and view.folder.data:
        yield Unsaid(UNTAKEN)
    hours = view.limits.waiting_hours
    for info in view.story.waiting:
        if info.modified is not None and view.now - info.modified > hours * 3600:
            what = f"it waits for {(view.now - info.modified) / 3600:,.0f} hours"
            yield warning(info.path, what, "see what the service says of this table, and capacity")


def reborn(view: TableView) -> Answer:
    if view.story.state is None:
        yield Unsaid(UNTOLD)
        return
    known = view.story.state.identity or view.story.state.processed
    if view.story.reborn is None and known:
        yield Unsaid("whether this is the folder that the service knew cannot be told")
        return
    if not view.story.reborn or view.metadata.detection is not Detection.SEQUENTIAL:
        return
    there = numbered(view.folder.data)
    if not there:
        yield error("", "the folder was made anew, and has no first load",
                    f"load the whole table, from {file_name(FIRST)} on")  # fmt: skip
    elif FIRST not in there:
        what = f"the folder was made anew, and begins with {min(there)}"
        hint = f"load the whole table, from {file_name(FIRST)} on"
        yield error(there[min(there)][0].path, what, hint)
    else:
        first = view.files.get(there[FIRST][0].path)
        if first is not None and first.has(Marker.UPDATE, Marker.DELETE):
            what = "the folder was made anew, and its first file holds changes, no first load"
            yield error(first.path, what, "load the whole table first")


_E, _W = (Severity.ERROR,), (Severity.WARNING,)
_LZF, _BP, _FIELD, _INFER = ((source,) for source in Source)

RULES: Final = (
    Rule("R59", _E, "Not more new bytes a day than the service takes.", _BP, {Over.ZONE: too_much}),
    Rule("R60", _E, "No number is claimed by two writers.", _FIELD,
         {Over.TABLE: claims_under_way, Over.ZONE: claims}, Need.JOURNALS),
    Rule("R61", _W, "No file waits for long.", _INFER, {Over.TABLE: stuck}, Need.STATE),
    Rule("R62", _E, "A folder that was made anew begins with number 1 and a first load.",
         (Source.LZF, Source.BP), {Over.TABLE: reborn}, Need.STATE),
)  # fmt: skip
