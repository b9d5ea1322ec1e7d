"""hygge beside bare libraries and peers, out of databases and into them. `make bench-sql`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import peers
from benchmarks.contestants import HYGGE, Contestant
from benchmarks.data import Dataset
from benchmarks.jobs import MB, Job, Targets
from benchmarks.landing import TARGET, Files, Landing
from benchmarks.places import SOURCE, Place, places
from benchmarks.running import arguments, run_all

TARGETS = Targets(times=1.2, plus=0.0, more=150 * MB)
PEER_ROUNDS = 3
BARS = {"postgres": "ADBC", "mysql": "PyMySQL", "sqlite": "ADBC", "duckdb": "DuckDB"}
BARS |= {"mssql": "mssql-python"}
BACKENDS: dict[str, tuple[str, ...]] = {
    "postgres": ("pyarrow", "connectorx"),
    "mysql": ("pyarrow", "connectorx"),
    "sqlite": ("pyarrow",),
    "duckdb": (),
    "mssql": (),
}
"""By which of its Arrow paths dlt reads; SQLAlchemy lacks DuckDB."""
LETTERS = "abcdefghi"

Prepare = Callable[[Dataset, Path, Path], list[str]]


def main(given: Sequence[str] | None = None) -> int:
    parser = arguments("make bench-sql", __doc__, LETTERS)
    parser.add_argument("--no-peers", action="store_true", help="only hygge and the bare libraries")
    asked = parser.parse_args(given)
    return run_all(list(jobs(asked.jobs, None if asked.no_peers else asked.cache)), asked)


def jobs(letters: str, peers_cache: Path | None) -> Iterator[Job]:
    """Those of these letters: each database is read and written in turn, one also both at once."""
    every = [(place, way) for place in places() for way in (reading, writing)]
    for letter, (place, way) in zip(LETTERS, [*every, (places()[0], copying)], strict=True):
        if letter in letters:
            yield way(letter, place, peers_cache)


def reading(letter: str, place: Place, cache: Path | None) -> Job:
    def bare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        like = dataset.paths(source)[0]
        return place.bare("read", place.filled(like), SOURCE, folder / TARGET / "0.parquet", like)

    def hygge(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        home = f"{place.setting(place.filled(dataset.paths(source)[0]))}, table: {SOURCE}"
        return _hygge(folder, home, f"type: parquet, path: {TARGET}")

    others = [
        peers.dlt_reads(place, backend, cache)
        for backend in BACKENDS[place.kind]
        if cache is not None
    ]
    title = f"{place.title} to parquet"
    return _job(letter, title, place, Files(exact=False), hygge, bare, others)


def writing(letter: str, place: Place, cache: Path | None) -> Job:
    def bare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        file = dataset.paths(source)[0]
        return place.bare("write", place.target(folder), place.table, file, file)

    def hygge(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        store = f"{place.setting(place.target(folder))}, table: {place.table}"
        return _hygge(folder, f"type: parquet, path: '{dataset.paths(source)[0]}'", store)

    others = [peers.dlt_writes(place, cache)] if cache is not None else []
    return _job(letter, f"parquet to {place.title}", place, place, hygge, bare, others)


def copying(letter: str, place: Place, cache: Path | None) -> Job:
    def bare(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        like = dataset.paths(source)[0]
        return place.bare("copy", place.filled(like), SOURCE, Path(place.table), like)

    def hygge(dataset: Dataset, source: Path, folder: Path) -> list[str]:
        home = f"{place.setting(place.filled(dataset.paths(source)[0]))}, table: {SOURCE}"
        store = f"{place.setting(place.target(folder))}, table: {place.table}"
        return _hygge(folder, home, store)

    others = []
    if cache is not None:
        others = [peers.dlt_copies(place, backend, cache) for backend in ("pyarrow", "connectorx")]
        others += [peers.ingestr_copies(place, cache), peers.sling_copies(place, cache)]
    title = f"{place.title} to {place.title}"
    return _job(letter, title, place, place, hygge, bare, others)


def _job(
    letter: str,
    title: str,
    place: Place,
    landing: Landing,
    hygge: Prepare,
    bare: Prepare,
    others: Sequence[Contestant],
) -> Job:
    bar = f"bare {BARS[place.kind]}"
    return Job(
        letter,
        title,
        place.dataset,
        (Contestant(HYGGE.name, hygge), Contestant(bar, bare), *others),
        TARGETS,
        peer_rounds=PEER_ROUNDS,
        bar=bar,
        landing=landing,
        in_memory=True,
        served=place.served,
    )


def _hygge(folder: Path, home: str, store: str) -> list[str]:
    lines = ["flows:", "  move:", f"    home: {{{home}}}", f"    store: {{{store}}}"]
    (folder / "hygge.yml").write_text("\n".join(lines) + "\n")
    return [sys.executable, "-m", "hygge", "go"]


if __name__ == "__main__":
    sys.exit(main())
