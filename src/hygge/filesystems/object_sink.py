"""A new object on its way, in parts: nobody sees it before it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import obstore

from hygge.core.errors import HyggeError, StoreError
from hygge.core.inflow import Inflow
from hygge.filesystems.object_errors import told
from hygge.filesystems.sink import DigestingSink

if TYPE_CHECKING:
    from hygge.filesystems.objects import ObjectFileSystem

_PART = 8 * 2**20
_AT_ONCE = 3
"""So many parts are on their way while the next is filled."""


class ObjectSink(DigestingSink):
    """One request for what is small; else parts of 8 MB, of which the last makes one object.

    Parts of what is aborted are taken back. `folder` was made for it: where that is gone in the
    end, the object goes as well.
    """

    def __init__(self, files: ObjectFileSystem, path: str, folder: str | None) -> None:
        super().__init__()
        self._files, self._path, self._folder = files, path, folder
        self._small = bytearray()
        self._inflow: Inflow[Any] | None = None
        self._version: str | None = None

    @property
    def version(self) -> str | None:
        """Of the object, once it is closed."""
        return self._version

    def _put(self, data: memoryview) -> None:
        if self._inflow is not None:
            self._inflow.put(data)
            return
        self._small += data
        if len(self._small) > _PART:
            first, self._small = self._small, bytearray()
            self._inflow = Inflow(bytes, self._send)
            self._inflow.put(first)

    def _make_durable(self) -> None:
        try:
            if self._inflow is not None:
                self._inflow.end()
            else:
                self._send(bytes(self._small))
        except HyggeError:  # the answer may be lost, and the object there: then it is whole
            if not self._is_there():
                raise
        if self._folder is not None and not self._files.was_made(self._folder):
            self._files.delete(self._path)
            raise StoreError("cannot write this file: its folder is gone", file=self._url)

    def _send(self, data: bytes | Iterator[Any]) -> None:
        parts: Any = {}
        if not isinstance(data, bytes):
            parts = {"use_multipart": True, "chunk_size": _PART, "max_concurrency": _AT_ONCE}
        with told(StoreError, "write this file", self._url):
            found = obstore.put(self._files.store, self._path, data, **parts)
        self._version = found["e_tag"]

    def _is_there(self) -> bool:
        """Nobody else writes by this name."""
        with suppress(HyggeError):
            found = self._files.info(self._path)
            if found is not None and found.size == self.size:
                self._version = found.version
                return True
        return False

    @property
    def _url(self) -> str:
        return self._files.url(self._path)

    def _let_go(self) -> None:
        self._small.clear()
        if self._inflow is not None:
            self._inflow.abandon()
