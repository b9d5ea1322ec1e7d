"""Google Cloud Storage: where paths lead, who we are, and what others do meanwhile."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from tests.servers import gcs

from hygge.core.errors import ConfigError, HomeError, HyggeError, SourceChanged, StoreError
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.gcs import GcsFileSystem
from hygge.filesystems.locating import locate


def files_of(bucket: str, **more: Any) -> FileSystem:
    return GcsFileSystem.at("", {**gcs.settings(bucket), **more})[0]


@pytest.fixture
def files() -> FileSystem:
    return files_of(gcs.new_bucket())


def test_a_url_leads_into_a_bucket() -> None:
    files, inside = locate("gs://data/a b/x", settings={"credential": {"type": "gcp"}})
    assert isinstance(files, GcsFileSystem)
    assert (files.root, inside, files.url(inside)) == ("data", "a b/x", "gs://data/a b/x")


@pytest.mark.parametrize(
    ("path", "more", "match"),
    [
        ("x", {}, "which bucket"),
        ("gs://other/x", {"bucket": "data"}, "connection's bucket, data"),
        ("gs://data/x", {"credential": {"type": "gcp", "method": "service_account"}}, "key"),
        ("gs://data/x", {"credential": {"type": "gcp", "key": "{}"}}, "key"),
        ("gs://data/x", {"credential": {"type": "aws"}}, "gcp"),
    ],
)
def test_what_leads_nowhere(path: str, more: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        locate(path, "gcs", more)


def test_a_service_account_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "account.json"
    file.write_text(gcs.ACCOUNT)
    credential = {"type": "gcp", "method": "service_account", "key": {"file": str(file)}}
    files = files_of(gcs.new_bucket(), credential=credential)
    assert files.put_once("x", b"1")
    file.unlink()
    with pytest.raises(ConfigError, match="cannot be read"):
        files_of("data", credential=credential).get("x")


def test_a_key_that_is_none_says_so() -> None:
    key = json.dumps({"client_email": "a@b", "private_key": "my secret", "private_key_id": "1"})
    credential = {"type": "gcp", "method": "service_account", "key": key}
    with pytest.raises(HyggeError, match="cannot open this place") as failed:
        files_of("data", credential=credential).get("x")
    assert "my secret" not in str(failed.value)


def test_nobody_may_read_what_is_public(files: FileSystem) -> None:
    files.put_once("a/x", b"1")
    nobody = files_of(
        files.url("").removeprefix("gs://").strip("/"),
        credential={"type": "gcp", "method": "anonymous"},
    )
    assert nobody.get("a/x") == b"1"
    assert [file.path for file in nobody.list("a")] == ["a/x"]


@pytest.mark.parametrize(
    ("bucket", "match"), [("none-such", "NoSuchBucket"), ("denied-to-us", "AccessDenied")]
)
def test_a_bucket_that_is_not_for_us_says_so(bucket: str, match: str) -> None:
    files = files_of(bucket)
    with pytest.raises(StoreError, match=match) as failed:
        files.put_once("x", b"1")
    assert failed.value.hint
    for look in (lambda: files.get("x"), lambda: list(files.list("a"))):
        with pytest.raises(HomeError, match=match):
            look()


def test_a_file_that_changes_while_it_is_read(files: FileSystem) -> None:
    files.replace("x", b"0" * 6_000_000)
    with files.open("x") as file:
        file.read(10)
        files.replace("x", b"1" * 6_000_000)
        file.seek(5_000_000)
        with pytest.raises(SourceChanged):
            file.read(10)


def test_a_large_file_goes_in_parts_and_shows_once_it_is_whole(files: FileSystem) -> None:
    files.make_folder("a")
    sink = files.create("a/x")
    data = b"0123456789abcdef" * 2**20
    sink.write(data)
    assert files.info("a/x") is None
    sink.close()
    found = files.info("a/x")
    assert found is not None
    assert (found.size, found.version) == (len(data), sink.version)
    assert files.digest("a/x") == sink.digest


def test_more_than_a_page(files: FileSystem) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: files.replace(f"a/{n:04}", b""), range(1200)))
    assert [file.path for file in files.list("a")] == [f"a/{n:04}" for n in range(1200)]


def test_the_place_can_be_tried(files: FileSystem) -> None:
    files.probe("a/b")
    assert list(files.list()) == []
