"""Runs `hygge` in a process of its own, and makes what it says the same every time."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "hygge"]


def environment(**more: str) -> dict[str, str]:
    """Ours, without what would colour or widen the output."""
    dropped = {"NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "PYTHONPATH"}
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    path = os.pathsep.join([str(ROOT / "src"), str(ROOT)])
    return {**kept, "PYTHONPATH": path, "TZ": "UTC", "TERM": "dumb", **more}


def hygge(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end in this folder."""
    return subprocess.run(
        [*COMMAND, *words],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def story(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """All that it said, with what differs from run to run replaced."""
    parts = [f"exit {done.returncode}", "--- stdout", done.stdout.rstrip("\n")]
    return normal("\n".join([*parts, "--- stderr", done.stderr.rstrip("\n")]), folder)


def normal(text: str, folder: Path) -> str:
    """The text with times, ids and this test's folder replaced by words."""
    text = text.replace(str(folder), "FOLDER")
    text = re.sub(r"\b[0-9a-f]{24}\b", "LOAD_ID", text)
    text = re.sub(r"\b[0-9a-f]{32}\b", "RUN_ID", text)
    text = re.sub(r"\b[0-9a-f]{8}(?=  \d{4}-)", "RUN", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "YYYY-MM-DD HH:MM:SS", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", "TIME", text)
    text = re.sub(r"(\"seconds\": )[\d.]+", r"\1N", text)
    return re.sub(r"\b\d+\.\d s\b", "0.0 s", text)


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def everything(folder: Path) -> dict[str, bytes | None]:
    """Every file in the folder with what it holds; folders hold nothing."""
    return {
        str(place.relative_to(folder)): place.read_bytes() if place.is_file() else None
        for place in sorted(folder.rglob("*"))
    }
