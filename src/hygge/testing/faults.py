"""Harm done on purpose: to staged files, to a filesystem, to a Store, to a driver."""

from __future__ import annotations

from pathlib import Path

import polars as pl


def lose(file: Path) -> None:
    """Somebody cleaned up."""
    file.unlink()


def truncate(file: Path) -> None:
    """The last byte never arrived."""
    file.write_bytes(file.read_bytes()[:-1])


def double_rows(file: Path) -> None:
    """The same rows were sent twice; a valid parquet file all the same."""
    rows = pl.read_parquet(file)
    pl.concat([rows, rows]).write_parquet(file)


def flip_a_byte(file: Path) -> None:
    """The disk forgot one bit; the length is right."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
