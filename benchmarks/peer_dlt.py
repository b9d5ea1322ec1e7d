"""dlt, told to do the same by its Arrow path. Runs in the peers' own environment.

usage: peer_dlt.py BACKEND HOME SOURCE STORE TARGET

HOME is an SQLAlchemy URL or a parquet file, STORE a folder, a DuckDB file or a database's URL.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"

import dlt
from dlt.sources.sql_database import sql_table

ROWS = 100_000


def rows_of(file: str) -> Iterator[Any]:
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(file).iter_batches(ROWS):
        import pyarrow as pa

        yield pa.Table.from_batches([batch])


def read(backend: str, home: str, source: str) -> Any:
    if home.endswith(".parquet"):
        return dlt.resource(rows_of(home), name="target")
    more: dict[str, Any] = {}
    if backend == "connectorx":
        more["backend_kwargs"] = {"return_type": "arrow_stream", "batch_size": ROWS}
    table = sql_table(
        home,
        table=source,
        backend=backend,
        chunk_size=ROWS,
        reflection_level="full_with_precision",
        **more,
    )
    return table.with_name("target")


def store_of(store: str) -> Any:
    if store.startswith("postgres"):
        return dlt.destinations.postgres(store)
    if store.startswith(("mysql", "sqlite")):
        return dlt.destinations.sqlalchemy(store)
    if store.endswith(".duckdb"):
        return dlt.destinations.duckdb(store)
    return dlt.destinations.filesystem(Path(store).absolute().as_uri())


def main(backend: str, home: str, source: str, store: str, dataset: str) -> None:
    pipeline = dlt.pipeline(
        "bench", pipelines_dir="dlt", destination=store_of(store), dataset_name=dataset
    )
    resource = read(backend, home, source)
    pipeline.run(resource, write_disposition="replace", loader_file_format="parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
