"""Object stores under the suite of filesystems."""

from __future__ import annotations

from pathlib import Path

from tests.servers import s3

from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.s3 import S3FileSystem
from hygge.testing.contracts.filesystem import FileSystemContract


class TestS3(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = s3.settings(s3.new_bucket())
        return S3FileSystem.at("", self.settings)[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        return S3FileSystem.at(url, self.settings)
