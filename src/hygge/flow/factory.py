"""The one way from settings to a Flow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hygge import registry
from hygge.core import events
from hygge.core.config import Connections, nearest, validated
from hygge.core.errors import ConfigError
from hygge.core.home import Home, HomeConfig
from hygge.core.journal import Journal
from hygge.core.names import check_flow_name, flow_name
from hygge.core.store import Store, StoreConfig
from hygge.flow.flow import Flow
from hygge.flow.settings import FlowSettings


class NoConnections:
    """For flows made without a workspace: there is no connection to name."""

    root = Path()

    def settings(self, name: str) -> Mapping[str, Any]:
        raise ConfigError(f"there is no connection {name!r}", hint="run it from a workspace")

    def credential(self, name: str) -> Mapping[str, Any]:
        raise ConfigError(f"there is no credential {name!r}", hint="run it from a workspace")


def home_of(config: HomeConfig, connections: Connections) -> Home[Any]:
    """The Home of these settings. No I/O."""
    home: Home[Any] = registry.resolve("homes", config.type).load().build(config, connections)
    return home


def store_of(config: StoreConfig, connections: Connections) -> Store[Any]:
    """The Store of these settings. No I/O."""
    store: Store[Any] = registry.resolve("stores", config.type).load().build(config, connections)
    return store


class FlowFactory:
    """Makes Flows from the same words that YAML has."""

    @staticmethod
    def build(
        name: str,
        home: HomeConfig,
        store: StoreConfig,
        settings: FlowSettings,
        journal: Journal,
        *,
        entity: str | None = None,
        connections: Connections | None = None,
        listen: events.Listener = events.nobody,
    ) -> Flow:
        """From settings that are checked already. No I/O."""
        allowed = connections or NoConnections()
        return Flow(
            name,
            home_of(home, allowed).following(settings.incremental),
            store_of(store, allowed),
            journal,
            settings,
            entity=entity,
            listen=listen,
        )

    @classmethod
    def from_config(
        cls,
        name: str,
        config: Mapping[str, Any],
        *,
        journal: Journal | None = None,
        connections: Connections | None = None,
        listen: events.Listener = events.nobody,
    ) -> Flow:
        """One table: `{"home": …, "store": …}` and any key of FlowSettings.

        Relative paths are seen from the current folder. Without a journal, one in memory serves:
        safe, but an interrupted load is erased rather than resumed.
        """
        return cls._made(check_flow_name(name), config, None, journal, connections, listen)

    @classmethod
    def from_entity(
        cls,
        flow: str,
        entity: str,
        config: Mapping[str, Any],
        *,
        journal: Journal | None = None,
        connections: Connections | None = None,
        listen: events.Listener = events.nobody,
    ) -> Flow:
        """One table of a flow that lists many: `config` is the flow's, as in `from_config`."""
        return cls._made(check_flow_name(flow), config, entity, journal, connections, listen)

    @classmethod
    def _made(
        cls,
        flow: str,
        config: Mapping[str, Any],
        entity: str | None,
        journal: Journal | None,
        connections: Connections | None,
        listen: events.Listener,
    ) -> Flow:
        rest = dict(config)
        ends = {end: rest.pop(end, None) for end in ("home", "store")}
        for end, given in ends.items():
            if given is None:
                near = nearest(end, config)
                hint = f"did you mean {near!r}?" if near else f"{end}: {{type: …, path: …}}"
                raise ConfigError(f"{end!r} is needed and not given", flow=flow, hint=hint)
        home = _end(HomeConfig, ends["home"], entity)
        store = _end(StoreConfig, ends["store"], entity)
        settings = validated(FlowSettings, rest)
        return cls.build(
            flow_name(flow, entity),
            home,
            store,
            settings,
            journal or registry.find("journals", "memory").load()(),
            entity=entity,
            connections=connections,
            listen=listen,
        )


def _end(kind: Any, given: Any, entity: str | None) -> Any:
    data = {"path": given} if isinstance(given, str) else dict(given)
    config = kind.create(data)
    if entity is not None:
        config = kind.create(type(config).for_entity(data, {}, entity))
    return config.located(Path.cwd())
