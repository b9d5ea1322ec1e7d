"""`new_files`: each file is loaded once, whatever happens."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import obstore
import polars as pl
import pytest
from obstore.store import S3Store
from tests.flow.stage import Stage
from tests.rigs import sftp
from tests.servers import s3

from hygge.connections.named import NamedConnections
from hygge.core.errors import ConfigError, ConnectionFailed, HomeError, SourceChanged
from hygge.core.events import Notice, PartReused
from hygge.core.home import Bound, HomeConfig, ReadRequest
from hygge.core.journal import Status, to_json
from hygge.core.partition import WHOLE, Partition
from hygge.core.watermark import Watermark
from hygge.filesystems.filesystem import FileInfo
from hygge.flow.settings import FlowSettings, RunType
from hygge.homes import file_account
from hygge.homes.file_account import Account, frozen
from hygge.homes.files import FileHome, FileHomeConfig

NEW: dict[str, Any] = {"run_type": "incremental", "new_files": True}
AGAIN: dict[str, Any] = {"run_type": "incremental", "new_files": "again", "keys": "id"}


def home(folder: Path, **more: Any) -> FileHome:
    told = {"type": "csv", "path": str(folder), "partition_mb": 0.000_001, **more}
    config = HomeConfig.create(told)
    assert isinstance(config, FileHomeConfig)
    return FileHome.build(config, sftp.connections(folder) if more else NamedConnections())


class Landing(Stage):
    """A folder that files arrive in."""

    def __init__(self, tmp: Path) -> None:
        super().__init__(tmp)
        self.folder = tmp / "landing"
        self.folder.mkdir()

    def put(self, name: str, *ids: int, word: str = "old") -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        lines = [f"{number},{word} {number}" for number in ids]
        path.write_text("\n".join(["id,word", *lines, ""]))
        return path

    def load(self, made: FileHome | None = None, **settings: Any) -> Any:
        chosen = {**NEW, **settings}
        flow_home = (made or home(self.folder)).following(FlowSettings(**chosen).incremental)
        return self.run(self.flow(flow_home, **chosen))

    @property
    def ids(self) -> list[int]:
        return [int(row[0]) for row in self.rows]

    @property
    def notices(self) -> str:
        return "\n".join(event.text for event in self.told(Notice))


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path)


def test_only_files_that_were_not_read_before(landing: Landing) -> None:
    landing.put("a.csv", 1, 2)
    landing.put("b.csv", 3)
    assert landing.load().rows == 3
    assert landing.load().status is Status.SKIP
    landing.put("c.csv", 1)
    assert landing.load().rows == 1
    assert sorted(landing.ids) == [1, 1, 2, 3], "a file's rows are new, whatever is in them"
    assert landing.load().status is Status.SKIP
    assert not landing.leftovers


def test_a_file_with_an_old_time_and_an_early_name_is_new_all_the_same(landing: Landing) -> None:
    landing.put("b.csv", 1)
    landing.load()
    os.utime(landing.put("a/a.csv", 2), (1, 1))
    assert landing.load().rows == 1


def test_a_changed_file_is_refused_by_name(landing: Landing) -> None:
    landing.put("a.csv", 1)
    landing.load()
    landing.put("a.csv", 1, 2)
    landing.put("b.csv", 3)
    report = landing.load()
    assert isinstance(report.error, HomeError)
    assert "a.csv changed since it was loaded" in str(report.error)
    assert "again" in str(report.error)
    assert landing.ids == [1]
    assert not landing.leftovers


def test_a_changed_file_is_read_again_if_asked(landing: Landing) -> None:
    landing.put("a.csv", 1, 2)
    landing.put("b.csv", 3)
    assert landing.load(**AGAIN).rows == 3
    landing.put("a.csv", 1, 4, word="new")
    assert landing.load(**AGAIN).rows == 2
    assert "a.csv changed since it was loaded: it is read again" in landing.notices
    assert landing.rows == [(1, "new 1"), (2, "old 2"), (3, "old 3"), (4, "new 4")]
    assert landing.load(**AGAIN).status is Status.SKIP


def test_a_flow_that_refused_may_go_on_by_reading_again(landing: Landing) -> None:
    landing.put("a.csv", 1)
    assert landing.load(keys="id").rows == 1
    landing.put("a.csv", 1, 2)
    assert landing.load(keys="id").error is not None
    assert landing.load(**AGAIN).rows == 2


def test_a_file_that_was_away_is_not_loaded_twice(landing: Landing) -> None:
    away = landing.put("a.csv", 1)
    landing.put("b.csv", 2)
    landing.load()
    hidden = away.rename(landing.tmp / "a.csv")
    landing.put("c.csv", 3)
    landing.load()
    hidden.rename(away)
    assert landing.load().status is Status.SKIP
    assert landing.ids == [1, 2, 3]


def test_hidden_files_are_on_their_way_and_come_by_another_name(landing: Landing) -> None:
    landing.put("a.csv", 1)
    on_its_way = landing.put("_b.csv", 2)
    assert landing.load().rows == 1
    on_its_way.rename(landing.folder / "b.csv")
    assert landing.load().rows == 1


class Meddled(FileHome):
    """Something happens once: after the bound was frozen, or after the first batch."""

    after_bound: Callable[[], object] | None = None
    after_batch: Callable[[], object] | None = None

    def bound_after(self, position: str, low: Watermark | None) -> Bound:
        found = super().bound_after(position, low)
        done, Meddled.after_bound = Meddled.after_bound, None
        if done is not None:
            done()
        return found

    def _read(self, *given: Any) -> Iterator[pl.DataFrame]:
        batches = super()._read(*given)
        yield next(batches)
        done, Meddled.after_batch = Meddled.after_batch, None
        if done is not None:
            done()
        yield from batches


def meddled(landing: Landing) -> Meddled:
    made = home(landing.folder)
    return Meddled(made.config)


def test_a_file_that_comes_after_the_bound_is_for_the_next_run(landing: Landing) -> None:
    landing.put("a.csv", 1)
    Meddled.after_bound = lambda: landing.put("b.csv", 2)
    assert landing.load(meddled(landing)).rows == 1
    assert landing.ids == [1]
    assert landing.load().rows == 1
    assert landing.ids == [1, 2]


@pytest.mark.parametrize("when", ["after_bound", "after_batch"])
@pytest.mark.parametrize("parallel", [1, 3])
def test_a_file_that_is_still_written_is_not_half_taken(
    landing: Landing, when: str, parallel: int
) -> None:
    landing.put("a.csv", 1)
    landing.put("b.csv", 2)
    landing.put("c.csv", 5)
    setattr(Meddled, when, lambda: landing.put("b.csv", 2, 3, 4))
    report = landing.load(meddled(landing), parallel=parallel)
    if when == "after_batch":  # of whichever file was read first
        landing.load()
    else:
        assert report.rows == 5
        assert landing.waits, "it was begun anew"
    assert sorted(landing.ids) == [1, 2, 3, 4, 5]
    assert landing.load().status is Status.SKIP
    assert not landing.leftovers


def test_a_file_that_goes_before_it_is_read_is_not_taken_for_read(landing: Landing) -> None:
    landing.put("a.csv", 1)
    hidden = landing.tmp / "b.csv"
    path = landing.put("b.csv", 2)
    Meddled.after_bound = lambda: path.rename(hidden)
    assert landing.load(meddled(landing)).rows == 1
    hidden.rename(path)
    assert landing.load().rows == 1
    assert landing.ids == [1, 2]


class Broken(FileHome):
    """Breaks at the second file, once."""

    broken = False

    async def read(
        self, request: ReadRequest, partition: Partition = WHOLE
    ) -> AsyncGenerator[pl.DataFrame, None]:
        if partition.name == "b.csv" and not Broken.broken:
            Broken.broken = True
            raise ConnectionFailed("broken on purpose")
        async for batch in super().read(request, partition):
            yield batch


def test_what_was_staged_is_gone_on_with(landing: Landing) -> None:
    for number, name in enumerate("abc"):
        landing.put(f"{name}.csv", number)
    Broken.broken = False
    report = landing.load(Broken(home(landing.folder).config))
    assert report.rows == 3
    assert [event.partition for event in landing.told(PartReused)] == ["a.csv"]
    assert landing.ids == [0, 1, 2]
    assert landing.load().status is Status.SKIP


def test_a_load_that_can_not_go_on_is_begun_anew(landing: Landing) -> None:
    for number, name in enumerate("abc"):
        landing.put(f"{name}.csv", number)
    Broken.broken = False
    broken = Broken(home(landing.folder).config)
    assert isinstance(landing.load(broken, retries=0).error, ConnectionFailed)
    landing.put("a.csv", 7, 8, 9)
    assert isinstance(landing.load(retries=0).error, SourceChanged)
    assert landing.load(retries=0).rows == 5
    assert landing.ids == [1, 2, 7, 8, 9]
    assert not landing.leftovers


def test_a_full_load_counts_too(landing: Landing) -> None:
    landing.put("a.csv", 1)
    landing.put("b.csv", 2)
    landing.load()
    landing.put("a.csv", 1, 3)
    assert landing.load(run_type="full_drop").rows == 3
    landing.put("c.csv", 4)
    assert landing.load().rows == 1
    assert landing.ids == [1, 2, 3, 4]


@pytest.mark.parametrize("where", ["sftp", "s3"])
def test_on_other_filesystems(landing: Landing, where: str) -> None:
    if where == "sftp":
        made = home(landing.folder, connection="server", path=".")

        def put(name: str, *ids: int) -> None:
            landing.put(name, *ids)
    else:
        bucket = s3.new_bucket()
        told: Any = {**s3.KEYS, "endpoint": s3.url(), "client_options": {"allow_http": True}}
        eyes = S3Store(bucket, **told)
        named = NamedConnections({"lake": {"type": "s3", **s3.settings(bucket)}})
        config = HomeConfig.create({"type": "csv", "connection": "lake", "path": "in"})
        assert isinstance(config, FileHomeConfig)
        made = FileHome.build(config, named)

        def put(name: str, *ids: int) -> None:
            obstore.put(eyes, f"in/{name}", landing.put(name, *ids).read_bytes())

    put("a.csv", 1)
    assert landing.load(made).rows == 1
    put("b.csv", 2)
    assert landing.load(made).rows == 1
    assert landing.load(made).status is Status.SKIP
    put("a.csv", 1, 3)
    assert "a.csv changed" in str(landing.load(made).error)
    assert landing.ids == [1, 2]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"new_files": True, "watermark": "id"}, "both tell what is new"),
        ({"new_files": True, "incremental": "xmin", "keys": "id"}, "both tell what is new"),
        ({"new_files": "again"}, "keys"),
        ({"new_files": "twice"}, "again"),
    ],
)
def test_what_cannot_be(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        FlowSettings(run_type=RunType.INCREMENTAL, **settings)


@pytest.mark.parametrize("files", [True, "again"])
def test_both_ways_of_writing_are_one(files: Any) -> None:
    position = "new_files" if files is True else "changed_files"
    known: dict[str, Any] = {"run_type": "incremental", "keys": "id"}
    first = FlowSettings(new_files=files, **known)
    assert first == FlowSettings(incremental=position, **known)
    assert (first.position, first.new_files) == ("new_files", files)


def test_other_homes_have_no_files(landing: Landing) -> None:
    report = landing.run(**NEW)
    assert isinstance(report.error, ConfigError)
    assert "cannot tell new rows by 'new_files'" in str(report.error)


# what is remembered


def infos(count: int, first: int = 0) -> dict[str, FileInfo]:
    numbers = range(first, first + count)
    return {f"day={n}/part.csv": FileInfo(f"x/day={n}/part.csv", n, f"{n}-1") for n in numbers}


def test_ten_thousand_files_are_remembered_in_ten_bytes_each() -> None:
    files = infos(10_000)
    mark = frozen(files, None, False, "here").watermark
    assert mark is not None
    again = Account.of(mark)
    assert all(again.has(name, file) for name, file in files.items())
    assert not again.changed(infos(10_100))
    assert list(again.since(Account())) == list(again.files)
    assert len(to_json(mark)) < 126_000
    changed = {n: replace(f, version=f"{f.version}x") for n, f in files.items()}
    assert len(again.changed(changed)) == 10_000


def test_those_that_are_gone_are_forgotten_the_oldest_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(file_account, "REMEMBERED", 10)
    account = Account().and_now(infos(8)).and_now(infos(4, first=8))
    assert len(account.files) == 10
    known = [n for n, (name, file) in enumerate(infos(12).items()) if account.has(name, file)]
    assert known == list(range(2, 12))
    assert len(account.and_now(infos(20, first=100)).files) == 20


def test_what_cannot_be_understood_is_told() -> None:
    with pytest.raises(HomeError, match="nobody can tell"):
        Account.of(Watermark("new_files", "int64", 1, account="\N{SNOWMAN}"))
