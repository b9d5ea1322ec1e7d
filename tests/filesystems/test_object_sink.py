"""Objects show once they are whole, and leave nothing behind when they are given up."""

from __future__ import annotations

import random
import re
import urllib.request
from collections.abc import Iterator

import pytest
import xxhash
from tests.servers import s3
from tests.servers.http_proxy import Harm, HttpProxy, Plan, proxy

from hygge.core.errors import HyggeError
from hygge.filesystems.s3 import S3FileSystem

DATA = random.Random(3).randbytes(20_000_000)


def made(bucket: str, **more: object) -> S3FileSystem:
    return S3FileSystem.at("", {**s3.settings(bucket), **more})[0]


def uploads(bucket: str) -> int:
    """Parts that lie about."""
    with urllib.request.urlopen(f"{s3.url()}/{bucket}?uploads") as answer:
        return len(re.findall(b"<Upload>", answer.read()))


@pytest.fixture
def between() -> Iterator[tuple[HttpProxy, str]]:
    with proxy(s3.url()) as found:
        yield found


def test_a_large_object_arrives_in_parts() -> None:
    bucket = s3.new_bucket()
    files = made(bucket)
    files.make_folder("a")
    sink = files.create("a/b")
    for at in range(0, len(DATA), 1_500_000):
        sink.write(DATA[at : at + 1_500_000])
        assert files.info("a/b") is None
    sink.close()
    there = files.info("a/b")
    assert there is not None
    assert (there.size, there.version) == (len(DATA), sink.version)
    assert files.digest("a/b") == sink.digest == xxhash.xxh3_128_hexdigest(DATA)
    assert uploads(bucket) == 0


def test_what_is_given_up_leaves_no_parts() -> None:
    bucket = s3.new_bucket()
    files = made(bucket)
    files.make_folder("a")
    sink = files.create("a/b")
    sink.write(DATA)
    sink.abort()
    assert files.info("a/b") is None
    assert uploads(bucket) == 0


@pytest.mark.parametrize("size", [10, len(DATA)])
def test_an_answer_that_is_lost_does_not_lose_the_object(
    between: tuple[HttpProxy, str], size: int
) -> None:
    wire, url = between
    files = made(s3.new_bucket(), endpoint=url)
    files.make_folder("a")

    def ends_it(method: str, path: str) -> bool:
        return (method == "PUT" and size == 10) or (method == "POST" and "uploadId" in path)

    sink = files.create("a/b")
    wire.arm(Plan(Harm.LOST_REPLY, 1, 1, ends_it))
    sink.write(DATA[:size])
    sink.close()
    assert wire.met
    assert files.digest("a/b") == sink.digest
    there = files.info("a/b")
    assert there is not None
    assert there.version == sink.version


def test_a_part_that_never_arrives_is_told(
    between: tuple[HttpProxy, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wire, url = between
    files = made(s3.new_bucket(), endpoint=url)
    files.make_folder("a")
    sink = files.create("a/b")
    refused = 403, list[tuple[str, str]](), b"<Error><Code>AccessDenied</Code></Error>"
    monkeypatch.setattr(wire, "passed_on", lambda *given: refused)
    with pytest.raises(HyggeError, match="AccessDenied"):  # noqa: PT012 - whichever it is
        sink.write(DATA)
        sink.close()
    monkeypatch.undo()
    assert files.info("a/b") is None


def test_the_folder_that_is_gone_takes_it_along() -> None:
    files = made(s3.new_bucket())
    files.make_folder("a")
    sink = files.create("a/b")
    sink.write(b"late")
    files.delete_folder("a")
    with pytest.raises(HyggeError, match="folder is gone"):
        sink.close()
    assert list(files.list()) == []
