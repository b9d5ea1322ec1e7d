"""Other tools that move tables, in environments of their own that are made when first asked for.

What cannot be installed, or does not run here, is told by the benchmark in its own words.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.contestants import Contestant
from benchmarks.data import Dataset
from benchmarks.landing import TARGET
from benchmarks.places import SOURCE, Place

WANTED = {
    "dlt": (
        "dlt[postgres,duckdb,parquet]",
        *("sqlalchemy", "pymysql", "connectorx", "adbc-driver-manager"),
        *("adbc-driver-postgresql", "adbc-driver-sqlite"),
    ),
    "ingestr": ("ingestr",),
    "sling": ("sling",),
}
Words = Callable[[str, str], list[str]]
SCRIPT = Path(__file__).with_name("peer_dlt.py")


def ready(name: str, cache: Path) -> Path:
    """The folder of the peer's programs. CalledProcessError where it cannot be installed."""
    folder = cache.resolve() / f"peer-{name}"
    done = folder / "installed"
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(folder / "bin" / "pip"), "install", "--disable-pip-version-check", "-q"]
        told = subprocess.run([*install, *WANTED[name]], capture_output=True, check=False)
        if told.returncode:
            sys.stderr.buffer.write(told.stderr)
            told.check_returncode()
        done.touch()
    return folder / "bin"


def dlt_reads(place: Place, backend: str, cache: Path) -> Contestant:
    def prepare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        home = _sqlalchemy(place.filled(dataset.paths(source)[0]))
        return _dlt(cache, backend, home, str(folder / TARGET), "bench")

    return Contestant(f"dlt, {backend}", prepare, peer=True)


def dlt_writes(place: Place, cache: Path) -> Contestant:
    def prepare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        file, store = dataset.paths(source)[0], place.target(folder)
        return _dlt(cache, "pyarrow", str(file), _as_store(place, store), _dataset(place))

    return Contestant("dlt", prepare, peer=True)


def dlt_copies(place: Place, backend: str, cache: Path) -> Contestant:
    def prepare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        where = _sqlalchemy(place.filled(dataset.paths(source)[0]))
        store = _as_store(place, place.target(folder))
        return _dlt(cache, backend, where, store, _dataset(place))

    return Contestant(f"dlt, {backend}", prepare, peer=True)


def _dataset(place: Place) -> str:
    return {"duckdb": "main", "sqlite": "main"}.get(place.kind, "bench")


def _dlt(cache: Path, backend: str, home: str, store: str, dataset: str) -> list[str]:
    python = ready("dlt", cache) / "python"
    return [str(python), str(SCRIPT), backend, home, SOURCE, store, dataset]


def _sqlalchemy(where: str) -> str:
    if where.startswith("/"):
        return f"sqlite:///{where}"
    where = where.replace("postgresql://", "postgresql+psycopg2://", 1)
    return where.replace("mysql://", "mysql+pymysql://", 1)


def _as_store(place: Place, where: str) -> str:
    """dlt has drivers of its own for two, and wants a password where the server wants none."""
    if place.kind == "postgres":
        return where.replace("hygge@", "hygge:unasked@", 1)
    return where if place.kind == "duckdb" else _sqlalchemy(where)


def _copies(name: str, words: Words) -> Callable[[Place, Path], Contestant]:
    def made(place: Place, cache: Path) -> Contestant:
        def prepare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
            where = place.filled(dataset.paths(source)[0])
            program = ready(name, cache) / name
            return [str(program), *words(where, place.target(folder))]

        return Contestant(name, prepare, peer=True)

    return made


def _ingestr_words(home: str, store: str) -> list[str]:
    ends = ["--source-uri", home, "--source-table", f"public.{SOURCE}"]
    return ["ingest", *ends, "--dest-uri", store, "--dest-table", "bench.target", "--yes"]


def _sling_words(home: str, store: str) -> list[str]:
    ends = ["--src-conn", home, "--src-stream", f"public.{SOURCE}", "--tgt-conn", store]
    return ["run", *ends, "--tgt-object", "bench.target", "--mode", "full-refresh"]


ingestr_copies = _copies("ingestr", _ingestr_words)
sling_copies = _copies("sling", _sling_words)
