"""Settings that people write: frozen, strict, and kind about mistakes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hygge import registry
from hygge.core.errors import ConfigError

M = TypeVar("M", bound=BaseModel)


class Settings(BaseModel):
    """The manners of every settings model: frozen, no unknown keys, secrets stay secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Wrong(ValueError):
    """For a validator to raise, where there is something to try."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in some settings: where (keys from the outside in), what, what to try."""

    keys: tuple[str | int, ...]
    what: str
    hint: str | None = None


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; of two as near, one that begins as it does."""

    def likeness(other: str) -> tuple[float, bool]:
        return difflib.SequenceMatcher(None, other, word).ratio(), other[:1] == word[:1]

    known = list(known)
    alike = [other for other in known if other.lower() == word.lower()]
    if alike:
        return alike[0]
    return max(difflib.get_close_matches(word, known, cutoff=0.6), key=likeness, default=None)


def validated(model: type[M], data: Mapping[str, Any]) -> M:
    """The settings, or a ConfigError that names every wrong key at once."""
    made = check(model, data)
    if isinstance(made, model):
        return made
    problems: list[Problem] = made  # type: ignore[assignment]
    told = "; ".join(f"{'.'.join(map(str, p.keys))}: {p.what}" for p in problems)
    raise ConfigError(told, hint=next((p.hint for p in problems if p.hint), None))


def check(model: type[M], data: Mapping[str, Any]) -> M | list[Problem]:
    """The settings, or what is wrong with them. Never shows a value: it may be a secret."""
    try:
        return model.model_validate(dict(data))
    except ValidationError as failed:
        return [_problem(model, error) for error in failed.errors(include_url=False)]


def _problem(model: type[BaseModel], error: Any) -> Problem:
    keys = tuple(error["loc"])
    if error["type"] == "extra_forbidden":
        known = _fields_at(model, keys[:-1])
        near = nearest(str(keys[-1]), known)
        hint = f"did you mean {near!r}?" if near else f"known keys: {', '.join(sorted(known))}"
        return Problem(keys, f"unknown key {keys[-1]!r}", hint)
    if error["type"] == "missing":
        return Problem(keys, f"{keys[-1]!r} is needed and not given")
    told = str(error["msg"]).removeprefix("Value error, ")
    context = error.get("ctx", {})
    tried: str | None = getattr(context.get("error"), "hint", None)
    expected = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    if near := nearest(str(error["input"]), expected):
        tried = f"did you mean {near!r}?"
    return Problem(keys, told[:1].lower() + told[1:], tried)


def _fields_at(model: type[BaseModel], keys: Sequence[str | int]) -> list[str]:
    for key in keys:
        field = model.model_fields.get(str(key))
        inner = _models_in(field.annotation) if field else []
        if not inner:
            break
        model = inner[0]
    return [f.alias or name for name, f in model.model_fields.items()]


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [m for part in getattr(annotation, "__args__", ()) for m in _models_in(part)]


class EndConfig(Settings):
    """What the settings of a Home and those of a Store have in common."""

    type: str = Field(default="", description="Which home or store, database, format or filesystem")

    @classmethod
    def _create(cls, kind: Literal["homes", "stores"], given: str | Mapping[str, Any]) -> Any:
        data: dict[str, Any] = {"path": given} if isinstance(given, str) else dict(given)
        name = data.setdefault("type", "files")
        try:
            entry = registry.resolve(kind, str(name))
            target = entry.load()
        except registry.UnknownName as unknown:
            near = nearest(unknown.name, unknown.known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(unknown.known)}"
            raise ConfigError(f"unknown {kind[:-1]} type {unknown.name!r}", hint=hint) from None
        except (ImportError, AttributeError) as failed:
            raise ConfigError(f"type {name!r} cannot be loaded: {failed}") from failed
        return validated(target.Config, {**entry.settings, **data})

    @classmethod
    def for_flow(cls, flow: Mapping[str, Any], name: str) -> dict[str, Any]:
        """The settings of a flow without entities; `name` is the flow's."""
        return dict(flow)

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        """One entity's settings: its own over its flow's, with `{entity}` filled in."""
        merged = {**flow, **entity}
        return {
            key: value.replace("{entity}", name) if isinstance(value, str) else value
            for key, value in merged.items()
        }

    def located(self, root: Path) -> Self:
        """The same with relative paths seen from `root`, the workspace's folder."""
        return self

    def places(self) -> tuple[str, ...]:
        """Where this lies, once located: absolute paths or URLs, no trailing slash.

        A place inside another begins with it and a `/`: so a workspace sees what would overlap.
        """
        return ()


class Connections(Protocol):
    """The `connections:` of a workspace, by name."""

    @property
    def root(self) -> Path:
        """The folder that relative paths in them are seen from."""
        ...

    def settings(self, name: str) -> Mapping[str, Any]:
        """What the user wrote under this name. Raises ConfigError with the nearest name."""
        ...

    def credential(self, name: str) -> Mapping[str, Any]:
        """What the user wrote under this name of `credentials:`. Raises ConfigError."""
        ...
