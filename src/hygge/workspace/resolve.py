"""One flow or entity, from what was written to settings that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hygge.core.config import Connections, check
from hygge.core.errors import ConfigError
from hygge.core.home import HomeConfig
from hygge.core.names import flow_name
from hygge.core.store import StoreConfig
from hygge.flow.factory import home_of, store_of
from hygge.flow.preparing import check_capabilities
from hygge.flow.settings import FlowSettings
from hygge.workspace.complaints import Complaints
from hygge.workspace.ends import End, Ends
from hygge.workspace.marked import Marked, Spot, mentioned, over
from hygge.workspace.masks import masked


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


class Resolver:
    """Resolves the flows of one workspace; what is wrong goes to `complaints`."""

    def __init__(self, root: Path, connections: Connections, complaints: Complaints) -> None:
        self._ends = Ends(root, complaints)
        self._connections, self._complaints = connections, complaints

    def flow(
        self, flow: str, base: Marked, entity: str | None = None, own: Marked | None = None
    ) -> PlannedFlow | None:
        """`base` is the flow over the defaults, `own` what the entity says. None: it cannot be."""
        name, above = flow_name(flow, entity), own or base.having({})
        home = self._ends.end("home", base, above, entity, name)
        store = self._ends.end("store", base, above, entity, name)
        tree = replace(over(above, base).without("home", "store"), spot=above.spot)
        if store is not None:
            tree = self._with_lifted(tree, store.lifted)
            self._refuse_no_run_type(tree, store, name)
        settings = self._settings(tree, name)
        if home is None or store is None or settings is None:
            return None
        identity = self._identity(home, store, settings, tree, name)
        if identity is None:
            return None
        return _planned(flow, entity, home, store, settings, tree, identity)

    def _settings(self, tree: Marked, name: str) -> FlowSettings | None:
        known = {k: item for k, item in tree.items.items() if k in FlowSettings.model_fields}
        settings = check(FlowSettings, tree.having(known).plain)
        if isinstance(settings, FlowSettings):
            return settings
        self._complaints.problems(settings, tree, flow=name)
        return None

    def _with_lifted(self, tree: Marked, lifted: Mapping[str, Marked]) -> Marked:
        """The flow's settings, with those that were written into its store, which has none of
        their names."""
        for key, item in lifted.items():
            given = tree.get(key)
            if given is not None and given.plain != item.plain:
                told = "the keys are" if key == "keys" else f"`{key}` is"
                what = f"{told} given twice, also at {given.spot}"
                self._complaints.say(what, item.spot, "keep one of them")
            tree = tree.having({**tree.items, key: item})
        return tree

    def _refuse_no_run_type(self, tree: Marked, store: End, name: str) -> None:
        needed = isinstance(store.config, StoreConfig) and store.config.needs_run_type
        if needed and tree.get("run_type") is None:
            self._complaints.say(
                "this store needs a `run_type`: a full_drop takes the table away for some minutes, "
                "every time",
                store.spot,
                "run_type: incremental (with a `watermark`); or full_drop, if that is meant",
                flow=name,
            )

    def _identity(
        self, home: End, store: End, settings: FlowSettings, tree: Marked, name: str
    ) -> str | None:
        """The destination's name, from a Home and a Store that were built to be asked. No I/O."""
        spot = home.spot
        try:
            source = home_of(home.config, self._connections)  # type: ignore[arg-type]
            source = source.following(settings.incremental)
            spot = store.spot
            target = store_of(store.config, self._connections)  # type: ignore[arg-type]
            check_capabilities(settings, source, target)
        except ConfigError as failed:
            told = f"{failed.what} {failed.hint or ''}"
            blamed = mentioned(told, tree)
            self._complaints.add(failed, blamed.spot if blamed else spot, flow=name)
            return None
        return target.identity


def _planned(
    flow: str,
    entity: str | None,
    home: End,
    store: End,
    settings: FlowSettings,
    tree: Marked,
    identity: str,
) -> PlannedFlow:
    assert isinstance(home.config, HomeConfig)
    assert isinstance(store.config, StoreConfig)
    where = tree.get("where")
    return PlannedFlow(
        name=flow_name(flow, entity),
        flow=flow,
        entity=entity,
        home=home.config,
        store=store.config,
        settings=settings,
        identity=identity,
        home_shown=home.shown,
        store_shown=store.shown,
        where_shown=None if where is None else masked(where.shown),
        file=tree.spot.file,
        line=tree.spot.line,
        home_spot=home.spot,
        store_spot=store.spot,
    )
