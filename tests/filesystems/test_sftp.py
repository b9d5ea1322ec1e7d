"""SFTP: who is let in, who is spoken to, and connections that break."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from paramiko.sftp import SFTP_FAILURE
from tests.servers import sshd
from tests.servers.proxy import Proxy, Wire

from hygge.connections.pool import close_idle
from hygge.core.errors import (
    ConfigError,
    ConnectionFailed,
    HomeError,
    HyggeError,
    SourceChanged,
    SourceMissing,
    StoreError,
)
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.locating import locate
from hygge.filesystems.sftp import SftpFileSystem
from hygge.filesystems.sftp_session import Refused, Session

pytestmark = pytest.mark.usefixtures("keeping")


def files(folder: Path, **more: Any) -> FileSystem:
    told = {**sshd.server().settings(), "folder": str(folder), **more}
    told = {key: value for key, value in told.items() if value is not None}
    return SftpFileSystem.at("", told)[0]


@pytest.fixture
def wire() -> Iterator[Proxy]:
    with Proxy("127.0.0.1", sshd.server().port) as made:
        yield made


# who it is


def test_a_server_of_known_hosts_is_spoken_to(tmp_path: Path) -> None:
    known = sshd.server().known_hosts
    assert files(tmp_path, host_key=None, known_hosts=known).info("x") is None


def test_an_unknown_server_is_refused_with_the_line_to_add(tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text("elsewhere ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA\n")
    with pytest.raises(ConfigError, match="is not known") as failed:
        files(tmp_path, host_key=None, known_hosts=str(known)).info("x")
    line = str(failed.value).rpartition(f"{known}: ")[2].splitlines()[0]
    assert line == Path(sshd.server().known_hosts).read_text().strip()
    assert "elsewhere" in known.read_text()
    known.write_text(f"{line}\n")
    assert files(tmp_path, host_key=None, known_hosts=str(known)).info("x") is None


@pytest.mark.parametrize("how", ["known_hosts", "host_key"])
def test_a_changed_key_is_refused(tmp_path: Path, how: str) -> None:
    server = sshd.server()
    other = " ".join((server.folder / "other.pub").read_text().split()[:2])
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{server.port} {other}\n")
    given = {"host_key": None, "known_hosts": str(known)} if how == "known_hosts" else {}
    with pytest.raises(ConfigError, match="another key than the known one") as failed:
        files(tmp_path, **{"host_key": other, **given}).info("x")
    assert Path(server.known_hosts).read_text().split()[2] in str(failed.value)
    assert not failed.value.transient


def test_a_revoked_key_is_refused(tmp_path: Path) -> None:
    line = Path(sshd.server().known_hosts).read_text()
    known = tmp_path / "known_hosts"
    known.write_text(f"{line}@revoked * {line.partition(' ')[2]}")
    with pytest.raises(ConfigError, match="revoked"):
        files(tmp_path, host_key=None, known_hosts=str(known)).info("x")


def test_known_hosts_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keys of servers cannot be read"):
        files(tmp_path, host_key=None, known_hosts=str(tmp_path / "gone")).info("x")


# who we are


def test_a_wrong_password(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not let .* in by password") as failed:
        files(tmp_path, key_file=None, password="not-this-one").info("x")
    assert "not-this-one" not in str(failed.value)
    assert "not-this-one" not in repr(files(tmp_path, key_file=None, password="not-this-one"))


def test_a_key_that_is_not_let_in(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"does not let .* in by key_file"):
        files(tmp_path, key_file=str(sshd.server().folder / "other")).info("x")


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the private key cannot be read"):
        files(tmp_path, key_file=str(tmp_path / "gone")).info("x")


def test_a_locked_key(tmp_path: Path) -> None:
    server, key = sshd.server(), tmp_path / "locked"
    key.write_bytes(Path(server.key_file).read_bytes())
    key.chmod(0o600)
    lock = ["ssh-keygen", "-q", "-a", "1", "-p", "-P", "", "-N", "open sesame", "-f", str(key)]
    subprocess.run(lock, check=True, capture_output=True)
    assert files(tmp_path, key_file=str(key), passphrase="open sesame").info("x") is None
    for wrong in (None, "open salami"):
        with pytest.raises(ConfigError, match="the private key") as failed:
            files(tmp_path, key_file=str(key), passphrase=wrong).info("x")
        assert "passphrase" in str(failed.value)
        assert "salami" not in str(failed.value)


def test_the_agents_keys_let_us_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    place = sshd.server().folder / "agent"
    with suppress(FileNotFoundError):
        place.unlink()
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
        add = ["ssh-add", "-q", sshd.server().key_file]
        while subprocess.run(add, check=False, capture_output=True).returncode == 2:
            assert agent.poll() is None
        assert files(tmp_path, key_file=None).info("x") is None
    finally:
        agent.kill()
        agent.wait()
    monkeypatch.delenv("SSH_AUTH_SOCK")
    close_idle()  # who is let in already is not asked again
    with pytest.raises(ConfigError, match="does not let"):
        files(tmp_path, key_file=None).info("x")


# where


@pytest.mark.parametrize(
    ("path", "told", "words"),
    [
        ("sftp://me:secret@server/x", {}, "password in a URL"),
        ("sftp:///x", {}, "without a server"),
        ("sftp://server:port/x", {}, "no place"),
        ("in/x", {}, "which server"),
        ("sftp://other/x", {"host": "server"}, "not the connection's server"),
        ("../x", {"host": "server"}, "leads out"),
        ("x", {"host": "server", "host_key": "AAAA"}, "not a key"),
        ("x", {"host": "server", "host_key": "AAAA", "known_hosts": "x"}, "not both"),
        ("x", {"host": "server", "passphrase": "x"}, "opens a `key_file`"),
    ],
)
def test_what_cannot_be(path: str, told: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as failed:
        locate(path, "sftp", told)
    assert "secret" not in str(failed.value)


@pytest.mark.parametrize(
    ("path", "told", "url", "full"),
    [
        ("sftp://me@server/in/x", {}, "sftp://me@server/in/x", "/in/x"),
        ("sftp://me@Server:2022/in", {}, "sftp://me@server:2022/in", "/in"),
        ("sftp://me@[::1]:2022/in", {}, "sftp://me@[::1]:2022/in", "/in"),
        ("x", {"host": "server", "user": "me", "folder": "/in"}, "sftp://me@server/in/x", "/in/x"),
        ("sftp://server/x", {"user": "a:b@c", "port": 23}, "sftp://a%3Ab@c@server:23/x", "/x"),
        (
            "sftp://server/x",
            {"host": "SERVER", "user": "a", "port": 23},
            "sftp://a@SERVER:23/x",
            "/x",
        ),
        ("/x", {"host": "server", "user": "me", "port": 23}, "sftp://me@server:23/x", "/x"),
        (
            "sftp://server/x",
            {"host": "server", "user": "me", "folder": "/in"},
            "sftp://me@server/x",
            "/x",
        ),
    ],
)
def test_where_a_path_lies(path: str, told: dict[str, Any], url: str, full: str) -> None:
    found, inside = locate(path, "sftp", told)
    assert isinstance(found, SftpFileSystem)
    assert (found.url(inside), found.full(inside)) == (url, full)


def test_a_server_that_is_not_there_may_be_later(tmp_path: Path, wire: Proxy) -> None:
    wire.down = True
    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        files(tmp_path, **_through(wire)).info("x")
    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        files(tmp_path, host="server.invalid").info("x")


def _through(wire: Proxy) -> dict[str, Any]:
    return {"port": wire.port}


# connections that break


def test_cut_while_a_file_is_written(tmp_path: Path, wire: Proxy) -> None:
    cut = files(tmp_path, **_through(wire))
    sink = cut.create("new")
    data = random.Random(1).randbytes(3 << 20)
    sink.write(data)
    wire.arm(Wire.RESET, 30, lambda sent: len(sent) > 10_000)
    with pytest.raises(ConnectionFailed) as failed:
        sink.close()
    assert wire.met
    assert failed.value.transient
    sink.abort()
    assert (tmp_path / "new").stat().st_size < len(data)
    again = cut.create("again")
    again.write(data)
    again.close()
    assert (tmp_path / "again").read_bytes() == data


def test_cut_while_a_file_is_read(tmp_path: Path, wire: Proxy) -> None:
    data = random.Random(1).randbytes(3 << 20)
    (tmp_path / "old").write_bytes(data)
    cut = files(tmp_path, **_through(wire))
    with cut.open("old") as handle:
        wire.arm(Wire.RESET, 40)
        with pytest.raises(ConnectionFailed):
            handle.read()
        assert wire.met
        handle.seek(0)
        assert handle.read() == data, "another connection took its place"


@pytest.mark.parametrize("lost", ["reply", "request"])
@pytest.mark.parametrize("taken", [False, True])
def test_an_unknown_outcome_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, taken: bool
) -> None:
    name_once = Session.name_once

    def broken(session: Session, source: str, target: str) -> None:
        monkeypatch.setattr(Session, "name_once", name_once)
        if taken:
            (tmp_path / "record").write_bytes(b"theirs")
        if lost == "reply" and not taken:
            session.name_once(source, target)
        session.get_channel().get_transport().sock.close()
        session.name_once(source, target)

    monkeypatch.setattr(Session, "name_once", broken)
    if lost == "reply" and not taken:
        assert files(tmp_path).put_once("record", b"ours")
    else:
        with pytest.raises(ConnectionFailed):
            files(tmp_path).put_once("record", b"ours")
    wanted = {"record": b"theirs"} if taken else {"record": b"ours"} if lost == "reply" else {}
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == wanted


def test_a_file_that_changes_while_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(bytes(6 << 20))
    with files(tmp_path).open("old") as handle:
        handle.read(10)
        (tmp_path / "old").write_bytes(bytes(5 << 20))
        with pytest.raises(SourceChanged):
            handle.read()


def test_a_server_without_links_names_a_file_once_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "can_link", False)
    plain = files(tmp_path)
    assert plain.put_once("record", b"ours")
    assert not plain.put_once("record", b"theirs")
    assert [(file.path, plain.get(file.path)) for file in plain.list()] == [("record", b"ours")]


def test_a_server_that_gives_a_name_twice_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path).probe("not/yet/there")
    monkeypatch.setattr(Session, "name_once", Session.put_over)
    with pytest.raises(StoreError, match="made twice"):
        files(tmp_path).probe("not/yet/there")
    assert not list(tmp_path.iterdir())


# the server's disk


DENIED: list[tuple[Callable[[FileSystem], object], type[HyggeError]]] = [
    (lambda f: f.create("closed/new"), StoreError),
    (lambda f: f.put_once("closed/new", b"1"), StoreError),
    (lambda f: f.replace("closed/file", b"1"), StoreError),
    (lambda f: f.make_folder("closed/new"), StoreError),
    (lambda f: f.delete("closed/file"), StoreError),
    (lambda f: f.delete_folder("closed/folder"), StoreError),
    (lambda f: f.move("closed/file", "closed/moved"), StoreError),
    (lambda f: f.open("secret"), HomeError),
    (lambda f: f.get("secret"), HomeError),
    (lambda f: list(f.list("locked")), HomeError),
    (lambda f: f.info("locked/file"), HomeError),
]


def test_without_rights_every_call_says_so() -> None:
    settings, place = sshd.server().weak()
    for name in ("closed/file", "closed/folder/file", "secret", "locked/file"):
        (place / name).parent.mkdir(exist_ok=True, parents=True)
        (place / name).write_bytes(b"1")
    for name, mode in {"closed/folder": 0o555, "closed": 0o555, "secret": 0, "locked": 0}.items():
        (place / name).chmod(mode)
    there = SftpFileSystem.at("", settings)[0]
    for call, kind in DENIED:
        with pytest.raises(kind, match="permission denied") as failed:
            call(there)
        assert not isinstance(failed.value, SourceMissing)
        assert "try: " in str(failed.value)
    for name in ("locked", "secret", "closed", "closed/folder"):
        (place / name).chmod(0o755)
    assert sorted(path.name for path in place.rglob("*")) == [
        *("closed", "file", "file", "file", "folder", "locked", "secret")
    ]


@pytest.mark.parametrize(("room", "told"), [(0, "the server's disk is full"), (1 << 30, "refuses")])
def test_a_server_that_takes_no_more_leaves_no_half_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int, told: str
) -> None:
    small, write = files(tmp_path), Session.write

    def little(session: Session, handle: bytes, at: int, data: memoryview) -> None:
        write(session, handle, at, data[:1000])
        if len(data) > 1000:
            raise Refused(SFTP_FAILURE, "Failure")

    small.replace("current", b"old")
    sink = small.create("file")
    sink.write(bytes(200_000))
    monkeypatch.setattr(Session, "write", little)
    monkeypatch.setattr(Session, "free_bytes", lambda session, path: room)
    for call in (
        sink.close,
        lambda: small.put_once("record", bytes(200_000)),
        lambda: small.replace("current", bytes(200_000)),
    ):
        with pytest.raises(StoreError, match=told) as failed:
            call()
        assert "try: " in str(failed.value)
    assert [file.path for file in small.list()] == ["current", "file"]
    assert small.get("current") == b"old"
