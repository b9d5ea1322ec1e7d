"""Object stores under the suite of filesystems."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from tests.servers import azurite, gcs, s3
from tests.servers.adls import shared as adls

from hygge.filesystems.azure import AdlsFileSystem, AzureBlobFileSystem
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.gcs import GcsFileSystem
from hygge.filesystems.onelake import OneLakeFileSystem
from hygge.filesystems.s3 import S3FileSystem
from hygge.testing.contracts.filesystem import FileSystemContract


class TestS3(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = s3.settings(s3.new_bucket())
        return S3FileSystem.at("", self.settings)[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        return S3FileSystem.at(url, self.settings)


class TestAdls(FileSystemContract):
    account: ClassVar[str] = "lake"
    kind: ClassVar[type[FileSystem]] = AdlsFileSystem

    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = adls.settings(self.account, adls.new_container(self.account))
        return self.kind.at("", self.settings)[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        return self.kind.at(url, self.settings)


class TestFlatAzure(TestAdls):
    account, kind = "flat", AzureBlobFileSystem


class TestAzurite(FileSystemContract):
    """A second opinion on flat accounts, by Microsoft's own emulator."""

    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = azurite.settings(azurite.new_container())
        return AzureBlobFileSystem.at("", self.settings)[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        return AzureBlobFileSystem.at(url, self.settings)


class _InFiles(OneLakeFileSystem):
    """With its root in the item's Files, where all that a suite writes is allowed."""

    @property
    def within(self) -> dict[str, Any]:
        return {"prefix": f"{self.item}/Files"}

    def full(self, path: str) -> str:
        return f"{self.item}/Files/{path.strip('/')}"

    def url(self, path: str = "") -> str:
        return super().url(f"Files/{path}")


class TestOneLake(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = adls.onelake_settings(*adls.new_item())
        return _InFiles.at("Files/x", self.settings)[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        files, inside = _InFiles.at(url, self.settings)
        return files, inside.removeprefix("Files/")


class TestGcs(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = gcs.settings(gcs.new_bucket())
        return GcsFileSystem.at("", self.settings)[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        return GcsFileSystem.at(url, self.settings)
