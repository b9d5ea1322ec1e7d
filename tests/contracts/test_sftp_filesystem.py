"""SFTP under the suite of filesystems: a folder of a real OpenSSH server."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.servers import sshd

from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.sftp import SftpFileSystem
from hygge.testing.contracts.filesystem import FileSystemContract


@pytest.mark.usefixtures("keeping")
class TestSftp(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = sshd.server().settings()
        return SftpFileSystem.at("", {**self.settings, "folder": str(tmp_path)})[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        return SftpFileSystem.at(url, self.settings)
