"""What an object store says, in words a person can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    PermissionDeniedError,
    UnauthenticatedError,
)

from hygge.core.errors import ConfigError, ConnectionFailed, HomeError, HyggeError, SourceMissing

_CODE = re.compile(r"<Code>(.*?)</Code>")
_MESSAGE = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)
_STATUS = re.compile(r"status code: (\d{3} [A-Za-z ]+)")
_SILENT = re.compile(r"Error performing \w+ (\w+://[^/?\s]+).*error sending request", re.DOTALL)
NO_PLACE = (
    "NoSuchBucket",
    "ContainerNotFound",
    "FilesystemNotFound",
    "FilesystemBeingDeleted",
    "WorkspaceNotFound",
    "ArtifactNotFound",
)
"""There is not even a bucket, a container, a workspace."""
_NOT_US = re.compile(
    r"40[13] |InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|AuthenticationF"
)
_UNSURE = re.compile(r"404 |400 |409 |412 |416 ")
"""Answers that will not be others the next time; all else may pass."""


@contextmanager
def told(kind: type[HyggeError], doing: str, file: str) -> Iterator[None]:
    """Every error of the library as one of ours: `kind`, or SourceMissing or ConnectionFailed where
    it is that."""
    try:
        yield
    except HyggeError:
        raise
    except FileNotFoundError as failed:
        raise _missing(kind, doing, file, str(failed)) from failed
    except InvalidPathError as failed:
        hint = "rename it: no empty parts, no . and .. between two /"
        raise kind(f"cannot {doing}: {_first(failed)}", file=file, hint=hint) from failed
    except (PermissionDeniedError, UnauthenticatedError) as failed:
        raise _denied(kind, doing, file, str(failed)) from failed
    except (BaseError, OSError) as failed:
        raise _ours(kind, doing, file, str(failed)) from failed


@contextmanager
def opening(file: str) -> Iterator[None]:
    """While nobody is asked yet: what is wrong then is in the settings, and will stay so."""
    try:
        yield
    except HyggeError:
        raise
    except (BaseError, OSError, ValueError, TypeError) as failed:
        said = _first(failed).rpartition(" error: ")[2]
        hint = "see the connection's settings, and its credential"
        raise ConfigError(f"cannot open this place: {said}", file=file, hint=hint) from failed


def _missing(kind: type[HyggeError], doing: str, file: str, said: str) -> HyggeError:
    if any(word in said for word in NO_PLACE):
        return kind(f"cannot {doing}: {what(said)}", file=file, hint="see its name, or make it")
    missing = SourceMissing if kind is HomeError else kind
    return missing(f"cannot {doing}: there is no such file", file=file)


def _denied(kind: type[HyggeError], doing: str, file: str, said: str) -> HyggeError:
    hint = "see the credential, and what it may do there: list, read, write, delete"
    return kind(f"cannot {doing}: {what(said)}", file=file, hint=hint)


def _ours(kind: type[HyggeError], doing: str, file: str, said: str) -> HyggeError:
    if any(word in said for word in NO_PLACE):
        return _missing(kind, doing, file, said)
    if _NOT_US.search(said):
        return _denied(kind, doing, file, said)
    if _UNSURE.search(_status(said)):
        return kind(f"cannot {doing}: {what(said)}", file=file)
    if (server := _SILENT.search(said)) is not None:
        hint = "see the `endpoint`, or the account's name, and the network"
        return ConnectionFailed(
            f"cannot {doing}: {server[1]} does not answer", file=file, hint=hint
        )
    return ConnectionFailed(f"cannot {doing}: {what(said)}", file=file)


def _status(said: str) -> str:
    found = _STATUS.search(said)
    return f"{found[1]} " if found else ""


def what(said: str) -> str:
    """The server's own words, out of all that the library tells."""
    code, message = _CODE.search(said), _MESSAGE.search(said)
    if code or message:
        return ": ".join(found[1].strip() for found in (code, message) if found)
    if status := _status(said).strip():
        return status
    return _first(said)


def _first(said: object) -> str:
    """The library's first line; what follows is for its own people."""
    return str(said).partition("\n")[0].strip()[:300]
