"""Azure's storage: flat accounts (Blob), and those with directories (ADLS Gen2).

Bytes go by obstore, over the Blob protocol. In an account with a hierarchical namespace a folder is
there by itself, and a move is one step; these go over the DFS protocol.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Self, cast

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import AzureStore

from hygge.connections import azure as who
from hygge.core.config import Settings, validated
from hygge.core.errors import ConfigError, HomeError, StoreError
from hygge.filesystems import objects
from hygge.filesystems.azure_asking import ASKING, advised, with_advice
from hygge.filesystems.azure_directories import Directories
from hygge.filesystems.azure_places import AZURES, FABRIC, AzureSettings, host_of, spelled
from hygge.filesystems.azure_sink import AzureSink
from hygge.filesystems.filesystem import NOTHING, FileInfo, FileSystemCapabilities
from hygge.filesystems.object_errors import told
from hygge.filesystems.object_sink import ObjectSink
from hygge.filesystems.objects import ObjectFileSystem, refuse_no_place

_MARK: Final = "hygge"
_DIRECTORY: Final = "x-ms-resource-type: directory"
"""What obstore says of a directory, where it was asked for a file."""


class AzureFileSystem(ObjectFileSystem):
    """The blobs of one container. Its root is `container@host`."""

    settings: AzureSettings
    Settings: ClassVar[type[Settings]] = AzureSettings

    @classmethod
    def rooted(cls, path: str, settings: AzureSettings) -> tuple[str, str]:
        container, host, inside = spelled(path)
        if host and not AZURES.search(host):
            hint = "https://account.dfs.core.windows.net/container/path"
            raise ConfigError(f"{host} is no account of Azure's storage", hint=hint)
        container, host = container or settings.container or "", host or host_of(settings) or ""
        if not container:
            hint = "abfss://container@account.dfs.core.windows.net/path, or a `container`"
            raise ConfigError(f"which container does {path!r} lie in?", hint=hint)
        if not host:
            hint = "abfss://container@account.dfs.core.windows.net/path, or an `account`"
            raise ConfigError(f"which storage account does {path!r} lie in?", hint=hint)
        for known, found in ((settings.container, container), (host_of(settings), host)):
            if known not in (None, found):
                said = f"{path} does not lie where the connection leads to: {known}"
                raise ConfigError(said, hint="give the path inside the container")
        return f"{container}@{host}", inside

    @property
    def container(self) -> str:
        return self.root.partition("@")[0]

    @property
    def host(self) -> str:
        return self.root.partition("@")[2].partition("/")[0]

    @property
    def account(self) -> str:
        return self.settings.account or self.host.partition(".")[0]

    def url(self, path: str = "") -> str:
        return f"abfss://{self.root}/{path.strip('/')}"

    def made(self) -> Any:
        endpoint = self._endpoint
        plain: Any = {"allow_http": True} if endpoint.startswith("http://") else {}
        named: dict[str, Any] = {"account_name": self.account, "endpoint": endpoint}
        proof = who.proof(self.settings.credential)
        return AzureStore(
            self.container,
            retry_config=objects.RETRY,
            client_options=plain,
            **named,
            **proof,
            **self.within,
        )

    @property
    def _endpoint(self) -> str:
        told = self.settings.endpoint or f"https://{self.host}"
        return told.replace(".dfs.", ".blob.", 1)

    def delta_options(self) -> Mapping[str, str]:
        named = {"azure_storage_account_name": self.account, "azure_endpoint": self._endpoint}
        allowed = {"allow_http": "true"} if self._endpoint.startswith("http://") else {}
        return {**named, **allowed, **who.plain(self.settings.credential)}

    @property
    def within(self) -> dict[str, Any]:
        """The part of the container that is ours, for the library."""
        return {}

    def sink(self, path: str, folder: str | None) -> ObjectSink:
        return AzureSink(self, path, folder)

    def renew(self) -> bool:
        """Show another token the next time; False where there is no other."""
        self.__dict__.pop("store", None)
        return who.renew(self.settings.credential)


class AzureBlobFileSystem(AzureFileSystem):
    """A flat account: folders are what names have in common, a move is a copy and a delete."""

    name: ClassVar[str] = "azure_blob"

    def probe(self, folder: str) -> None:
        """Also that the account is flat: else folders would stay when their files are gone."""
        self.folders(folder)  # its errors tell more than those of looking at a file
        super().probe(folder)
        trial = self.trial(folder)
        self.replace(f"{trial}/file", b"")
        self.delete(f"{trial}/file")
        if trial.rpartition("/")[2] in self.folders(trial.rpartition("/")[0]):
            self.delete(trial)
            told = "this account has a hierarchical namespace"
            raise StoreError(told, folder=self.url(folder), hint="`hierarchical: true`")


class AdlsFileSystem(AzureFileSystem):
    """An account with directories: a folder is there by itself, a move is one step."""

    name: ClassVar[str] = "adls"
    capabilities: ClassVar[FileSystemCapabilities] = FileSystemCapabilities(
        atomic_move=True, folders=True, versions=True, steady=True
    )

    @classmethod
    def at(cls, path: str, settings: Any = NOTHING) -> tuple[Self, str]:
        """Where the path or the settings tell of another kind, that one."""
        kind: Any = super()
        if cls is AdlsFileSystem and spelled(path)[1].endswith(FABRIC):
            from hygge.filesystems.onelake import OneLakeFileSystem

            kind = OneLakeFileSystem
        elif cls is AdlsFileSystem and not validated(AzureSettings, settings).hierarchical:
            kind = AzureBlobFileSystem
        return cast("tuple[Self, str]", kind.at(path, settings))

    @property
    def directories(self) -> Directories:
        if "_directories" not in self.__dict__:
            url = self.settings.endpoint or f"https://{self.host}"
            self._directories = Directories(
                url.replace(".blob.", ".dfs.", 1),
                self.container,
                lambda: who.shown(self.settings.credential, self.account),
            )
        return self._directories

    def __getstate__(self) -> dict[str, Any]:
        return {
            key: value for key, value in super().__getstate__().items() if key != "_directories"
        }

    def full(self, path: str) -> str:
        """The path in the container."""
        return path.strip("/")

    # looking

    def is_folder(self, path: str) -> bool:
        if not path.strip("/"):
            return True
        with told(HomeError, "look at this folder", self.url(path)):
            try:
                obstore.head(self.store, path.strip("/"))
            except FileNotFoundError as failed:  # words that may change are not all we go by
                return _DIRECTORY in str(failed) or super().is_folder(path)
        return False

    def get(self, path: str) -> bytes | None:
        with told(HomeError, "read this file", self.url(path)):
            try:
                return bytes(obstore.get(self.store, path.strip("/")).bytes())
            except FileNotFoundError as failed:
                if _DIRECTORY in str(failed):
                    said = "this is a folder, not a file"
                    raise HomeError(said, file=self.url(path)) from failed
                refuse_no_place(failed)
        return None

    # writing

    def create(self, path: str) -> ObjectSink:
        """The name is taken at once, by an empty file."""
        path = path.strip("/")
        folder = path.rpartition("/")[0]
        made = self.was_made(folder)
        if not (made or self.is_folder(folder)):
            raise StoreError("cannot make this file: its folder is gone", file=self.url(path))
        self._take(path)
        return self.sink(path, folder if made else None)

    def _take(self, path: str) -> None:
        """Make an empty file. A mark tells ours, where the answer is lost and we ask again."""
        mark: Any = {_MARK: secrets.token_hex(8)}
        with told(StoreError, "make this file", self.url(path)):
            try:
                obstore.put(self.store, path, b"", mode="create", attributes=mark)
            except (AlreadyExistsError, PreconditionError) as taken:
                if self.is_folder(path) or not self._has(path, mark):
                    said = "cannot make this file: it is there already"
                    raise StoreError(said, file=self.url(path)) from taken

    def _has(self, path: str, mark: Any) -> bool:
        return bool(obstore.get(self.store, path).attributes.get(_MARK) == mark[_MARK])

    def take_back(self, path: str) -> None:
        self.delete(path)
        self.directories.delete_empty(self.full(path).rpartition("/")[0], self.url(path))

    def put_once(self, path: str, data: bytes) -> bool:
        try:
            return super().put_once(path, data)
        except HomeError:
            if self.is_folder(path):  # it has the name
                return False
            raise

    def move(self, source: str, target: str) -> None:
        self.directories.rename(self.full(source), self.full(target), self.url(target))

    def move_once(self, source: str, target: str) -> bool:
        full, url = self.full(target), self.url(target)
        if self.directories.rename_once(self.full(source), full, url):
            return True
        return self.info(source) is None  # whoever moved it, it is done

    def drop_folder(self, folder: str, witness: FileInfo) -> None:
        """By the folder's own version, taken before the witness is looked at."""
        version = self.directories.version(self.full(folder), self.url(folder))
        if version is not None and self.info(witness.path) == witness:
            self.directories.delete_all(self.full(folder), self.url(folder), version)

    def delete(self, path: str) -> None:
        self.directories.delete(self.full(path), self.url(path))

    def delete_folder(self, folder: str) -> None:
        self.directories.delete_all(self.full(folder), self.url(folder))

    def prune(self, folder: str, top: str) -> None:
        while folder.startswith(top) and self.directories.delete_empty(
            self.full(folder), self.url(folder)
        ):
            folder = folder.rpartition("/")[0]

    def probe(self, folder: str) -> None:
        """Also that the account has directories: else a move would not be one step."""
        self.folders(folder)  # its errors tell more than those of looking at a file
        while folder and not self.is_folder(folder) and self.info(folder) is None:
            folder = folder.rpartition("/")[0]
        super().probe(folder)
        trial = self.trial(folder)
        self.replace(f"{trial}-from", b"")
        try:
            self.move(f"{trial}-from", trial)
        except StoreError as failed:
            hint = failed.hint or "`hierarchical: false`, if the account has no directories"
            raise StoreError(failed.what, folder=self.url(folder), hint=hint) from failed
        finally:
            self.delete(f"{trial}-from")
            self.delete(trial)


for _name in ASKING:
    setattr(AzureFileSystem, _name, advised(getattr(AzureFileSystem, _name)))
with_advice(AdlsFileSystem)
