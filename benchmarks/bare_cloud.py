"""One table up to a container, or down from it, as one would with Polars and obstore alone.

    python bare_cloud.py up|down SETTINGS FILE OBJECT

Of the settings of a connection: its endpoint, account, container and key.
"""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import obstore
import polars as pl
from obstore.store import AzureStore


def main(way: str, settings: str, file: str, name: str) -> None:
    told = json.loads(settings)
    how: Any = {"client_options": {"allow_http": True}, "endpoint": told["endpoint"]}
    how |= {"account_name": told["account"], "account_key": told["credential"]["account_key"]}
    store = AzureStore(told["container"], **how)
    if way == "up":
        with obstore.open_writer(store, name) as upload:
            pl.read_parquet(file).write_parquet(upload)
    else:
        whole = obstore.get(store, name).bytes()
        pl.read_parquet(io.BytesIO(whole)).write_parquet(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
