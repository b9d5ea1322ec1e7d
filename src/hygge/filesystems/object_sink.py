"""A new object on its way, in parts: nobody sees it before it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import obstore

from hygge.core.errors import HyggeError, StoreError
from hygge.filesystems.object_errors import told
from hygge.filesystems.sink import DigestingSink

if TYPE_CHECKING:
    from hygge.filesystems.objects import ObjectFileSystem

_PART = 8 * 2**20
_AT_ONCE = 3
"""So many parts are on their way while the next is filled."""


class ObjectSink(DigestingSink):
    """Bytes go out in parts of 8 MB; the last makes them one object.

    It takes itself back where the folder that was made for it is gone by then.
    """

    def __init__(self, files: ObjectFileSystem, path: str, folder: str | None) -> None:
        super().__init__()
        self._folder = folder
        self._files, self._path, self._url = files, path, files.url(path)
        self._version: str | None = None
        self._parts: Any = obstore.open_writer(
            files.store, path, buffer_size=_PART, max_concurrency=_AT_ONCE
        )

    @property
    def version(self) -> str | None:
        """Of the object, once it is closed."""
        return self._version

    def _put(self, data: memoryview) -> None:
        with told(StoreError, "write this file", self._url):
            self._parts.write(bytes(data))

    def _make_durable(self) -> None:
        with told(StoreError, "write this file", self._url):
            try:
                self._parts.close()
            except Exception:  # its answer may be lost: asked again, they know of no such parts
                if not self._is_whole():
                    raise
        if (found := self._files.info(self._path)) is None or found.size != self.size:
            raise StoreError("what was written is not there as a whole", file=self._url)
        self._version = found.version
        if self._folder is not None and not self._files.was_made(self._folder):
            self._files.take_back(self._path)
            raise StoreError("cannot write this file: its folder is gone", file=self._url)

    def _is_whole(self) -> bool:
        """Whether it is there after all. Nobody else writes under this name."""
        try:
            found = self._files.info(self._path)
        except HyggeError:  # the first error tells more
            return False
        return found is not None and found.size == self.size > 0

    def _let_go(self) -> None:
        self._parts = None  # without its end it is no object
