"""The workspace's folder: where `hygge.yml` lies, here or above."""

from __future__ import annotations

from pathlib import Path

from hygge.core.errors import ConfigError

FILE = "hygge.yml"


def find_root(start: Path) -> Path:
    """The nearest folder with a `hygge.yml`, from `start` upward.

    Raises ConfigError that names the places searched.
    """
    folder = start.absolute()
    places = [folder, *folder.parents]
    for place in places:
        if (place / FILE).is_file():
            return place
    searched = ", ".join(map(str, places))
    raise ConfigError(f"there is no {FILE}; searched {searched}", hint=_hint(places))


def _hint(places: list[Path]) -> str:
    for place in places:
        other = place / "hygge.yaml"
        if other.is_file():
            return f"rename {other} to {FILE}"
    return "`hygge init` makes a workspace; or change into the folder of one"
