"""Every filesystem under the one suite, and what is particular to the local disk."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hygge.core.errors import ConfigError, ConnectionFailed, HomeError, SourceMissing, StoreError
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.local import LocalFileSystem
from hygge.filesystems.locating import locate
from hygge.filesystems.memory import MemoryFileSystem, forget
from hygge.testing.contracts.filesystem import FileSystemContract


class TestLocal(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        return LocalFileSystem(str(tmp_path))


class TestMemory(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        return MemoryFileSystem(f"contract-{tmp_path.name}")

    @pytest.fixture(autouse=True)
    def _forgotten(self, tmp_path: Path) -> Iterator[None]:
        yield
        forget(f"contract-{tmp_path.name}")


@pytest.fixture
def disk(tmp_path: Path) -> LocalFileSystem:
    return LocalFileSystem(str(tmp_path))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is made durable, and when, between the names that are given."""
    told = list[str]()
    fsync, link, replace = os.fsync, os.link, Path.replace

    def spy_fsync(handle: int) -> None:
        told.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def spy_link(source: Path, target: Path) -> None:
        told.append("link")
        link(source, target)

    def spy_replace(source: Path, target: Path) -> Path:
        told.append("rename")
        return replace(source, target)

    monkeypatch.setattr(os, "fsync", spy_fsync)
    monkeypatch.setattr(os, "link", spy_link)
    monkeypatch.setattr(Path, "replace", spy_replace)
    return told


def test_a_record_is_durable_before_its_name_and_its_name_before_the_answer(
    disk: LocalFileSystem, calls: list[str]
) -> None:
    disk.put_once("record", b"1")
    assert calls == ["file", "link", "folder"]
    calls.clear()
    disk.put_once("record", b"2")
    assert calls[-1] == "folder", "the loser acts on what is there, so that must be durable, too"


def test_what_replaces_is_durable_before_it_shows(disk: LocalFileSystem, calls: list[str]) -> None:
    disk.replace("file", b"1")
    assert calls == ["file", "rename", "folder"]


def test_a_folder_is_durable_where_it_was_made(disk: LocalFileSystem, calls: list[str]) -> None:
    disk.make_folder("a/b/c")
    assert calls == ["folder"] * 3
    calls.clear()
    disk.make_folder("a/b/c")
    assert calls == []


@pytest.mark.parametrize("make", ["make_folder", "put_once"])
def test_a_folder_that_is_pruned_while_one_is_made_in_it_is_made_again(
    disk: LocalFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str
) -> None:
    above, plain = tmp_path / "leases", Path.mkdir
    above.mkdir()
    pruned = list[Path]()

    def mkdir(path: Path, mode: int = 0o777, parents: bool = False, exist_ok: bool = False) -> None:
        if path.parent == above and not pruned:
            above.rmdir()  # the last lease in it was just given back
            pruned.append(above)
        plain(path, mode, parents, exist_ok)

    monkeypatch.setattr(Path, "mkdir", mkdir)
    if make == "put_once":
        assert disk.put_once("leases/users/1.json", b"mine")
    else:
        disk.make_folder("leases/users")
    assert pruned
    assert (above / "users").is_dir()


def test_a_closed_file_is_durable_and_an_aborted_one_need_not(
    disk: LocalFileSystem, calls: list[str]
) -> None:
    sink = disk.create("file")
    sink.write(b"1")
    sink.close()
    assert calls == ["file"]
    disk.create("other").abort()
    assert calls == ["file"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_is_called_full(
    disk: LocalFileSystem, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(*given: object) -> int:
        raise OSError(number, os.strerror(number))

    sink = disk.create("file")
    sink.write(b"1")
    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="disk is full") as failed:
        sink.close()
    assert disk.url("file") in str(failed.value)
    assert "try: " in str(failed.value)
    sink.abort()


def test_a_network_disk_that_does_not_answer_may_answer_later(
    disk: LocalFileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(*given: object, **more: object) -> os.stat_result:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(Path, "stat", stale)
    with pytest.raises(ConnectionFailed) as failed:
        disk.info("file")
    assert failed.value.transient


def test_a_link_is_followed_and_one_that_leads_nowhere_is_told(
    disk: LocalFileSystem, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real/file").write_bytes(b"12345")
    (tmp_path / "home").mkdir()
    (tmp_path / "home/linked").symlink_to(tmp_path / "real")
    (tmp_path / "home/self").symlink_to(tmp_path / "home")
    (tmp_path / "home/nowhere").symlink_to(tmp_path / "gone")
    found = {file.path: file.size for file in disk.list("home")}
    assert set(found) == {"home/linked/file", "home/nowhere"}
    assert found["home/linked/file"] == 5
    with pytest.raises(SourceMissing):
        disk.open("home/nowhere")


def test_a_pipe_is_no_file(disk: LocalFileSystem, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert list(disk.list()) == []
    assert disk.info("pipe") is None


UNPRIVILEGED = """
import os, sys
from hygge.core.errors import HyggeError
from hygge.filesystems.local import LocalFileSystem

os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
disk = LocalFileSystem(".")
for what in (
    lambda: disk.create("closed/new"),
    lambda: disk.put_once("closed/new", b"1"),
    lambda: disk.replace("closed/file", b"1"),
    lambda: disk.make_folder("closed/new"),
    lambda: disk.delete("closed/file"),
    lambda: disk.delete_folder("closed/folder"),
    lambda: disk.move("closed/file", "closed/moved"),
    lambda: disk.open("secret"),
    lambda: disk.get("secret"),
    lambda: list(disk.list("locked")),
    lambda: disk.folders("locked"),
    lambda: disk.info("locked/file"),
    lambda: disk.is_folder("locked/folder"),
    lambda: disk.delete_folder("locked/folder"),
):
    try:
        print("no error:", what())
    except HyggeError as failed:
        print(type(failed).__name__, str(failed).replace(chr(10), " "))
"""


def run(script: str, folder: Path) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_without_rights_every_call_says_so(tmp_path: Path) -> None:
    (tmp_path / "closed/folder").mkdir(parents=True)
    for name in ("closed/file", "closed/folder/file", "secret", "locked/file"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    tmp_path.chmod(0o755)
    modes = {"closed/folder": 0o555, "closed": 0o555, "secret": 0, "locked": 0}
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    try:
        told = run(UNPRIVILEGED, tmp_path)
    finally:
        for name in reversed(modes):
            (tmp_path / name).chmod(0o755)
    assert len(told) == 14
    for line in told[:7]:
        assert line.startswith("StoreError cannot "), line
        assert "permission denied (closed/" in line
        assert "try: " in line
    for line in told[7:13]:
        assert line.startswith("HomeError cannot "), line
        assert "permission denied (" in line
    assert told[13].startswith("StoreError cannot delete this folder: permission denied")
    assert sorted(file.path for file in LocalFileSystem(str(tmp_path)).list()) == [
        "closed/file",
        "closed/folder/file",
        "locked/file",
        "secret",
    ]


LIMITED = """
import os, resource, sys
from hygge.core.errors import HyggeError
from hygge.filesystems.local import LocalFileSystem

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
disk = LocalFileSystem(sys.argv[1])
sink = disk.create("file")
for what in (
    lambda: sink.write(bytes(3_000_000)),
    lambda: disk.put_once("record", bytes(200_000)),
    lambda: disk.replace("current", bytes(200_000)),
):
    try:
        print("no error:", what())
    except HyggeError as failed:
        print(type(failed).__name__, str(failed).replace(chr(10), " "))
sink.abort()
"""


def test_a_file_that_may_not_grow_leaves_no_half_record(
    tmp_path: Path, disk: LocalFileSystem
) -> None:
    disk.replace("current", b"old")
    told = run(LIMITED, tmp_path)
    assert len(told) == 3
    for line, name in zip(told, ("file", "record", "current"), strict=True):
        assert line.startswith("StoreError cannot write this file: the disk is full, or"), line
        assert f"({tmp_path}/{name})" in line
    assert [file.path for file in disk.list()] == ["current", "file"]
    assert disk.get("current") == b"old"


def test_a_plain_path_is_local_and_a_url_says_where(tmp_path: Path) -> None:
    files, inside = locate(f"{tmp_path}/a//b/../c")
    assert isinstance(files, LocalFileSystem)
    assert files.url(inside) == f"{tmp_path}/a/c"
    files, inside = locate(f"file://{tmp_path}/with%20blank")
    assert files.url(inside) == f"{tmp_path}/with blank"
    files, inside = locate("memory://name/a/b")
    assert (files.name, files.root, inside) == ("memory", "name", "a/b")
    files, inside = locate("/name/a", "memory")
    assert (files.root, inside) == ("name", "a")


@pytest.mark.parametrize(
    ("path", "name", "told"),
    [
        ("a/b", None, "relative"),
        ("memry://a/b", None, "did you mean memory://"),
        ("/a/b", "locl", "did you mean 'local'"),
    ],
)
def test_a_path_that_lies_nowhere(path: str, name: str | None, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        locate(path, name)


def test_what_a_read_error_is(disk: LocalFileSystem, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(HomeError, match="this is a folder") as failed:
        disk.open("folder")
    assert not isinstance(failed.value, SourceMissing)
