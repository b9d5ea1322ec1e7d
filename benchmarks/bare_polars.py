"""The bar to be measured against: Polars alone, file by file, from one folder to another."""

import sys
from pathlib import Path

import polars as pl


def main(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*.parquet")):
        written = target / file.relative_to(source)
        written.parent.mkdir(parents=True, exist_ok=True)
        pl.read_parquet(file).write_parquet(written, compression="zstd", compression_level=1)


main(Path(sys.argv[1]), Path(sys.argv[2]))
