"""The example plugin, used as a stranger would use it: by place, and by entry point."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples" / "plugin"
BY_PLACE = {"home": "hygge_example.home:NotebookHome", "store": "hygge_example.store:NotebookStore"}
BY_NAME = {"home": "notebook", "store": "notebook"}


def call(words: Sequence[str], folder: Path, *paths: Path) -> str:
    """What a fresh Python says that sees hygge, and these folders."""
    seen = os.pathsep.join(map(str, [ROOT / "src", *paths]))
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": seen},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder with the plugin as `pip install` leaves it: its package and what it registers."""
    folder = tmp_path / "site-packages"
    shutil.copytree(PLUGIN / "src" / "hygge_example", folder / "hygge_example")
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    about = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(about)
    groups = list[str]()
    for group, names in project["entry-points"].items():
        groups += [f"[{group}]", *(f"{name} = {target}" for name, target in names.items())]
    (info / "entry_points.txt").write_text("\n".join(groups))
    return folder


def workspace(folder: Path, types: dict[str, str]) -> Path:
    """Teas into notebooks, an entity each, and out again."""
    folder.mkdir()
    flows: dict[str, Any] = {
        "write": {
            "home": "data",
            "store": {"type": types["store"], "path": "notes/{entity}"},
            "entities": ["green", "black"],
        },
        "read": {
            "home": {"type": types["home"], "path": "notes/{entity}"},
            "store": {"type": "csv", "path": "again"},
            "entities": ["green", "black"],
        },
    }
    (folder / "hygge.yml").write_text(json.dumps({"flows": flows}))
    (folder / "data").mkdir()
    (folder / "data" / "green.csv").write_text("id,name,picked\n1,Sencha,2024-04-28\n2,,\n")
    (folder / "data" / "black.csv").write_text("id,name\n3,Assam\n")
    return folder


def move(folder: Path, *paths: Path) -> dict[str, str]:
    """The rows that came out, twice there and back."""
    for flow in ("write", "write", "read"):
        call(["hygge", "go", "--flow", flow], folder, *paths)
    return {file.parent.name: file.read_text() for file in folder.glob("again/*/*.csv")}


EXPECTED = {
    "green": "id,name,picked\n1,Sencha,2024-04-28\n2,,\n",
    "black": "id,name\n3,Assam\n",
}


def test_a_class_is_found_by_its_place_without_installing(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "work", BY_PLACE)
    assert move(folder, PLUGIN / "src") == EXPECTED


def test_an_installed_plugin_is_found_by_its_name(tmp_path: Path, installed: Path) -> None:
    folder = workspace(tmp_path / "work", BY_NAME)
    assert move(folder, installed) == EXPECTED


def test_debug_looks_at_it_too(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "work", BY_PLACE)
    call(["hygge", "go", "--flow", "write"], folder, PLUGIN / "src")
    assert "all ok" in call(["hygge", "debug"], folder, PLUGIN / "src")


def test_without_the_plugin_its_name_is_unknown(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "work", BY_NAME)
    with pytest.raises(AssertionError, match="unknown home type 'notebook'"):
        call(["hygge", "go"], folder)


def test_it_passes_the_suites_that_it_subclasses(tmp_path: Path) -> None:
    tests = shutil.copytree(PLUGIN / "tests", tmp_path / "tests")
    words = ["pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"--rootdir={tests}"]
    told = call([*words, f"--basetemp={tmp_path / 'tmp'}", str(tests)], tmp_path, PLUGIN / "src")
    assert " passed" in told
    assert "failed" not in told
