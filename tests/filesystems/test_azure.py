"""Azure's storage when it is not well: what is refused, what is lost, what is changed by others."""

from __future__ import annotations

import pickle
import threading
from typing import Any

import pytest
from tests.filesystems.conftest import FakeEntra, files_of
from tests.servers.adls import access
from tests.servers.adls.asking import Request
from tests.servers.adls.faults import Fault, Kind
from tests.servers.adls.server import Running

from hygge.core.errors import (
    ConnectionFailed,
    HomeError,
    HyggeError,
    SourceChanged,
    StoreError,
)
from hygge.filesystems import azure
from hygge.filesystems.filesystem import FileSystem

ACCOUNTS = ("lake", "flat")


@pytest.fixture(params=ACCOUNTS)
def files(request: pytest.FixtureRequest, running: Running) -> FileSystem:
    return files_of(running, request.param)


@pytest.fixture
def lake(running: Running) -> FileSystem:
    return files_of(running)


def wish(running: Running, kind: Kind, method: str = "PUT", **more: Any) -> Fault:
    def when(request: Request) -> bool:
        return request.method == method and "x" in request.key.rpartition("/")[2]

    fault = Fault(when, kind=kind, **more)
    running.service.faults.append(fault)
    return fault


# who we are


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_wrong_key_says_so(running: Running, account: str) -> None:
    wrong = {"type": "azure_key", "account_key": "a2V5"}
    files = files_of(running, account, credential=wrong)
    for ask in (
        lambda: files.get("x"),
        lambda: files.list(""),
        lambda: files.delete("x"),
        lambda: files.probe("a"),
    ):
        with pytest.raises(HyggeError, match="AuthenticationFailed") as failed:
            ask()
        assert not failed.value.transient
        assert "account's key" in str(failed.value.hint)


def test_a_key_that_is_none_says_so(running: Running) -> None:
    wrong = {"type": "azure_key", "account_key": "not base64!"}
    with pytest.raises(HyggeError, match="cannot") as failed:
        files_of(running, credential=wrong).get("x")
    assert "not base64!" not in str(failed.value)


def test_a_signature_that_ended_says_so(running: Running) -> None:
    account = running.service.accounts["lake"]
    ended = {"type": "sas", "token": f"?{access.sas(account, -1)}"}
    with pytest.raises(HomeError, match="AuthenticationFailed") as failed:
        files_of(running, credential=ended).get("x")
    assert "SAS" in str(failed.value.hint)


def test_a_signature_may_do_what_it_says(running: Running) -> None:
    account = running.service.accounts["lake"]
    reader = {"type": "sas", "token": access.sas(account, may="rl")}
    files = files_of(running, credential=reader)
    assert files.list("") == []
    with pytest.raises(StoreError, match="AuthorizationPermissionMismatch") as failed:
        files.put_once("x", b"1")
    assert "Storage Blob Data Contributor" in str(failed.value.hint)
    with pytest.raises(StoreError, match="AuthorizationPermissionMismatch"):
        files.delete_folder("d")


def test_a_token_that_somebody_else_renews_is_not_asked_for_again(running: Running) -> None:
    ended = access.token(running.service.accounts["lake"], -1)
    files = files_of(running, credential={"type": "entra", "method": "token", "token": ended})
    with pytest.raises(HomeError, match="InvalidAuthenticationInfo") as failed:
        files.get("x")
    assert "az login" in str(failed.value.hint)
    assert len(running.service.log) == 1


def test_a_refused_token_is_got_anew(running: Running, identity: FakeEntra) -> None:
    files = files_of(running, credential={"type": "entra"})
    account = running.service.accounts["lake"]
    files.make_folder("a")
    for ask in (
        lambda: files.list(""),
        lambda: files.put_once("a/x", b"1"),
        lambda: files.create("a/y").close(),
        lambda: files.get("a/x"),
        lambda: files.open("a/x").read(),
        lambda: files.move("a/x", "b/x"),
        lambda: files.delete("b/x"),
        lambda: files.delete_folder("a"),
    ):
        account.revoked.update(identity.given)
        before = len(identity.given)
        ask()
        assert len(identity.given) > before
    assert [file.path for file in files.list()] == []


def test_a_token_is_refused_while_a_file_is_read(running: Running, identity: FakeEntra) -> None:
    files = files_of(running, credential={"type": "entra"})
    files.replace("x", b"0123456789" * 600_000)
    with files.open("x") as file:
        assert file.read(4) == b"0123"
        running.service.accounts["lake"].revoked.update(identity.given)
        file.seek(5_000_000)
        assert file.read(4) == b"0123"


def test_a_token_that_is_refused_while_a_file_is_written_may_pass(
    running: Running, identity: FakeEntra
) -> None:
    files = files_of(running, credential={"type": "entra"})
    files.make_folder("a")
    sink = files.create("a/x")
    sink.write(b"1")
    running.service.accounts["lake"].revoked.update(identity.given)
    with pytest.raises(ConnectionFailed):
        sink.close()
    again = files.create("a/y")
    again.write(b"2")
    again.close()
    assert files.get("a/y") == b"2"


def test_a_refused_token_is_got_anew_only_once(running: Running, identity: FakeEntra) -> None:
    files = files_of(running, credential={"type": "entra"})
    identity.seconds = 120
    account = running.service.accounts["lake"]
    late = account.clock() + 1000
    account.clock = lambda: late  # their clock is not ours: every token ended long ago
    identity.account = type(account)("lake", account.root, key=account.key)
    for ask in (lambda: files.get("x"), lambda: files.delete("x"), lambda: files.list("")):
        running.service.log.clear()
        with pytest.raises(HyggeError, match="InvalidAuthenticationInfo"):
            ask()
        assert len(running.service.log) == 2


def test_a_token_is_renewed_before_it_ends(running: Running, identity: FakeEntra) -> None:
    identity.seconds = 59  # a good while, and yet nearer its end than anybody would wait for
    files = files_of(running, credential={"type": "entra"})
    files.replace("x", b"1")
    given = len(identity.given)
    for _ in range(5000):
        files.replace("x", b"2")
        if len(identity.given) > given:
            return
    pytest.fail("the same token was shown all the time")


# what is not there


@pytest.mark.parametrize("account", ACCOUNTS)
def test_a_container_that_is_not_there_says_so(running: Running, account: str) -> None:
    files = files_of(running, account, container="none")
    for ask in (
        lambda: files.list(""),
        lambda: files.put_once("x", b"1"),
        lambda: files.get("x"),
        lambda: files.delete_folder("d"),
        lambda: files.move("a", "b"),
        lambda: files.probe(""),
    ):
        with pytest.raises(HyggeError, match=r"ContainerNotFound|FilesystemNotFound") as failed:
            ask()
        assert "container" in str(failed.value.hint)


# what passes, and what is lost


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(
    running: Running, files: FileSystem, status: int
) -> None:
    fault = wish(running, Kind.REFUSED, status=status, times=2)
    assert files.put_once("a/x", b"1")
    assert fault.met == 2
    for method in ("GET", "HEAD", "PUT"):
        wish(running, Kind.REFUSED, method, status=status)
    assert files.get("a/x") == b"1"
    assert files.info("a/x") is not None
    files.move("a/x", "a/x2")
    assert files.get("a/x2") == b"1"


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.LOST])
def test_what_became_of_it_is_looked_up(running: Running, files: FileSystem, kind: Kind) -> None:
    fault = wish(running, kind)
    assert files.put_once("a/x", b"1")
    wish(running, kind)
    files.move("a/x", "a/x2")
    assert (files.get("a/x"), files.get("a/x2")) == (None, b"1")
    for method in ("DELETE", "POST"):
        wish(running, kind, method)
    files.delete("a/x2")
    assert files.get("a/x2") is None
    assert fault.met == 1


def test_put_once_stays_once_when_the_answer_is_lost(running: Running, files: FileSystem) -> None:
    files.put_once("a/x", b"theirs")
    wish(running, Kind.LOST)
    assert not files.put_once("a/x", b"ours")
    assert files.get("a/x") == b"theirs"


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.LOST])
@pytest.mark.parametrize("after", range(4))
def test_a_large_file_survives_one_broken_wire(
    running: Running, files: FileSystem, kind: Kind, after: int
) -> None:
    files.make_folder("a")
    fault = wish(running, kind, after=after)
    data = b"0123456789abcdef" * 2**20
    sink = files.create("a/x")
    sink.write(data)
    sink.close()
    assert files.get("a/x") == data
    assert fault.met == (after < 3 + files.capabilities.folders)


def test_nobody_there_may_pass(running: Running) -> None:
    files = files_of(running)
    running.service.faults.append(Fault(kind=Kind.REFUSED, status=403))
    with pytest.raises(HomeError, match="AuthorizationFailure") as failed:
        files.get("x")
    assert "firewall" in str(failed.value.hint)


# what others do meanwhile


def test_a_file_that_changes_while_it_is_read(files: FileSystem) -> None:
    files.replace("a/x", b"0" * 6_000_000)
    with files.open("a/x") as file:
        assert file.read(1) == b"0"
        files.replace("a/x", b"1" * 6_000_000)
        file.seek(5_000_000)
        with pytest.raises(SourceChanged):
            file.read(1)


def test_a_folder_that_is_deleted_while_a_file_is_written_does_not_come_back(
    files: FileSystem,
) -> None:
    files.make_folder("a/staging")
    sink = files.create("a/staging/x")
    sink.write(b"late")
    files.delete_folder("a/staging")
    with pytest.raises(StoreError, match="its folder is gone"):
        sink.close()
    assert not files.is_folder("a/staging")
    assert list(files.list()) == []


# directories


def test_a_folder_goes_in_one_call(running: Running, lake: FileSystem) -> None:
    for n in range(20):
        lake.put_once(f"a/b/{n}", b"1")
    running.service.log.clear()
    lake.delete_folder("a/b")
    assert [(asked.method, asked.dfs) for asked in running.service.log] == [("DELETE", True)]
    assert list(lake.folders("a")) == []


def test_a_move_is_one_step(running: Running, lake: FileSystem) -> None:
    lake.put_once("a/100%25 #1?", b"1")
    lake.put_once("b/y", b"old")
    running.service.log.clear()
    lake.move("a/100%25 #1?", "b/y")
    assert [asked.method for asked in running.service.log] == ["PUT"]
    assert lake.get("b/y") == b"1"
    assert lake.capabilities.atomic_move


def test_empty_folders_are_pruned_up_to_the_top(lake: FileSystem) -> None:
    lake.put_once("a/b/c/x", b"1")
    lake.put_once("a/y", b"1")
    lake.prune("a/b/c", "a")
    assert lake.is_folder("a/b/c")
    lake.delete("a/b/c/x")
    lake.prune("a/b/c", "a/b")
    assert list(lake.folders("a")) == []
    assert lake.get("a/y") == b"1"


def test_a_folder_is_known_by_what_is_in_it_too(
    lake: FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library's words may change, and a service may leave the header out that they repeat."""
    lake.put_once("a/b/x", b"1")
    monkeypatch.setattr(azure, "_DIRECTORY", "said in other words")
    assert lake.is_folder("a/b")
    assert lake.is_folder("a")
    assert not lake.is_folder("a/b/x")
    assert not lake.is_folder("a/bb")


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_account_is_what_the_settings_say(running: Running, account: str) -> None:
    right, wrong = account == "lake", account != "lake"
    files = files_of(running, account, hierarchical=right)
    files.probe("a/b")
    assert list(files.list()) == []
    assert list(files.folders("")) == []
    other = "true" if right else "false"
    with pytest.raises(StoreError) as failed:
        files_of(running, account, hierarchical=wrong).probe("a/b")
    assert failed.value.hint == f"`hierarchical: {other}`" or other in str(failed.value.hint)
    assert list(files.list()) == []


def test_no_client_is_pickled(running: Running) -> None:
    files = files_of(running)
    files.move("none", "else")
    files.get("none")
    again = pickle.loads(pickle.dumps(files))
    assert {"store", "_directories"}.isdisjoint(vars(again))
    assert again.settings == files.settings


# what is done once


def test_a_move_whose_answer_was_lost_was_done_once(running: Running, lake: FileSystem) -> None:
    lake.put_once("staging/x", b"ours")
    fault = wish(running, Kind.LOST)
    assert lake.move_once("staging/x", "table/x")
    assert fault.met == 1
    assert lake.get("table/x") == b"ours"
    assert lake.get("staging/x") is None


def test_a_folder_made_anew_while_the_old_one_is_dropped_stays(
    running: Running, lake: FileSystem
) -> None:
    """Between the look at the witness and the deletion."""
    lake.put_once("top/x/_about", b"1")
    witness = lake.info("top/x/_about")
    assert witness is not None
    fault = wish(running, Kind.HELD, "DELETE")
    dropping = threading.Thread(target=lake.drop_folder, args=("top/x", witness))
    dropping.start()
    assert fault.reached.wait(10)
    lake.delete_folder("top/x")
    lake.put_once("top/x/_about", b"2")
    fault.let_go.set()
    dropping.join(10)
    assert lake.get("top/x/_about") == b"2"
