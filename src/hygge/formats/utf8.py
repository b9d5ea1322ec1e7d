"""A file's text as UTF-8, whatever it is written in, as it streams by."""

from __future__ import annotations

import codecs
import io
import re
from typing import BinaryIO

from hygge.core.errors import HomeError
from hygge.formats.format import Source

_CHUNK = 2**20
_LINE_END = re.compile(r"\r\n|\n|\r")


def checked_encoding(name: str) -> str:
    """The encoding's one name. Raises ValueError if Python knows no such text encoding."""
    try:
        known = codecs.lookup(name)
        "".encode(known.name)
    except LookupError:
        raise ValueError(f"no encoding is called {name!r}; utf-8, latin-1, utf-16, …") from None
    return "utf-8" if known.name == "utf-8-sig" else known.name


class Utf8(io.RawIOBase):
    """Reads a file as UTF-8, without its byte order mark. A wrong byte is a UnicodeDecodeError.

    UTF-8 itself passes unchecked: who splits it into values checks it.
    """

    def __init__(self, handle: BinaryIO, encoding: str) -> None:
        super().__init__()
        self._handle = handle
        self._decoder = None if encoding == "utf-8" else codecs.getincrementaldecoder(encoding)()
        self._ready = bytearray()
        self._ended = False
        self.unread(self.read(3).removeprefix(codecs.BOM_UTF8))

    def readable(self) -> bool:
        return True

    def unread(self, data: bytes) -> None:
        """Give bytes back, to be read again next."""
        self._ready[:0] = data

    def read(self, size: int = -1) -> bytes:
        if self._decoder is None and not self._ready and size > 0:
            return self._handle.read(size)
        while not self._ended and (size < 0 or len(self._ready) < size):
            self._ready += self._next(_CHUNK)
        data = bytes(self._ready if size < 0 else self._ready[:size])
        del self._ready[: len(data)]
        return data

    def _next(self, size: int) -> bytes:
        data = self._handle.read(size)
        self._ended = not data
        if self._decoder is None:
            return data
        return self._decoder.decode(data, final=self._ended).encode()


def refuse_wrong_bytes(source: Source, encoding: str) -> None:
    """Raise HomeError naming the line, if the file is not in this encoding. Reads it slowly."""
    decoder = codecs.getincrementaldecoder(encoding)()
    line = 1
    with source.open() as handle:
        while True:
            data, state = handle.read(_CHUNK), decoder.getstate()
            try:
                text = decoder.decode(data, final=not data)
            except UnicodeDecodeError as failed:
                decoder.setstate(state)
                raise HomeError(
                    f"not {encoding}: {failed.reason}",
                    file=source.name,
                    line=line + _lines_before(decoder, data),
                    hint="set `encoding` to what the file is written in, such as latin-1",
                ) from None
            line += len(_LINE_END.findall(text))
            if not data:
                return


def _lines_before(decoder: codecs.IncrementalDecoder, data: bytes) -> int:
    """The lines that end before the first byte that is wrong."""
    text = ""
    for at in range(len(data)):
        try:
            text += decoder.decode(data[at : at + 1])
        except UnicodeDecodeError:
            break
    return len(_LINE_END.findall(text))
