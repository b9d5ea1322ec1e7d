"""What the disk says is always told as ours, also when the disk fails while we look why."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from hygge.core.errors import ConnectionFailed, StoreError
from hygge.filesystems.local_errors import writing


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.EIO, StoreError),
        (errno.ENAMETOOLONG, StoreError),
        (errno.ESTALE, ConnectionFailed),
        (errno.ETIMEDOUT, ConnectionFailed),
    ],
)
def test_a_disk_that_fails_again_when_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    """The folders answer, or nothing does."""
    file = tmp_path / "file"
    answers = Path.stat

    def fail(path: Path, **more: Any) -> os.stat_result:
        if folders_answer and path != file:
            return answers(path, **more)
        raise OSError(number, os.strerror(number), str(path))

    for folders_answer in (True, False):  # noqa: B007 - `fail` looks
        with monkeypatch.context() as patched:
            patched.setattr(Path, "stat", fail)
            with pytest.raises(kind), writing("write", file):
                raise OSError(number, os.strerror(number))


def test_a_name_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="the name is too long"), writing("write", tmp_path / "x"):
        (tmp_path / ("x" * 300)).write_text("")
