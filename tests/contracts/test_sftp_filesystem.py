"""SFTP under the suite of filesystems: a folder of a real OpenSSH server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.servers import sshd

from hygge.connections.pool import keeping_connections
from hygge.filesystems.filesystem import FileSystem
from hygge.filesystems.sftp import SftpFileSystem
from hygge.testing.contracts.filesystem import FileSystemContract


class TestSftp(FileSystemContract):
    def fresh(self, tmp_path: Path) -> FileSystem:
        self.settings = sshd.server().settings()
        return SftpFileSystem.at("", {**self.settings, "folder": str(tmp_path)})[0]

    def located(self, url: str) -> tuple[FileSystem, str]:
        return SftpFileSystem.at(url, self.settings)

    @pytest.fixture(autouse=True)
    def _kept(self) -> Iterator[None]:
        """Connections are used again, as in a run."""
        with asyncio.Runner() as runner:
            keeping = keeping_connections()
            runner.run(keeping.__aenter__())
            yield
            runner.run(keeping.__aexit__(None, None, None))
