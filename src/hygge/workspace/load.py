"""Reads a workspace: `hygge.yml`, `flows/*/flow.yml` and `flows/*/entities/*.yml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hygge.core.config import check
from hygge.core.errors import ConfigError
from hygge.core.names import check_flow_name
from hygge.workspace.complaints import Complaints
from hygge.workspace.entities import entities, excluded_of, in_file, inside, patterns_of
from hygge.workspace.find import FILE
from hygge.workspace.fragments import fragment
from hygge.workspace.marked import Marked, Spot, over
from hygge.workspace.models import (
    DEFAULT_KEYS,
    FLOW_KEYS,
    OPTION_KEYS,
    PROJECT_KEYS,
    Options,
    Project,
)
from hygge.workspace.variables import variables
from hygge.workspace.yaml_file import read_yaml

FLOW_FILE = "flow.yml"
ENTITIES, EXCLUDE = "entities", "exclude"


@dataclass(frozen=True)
class WrittenFlow:
    """A flow as it was written; `entities` by name, None if it moves a single table.

    `patterns` are for the names of more entities, of which the `excluded` are left out.
    """

    name: str
    tree: Marked
    entities: Mapping[str, Marked] | None
    patterns: tuple[Marked, ...] = ()
    excluded: tuple[Marked, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """A workspace as it was written, and what is wrong with it so far."""

    root: Path
    name: str
    options: Options
    connections: Mapping[str, Mapping[str, object]] = field(repr=False)
    credentials: Mapping[str, object] = field(repr=False)
    defaults: Marked
    flows: tuple[WrittenFlow, ...]
    complaints: Complaints


def load(root: Path) -> Loaded:
    """Everything that was written. Raises ConfigError where `hygge.yml` itself is wrong."""
    complaints = Complaints()
    values = variables(root)
    tree = _without_nothing(read_yaml(root / FILE, FILE, values, complaints))
    project, options = _project(tree, complaints)
    defaults = fragment(tree.get("defaults") or tree.having({}), DEFAULT_KEYS, complaints)
    flows = _Flows(root, values, complaints)
    for name, written in (tree.get("flows") or tree.having({})).items.items():
        flows.add(name, written, written.get(ENTITIES), None)
    flows.find(project.flows_dir, tree)
    if not flows.found and not complaints:
        complaints.say(
            "the workspace has no flows",
            tree.spot,
            f"write one into {project.flows_dir}/<flow>/{FLOW_FILE}, or under `flows:` in {FILE}",
        )
    return Loaded(
        root=root,
        name=project.name or root.resolve().name,
        options=options,
        connections=project.connections,
        credentials=project.credentials,
        defaults=defaults,
        flows=tuple(flows.found.values()),
        complaints=complaints,
    )


def _without_nothing(tree: Marked) -> Marked:
    """Keys with nothing behind them are as good as not written: all below is commented out."""
    if not isinstance(tree.value, dict):
        raise ConfigError(f"{FILE} must be a mapping", file=FILE, line=tree.spot.line)
    return tree.having({k: item for k, item in tree.items.items() if item.value is not None})


def _project(tree: Marked, complaints: Complaints) -> tuple[Project, Options]:
    for key in tree.items.keys() - PROJECT_KEYS:
        complaints.unknown(key, PROJECT_KEYS, tree.items[key].spot)
    known = tree.having({k: item for k, item in tree.items.items() if k in PROJECT_KEYS})
    project = check(Project, known.without(*OPTION_KEYS).plain)
    if isinstance(project, Project):
        return project, _options(known, complaints)
    complaints.problems(project, tree)
    raise complaints.as_error()


def _options(tree: Marked, complaints: Complaints) -> Options:
    """From `options:`, or beside it at the top."""
    inside = tree.get("options") or tree.having({})
    top = tree.having({k: item for k, item in tree.items.items() if k in OPTION_KEYS})
    for key in inside.items.keys() & top.items.keys():
        line = inside.items[key].spot.line
        complaints.say(f"{key!r} is given twice, also in line {line}", top.items[key].spot)
    both = over(inside, top)
    options = check(Options, both.plain)
    if isinstance(options, Options):
        return options
    complaints.problems(options, both)
    return Options()


class _Flows:
    """The flows found so far, each in one place only."""

    def __init__(self, root: Path, values: Mapping[str, str], complaints: Complaints) -> None:
        self._root, self._values, self._complaints = root, values, complaints
        self.found = dict[str, WrittenFlow]()

    def find(self, flows_dir: str, project: Marked) -> None:
        """The folders of `flows_dir` that hold a `flow.yml`."""
        folder = self._root / flows_dir
        given = project.get("flows_dir")
        if not folder.is_dir():
            if given is not None:
                self._complaints.say(f"there is no folder {flows_dir}", given.spot)
            return
        for place in sorted(folder.iterdir()):
            self._refuse_yaml(place, "flow")
            if (place / FLOW_FILE).is_file():
                with self._complaints.at(project.spot):
                    self._folder(place)

    def add(
        self, default: str, written: Marked, inline: Marked | None, folder: Path | None
    ) -> None:
        """One flow, with the entities written inside it and those of its folder."""
        with self._complaints.at(written.spot):
            if not isinstance(written.value, dict):
                raise ConfigError(f"the flow {default!r} must be a mapping with home and store")
            named = written.get("name")
            name = default if named is None else str(named.value)
            check_flow_name(name)
            if name in self.found:
                first = self.found[name].tree.spot
                raise ConfigError(
                    f"two flows are called {name!r}; the other one is at {first}",
                    hint="rename one of them, or drop it",
                )
            tree = fragment(written, FLOW_KEYS, self._complaints).without("name", ENTITIES, EXCLUDE)
            inline, patterns = patterns_of(inline)
            entities = self._entities(inline, folder)
            excluded = excluded_of(written.get(EXCLUDE), patterns)
            self.found[name] = WrittenFlow(name, tree, entities, patterns, excluded)

    def _folder(self, place: Path) -> None:
        file = place / FLOW_FILE
        written = self._read(file)
        self.add(place.name, written, written.get(ENTITIES), place / ENTITIES)

    def _entities(self, inline: Marked | None, folder: Path | None) -> dict[str, Marked] | None:
        listed = [] if inline is None else inside(inline)
        if folder is not None:
            self._refuse_yaml(folder, "*")
            for file in sorted(folder.glob("*.yml")):
                listed += in_file(file.stem, self._read(file))
        return entities(listed, self._complaints) if listed else None

    def _read(self, file: Path) -> Marked:
        return read_yaml(file, self._name(file), self._values, self._complaints)

    def _refuse_yaml(self, folder: Path, stem: str) -> None:
        for file in sorted(folder.glob(f"{stem}.yaml")):
            self._complaints.say(
                "files that end in .yaml are not read",
                Spot(self._name(file)),
                f"rename it to {file.stem}.yml",
            )

    def _name(self, file: Path) -> str:
        """What errors call a file: its path as seen from the workspace."""
        inside_root = self._root in file.parents
        return file.relative_to(self._root).as_posix() if inside_root else str(file)
