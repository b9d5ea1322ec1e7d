"""A flow's home or store, from what was written to settings that are checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from hygge import registry
from hygge.core.config import EndConfig, check, nearest
from hygge.workspace.complaints import Complaints
from hygge.workspace.fragments import respelled_store
from hygge.workspace.marked import Marked, Spot, over
from hygge.workspace.masks import masked

Side = Literal["home", "store"]
_LIFTED: Final = ("keys", "polish", "run_type")
_NONE: Final[Mapping[str, Marked]] = {}
_KINDS: Final[Mapping[Side, Literal["homes", "stores"]]] = {"home": "homes", "store": "stores"}


@dataclass(frozen=True, slots=True)
class End:
    """One side of a flow. `lifted` are settings of the flow that were written inside its store."""

    config: EndConfig
    spot: Spot
    shown: Mapping[str, Any]
    lifted: Mapping[str, Marked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Written:
    """What a flow (over the defaults) and its entity say of one side."""

    side: Side
    flow: Marked
    own: Marked

    @property
    def merged(self) -> Marked:
        return over(self.own, self.flow)

    def without(
        self, names: Sequence[str], complaints: Complaints
    ) -> tuple[_Written, Mapping[str, Marked]]:
        flow, own = (respelled_store(tree, complaints) for tree in (self.flow, self.own))
        found = {name: own.get(name) or flow.get(name) for name in names}
        lifted = {name: item for name, item in found.items() if item is not None}
        return _Written(self.side, flow.without(*names), own.without(*names)), lifted


class Ends:
    """Resolves the sides of one workspace's flows; what is wrong goes to `complaints`."""

    def __init__(self, root: Path, complaints: Complaints) -> None:
        self._root, self._complaints = root, complaints
        self._found = dict[tuple[Side, str], tuple[registry.Entry, Any]]()

    def end(
        self, side: Side, flow: Marked, own: Marked, entity: str | None, name: str
    ) -> End | None:
        """One side of the flow `name`; `own` is what its entity says. None: it cannot be."""
        below, above = flow.get(side), own.get(side)
        if below is None and above is None:
            hint = f"{side}: {{type: …, path: …}}"
            self._complaints.say(f"the flow has no {side}", own.spot, hint, flow=name)
            return None
        nothing = flow.having({})
        written = _Written(side, below or nothing, above or nothing)
        if not all(isinstance(tree.value, dict) for tree in (written.flow, written.own)):
            return None  # which was complained of when it was read
        found = self._class(side, written.merged)
        return None if found is None else self._checked(written, *found, entity, name)

    def _checked(
        self, written: _Written, entry: registry.Entry, cls: Any, entity: str | None, name: str
    ) -> End | None:
        side, lifted = written.side, _NONE
        spot = (written.own if written.own.items else written.flow).spot
        if side == "store":
            names = [name for name in _LIFTED if name not in cls.Config.model_fields]
            written, lifted = written.without(names, self._complaints)
        data = self._data(cls.Config, written, entity, name)
        config = check(cls.Config, {"type": "files", **entry.settings, **data})
        if isinstance(config, EndConfig):
            config = config.located(self._root)
            return End(config, spot, self._shown(config, written.merged), lifted)
        trees = [tree for tree in (written.own, written.flow) if tree.items]
        self._complaints.problems(config, *trees, under=(side,), flow=name)
        return None

    def _data(
        self, config: type[EndConfig], written: _Written, entity: str | None, name: str
    ) -> dict[str, Any]:
        flow, own = written.flow, written.own
        if entity is not None:
            deep = {key: over(item, flow.get(key)).plain for key, item in own.items.items()}
            data = config.for_entity(flow.plain, deep, entity)
            if written.merged.get("path") is None:
                data.pop("path", None)  # a name alone says no place
            return data
        path = flow.get("path")
        if path is not None and "{entity}" in str(path.value):
            what = "`{entity}` stands for an entity, and this flow lists none"
            self._complaints.say(what, path.spot)
        return config.for_flow(flow.plain, name)

    def _class(self, side: Side, written: Marked) -> tuple[registry.Entry, Any] | None:
        """The class that `type` names, looked up once a type."""
        given = written.get("type")
        name, shown = ("files",) * 2 if given is None else (str(given.plain), str(given.shown))
        spot = (given or written).spot
        if given is not None and given.lost:
            return None
        if (side, name) in self._found:
            return self._found[side, name]
        try:
            entry = registry.resolve(_KINDS[side], name)
            self._found[side, name] = entry, entry.load()
        except registry.UnknownName as unknown:
            known = sorted(set(unknown.known))
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"
            self._complaints.say(f"unknown {side} type {shown!r}", spot, hint)
        except (ImportError, AttributeError, LookupError) as failed:
            self._complaints.say(f"type {shown!r} cannot be loaded: {failed}", spot)
        return self._found.get((side, name))

    def _shown(self, config: EndConfig, written: Marked) -> Mapping[str, Any]:
        """What was written, with the path that became of it as seen from the workspace."""
        shown = dict(masked(written.shown))
        path = getattr(config, "path", None)
        if isinstance(path, str):
            inside = "://" not in path and Path(path).is_relative_to(self._root)
            seen = Path(path).relative_to(self._root).as_posix() if inside else path
            shown["path"] = masked(seen)
        return {"type": config.type, **shown}
