"""What Azure's storage says, and what a person can do about it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from obstore.exceptions import UnauthenticatedError

from hygge.core.errors import ConnectionFailed, HyggeError, StoreError
from hygge.filesystems.object_errors import NO_PLACE

_ADVICE: Final = {
    "AuthenticationFailed": "see the account's key, or whether the signature (SAS) has ended",
    "InvalidAuthenticationInfo": "a new token: az login, or see what the credential is made for",
    "NoAuthenticationInformation": "a `credential` for the connection",
    "AuthorizationPermissionMismatch": (
        "the role Storage Blob Data Contributor on the container, or a SAS that may do it"
    ),
    "AuthorizationFailure": "see the account's firewall, and the credential's rights",
    "ContainerNotFound": "see the container's name, or make it",
    "FilesystemNotFound": "see the container's name, or make it",
    "FriendlyNameSupportDisabled": (
        "both workspace and item by name (the item with its type: name.Lakehouse), or both by GUID"
    ),
    "OperationNotAllowedOnThePath": "a folder below the item's Files or Tables",
    "WorkspaceNotFound": "see the workspace's name or GUID, and that you may read it",
    "ArtifactNotFound": "see the item's name or GUID, and that you may read it",
    "HierarchicalNamespaceNotEnabled": "`hierarchical: false`: this account has no directories",
    "BlobOperationNotSupported": "delete this file first: the other API wrote it",
}
_WORD: Final = re.compile(r"[A-Z][A-Za-z]+")
_PASSES: Final = (408, 429, 500, 502, 503, 504)
_ANOTHER: Final = 412
_TRIES: Final = 7
_WAIT: Final = 0.1
_LONGEST: Final = 60.0
T = TypeVar("T")


def advise(failed: HyggeError) -> None:
    """Say what to try, where the service's own code tells it."""
    found = [_ADVICE[word] for word in _WORD.findall(failed.what) if word in _ADVICE]
    if found:
        failed.hint = found[0]


def is_refused_token(failed: BaseException) -> bool:
    """Whether it was a 401: what we showed is no longer taken."""
    cause = failed.__cause__ if isinstance(failed, HyggeError) else failed
    if isinstance(cause, HttpResponseError):
        return bool(cause.status_code == 401)
    return isinstance(cause, UnauthenticatedError) or "401 Unauthorized" in str(cause)


def code_of(failed: HttpResponseError) -> str:
    """The service's word for it; else the status."""
    code = getattr(failed, "error_code", None) or failed.status_code
    return str(getattr(code, "value", code))


def patiently(ask: Callable[[], T]) -> T:
    """Ask again where it may pass, after as long as the service wishes. For what can be done twice.

    Storage's own policy waits neither for 429 nor for what Retry-After says.
    """
    for tried in range(_TRIES):
        try:
            return ask()
        except AzureError as failed:
            passes = not isinstance(failed, HttpResponseError) or failed.status_code in _PASSES
            if not passes or tried == _TRIES - 1:
                raise
            time.sleep(_wish(failed) or _WAIT * 2**tried)
    raise AssertionError("unreachable")


def _wish(failed: AzureError) -> float | None:
    """So many seconds to wait, as the service says."""
    headers = getattr(getattr(failed, "response", None), "headers", {})
    told = str(headers.get("Retry-After", ""))
    return min(float(told), _LONGEST) if told.isdigit() else None


@contextmanager
def gone_is_fine() -> Iterator[None]:
    """That there is no such path; not that there is not even the container."""
    try:
        yield
    except ResourceNotFoundError as failed:
        if code_of(failed) in NO_PLACE:
            raise


@contextmanager
def another_is_fine() -> Iterator[None]:
    """That what was meant, by its version, is there no more."""
    try:
        yield
    except HttpResponseError as failed:
        if failed.status_code != _ANOTHER:
            raise


@contextmanager
def told(doing: str, file: str) -> Iterator[None]:
    """Every error of Microsoft's library as one of ours: StoreError, or ConnectionFailed where it
    may pass."""
    try:
        yield
    except HttpResponseError as failed:
        raise _ours(doing, file, failed) from failed
    except AzureError as failed:  # nobody answered
        what = f"cannot {doing}: {str(failed).partition('(')[0].strip()[:300]}"
        raise ConnectionFailed(what, file=file) from failed


def _ours(doing: str, file: str, failed: HttpResponseError) -> HyggeError:
    said = str(failed.message or failed).partition("\n")[0].strip()
    kind = ConnectionFailed if failed.status_code in _PASSES else StoreError
    return kind(f"cannot {doing}: {code_of(failed)}: {said}", file=file)
