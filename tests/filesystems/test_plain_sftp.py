"""An SFTP server without what OpenSSH's has beside the protocol, which lets in by a password."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers.plain_sftp import Plain, plain_server

from hygge.core.errors import ConfigError, StoreError
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.sftp import SftpFileSystem

pytestmark = pytest.mark.usefixtures("keeping")


@pytest.fixture(scope="module")
def server() -> Iterator[Plain]:
    with plain_server() as made:
        yield made


@pytest.fixture
def files(server: Plain, tmp_path: Path) -> FileSystem:
    return SftpFileSystem.at("", server.settings(tmp_path))[0]


def test_a_wrong_password_is_not_let_in(server: Plain, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="by password"):
        SftpFileSystem.at("", server.settings(tmp_path, "open salami"))[0].info("x")


def test_files_come_and_go(files: FileSystem, tmp_path: Path) -> None:
    data = random.Random(1).randbytes(9 << 20)
    files.make_folder("a/b")
    sink = files.create("a/b/file")
    sink.write(data)
    sink.close()
    assert (tmp_path / "a/b/file").read_bytes() == data
    with files.open("a/b/file") as handle:
        assert handle.read() == data
    assert [(file.path, file.size) for file in files.list()] == [("a/b/file", len(data))]
    with pytest.raises(StoreError, match="there already"):
        files.create("a/b/file")
    files.move("a/b/file", "c/file")
    files.move("a/b/file", "c/file")
    assert [file.path for file in files.list()] == ["c/file"]
    files.delete_folder("c")
    assert not files.is_folder("c")


def test_names_are_given_once_and_over(files: FileSystem) -> None:
    assert files.put_once("a/record", b"ours")
    assert not files.put_once("a/record", b"theirs")
    files.replace("a/record", b"new")
    assert files.get("a/record") == b"new"
    assert files.put_once("a/other", b"other")
    files.move("a/other", "a/record")
    assert [(file.path, files.get(file.path)) for file in files.list()] == [("a/record", b"other")]
    files.probe("a/b")
    files.sync(["a", "gone"])
