"""One flow or entity, from what was written to settings that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

from hygge import registry
from hygge.core.config import Connections, EndConfig, check, nearest
from hygge.core.errors import ConfigError
from hygge.core.home import HomeConfig
from hygge.core.names import flow_name
from hygge.core.store import StoreConfig
from hygge.flow.factory import home_of, store_of
from hygge.flow.preparing import check_capabilities
from hygge.flow.settings import FlowSettings
from hygge.workspace.complaints import Complaints
from hygge.workspace.fragments import respelled_store
from hygge.workspace.marked import Marked, Spot, mentioned, over, spot_of
from hygge.workspace.masks import masked

_KINDS: Final[Mapping[str, Literal["homes", "stores"]]] = {"home": "homes", "store": "stores"}


@dataclass(frozen=True, slots=True)
class PlannedFlow:
    """One Flow to be: all that is needed to build it, and where it was written.

    `identity` names its destination. What ends in `_shown` may be printed: it holds no secret.
    """

    name: str
    flow: str
    entity: str | None
    home: HomeConfig = field(repr=False)
    store: StoreConfig = field(repr=False)
    settings: FlowSettings = field(repr=False)
    identity: str
    home_shown: Mapping[str, Any]
    store_shown: Mapping[str, Any]
    where_shown: str | None
    file: str
    line: int | None
    home_spot: Spot
    store_spot: Spot


@dataclass(frozen=True, slots=True)
class _End:
    config: EndConfig
    spot: Spot
    shown: Mapping[str, Any]
    keys: Marked | None = None


class Resolver:
    """Resolves the flows of one workspace; what is wrong goes to `complaints`."""

    def __init__(self, root: Path, connections: Connections, complaints: Complaints) -> None:
        self._root, self._connections, self._complaints = root, connections, complaints
        self._found = dict[tuple[str, str], tuple[registry.Entry, Any]]()

    def flow(
        self, flow: str, base: Marked, entity: str | None = None, own: Marked | None = None
    ) -> PlannedFlow | None:
        """`base` is the flow over the defaults, `own` what the entity says. None: it cannot be."""
        name, spot = flow_name(flow, entity), (own or base).spot
        above = own or base.having({})
        ends = {key: self._end(key, base, above, name, entity) for key in _KINDS}
        store = ends["store"]
        tree = over(above, base).without("home", "store")
        if store is not None and store.keys is not None:
            tree = self._with_keys(tree, store.keys)
        settings = self._settings(tree, name, spot)
        home = ends["home"]
        if home is None or store is None or settings is None:
            return None
        identity = self._identity(home, store, settings, tree, name)
        if identity is None:
            return None
        assert isinstance(home.config, HomeConfig)
        assert isinstance(store.config, StoreConfig)
        return PlannedFlow(
            name=name,
            flow=flow,
            entity=entity,
            home=home.config,
            store=store.config,
            settings=settings,
            identity=identity,
            home_shown=home.shown,
            store_shown=store.shown,
            where_shown=None if settings.where is None else masked(tree.items["where"].shown),
            file=spot.file,
            line=spot.line,
            home_spot=home.spot,
            store_spot=store.spot,
        )

    def _settings(self, tree: Marked, name: str, spot: Spot) -> FlowSettings | None:
        known = {k: item for k, item in tree.items.items() if k in FlowSettings.model_fields}
        settings = check(FlowSettings, tree.having(known).plain)
        if isinstance(settings, FlowSettings):
            return settings
        self._complaints.problems(settings, replace(tree, spot=spot), flow=name)
        return None

    def _with_keys(self, tree: Marked, keys: Marked) -> Marked:
        """Keys that were written into a store which has no such setting: they are the flow's."""
        given = tree.get("keys")
        if given is not None and given.plain != keys.plain:
            self._complaints.say(
                f"the keys are given twice, also at {given.spot}", keys.spot, "keep one of them"
            )
        return tree.having({**tree.items, "keys": keys})

    def _identity(
        self, home: _End, store: _End, settings: FlowSettings, tree: Marked, name: str
    ) -> str | None:
        """The destination's name, from a Home and a Store that were built to be asked. No I/O."""
        spot = home.spot
        try:
            source = home_of(home.config, self._connections)  # type: ignore[arg-type]
            spot = store.spot
            target = store_of(store.config, self._connections)  # type: ignore[arg-type]
            check_capabilities(settings, source, target)
        except ConfigError as failed:
            told = f"{failed.what} {failed.hint or ''}"
            self._complaints.add(failed, mentioned(told, tree) or spot, flow=name)
            return None
        return target.identity

    def _end(
        self, key: str, base: Marked, own: Marked, name: str, entity: str | None
    ) -> _End | None:
        lower, upper = base.get(key), own.get(key)
        if lower is None and upper is None:
            hint = f"{key}: {{type: …, path: …}}"
            self._complaints.say(f"the flow has no {key}", own.spot, hint, flow=name)
            return None
        nothing = base.having({})
        lower, upper = lower or nothing, upper or nothing
        if not (isinstance(lower.value, dict) and isinstance(upper.value, dict)):
            return None  # which was complained of when it was read
        merged = over(upper, lower)
        found = self._class(key, merged)
        if found is None:
            return None
        entry, cls = found
        spot = (own if upper.items else base).items[key].spot
        keys = None
        if key == "store" and "keys" not in cls.Config.model_fields:
            lower, upper = (respelled_store(tree, self._complaints) for tree in (lower, upper))
            keys = upper.get("keys") or lower.get("keys")
            lower, upper = lower.without("keys"), upper.without("keys")
        data = self._data(cls.Config, lower, upper, entity)
        config = check(cls.Config, {"type": "files", **entry.settings, **data})
        if not isinstance(config, EndConfig):
            trees = (upper, lower) if upper.items else (lower,)
            self._complaints.problems(config, *trees, under=(key,), flow=name)
            return None
        config = config.located(self._root)
        return _End(config, spot, self._shown(config, over(upper, lower)), keys)

    def _data(
        self, config: type[EndConfig], lower: Marked, upper: Marked, entity: str | None
    ) -> dict[str, Any]:
        if entity is not None:
            deep = {k: over(item, lower.get(k)).plain for k, item in upper.items.items()}
            data = config.for_entity(lower.plain, deep, entity)
            if lower.get("path") is None and upper.get("path") is None:
                data.pop("path", None)  # a name alone says no place
            return data
        path = lower.get("path")
        if path is not None and "{entity}" in str(path.value):
            self._complaints.say(
                "`{entity}` stands for an entity, and this flow lists none", path.spot
            )
        return dict(lower.plain)

    def _class(self, key: str, merged: Marked) -> tuple[registry.Entry, Any] | None:
        """The class that `type` names, looked up once a type."""
        given = merged.get("type")
        name = "files" if given is None else str(given.value)
        spot = spot_of(("type",), merged)
        if (key, name) in self._found:
            return self._found[key, name]
        try:
            entry = registry.resolve(_KINDS[key], name)
            self._found[key, name] = entry, entry.load()
        except registry.UnknownName as unknown:
            known = sorted(set(unknown.known))
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"
            self._complaints.say(f"unknown {key} type {_shown(given)!r}", spot, hint)
            return None
        except (ImportError, AttributeError, LookupError) as failed:
            self._complaints.say(f"type {_shown(given)!r} cannot be loaded: {failed}", spot)
            return None
        return self._found[key, name]

    def _shown(self, config: EndConfig, merged: Marked) -> Mapping[str, Any]:
        """What was written, with the path that became of it as seen from the workspace."""
        shown = dict(masked(merged.shown))
        path = getattr(config, "path", None)
        if isinstance(path, str):
            place = Path(path)
            inside = "://" not in path and place.is_relative_to(self._root)
            near = place.relative_to(self._root).as_posix() if inside else path
            shown["path"] = masked(near)
        return {"type": config.type or "files", **shown}


def _shown(given: Marked | None) -> str:
    return "files" if given is None else str(given.shown)
