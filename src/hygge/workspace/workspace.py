"""The user's project: a folder with `hygge.yml`, read when something of it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hygge.core.events import Listener, nobody
from hygge.workspace.find import find_root

if TYPE_CHECKING:  # these bring polars, and finding a workspace should not
    from hygge.coordinator.coordinator import Coordinator
    from hygge.core.config import Connections
    from hygge.flow.settings import RunType
    from hygge.workspace.load import Loaded
    from hygge.workspace.plan import Backfill, Plan


class Workspace:
    """One workspace, by its folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def find(cls, start: Path) -> Workspace:
        """The workspace that this folder belongs to. Raises ConfigError if there is none."""
        return cls(find_root(start))

    @property
    def journal_path(self) -> Path:
        return self.root / ".hygge" / "journal.db"

    @property
    def name(self) -> str:
        """As `hygge.yml` says; by default the folder's."""
        return self.load().name

    @cached_property
    def connections(self) -> Connections:
        """The `connections:` of `hygge.yml`."""
        return _connections(self.load())

    def load(self) -> Loaded:
        """The files as they are now. Raises ConfigError where `hygge.yml` is wrong."""
        from hygge.workspace.load import load

        return load(self.root)

    def plan(
        self,
        flows: Iterable[str] = (),
        entities: Iterable[str] = (),
        run_type: RunType | None = None,
        overrides: Mapping[str, str] | None = None,
        backfill: Backfill | None = None,
    ) -> Plan:
        """What a run would do. Reads the workspace's files and touches no data; it connects only
        where `entities` are a pattern, to ask what tables there are. Flows whose home does not
        answer are in the plan as `unready`.

        Raises ConfigError with all that is wrong.
        """
        from hygge.workspace.plan import make_plan

        loaded = self.load()
        return make_plan(
            loaded,
            _connections(loaded),
            flows=flows,
            entities=entities,
            run_type=run_type,
            backfill=backfill,
            given=overrides,
        )

    def coordinator(
        self, plan: Plan, *, concurrency: int | None = None, listen: Listener = nobody
    ) -> Coordinator:
        """What carries out the plan; `concurrency` beats the workspace's own."""
        from hygge.workspace.build import coordinator

        return coordinator(
            plan, self.connections, self.journal_path, concurrency=concurrency, listen=listen
        )


def _connections(loaded: Loaded) -> Connections:
    from hygge.connections.named import NamedConnections

    return NamedConnections(loaded.connections, loaded.root, loaded.credentials)
