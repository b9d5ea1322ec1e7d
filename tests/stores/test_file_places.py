"""Places where no table can settle: what is told of them is the part that stands in the way."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from hygge.core.errors import StoreError
from hygge.stores.files import ParquetStore

UNPRIVILEGED = """
import os, sys
from hygge.core.errors import HyggeError
from hygge.filesystems.local import LocalFileSystem

os.chdir(sys.argv[1])
disk, table = LocalFileSystem("."), sys.argv[2]
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for call in (lambda: disk.probe(table), lambda: disk.put_once(f"{table}/_hygge/x", b"")):
    try:
        print("no error", call())
    except HyggeError as failed:
        print(type(failed).__name__, str(failed).replace(chr(10), " "))
"""


@pytest.mark.parametrize(
    ("closed", "mode", "table"), [("top", 0o555, "top/new/users"), ("top/shut", 0, "top/shut/a/b")]
)
def test_a_folder_that_may_not_be_written(
    tmp_path: Path, closed: str, mode: int, table: str
) -> None:
    (tmp_path / "top" / "shut" / "a").mkdir(parents=True)
    tmp_path.chmod(0o755)
    (tmp_path / closed).chmod(mode)
    try:
        done = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, str(tmp_path), table],
            capture_output=True,
            text=True,
            timeout=60,
        )
    finally:
        (tmp_path / closed).chmod(0o755)
    for told in done.stdout.splitlines():
        assert "permission denied" in told, done
        assert told.endswith(f"`ls -ld {closed}`")


@pytest.mark.parametrize("table", ["taken", "taken/users"])
def test_a_file_in_the_way(tmp_path: Path, table: str) -> None:
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(StoreError, match="is a file, not a folder") as failed:
        asyncio.run(ParquetStore(str(tmp_path / table)).check())
    assert failed.value.where["file"] == str(tmp_path / "taken")
    with pytest.raises(StoreError, match=f"{tmp_path}/taken is a file, not a folder"):
        ParquetStore(str(tmp_path / table)).table.fs.make_folder(f"{tmp_path}/taken/b"[1:])
