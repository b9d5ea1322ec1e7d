"""How files are called, and in which order they are taken: R21 to R28."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Final

from hygge.mirroring.names import FIRST, Detection, file_name, number_of
from hygge.mirroring.rules.rule import (
    Answer,
    Need,
    Over,
    Rule,
    Severity,
    Source,
    Unsaid,
    error,
    strict,
    warning,
)  # fmt: skip
from hygge.mirroring.rules.views import UNSEEN, UNTOLD, TableView
from hygge.mirroring.story import name_of, numbered


def names(view: TableView) -> Answer:
    if not _sequential(view):
        return
    endings = "|".join(re.escape(end) for end in _extensions(view))
    right = re.compile(rf"[0-9]{{20}}\.({endings})")
    for info in view.folder.data:
        if not right.fullmatch(info.path):
            hint = f"20 digits and .{' or .'.join(_extensions(view))}: {file_name(1)}"
            yield error(info.path, "not a name that the service takes", hint)


def _extensions(view: TableView) -> list[str]:
    own = view.written.extension
    return ["parquet", "csv", *([own] if own not in (None, "parquet", "csv") else [])]


def lowest(view: TableView) -> Answer:
    if not _sequential(view):
        return
    every = sorted(numbered((*view.folder.processed, *view.folder.data)))
    if not every:
        return
    first = f"number from {file_name(1)} on"
    if every[0] == 0:
        yield error(file_name(0), "there is no file 0: the first is 1", first)
    elif view.story.before is None and every[0] > 1:
        yield Unsaid(f"whether the files before number {every[0]} were taken is not known")
    elif view.story.done == 0 and every[0] > 1:
        yield error(_name(view, every[0]), f"the table begins with {every[0]}", first)


def holes(view: TableView) -> Answer:
    """From the last file that was taken on, where that is known; else from the first there is."""
    if not _sequential(view):
        return
    there = numbered(view.folder.data)
    aside = numbered(view.folder.processed)
    done = view.story.done if view.story.state is not None else max(aside, default=None)
    waiting = sorted(n for n in there if n and (done is None or n > done))
    expected = waiting[0] if waiting and done is None else (done or 0) + 1
    if done is None and expected > FIRST:
        yield Unsaid(UNSEEN)
    for at, number in enumerate(waiting):
        if number > expected and not set(range(expected, number)) <= aside.keys():
            gone = file_name(expected) if number == expected + 1 else (
                f"{file_name(expected)} to {file_name(number - 1)}")  # fmt: skip
            count = len(waiting) - at
            what = f"blocked: {count} file{'s' * (count > 1)} from here on wait for {expected}"
            hint = f"publish {gone} under exactly that name"
            yield error(_name(view, number), what, hint)
        expected = number + 1


def twice(view: TableView) -> Answer:
    if not _sequential(view):
        return
    aside = numbered(view.folder.processed)
    taken = view.story.state.processed if view.story.state is not None else {}
    known = {number_of(name): name for name in taken} if not view.story.reborn else {}
    for number, same in sorted(numbered(view.folder.data).items()):
        here = [info.path for info in same]
        if len(here) > 1:
            yield error(here[1], f"the same number as {here[0]}", "keep one of them")
        elif number in aside:
            hint = "delete it, and publish its rows under the next free number"
            yield error(here[0], f"number {number} was taken before, and is here again", hint)
        elif known.get(number) not in (None, here[0]):
            hint = "delete it, and publish its rows under the next free number"
            yield error(here[0], f"number {number} was taken as {known[number]}", hint)
    if view.story.state is None:
        yield Unsaid(UNTOLD)


def stale(view: TableView) -> Answer:
    if not _sequential(view):
        return
    if view.story.state is None or view.story.before is None:
        yield Unsaid(UNTOLD)
        return
    before, aside = view.story.before, numbered(view.folder.processed)
    for number in sorted(numbered(view.folder.data)):
        name = _name(view, number)
        if number > before.last or number in aside:  # what is aside, too, is told by R24
            continue
        if name not in before.processed:
            what = f"never taken: the service is past number {number}"
            yield error(name, what, "delete it, and publish its rows under the next free number")
        elif number < before.last:
            what = f"taken before, and here again: the service is past number {number}"
            yield error(name, what, "delete it; rows that are new go under the next free number")


def rewritten(view: TableView) -> Answer:
    if view.story.state is None:
        yield Unsaid(UNTOLD)
        return
    before = view.story.before
    for path, digest in sorted(view.digests.items()):
        if before and before.processed.get(name_of(path)) not in (None, digest):
            hint = "publish its rows under the next free number; a file that was taken stays"
            yield error(path, "not the file any more that was taken under this name", hint)


def mixed(view: TableView) -> Answer:
    taken = view.story.before.processed if view.story.before is not None else ()
    every = (*(info.path for info in (*view.folder.data, *view.folder.processed)), *taken)
    ends = {name_of(path).rpartition(".")[2].lower() for path in every}
    if len(ends) > 1:
        yield strict("", f"files of several formats: {', '.join(sorted(ends))}", "one for a table")


def by_time(view: TableView) -> Answer:
    if _sequential(view):
        return
    waiting = [i for i in view.story.files if i.modified is not None]
    for when, group in groupby(waiting, key=lambda info: info.modified):
        if when is not None and len(same := [info.path for info in group]) > 1:
            what = f"written at the same moment as {same[0]}: which comes first is not defined"
            yield warning(same[1], what, "SequentialFileName")
    marked = view.story.before is not None and view.story.before.marked
    if view.metadata.keys and (marked or any(f.is_marked for f in view.files.values())):
        what = "changes by key, in the order of their time: a late file is applied too late"
        yield warning("", what, "SequentialFileName")
    if view.story.state is None:
        yield Unsaid(UNTOLD)
    for path in sorted(_again(view)):
        hint = "publish it under a name that was never used"
        yield error(path, "a name that was taken before: it is not read again", hint)


def _again(view: TableView) -> set[str]:
    """Names that were taken and are there once more: beside what was moved aside, or rewritten."""
    here = {info.path for info in view.folder.data}
    taken = view.story.state.processed if view.story.state is not None else {}
    return (here & {name_of(info.path) for info in view.folder.processed}) | {
        path
        for path, digest in view.digests.items()
        if path in here and taken.get(path) not in (None, digest)
    }


def _sequential(view: TableView) -> bool:
    return view.metadata.detection is Detection.SEQUENTIAL


def _name(view: TableView, number: int) -> str:
    return numbered(view.folder.data).get(number, view.folder.data)[0].path


_E, _W, _S = (Severity.ERROR,), (Severity.WARNING,), (Severity.STRICT,)
_LZF, _BP, _FIELD, _INFER = ((source,) for source in Source)

RULES: Final = (
    Rule("R21", _E, "Numbered files are called by 20 digits and .parquet, .csv or FileExtension.",
         _LZF, {Over.TABLE: names}),
    Rule("R22", _E, "The first file is number 1.", _LZF, {Over.TABLE: lowest}, Need.STORY),
    Rule("R23", _E, "No number is missing: the files after it wait for it.", _BP,
         {Over.TABLE: holes}, Need.STORY),
    Rule("R24", _E, "No number is used twice.", _LZF, {Over.TABLE: twice}, Need.STATE),
    Rule("R25", _E, "No file has a number that the service is past; but the last stays there.",
         _LZF, {Over.TABLE: stale}, Need.STATE),
    Rule("R26", _E, "A file that was taken stays as it is.", _LZF, {Over.TABLE: rewritten},
         Need.STATE),
    Rule("R27", _S, "All files of a table are of one format.", _INFER, {Over.TABLE: mixed}),
    Rule("R28", (Severity.ERROR, Severity.WARNING), "Files found by their time have different "
         "times and names never used before (an error), and hold no changes by key.",
         (Source.LZF, Source.BP), {Over.TABLE: by_time}, Need.STATE),
)  # fmt: skip
