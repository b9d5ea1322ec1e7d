"""What the service says no with: a status, a code of Azure's, a sentence."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from tests.servers.adls.asking import Reply


class Refused(Exception):
    """An answer that is an error, as Azure gives it."""

    def __init__(self, status: int, code: str, message: str = "", **headers: str) -> None:
        super().__init__(f"{status} {code}")
        self.status, self.code, self.message = status, code, message or code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def reply(self, dfs: bool) -> Reply:
        if dfs:
            told = json.dumps({"error": {"code": self.code, "message": self.message}})
            kind = "application/json"
        else:
            code, message = escape(self.code), escape(self.message)
            told = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            told, kind = f'<?xml version="1.0" encoding="utf-8"?>{told}', "application/xml"
        headers = {"x-ms-error-code": self.code, "Content-Type": kind, **self.headers}
        return Reply(self.status, b"" if self.status == 304 else told.encode(), headers)


def missing(dfs: bool) -> Refused:
    """There is no such path."""
    return Refused(404, "PathNotFound" if dfs else "BlobNotFound", "The path does not exist.")


def no_container(dfs: bool) -> Refused:
    code = "FilesystemNotFound" if dfs else "ContainerNotFound"
    return Refused(404, code, "The specified container does not exist.")


def there_already(dfs: bool) -> Refused:
    code = "PathAlreadyExists" if dfs else "BlobAlreadyExists"
    return Refused(409, code, "The specified path already exists.")
