"""Files and directories: writing in both dialects, reading, renaming, copying, deleting."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest
from tests.adls.conftest import Answer, Ask
from tests.servers.adls.server import Running

Put = Callable[..., Answer]


def told(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code


def test_appended_pieces_show_once_they_are_flushed(ask: Ask) -> None:
    assert ask("PUT", "lake/data/d/x", "resource=file").status == 201
    ask("PATCH", "lake/data/d/x", "action=append&position=3", b"def")
    ask("PATCH", "lake/data/d/x", "action=append&position=0", b"abc")
    assert ask("GET", "lake/data/d/x").body == b""
    assert ask("PATCH", "lake/data/d/x", "action=flush&position=6").status == 200
    assert ask("GET", "lake/data/d/x").body == b"abcdef"
    ask("PATCH", "lake/data/d/x", "action=append&position=6&flush=true", b"g")
    assert ask("GET", "lake/data/d/x").body == b"abcdefg"


@pytest.mark.parametrize("length", [3, 5, 9])
def test_a_flush_of_what_has_holes_is_refused(ask: Ask, length: int) -> None:
    ask("PUT", "lake/data/x", "resource=file")
    ask("PATCH", "lake/data/x", "action=append&position=0", b"ab")
    ask("PATCH", "lake/data/x", "action=append&position=3", b"de")
    flush = ask("PATCH", "lake/data/x", f"action=flush&position={length}")
    assert told(flush) == (400, "InvalidFlushPosition")
    assert ask("GET", "lake/data/x").body == b""


def test_lengths_must_be_right(ask: Ask) -> None:
    assert told(ask("PUT", "lake/data/x", "resource=file", b"1")) == (
        400,
        "ContentLengthMustBeZero",
    )
    ask("PUT", "lake/data/x", "resource=file")
    empty = ask("PATCH", "lake/data/x", "action=append&position=0")
    assert told(empty) == (400, "InvalidHeaderValue")
    flush = ask("PATCH", "lake/data/x", "action=flush&position=0", b"1")
    assert told(flush) == (400, "ContentLengthMustBeZero")


def listed(*names: str) -> bytes:
    return f"<BlockList>{''.join(f'<Latest>{n}</Latest>' for n in names)}</BlockList>".encode()


@pytest.mark.parametrize("account", ["lake", "flat"])
def test_blocks_show_once_they_are_listed(ask: Ask, account: str) -> None:
    path = f"{account}/data/d/x"
    for name, data in (("YQ==", b"a"), ("Yg==", b"b"), ("Yw==", b"c")):
        ask("PUT", path, f"comp=block&blockid={quote(name)}", data)
    assert ask("GET", path).status == 404
    assert b"<Name>" not in ask("GET", f"{account}/data", "restype=container&comp=list").body
    assert told(ask("PUT", path, "comp=blocklist", listed("ZA=="))) == (400, "InvalidBlockList")
    assert ask("PUT", path, "comp=blocklist", listed("Yg==", "YQ==")).status == 201
    assert ask("GET", path).body == b"ba"
    ask("PUT", path, f"comp=block&blockid={quote('ZA==')}", b"d")
    assert ask("PUT", path, "comp=blocklist", listed("YQ==", "ZA==")).status == 201
    assert ask("GET", path).body == b"ad"
    assert ask("PUT", path, "comp=blocklist", listed("Yw==")).status == 400  # long forgotten


def test_the_list_of_blocks_keeps_to_conditions(put: Put, ask: Ask) -> None:
    put("lake/data/x", b"first")
    ask("PUT", "lake/data/x", "comp=block&blockid=YQ", b"late")
    late = ask("PUT", "lake/data/x", "comp=blocklist", listed("YQ"), If_None_Match="*")
    assert told(late) == (409, "BlobAlreadyExists")
    assert ask("GET", "lake/data/x").body == b"first"


@pytest.mark.parametrize(
    ("wish", "status", "body", "told"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
    ],
)
def test_ranges(put: Put, ask: Ask, wish: str, status: int, body: bytes, told: str) -> None:
    put("lake/data/x", b"0123456789")
    answer = ask("GET", "lake/data/x", Range=wish)
    assert (answer.status, answer.body, answer.headers["Content-Range"]) == (status, body, told)
    assert ask("GET", "lake/data/x", x_ms_range=wish).body == body


def test_a_range_beyond_the_end_is_refused(put: Put, ask: Ask) -> None:
    put("lake/data/x", b"0123456789")
    assert told(ask("GET", "lake/data/x", Range="bytes=10-11")) == (416, "InvalidRange")


def test_a_directory_is_renamed_with_all_in_it(put: Put, ask: Ask) -> None:
    etag = put("lake/data/a/b/x", b"1").etag
    assert ask("PUT", "lake/data/z", x_ms_rename_source="/data/a").status == 201
    found = ask("GET", "lake/data/z/b/x")
    assert (found.body, found.etag) == (b"1", etag)
    assert ask("HEAD", "lake/data/a").status == 404
    again = ask("PUT", "lake/data/z2", x_ms_rename_source="/data/a")
    assert told(again) == (404, "SourcePathNotFound")


def test_a_rename_needs_a_directory_to_go_to(put: Put, ask: Ask) -> None:
    put("lake/data/x", b"1")
    answer = ask("PUT", "lake/data/no/such/x", x_ms_rename_source="/data/x")
    assert told(answer) == (404, "RenameDestinationParentPathNotFound")
    put("lake/data/full/y")
    answer = ask("PUT", "lake/data/full", x_ms_rename_source="/data/x")
    assert told(answer) == (409, "DestinationPathIsNotEmpty")
    assert ask("GET", "lake/data/x").body == b"1"


def test_a_file_is_no_directory(put: Put, ask: Ask) -> None:
    put("lake/data/d/x")
    assert told(put("lake/data/d")) == (409, "ResourceTypeMismatch")
    assert told(put("lake/data/d/x/y")) == (409, "PathConflict")
    below = ask("PUT", "lake/data/d/x/y", "resource=directory")
    assert told(below) == (409, "PathConflict")
    over = ask("PUT", "lake/data/d", "resource=file")
    assert told(over) == (409, "PathConflict")


def test_what_is_in_use_is_not_deleted_by_the_way(put: Put, ask: Ask) -> None:
    put("lake/data/d/x")
    assert told(ask("DELETE", "lake/data/d")) == (409, "DirectoryIsNotEmpty")
    plain = ask("DELETE", "lake/data/d", "recursive=false")
    assert told(plain) == (409, "DirectoryNotEmpty")
    assert ask("DELETE", "lake/data/d", "recursive=true").status == 200
    assert ask("HEAD", "lake/data/d/x").status == 404
    assert told(ask("DELETE", "lake/data/d", "recursive=true")) == (404, "PathNotFound")


def test_an_empty_directory_stays(put: Put, ask: Ask) -> None:
    put("lake/data/d/x")
    ask("DELETE", "lake/data/d/x")
    assert ask("HEAD", "lake/data/d").headers["x-ms-resource-type"] == "directory"
    put("flat/data/d/x")
    ask("DELETE", "flat/data/d/x")
    assert ask("HEAD", "flat/data/d").status == 404


def test_in_a_flat_account_a_key_is_only_a_text(put: Put, ask: Ask) -> None:
    for key in ("a", "a/b", "a//c", "a/"):
        assert put(f"flat/data/{key}", key.encode()).status == 201
    for key in ("a", "a/b", "a//c", "a/"):
        assert ask("GET", f"flat/data/{key}").body == key.encode()
    rename = ask("PUT", "flat/data/z", x_ms_rename_source="/data/a")
    assert told(rename) == (400, "HierarchicalNamespaceNotEnabled")


@pytest.mark.parametrize("account", ["lake", "flat"])
def test_a_copy_is_another(put: Put, ask: Ask, running: Running, account: str) -> None:
    put(f"{account}/data/x", b"1")
    source = f"{running.url}/{account}/data/x"
    assert ask("PUT", f"{account}/data/d/y", x_ms_copy_source=source).status == 202
    put(f"{account}/data/x", b"2")
    assert ask("GET", f"{account}/data/d/y").body == b"1"
    once = ask("PUT", f"{account}/data/d/y", x_ms_copy_source=source, If_None_Match="*")
    assert once.status == 409
    gone = ask("PUT", f"{account}/data/z", x_ms_copy_source=f"{source}gone")
    assert gone.status == 404


def test_what_is_not_there(ask: Ask) -> None:
    assert told(ask("GET", "lake/none/x")) == (404, "ContainerNotFound")
    assert told(ask("HEAD", "lake/none", "resource=filesystem")) == (404, "FilesystemNotFound")
    assert told(ask("GET", "lake/data/x")) == (404, "BlobNotFound")
    assert told(ask("HEAD", "lake/data/x", "action=getStatus")) == (404, "PathNotFound")
    assert told(ask("GET", "none/data/x")) == (404, "ResourceNotFound")


def test_nothing_lies_outside(ask: Ask, put: Put) -> None:
    assert put("lake/data/../../x").status == 400
    assert put("lake/data/%2e%2e/x").status == 400


def test_a_container_is_made_once(ask: Ask) -> None:
    assert ask("PUT", "lake/more", "restype=container").status == 201
    again = ask("PUT", "lake/more", "resource=filesystem")
    assert told(again) == (409, "FilesystemAlreadyExists")
    head = ask("HEAD", "lake/more", "resource=filesystem")
    assert head.headers["x-ms-namespace-enabled"] == "true"
    assert b"<Name>more</Name>" in ask("GET", "lake", "comp=list").body
    assert ask("DELETE", "lake/more", "restype=container").status == 202
    assert ask("HEAD", "lake/more", "restype=container").status == 404
