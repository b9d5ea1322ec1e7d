"""What every FileSystem promises, as tests. Subclass it and give it a fresh, empty filesystem."""

from __future__ import annotations

import pickle
import threading
from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import xxhash

from hygge.core.errors import HomeError, SourceMissing, StoreError, Unsupported
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.locating import locate
from hygge.filesystems.sink import GATHER


class FileSystemContract(ABC):
    """Nothing here knows which filesystem it is."""

    @abstractmethod
    def fresh(self, tmp_path: Path) -> FileSystem:
        """An empty filesystem; nothing of it may outlive the test."""

    def located(self, url: str) -> tuple[FileSystem, str]:
        """What a URL of it leads to."""
        return locate(url)

    @pytest.fixture
    def files(self, tmp_path: Path) -> FileSystem:
        return self.fresh(tmp_path)

    @pytest.fixture
    def needs_folders(self, files: FileSystem) -> None:
        if not files.capabilities.folders:
            pytest.skip("folders are only what names have in common")

    @pytest.fixture
    def needs_steady(self, files: FileSystem) -> None:
        if files.capabilities.steady:
            return
        files.put_once("a/file", b"1")
        witness = files.info("a/file")
        assert witness is not None
        with pytest.raises(Unsupported):
            files.move_once("a/file", "b/file")
        with pytest.raises(Unsupported):
            files.drop_folder("a", witness)
        pytest.skip("it refuses to move or drop what may be another's")

    # writing

    def test_a_file_is_read_as_it_was_written(self, files: FileSystem) -> None:
        chunks = [b"first", b"", b"x" * (GATHER + 1), b"last"]
        files.make_folder("a/b")
        sink = files.create("a/b/file")
        for chunk in chunks:
            assert sink.write(chunk) == len(chunk)
        assert sink.tell() == sink.size == sum(map(len, chunks))
        sink.close()
        whole = b"".join(chunks)
        assert files.get("a/b/file") == whole
        assert sink.digest == xxhash.xxh3_128_hexdigest(whole)
        info = files.info("a/b/file")
        assert info is not None
        assert (info.path, info.size) == ("a/b/file", len(whole))

    def test_whatever_lends_its_bytes_can_be_written(self, files: FileSystem) -> None:
        files.make_folder("a")
        sink = files.create("a/file")
        buffer = bytearray(b"0123")
        sink.write(memoryview(buffer))  # type: ignore[arg-type]
        buffer[:] = b"...."  # the writer may use its buffer again at once
        sink.write(memoryview(b"\x01\x00\x02\x00").cast("H"))  # type: ignore[arg-type]
        sink.close()
        assert files.get("a/file") == b"0123\x01\x00\x02\x00"
        assert sink.size == 8

    def test_an_empty_file_is_a_file(self, files: FileSystem) -> None:
        files.make_folder("a")
        files.create("a/file").close()
        assert files.get("a/file") == b""

    def test_create_never_overwrites(self, files: FileSystem) -> None:
        files.put_once("a/file", b"old")
        with pytest.raises(StoreError, match="there already") as failed:
            files.create("a/file")
        assert files.url("a/file") in str(failed.value)
        assert files.get("a/file") == b"old"

    def test_two_cannot_create_one_file(self, files: FileSystem) -> None:
        files.make_folder("a")
        first = files.create("a/file")
        if files.capabilities.folders:  # else what is not whole is not there
            with pytest.raises(StoreError):
                files.create("a/file")
        first.write(b"first")
        first.close()
        assert files.get("a/file") == b"first"

    @pytest.mark.usefixtures("needs_folders")
    def test_create_never_makes_the_folder(self, files: FileSystem) -> None:
        with pytest.raises(StoreError):
            files.create("gone/file")
        assert not files.is_folder("gone")

    def test_closing_and_aborting_again_is_nothing(self, files: FileSystem) -> None:
        files.make_folder("a")
        sink = files.create("a/kept")
        sink.write(b"kept")
        sink.close()
        sink.close()
        sink.abort()
        assert files.get("a/kept") == b"kept"
        with pytest.raises(ValueError, match="closed"):
            sink.write(b"more")
        dropped = files.create("a/dropped")
        dropped.write(b"half")
        dropped.abort()
        dropped.abort()
        dropped.close()
        assert files.get("a/dropped") in (None, b"", b"half")

    # names made once

    def test_put_once_is_once(self, files: FileSystem) -> None:
        assert files.put_once("a/b/record", b"first")
        assert not files.put_once("a/b/record", b"second")
        assert files.get("a/b/record") == b"first"
        assert [file.path for file in files.list()] == ["a/b/record"]

    def test_one_of_many_puts_it(self, files: FileSystem) -> None:
        gate = threading.Barrier(8)

        def put(n: int) -> bool:
            gate.wait()
            return files.put_once("a/record", b"%d" % n)

        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(put, range(8)))
        assert won.count(True) == 1
        assert files.get("a/record") == b"%d" % won.index(True)
        assert [file.path for file in files.list()] == ["a/record"]

    @pytest.mark.usefixtures("needs_folders")
    def test_put_once_does_not_take_a_folders_name(self, files: FileSystem) -> None:
        files.make_folder("a/b")
        assert not files.put_once("a/b", b"data")
        assert files.is_folder("a/b")

    def test_replace_shows_the_old_or_the_new(self, files: FileSystem) -> None:
        files.replace("a/file", b"0" * 1000)
        done, seen = threading.Event(), set[bytes | None]()

        def look() -> None:
            while not done.is_set():
                seen.add(files.get("a/file"))

        with ThreadPoolExecutor(1) as pool:
            looking = pool.submit(look)
            for n in range(50):
                files.replace("a/file", b"%d" % (n % 10) * (1000 + n))
            done.set()
            looking.result()
        seen.add(files.get("a/file"))
        whole = {b"%d" % (n % 10) * (1000 + n) for n in range(50)} | {b"0" * 1000}
        assert seen <= whole
        assert [file.path for file in files.list()] == ["a/file"]

    # looking

    def test_what_is_not_there(self, files: FileSystem) -> None:
        assert files.get("a/file") is None
        assert files.info("a/file") is None
        assert not files.is_folder("a")
        assert list(files.list("a")) == []
        assert list(files.folders("a")) == []
        with pytest.raises(SourceMissing) as failed:
            files.open("a/file")
        assert files.url("a/file") in str(failed.value)

    @pytest.mark.usefixtures("needs_folders")
    def test_below_a_file_there_is_nothing(self, files: FileSystem) -> None:
        files.put_once("file", b"data")
        assert files.info("file/x") is None
        assert files.get("file/x") is None
        assert not files.is_folder("file")
        with pytest.raises(StoreError):
            files.make_folder("file/x")

    @pytest.mark.usefixtures("needs_folders")
    def test_a_folder_is_no_file(self, files: FileSystem) -> None:
        files.make_folder("a/b")
        assert files.is_folder("a")
        assert files.is_folder("a/b")
        assert files.info("a") is None
        with pytest.raises(HomeError):
            files.get("a")
        with pytest.raises(StoreError):
            files.create("a/b")
        with pytest.raises(StoreError):
            files.delete("a")
        with pytest.raises(StoreError):
            files.replace("a", b"data")
        assert files.is_folder("a/b")

    def test_list_is_sorted_and_goes_to_any_depth(self, files: FileSystem) -> None:
        paths = ["a/1", "a/b/c/2", "a/b.x", "a/b/3", "ab/4", "top", "a/.hidden", "a/_under/5"]
        for path in reversed(paths):
            files.put_once(path, path.encode())
        assert [file.path for file in files.list()] == sorted(paths)
        below = sorted(path for path in paths if path.startswith("a/"))
        assert [file.path for file in files.list("a")] == below
        assert all(file.size == len(file.path) for file in files.list())
        assert list(files.folders("a")) == ["_under", "b"]
        assert list(files.folders("")) == ["a", "ab"]

    def test_a_version_changes_with_the_content(self, files: FileSystem) -> None:
        files.replace("file", b"old")
        old = files.info("file")
        assert old is not None
        assert files.info("file") == old
        assert list(files.list()) == [old]
        files.replace("file", b"new")
        new = files.info("file")
        assert new is not None
        assert (new.size, new.path) == (old.size, old.path)
        assert new.version != old.version

    def test_handles_seek_and_do_not_share_a_place(self, files: FileSystem) -> None:
        files.put_once("file", b"0123456789")
        with files.open("file") as one, files.open("file") as other:
            one.seek(7)
            assert one.read(2) == b"78"
            assert other.read(2) == b"01"
            assert one.seek(-1, 2) == 9
            assert one.read() == b"9"

    def test_a_source_is_what_formats_read(self, files: FileSystem) -> None:
        files.put_once("a/file", b"12345")
        source = files.source("a/file")
        assert (source.name, source.size) == (files.url("a/file"), 5)
        with source.open() as handle:
            assert handle.read() == b"12345"
        assert source.local is None or source.local.read_bytes() == b"12345"
        with pytest.raises(SourceMissing):
            _ = files.source("a/other").size

    # moving and deleting

    def test_a_move_replaces_and_can_be_done_again(self, files: FileSystem) -> None:
        files.put_once("staging/piece", b"new")
        files.put_once("other/piece", b"old")
        for _ in range(2):
            files.move("staging/piece", "other/piece")
            assert files.get("other/piece") == b"new"
            assert files.get("staging/piece") is None

    def test_a_move_makes_the_folder(self, files: FileSystem) -> None:
        files.put_once("staging/piece", b"data")
        files.move("staging/piece", "new/deep/piece")
        assert [file.path for file in files.list()] == ["new/deep/piece"]

    def test_a_move_of_nothing_makes_nothing(self, files: FileSystem) -> None:
        files.move("gone", "new/piece")
        assert not files.is_folder("new")

    @pytest.mark.usefixtures("needs_steady")
    def test_a_move_once_takes_no_name_that_is_taken(self, files: FileSystem) -> None:
        files.put_once("staging/first", b"first")
        files.put_once("staging/second", b"second")
        assert files.move_once("staging/first", "new/deep/piece")
        assert files.move_once("staging/first", "new/deep/piece")  # long moved
        assert not files.move_once("staging/second", "new/deep/piece")
        assert files.get("new/deep/piece") == b"first"
        assert files.get("staging/second") == b"second"
        assert [f.path for f in files.list()] == ["new/deep/piece", "staging/second"]

    @pytest.mark.usefixtures("needs_steady")
    def test_one_of_many_moves_its_own(self, files: FileSystem) -> None:
        for n in range(4):
            files.put_once(f"staging/{n}", b"%d" % n)
        gate = threading.Barrier(4)

        def move(n: int) -> bool:
            gate.wait()
            return files.move_once(f"staging/{n}", "a/piece")

        with ThreadPoolExecutor(4) as pool:
            won = list(pool.map(move, range(4)))
        assert won.count(True) == 1
        assert files.get("a/piece") == b"%d" % won.index(True)
        assert len(list(files.list("staging"))) == 3

    @pytest.mark.usefixtures("needs_steady")
    def test_a_folder_is_dropped_by_what_lies_in_it(self, files: FileSystem) -> None:
        files.put_once("top/table/_about", b"1")
        files.put_once("top/table/deep/file", b"2")
        files.put_once("top/other/file", b"3")
        witness = files.info("top/table/_about")
        assert witness is not None
        for _ in range(2):
            files.drop_folder("top/table", witness)
            assert not files.is_folder("top/table")
        files.put_once("top/table/_about", b"4")  # another folder of this name
        files.drop_folder("top/table", witness)
        assert [f.path for f in files.list()] == ["top/other/file", "top/table/_about"]
        assert list(files.folders("top")) == ["other", "table"]

    def test_deleting_again_is_fine(self, files: FileSystem) -> None:
        files.put_once("a/file", b"1")
        files.put_once("a/kept", b"2")
        files.delete("a/file")
        files.delete("a/file")
        files.delete("no/such/file")
        assert [file.path for file in files.list()] == ["a/kept"]

    def test_deleting_a_folder_takes_all_in_it_and_no_more(self, files: FileSystem) -> None:
        for path in ("a/b/1", "a/b/c/2", "a/bc/3", "a/4"):
            files.put_once(path, b"x")
        files.delete_folder("a/b")
        files.delete_folder("a/b")
        files.delete_folder("no/such")
        assert [file.path for file in files.list()] == ["a/4", "a/bc/3"]
        assert not files.is_folder("a/b")

    @pytest.mark.usefixtures("needs_folders")
    def test_an_empty_folder_is_one(self, files: FileSystem) -> None:
        files.make_folder("a/b/empty")
        assert list(files.folders("a/b")) == ["empty"]
        files.delete_folder("a/b")
        assert not files.is_folder("a/b")
        with pytest.raises(StoreError):
            files.create("a/b/late")

    @pytest.mark.usefixtures("needs_folders")
    def test_a_folder_can_be_made_again(self, files: FileSystem) -> None:
        files.make_folder("a/b")
        files.make_folder("a/b")
        assert list(files.folders("a")) == ["b"]

    def test_sync_takes_any_folder(self, files: FileSystem) -> None:
        files.put_once("a/file", b"1")
        files.sync(["", "a", "a"])
        files.delete_folder("a")
        files.sync(["a"])

    # names

    @pytest.mark.parametrize(
        "name", ["with blank", "ünïcode-表", "100%25 #1?.x", "a=b", "..x", "~"]
    )
    def test_names_mean_themselves(self, files: FileSystem, name: str) -> None:
        path = f"{name}/{name}"
        assert files.put_once(path, b"1")
        assert [file.path for file in files.list(name)] == [path]
        again, inside = self.located(files.url(path))
        assert again.get(inside) == b"1"

    def test_it_pickles(self, files: FileSystem) -> None:
        files.put_once("a/file", b"1")
        again = pickle.loads(pickle.dumps(files))
        assert again.get("a/file") == b"1"
        assert again.url("a/file") == files.url("a/file")

    def test_threads_share_it(self, files: FileSystem) -> None:
        def one(n: int) -> None:
            files.make_folder(f"t/{n % 3}")
            sink = files.create(f"t/{n % 3}/{n}")
            sink.write(b"%d" % n)
            sink.close()
            files.move(f"t/{n % 3}/{n}", f"done/{n:02}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(40)))
        assert [file.path for file in files.list()] == [f"done/{n:02}" for n in range(40)]
        assert all(files.get(f"done/{n:02}") == b"%d" % n for n in range(40))
