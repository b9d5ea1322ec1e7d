"""A page of the documentation, and how its code blocks are tried for real.

What stands after the three backticks says what a block is:

- `yaml hygge.yml`, `python my.py`, `csv data/users.csv`: a file of the page's folder.
- `yaml` alone: keys of a flow; a workspace with such a flow must plan.
- `bash`: commands, which must succeed. `make …` must be a target, `pip install` must name real
  extras; neither is run.
- `console`: commands after `$ `, and what they print; `…` stands for anything in a line.
- `python` alone: a program, which must succeed.
- `text`: shown as it is.
"""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hygge.workspace.models import PROJECT_KEYS
from hygge.workspace.workspace import Workspace

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """One code block: its language, the file it names (if any), its text, and where it stands."""

    language: str
    file: str
    text: str
    place: str


def pages() -> list[Path]:
    """Every page that people read."""
    guides = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    return sorted(page for page in guides if ".venv" not in page.parts)


def blocks(page: Path) -> list[Block]:
    text = page.read_text()
    found = list[Block]()
    for match in _FENCE.finditer(text):
        language, _, file = match["info"].strip().partition(" ")
        line = text.count("\n", 0, match.start()) + 1
        place = f"{page.relative_to(ROOT)}:{line}"
        found.append(Block(language, file.strip(), match["text"], place))
    assert 2 * len(found) == len(re.findall(r"^```", text, re.MULTILINE)), f"{page}: a bad fence"
    return found


def links(page: Path) -> list[str]:
    """What the page points to in this repository: paths as seen from the page."""
    text = _FENCE.sub("", page.read_text())
    targets = [match["target"] for match in _LINK.finditer(text)]
    return [t for t in targets if not t.startswith(("http:", "https:", "mailto:", "#"))]


class Trial:
    """A folder in which the blocks of one page are tried, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.here = folder / "page"
        self.folder.mkdir()
        self._bin = folder / "bin"
        self._bin.mkdir()
        for name, words in {"hygge": "-m hygge", "python": ""}.items():
            shim = self._bin / name
            shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            shim.chmod(shim.stat().st_mode | stat.S_IXUSR)

    def run(self, block: Block) -> None:
        """Raise AssertionError, naming the place, unless the block does what it says."""
        if block.file:
            file = self.here / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
            return
        kinds: Mapping[str, Callable[[Block], object]] = {
            "bash": self._bash,
            "console": self._console,
            "python": self._python,
            "yaml": self._yaml,
            "text": lambda shown: None,
            "sql": lambda shown: None,  # a test of its own sees that it is what is sent
        }
        assert block.language in kinds, f"{block.place}: nobody knows how to try {block.language}"
        kinds[block.language](block)

    def finish(self) -> None:
        """Whatever workspaces the page wrote must plan."""
        for found in sorted(self.folder.rglob("hygge.yml")):
            command = [sys.executable, "-m", "hygge", "go", "--dry-run"]
            self.here = found.parent
            self._call(command, f"the workspace {found.parent.relative_to(self.folder)}")

    def _bash(self, block: Block) -> None:
        lines = [line for line in block.text.splitlines() if not _setup(line, block.place)]
        self._shell("\n".join(lines), block.place)

    def _console(self, block: Block) -> None:
        asked, expected = "", list[str]()
        for line in [*block.text.splitlines(), "$ "]:
            if not line.startswith("$ "):
                expected.append(line)
                continue
            if asked:
                told = self._shell(asked, block.place, check=False)
                _compare(told, expected, f"{block.place}: {asked}")
            asked, expected = line[2:], []

    def _python(self, block: Block) -> None:
        self._call([sys.executable, "-W", "error", "-c", block.text], block.place)

    def _yaml(self, block: Block) -> None:
        written: dict[str, Any] = yaml.safe_load(block.text)
        if not set(written) & (PROJECT_KEYS - {"name", "options"}):
            written = {"flows": {"example": {"home": "in.csv", "store": "out", **written}}}
        folder = self.folder.parent / re.sub(r"\W", "-", block.place)
        folder.mkdir()
        (folder / "hygge.yml").write_text(yaml.safe_dump(written))
        assert Workspace(folder).plan().flows, block.place

    def _shell(self, text: str, place: str, *, check: bool = True) -> str:
        after = self.folder.parent / "cwd"
        script = f"set -eu\ntrap 'pwd > \"{after}\"' EXIT\n{text}"
        told = self._call(["bash", "-c", script], place, check=check)
        self.here = Path(after.read_text().strip())
        return told

    def _call(self, command: list[str], place: str, *, check: bool = True) -> str:
        done = subprocess.run(
            command,
            cwd=self.here,
            env=self._env(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=100,
        )
        assert not (check and done.returncode), (
            f"{place} ends with {done.returncode}:\n{done.stdout}"
        )
        return done.stdout

    def _env(self) -> Mapping[str, str]:
        sources = [ROOT / "src", ROOT / "examples" / "plugin" / "src", self.here]
        return {
            **os.environ,
            "PATH": f"{self._bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(map(str, sources)),
            "COLUMNS": "100",
        }


def targets() -> set[str]:
    """What `make` can make."""
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _setup(line: str, place: str) -> bool:
    """True for a line that sets up a machine: it is looked at, and not run."""
    words = line.split("#")[0].split()
    if words[:1] == ["make"]:
        named = [word for word in words[1:] if "=" not in word]
        assert named, f"{place}: {line}"
        assert set(named) <= targets(), f"{place}: the Makefile has no {named}"
        return True
    if words[:2] == ["pip", "install"]:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        for extras in re.findall(r"hygge\[([^\]]*)\]", line):
            known = project["optional-dependencies"]
            assert set(extras.split(",")) <= set(known), f"{place}: {line}"
        return True
    return words[:2] == ["git", "clone"]


def _compare(told: str, expected: list[str], place: str) -> None:
    patterns = [re.escape(line.rstrip()).replace("…", ".*") for line in expected]
    lines = [line.rstrip() for line in told.rstrip("\n").splitlines()]
    same = len(lines) == len(patterns) and all(
        re.fullmatch(pattern, line) for pattern, line in zip(patterns, lines, strict=True)
    )
    assert same, f"{place}\nprints:\n{told}\nand the page says:\n" + "\n".join(expected)
