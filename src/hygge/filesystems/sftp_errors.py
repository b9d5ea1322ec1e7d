"""What an SFTP server says, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from paramiko import SSHException
from paramiko.sftp import (
    SFTP_BAD_MESSAGE,
    SFTP_FAILURE,
    SFTP_NO_SUCH_FILE,
    SFTP_OP_UNSUPPORTED,
    SFTP_PERMISSION_DENIED,
    SFTPError,
)

from hygge.core.errors import ConnectionFailed, HomeError, HyggeError, SourceMissing
from hygge.filesystems.sftp_session import Refused

_MEANING: dict[int, tuple[str, str | None]] = {
    SFTP_NO_SUCH_FILE: ("there is no such file or folder", "see its path, from the server's root"),
    SFTP_PERMISSION_DENIED: ("permission denied", "give this user the rights there"),
    SFTP_BAD_MESSAGE: ("the server does not take this name", "use a shorter, plainer name"),
    SFTP_OP_UNSUPPORTED: ("the server cannot do that", "another server; OpenSSH can"),
    SFTP_FAILURE: (
        "the server refuses, and does not say why",
        "see its log, and whether its disk is full",
    ),
}
IS_THERE = "this is there already"
IS_FOLDER = "this is a folder, not a file"
IS_FULL = "the server's disk is full"


@contextmanager
def told(kind: type[HyggeError], doing: str, file: str) -> Iterator[None]:
    """Every error of the connection and of the server as one of ours."""
    try:
        yield
    except HyggeError:
        raise
    except Refused as refused:
        raise translate(refused, kind, doing, file) from refused
    except (SSHException, SFTPError, EOFError, OSError) as failed:
        said = str(failed) or type(failed).__name__
        lost = f"cannot {doing}: the connection broke: {said}"
        raise ConnectionFailed(lost, file=file, hint="run again; see the network") from failed


def translate(refused: Refused, kind: type[HyggeError], doing: str, file: str) -> HyggeError:
    """The server's no as ours: `kind`, or SourceMissing where it is that."""
    meaning, hint = _MEANING.get(refused.code, (str(refused), None))
    if refused.code == SFTP_NO_SUCH_FILE and kind is HomeError:
        kind = SourceMissing
    return kind(f"cannot {doing}: {meaning}", file=file, hint=hint)
