"""One request as it came, and what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Reply:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None  # of what a HEAD tells, but does not send


@dataclass(frozen=True)
class Request:
    """`path` is as it was sent, percent signs and all; `words` is what it means."""

    method: str
    path: str
    headers: Message
    body: bytes = b""

    @property
    def words(self) -> list[str]:
        """Account, container, and the key's parts."""
        path = urlsplit(self.path).path.removeprefix("/")
        return [unquote(word) for word in path.split("/", 2) if word]

    @property
    def account(self) -> str:
        return self.words[0] if self.words else ""

    @property
    def container(self) -> str:
        return self.words[1] if len(self.words) > 1 else ""

    @property
    def key(self) -> str:
        return self.words[2] if len(self.words) > 2 else ""

    @property
    def query(self) -> dict[str, str]:
        told = parse_qsl(urlsplit(self.path).query, keep_blank_values=True)
        return {name.lower(): value for name, value in told}

    def flag(self, name: str) -> bool:
        return self.query.get(name, "").lower() == "true"

    def header(self, name: str) -> str | None:
        found = self.headers.get(name)
        return None if found is None else str(found)

    @property
    def dfs(self) -> bool:
        """Which of the two dialects it speaks."""
        signs = {"resource", "action", "recursive"} & {*self.query}
        renames = self.header("x-ms-rename-source") is not None
        return bool(signs) or renames or self.method == "PATCH"
