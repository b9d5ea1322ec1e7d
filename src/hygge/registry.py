"""Which class answers to which name. Reads in one look, imports nothing until asked.

A plugin joins the same tables by an entry point (`hygge.homes`, `hygge.stores`, `hygge.databases`,
`hygge.formats`, `hygge.filesystems`), or needs none: `type: my_pkg.homes:MyHome` works as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoints, entry_points
from typing import Any, Literal

Kind = Literal["homes", "stores", "databases", "formats", "filesystems", "journals"]

TABLES: dict[Kind, dict[str, str]] = {
    "homes": {
        "delta": "hygge.homes.delta:DeltaHome",
        "files": "hygge.homes.files:FileHome",
        "memory": "hygge.homes.memory:MemoryHome",
        "sql": "hygge.homes.sql:SqlHome",
    },
    "stores": {
        "delta": "hygge.stores.delta:DeltaStore",
        "files": "hygge.stores.files:FileStore",
        "memory": "hygge.stores.memory:MemoryStore",
        "open_mirroring": "hygge.stores.open_mirroring:OpenMirroringStore",
        "sql": "hygge.stores.sql:SqlStore",
    },
    "databases": {
        "duckdb": "hygge.databases.duckdb:Duckdb",
        "mssql": "hygge.databases.mssql:Mssql",
        "mysql": "hygge.databases.mysql:Mysql",
        "postgres": "hygge.databases.postgres:Postgres",
        "sqlite": "hygge.databases.sqlite:Sqlite",
    },
    "formats": {
        "parquet": "hygge.formats.parquet:Parquet",
        "csv": "hygge.formats.csv:Csv",
        "ndjson": "hygge.formats.ndjson:Ndjson",
        "arrow": "hygge.formats.arrow:Arrow",
    },
    "filesystems": {
        "adls": "hygge.filesystems.azure:AdlsFileSystem",
        "azure_blob": "hygge.filesystems.azure:AzureBlobFileSystem",
        "gcs": "hygge.filesystems.gcs:GcsFileSystem",
        "local": "hygge.filesystems.local:LocalFileSystem",
        "memory": "hygge.filesystems.memory:MemoryFileSystem",
        "onelake": "hygge.filesystems.onelake:OneLakeFileSystem",
        "s3": "hygge.filesystems.s3:S3FileSystem",
        "sftp": "hygge.filesystems.sftp:SftpFileSystem",
    },
    "journals": {
        "memory": "hygge.journal.memory:MemoryJournal",
        "sqlite": "hygge.journal.sqlite:SqliteJournal",
    },
}

SUFFIXES = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv",),
    "ndjson": (".ndjson", ".jsonl"),
    "arrow": (".arrow", ".feather", ".ipc"),
}
"""Our formats' file names end so, told without importing them. A writer takes the first."""

SCHEMES = {
    "abfs": "adls",
    "abfss": "adls",
    "az": "adls",
    "file": "local",
    "gs": "gcs",
    "https": "adls",
    "memory": "memory",
    "s3": "s3",
    "sftp": "sftp",
}
"""URL scheme → filesystem. A path without a scheme is local."""

EXTRAS = {"adls": "azure", "azure_blob": "azure", "onelake": "azure"}
"""What to install for a filesystem, where that has another name."""

DATABASE_SCHEMES = {
    "duckdb": "duckdb",
    "mariadb": "mysql",
    "mssql": "mssql",
    "mysql": "mysql",
    "postgres": "postgres",
    "postgresql": "postgres",
    "sqlite": "sqlite",
    "sqlserver": "mssql",
}
"""URL scheme → database."""

DATABASE_FILES = frozenset({"duckdb", "sqlite"})
"""Those that are a file each."""


class UnknownName(LookupError):
    """Nothing of this kind answers to this name."""

    def __init__(self, kind: Kind, name: str, known: list[str]) -> None:
        super().__init__(f"no {kind[:-1]} is called {name!r}")
        self.kind, self.name, self.known = kind, name, known


class DuplicateName(LookupError):
    """Two packages offer the same name."""


@dataclass(frozen=True)
class Entry:
    """A class by its place, and the settings that the name it was found by stands for."""

    target: str
    settings: dict[str, str] = field(default_factory=dict)

    def load(self) -> Any:
        module, _, name = self.target.partition(":")
        return getattr(import_module(module), name)


def table(kind: Kind) -> dict[str, str]:
    """Every name of a kind, ours and the plugins'. Raises DuplicateName."""
    names = dict(TABLES[kind])
    for entry in _plugins(kind):
        if names.get(entry.name, entry.value) != entry.value:
            raise DuplicateName(f"{entry.value} and {names[entry.name]} both offer {entry.name!r}")
        names[entry.name] = entry.value
    return names


@cache
def _plugins(kind: Kind) -> EntryPoints:
    """What the installed packages offer: found once, for looking takes milliseconds."""
    return entry_points(group=f"hygge.{kind}")


def find(kind: Kind, name: str) -> Entry:
    """The entry of exactly this kind. Raises UnknownName."""
    if ":" in name:
        return Entry(name)
    names = table(kind)
    if name not in names:
        raise UnknownName(kind, name, sorted(names))
    return Entry(names[name])


def format_of(name: str) -> str | None:
    """The format that a file's name tells, plugins' formats among them; None: none we know."""
    plain = name.lower()
    for known, ends in suffixes().items():
        if plain.endswith(ends):
            return known
    return None


@cache
def suffixes() -> dict[str, tuple[str, ...]]:
    """How the names of each format's files end."""
    return {
        name: SUFFIXES.get(name) or find("formats", name).load().suffixes
        for name in table("formats")
    }


def resolve(kind: Literal["homes", "stores"], name: str) -> Entry:
    """What `type: name` means. In this order: home or store, database, format, filesystem.

    Raises UnknownName with every name that would have been right.
    """
    if ":" in name or name in table(kind):
        return find(kind, name)
    if name in table("databases"):
        return Entry(table(kind)["sql"], {"database": name})
    if name in table("formats"):
        return Entry(table(kind)["files"], {"format": name})
    if name in table("filesystems"):
        return Entry(table(kind)["files"], {"filesystem": name, "format": "parquet"})
    kinds: tuple[Kind, ...] = (kind, "databases", "formats", "filesystems")
    raise UnknownName(kind, name, sorted({known for k in kinds for known in table(k)}))
