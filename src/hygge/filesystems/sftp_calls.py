"""Calls to an SFTP server: each has a connection of the pool while it lasts."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from paramiko.sftp import SFTP_FAILURE, SFTP_NO_SUCH_FILE

from hygge.connections.loan import Loan
from hygge.connections.pool import Pool, pool_of
from hygge.connections.ssh import SshSettings, connected
from hygge.core.errors import HomeError, StoreError
from hygge.filesystems.sftp_errors import IS_FOLDER, IS_FULL, IS_THERE, told
from hygge.filesystems.sftp_session import Refused, Session, SftpLine
from hygge.filesystems.sftp_tree import is_folder, is_there

T = TypeVar("T")
_FULL: Final = 2**20
"""With less room than this, a refusal is taken for a full disk."""


@dataclass(frozen=True)
class Calls:
    """What is asked of one server. A call within a call would wait for itself: there is none."""

    settings: SshSettings

    @property
    def _pool(self) -> Pool:
        name = f"{self.settings.who}@{self.settings.server}"
        return pool_of(("sftp", self.settings), name, self.settings)

    def _line(self) -> SftpLine:
        return SftpLine(connected(self.settings), self.settings.timeout)

    def asked(self, work: Callable[[Session], T]) -> T:
        """What the server answers. A no does not spoil the connection; all else does."""
        loan = Loan(self._pool)
        try:
            with loan.using(SftpLine, self._line) as line:
                try:
                    return work(line.session)
                except Refused as refused:
                    no = refused
        finally:
            loan.close()
        raise no

    def reading(self, doing: str, url: str, work: Callable[[Session], T]) -> T:
        """What the server answers. What goes wrong is a HomeError."""
        with told(HomeError, doing, url):
            return self.asked(work)

    def writing(
        self, doing: str, url: str, path: str, work: Callable[[Session], T], new: bool = False
    ) -> T:
        """What the server answers. What goes wrong is a StoreError; a refusal is looked into, for
        it tells little. `new`: the name must not be taken."""
        with told(StoreError, doing, url):
            try:
                return self.asked(work)
            except Refused as refused:
                if refused.code not in (SFTP_FAILURE, SFTP_NO_SUCH_FILE):
                    raise
                why = self.asked(lambda session: _why(session, path, new))
                if why is None:
                    raise
                what, hint = why
                raise StoreError(f"cannot {doing}: {what}", file=url, hint=hint) from refused


def _why(session: Session, path: str, new: bool) -> tuple[str, str | None] | None:
    """What stands in the way of a file of this name, as far as can be seen."""
    if is_folder(session, path):
        return IS_FOLDER, None
    above = folder = posixpath.dirname(path)
    while above != "/" and not is_folder(session, above):
        if is_there(session, above):
            return f"{above} is a file, not a folder", "another path, or move the file away"
        above = posixpath.dirname(above)
    if above != folder:
        return "its folder is gone", None
    room = session.free_bytes(above)
    if room is not None and room < _FULL:
        return IS_FULL, f"free some space there ({above}), then run again"
    return (IS_THERE, None) if new and is_there(session, path) else None
