"""Conditions and leases are kept to: on reading, writing, renaming and deleting."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.adls.conftest import Answer, Ask
from tests.servers.adls.server import Running

Put = Callable[..., Answer]
FUTURE, PAST = "Fri, 01 Jan 2999 00:00:00 GMT", "Mon, 01 Jan 2001 00:00:00 GMT"


def test_a_name_is_given_once(put: Put, ask: Ask) -> None:
    assert put("lake/data/x", b"1", If_None_Match="*").status == 201
    again = put("lake/data/x", b"2", If_None_Match="*")
    assert (again.status, again.code) == (409, "BlobAlreadyExists")
    made = ask("PUT", "lake/data/x", "resource=file", If_None_Match="*")
    assert (made.status, made.code) == (409, "PathAlreadyExists")
    assert ask("GET", "lake/data/x").body == b"1"


def test_a_write_on_what_was_seen(put: Put, ask: Ask) -> None:
    old = put("lake/data/x", b"1").etag
    new = put("lake/data/x", b"2", If_Match=old)
    assert new.status == 201
    assert new.etag != old
    late = put("lake/data/x", b"3", If_Match=old)
    assert (late.status, late.code) == (412, "ConditionNotMet")
    gone = put("lake/data/none", b"3", If_Match="*")
    assert (gone.status, gone.code) == (412, "ConditionNotMet")
    assert ask("GET", "lake/data/none").status == 404


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Match": '"other"'}, 412),
        ({"If_Modified_Since": FUTURE}, 304),
        ({"If_Modified_Since": PAST}, 200),
        ({"If_Unmodified_Since": PAST}, 412),
        ({"If_Unmodified_Since": FUTURE}, 200),
    ],
)
def test_a_read_on_condition(put: Put, ask: Ask, headers: dict[str, str], status: int) -> None:
    put("lake/data/x")
    assert ask("GET", "lake/data/x", **headers).status == status
    assert ask("HEAD", "lake/data/x", **headers).status == status


def test_a_read_of_what_is_known(put: Put, ask: Ask) -> None:
    etag = put("lake/data/x").etag
    known = ask("GET", "lake/data/x", If_None_Match=etag)
    assert (known.status, known.body) == (304, b"")
    assert ask("GET", "lake/data/x", If_Match=etag).status == 200


def test_a_delete_on_condition(put: Put, ask: Ask) -> None:
    old = put("lake/data/x").etag
    put("lake/data/x")
    assert ask("DELETE", "lake/data/x", If_Match=old).status == 412
    assert ask("DELETE", "lake/data/x", "recursive=false", If_Match=old).status == 412
    assert ask("GET", "lake/data/x").status == 200


def test_a_rename_on_condition(put: Put, ask: Ask) -> None:
    old = put("lake/data/x", b"new").etag
    put("lake/data/taken", b"old")

    def rename(**more: str) -> tuple[int, str | None]:
        answer = ask("PUT", "lake/data/taken", x_ms_rename_source="/data/x", **more)
        return answer.status, answer.code

    assert rename(If_None_Match="*") == (409, "PathAlreadyExists")
    assert rename(x_ms_source_if_match='"other"') == (412, "ConditionNotMet")
    assert ask("GET", "lake/data/taken").body == b"old"
    assert rename(x_ms_source_if_match=old) == (201, None)
    assert ask("GET", "lake/data/taken").body == b"new"


def lease(ask: Ask, action: str, name: str | None = None, seconds: int | None = None) -> Answer:
    more = {"x_ms_lease_duration": str(seconds)} if seconds else {}
    own = {"x_ms_lease_id": name} if name else {}
    return ask("PUT", "lake/data/x", "comp=lease", x_ms_lease_action=action, **more, **own)


def test_what_is_leased_is_the_holders(put: Put, ask: Ask) -> None:
    put("lake/data/x", b"old")
    name = lease(ask, "acquire", seconds=15).headers["x-ms-lease-id"]
    second = lease(ask, "acquire", seconds=15)
    assert (second.status, second.code) == (409, "LeaseAlreadyPresent")
    for others in (
        put("lake/data/x", b"other"),
        ask("DELETE", "lake/data/x"),
        ask("DELETE", "lake/data/x", "recursive=true"),
        ask("PUT", "lake/data/y", x_ms_rename_source="/data/x"),
        ask("PATCH", "lake/data/x", "action=append&position=3", b"more"),
    ):
        assert (others.status, others.code) == (412, "LeaseIdMissing")
    wrong = put("lake/data/x", b"other", x_ms_lease_id="other")
    assert wrong.code == "LeaseIdMismatchWithBlobOperation"
    assert ask("GET", "lake/data/x").body == b"old"
    assert put("lake/data/x", b"own", x_ms_lease_id=name).status == 201
    assert lease(ask, "release", name).status == 200
    assert put("lake/data/x", b"free").status == 201
    late = put("lake/data/x", b"late", x_ms_lease_id=name)
    assert late.code == "LeaseNotPresentWithBlobOperation"


def test_a_lease_ends(put: Put, ask: Ask, running: Running) -> None:
    account = running.service.accounts["lake"]
    now = account.clock()
    put("lake/data/x")
    name = lease(ask, "acquire", seconds=15).headers["x-ms-lease-id"]
    account.clock = lambda: now + 14
    assert lease(ask, "renew", name, 15).status == 200
    account.clock = lambda: now + 28
    assert put("lake/data/x").status == 412
    account.clock = lambda: now + 30
    assert put("lake/data/x").status == 201
    assert lease(ask, "renew", name).status == 409


def test_a_lease_lasts_a_while_or_for_ever(put: Put, ask: Ask, running: Running) -> None:
    put("lake/data/x")
    assert lease(ask, "acquire", seconds=5).status == 400
    assert lease(ask, "acquire", seconds=-1).status == 201
    account = running.service.accounts["lake"]
    account.clock = lambda: 1e11
    assert put("lake/data/x").status == 412
    assert lease(ask, "break").status == 202
    assert put("lake/data/x").status == 201
