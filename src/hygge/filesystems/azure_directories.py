"""What only Azure's DFS protocol can do: rename in one step, delete a file, or all of a folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from hygge.core.errors import StoreError
from hygge.filesystems.azure_errors import another_is_fine, code_of, gone_is_fine, patiently, told

_NO_PARENT: Final = "RenameDestinationParentPathNotFound"
_TAKEN: Final = (409, 412)
"""Of OneLake, no page says which of the two it answers."""


class Directories:
    """Of one container, by paths in it. `show` tells who we are, anew for each call."""

    def __init__(self, url: str, container: str, show: Callable[[], tuple[Any, Any]]) -> None:
        self._url, self._container, self._show = url, container, show

    @cached_property
    def _service(self) -> Any:
        # a fifth of a small run's memory, and who only reads never needs it
        from azure.storage.filedatalake import DataLakeServiceClient

        credential, _ = self._show()
        return DataLakeServiceClient(self._url, credential=credential, retry_total=0)

    def _file(self, path: str) -> Any:
        return self._service.get_file_client(self._container, path)

    def _more(self) -> dict[str, Any]:
        return {"headers": headers} if (headers := self._show()[1]) else {}

    def close(self) -> None:
        if "_service" in self.__dict__:
            self._service.close()

    def rename(self, source: str, target: str, url: str, **how: Any) -> None:
        """In one step, over what is there. A source that is gone was moved long ago.

        An answer that was lost is no trouble: the library asks again, and hears that it is gone.
        """
        with told("move a file here", url), gone_is_fine():
            try:
                self._rename(source, target, **how)
            except ResourceNotFoundError as failed:
                if code_of(failed) != _NO_PARENT or not self._is_there(source):
                    raise
                self._make(target.rpartition("/")[0])
                self._rename(source, target, **how)

    def rename_once(self, source: str, target: str, url: str) -> bool:
        """As `rename`, but False where the target's name is taken; so it is, too, where an earlier
        answer of ours was lost."""
        try:
            self.rename(source, target, url, match_condition=MatchConditions.IfMissing)
        except StoreError as failed:
            cause = failed.__cause__
            if isinstance(cause, HttpResponseError) and cause.status_code in _TAKEN:
                return False
            raise
        return True

    def _rename(self, source: str, target: str, **how: Any) -> None:
        # the library takes its source for a name with percent signs, its target for a plain one
        patiently(
            lambda: self._file(quote(source)).rename_file(
                f"{self._container}/{target}", **how, **self._more()
            )
        )

    def _is_there(self, path: str) -> bool:
        return bool(patiently(lambda: self._file(path).exists(**self._more())))

    def _make(self, folder: str) -> None:
        client = self._service.get_directory_client(self._container, folder)
        patiently(lambda: client.create_directory(**self._more()))

    def delete(self, path: str, url: str) -> None:
        """A file, or a folder that is empty. That it is gone already is fine."""
        with told("delete this file", url), gone_is_fine():
            patiently(lambda: self._file(path).delete_file(**self._more()))

    def delete_empty(self, folder: str, url: str) -> bool:
        """Whether it is gone; it stays where something is in it."""
        try:
            self.delete(folder, url)
        except StoreError:
            return False
        return True

    def version(self, folder: str, url: str) -> str | None:
        """Of the folder itself, not of what is in it; None where there is none."""
        client = self._service.get_directory_client(self._container, folder)
        with told("look at this folder", url), gone_is_fine():
            return str(patiently(lambda: client.get_directory_properties(**self._more())).etag)
        return None

    def delete_all(self, folder: str, url: str, version: str | None = None) -> None:
        """A folder with all in it, or that of this version. That it is gone already is fine."""
        client = self._service.get_directory_client(self._container, folder)
        only: dict[str, Any] = {}
        if version is not None:
            only = {"etag": version, "match_condition": MatchConditions.IfNotModified}
        with told("delete this folder", url), gone_is_fine(), another_is_fine():
            patiently(lambda: client.delete_directory(**only, **self._more()))
