"""All that is wrong with a workspace, told at once, each with the line where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from hygge.core.config import Problem, nearest
from hygge.core.errors import ConfigError
from hygge.workspace.marked import Marked, Spot, furthest, mentioned
from hygge.workspace.masks import masked

SHOWN = 8
"""More complaints than these are counted, not told: the first ones often cause the others."""


class Complaints:
    """Collects ConfigErrors; the same complaint about the same line is told once."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], ConfigError] = {}

    def __bool__(self) -> bool:
        return bool(self._told)

    def add(self, error: ConfigError, spot: Spot | None = None, **where: object) -> None:
        """One complaint; a place that the error names itself is kept."""
        if spot is not None and "file" not in error.where:
            error.where = {"file": spot.file, "line": spot.line, **error.where}
        error.at(**where)
        self._told.setdefault((error.what, _spot(error)), error)

    def say(self, what: str, spot: Spot, hint: str | None = None, **where: object) -> None:
        self.add(ConfigError(what, hint=hint), spot, **where)

    def unknown(self, key: str, known: Iterable[str], spot: Spot) -> None:
        """A key that nothing reads; the nearest one that something does is proposed."""
        names = sorted(known)
        near = nearest(key, names)
        hint = f"did you mean {near!r}?" if near else f"known keys: {', '.join(names)}"
        self.say(f"unknown key {key!r}", spot, hint)

    def problems(
        self,
        problems: Iterable[Problem],
        *trees: Marked,
        under: tuple[str, ...] = (),
        **where: object,
    ) -> None:
        """What `core.config.check` found in settings that were written in these trees."""
        for problem in problems:
            name = ".".join(map(str, (*under, *problem.keys)))
            named = not problem.keys or repr(problem.keys[-1]) in problem.what
            what = problem.what if named else f"{name}: {problem.what}"
            found = furthest(problem.keys, *trees)
            if not problem.keys:
                found = mentioned(problem.what, *trees) or found
            if not found.lost:
                self.say(_with_value(what, found, name), found.spot, problem.hint, **where)

    @contextmanager
    def at(self, spot: Spot, **where: object) -> Iterator[None]:
        """Collect the ConfigError that the block raises, if it does."""
        try:
            yield
        except ConfigError as error:
            self.add(error, spot, **where)

    def raise_any(self) -> None:
        """Raise what there is to complain of, if there is."""
        if self._told:
            raise self.as_error()

    def as_error(self) -> ConfigError:
        """The one complaint as it is, or several as one ConfigError."""
        told = self._in_order()
        return told[0] if len(told) == 1 else ConfigError(_all(told))

    def _in_order(self) -> list[ConfigError]:
        """File by file as they were read, from the top of each."""
        told = list(self._told.values())
        files = list(dict.fromkeys(error.where.get("file") for error in told))
        places = [(files.index(error.where.get("file")), _line(error)) for error in told]
        return [error for _, error in sorted(zip(places, told, strict=True), key=lambda p: p[0])]


def _with_value(what: str, found: Marked, name: str) -> str:
    """What should have been written, and what was; a secret stays one."""
    if "input should" not in what or isinstance(found.value, dict | list):
        return what
    return f"{what.partition(', unable to')[0]}, not {masked(found.shown, name)!r}"


def _all(told: list[ConfigError]) -> str:
    lines = [f"{len(told)} things are wrong in this workspace"]
    for error in told[:SHOWN]:
        lines += [f"  {line}" for line in str(error).splitlines()]
    if len(told) > SHOWN:
        lines.append(f"  … and {len(told) - SHOWN} more")
    return "\n".join(lines)


def _line(error: ConfigError) -> int:
    line = error.where.get("line")
    return line if isinstance(line, int) else 0


def _spot(error: ConfigError) -> str:
    return f"{error.where.get('file')}:{error.where.get('line')}"
