"""`hygge.yml` is found upward, and finding it loads little."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hygge.core.errors import ConfigError
from hygge.workspace.workspace import Workspace


def test_found_here_above_and_by_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "hygge.yml").write_text("")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    for start in (tmp_path, deep, deep / "not-there", tmp_path / "hygge.yml"):
        assert Workspace.find(start).root == tmp_path


def test_the_nearest_one_counts(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    for folder in (tmp_path, inner):
        (folder / "hygge.yml").write_text("")
    assert Workspace.find(inner).root == inner


def test_a_folder_of_that_name_is_none(tmp_path: Path) -> None:
    (tmp_path / "a" / "hygge.yml").mkdir(parents=True)
    (tmp_path / "hygge.yml").write_text("")
    assert Workspace.find(tmp_path / "a").root == tmp_path


def test_none_names_the_places_searched_and_the_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        Workspace.find(tmp_path / "x")
    for place in (tmp_path / "x", tmp_path, tmp_path.parent, Path("/")):
        assert str(place) in caught.value.what
    assert "hygge init" in str(caught.value.hint)


def test_the_other_ending_is_recognised(tmp_path: Path) -> None:
    (tmp_path / "hygge.yaml").write_text("")
    with pytest.raises(ConfigError) as caught:
        Workspace.find(tmp_path)
    assert caught.value.hint == f"rename {tmp_path / 'hygge.yaml'} to hygge.yml"


def test_name_and_journal_lie_with_the_workspace(tmp_path: Path) -> None:
    root = tmp_path / "flights"
    root.mkdir()
    (root / "hygge.yml").write_text("flows: {a: {}}")
    assert Workspace.find(root).name == "flights"
    assert Workspace.find(root).journal_path == root / ".hygge" / "journal.db"
    (root / "hygge.yml").write_text("name: New York\nflows: {a: {}}")
    assert Workspace.find(root).name == "New York"


def test_finding_a_workspace_brings_no_polars(tmp_path: Path) -> None:
    (tmp_path / "hygge.yml").write_text("")
    story = (
        "import sys; from pathlib import Path; from hygge.workspace.workspace import Workspace;"
        "Workspace.find(Path(sys.argv[1])).journal_path;"
        "sys.exit(bool({'polars', 'pyarrow', 'pydantic', 'yaml'} & set(sys.modules)))"
    )
    run = subprocess.run(
        [sys.executable, "-c", story, str(tmp_path)], check=False, capture_output=True
    )
    assert run.returncode == 0, run.stderr.decode()
