"""A new blob on its way. A token that is refused meanwhile is no reason to give up for good."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hygge.core.errors import ConnectionFailed, HyggeError
from hygge.filesystems.azure_errors import advise, is_refused_token
from hygge.filesystems.object_sink import ObjectSink

if TYPE_CHECKING:
    from hygge.filesystems.azure import AzureFileSystem


class AzureSink(ObjectSink):
    """Its parts go out under one token; with the next try comes another."""

    def __init__(self, files: AzureFileSystem, path: str, folder: str | None) -> None:
        super().__init__(files, path, folder)
        self._azure = files

    def _put(self, data: memoryview) -> None:
        with self._may_renew():
            super()._put(data)

    def _make_durable(self) -> None:
        with self._may_renew():
            super()._make_durable()

    @contextmanager
    def _may_renew(self) -> Iterator[None]:
        try:
            yield
        except HyggeError as failed:
            advise(failed)
            if is_refused_token(failed) and self._azure.renew():
                raise ConnectionFailed(failed.what, file=self._url) from failed
            raise
