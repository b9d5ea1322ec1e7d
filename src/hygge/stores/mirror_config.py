"""Settings of a table that Fabric mirrors."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from hygge.core.config import Settings, Wrong
from hygge.core.store import StoreConfig
from hygge.filesystems.paths import located
from hygge.mirroring.names import SCHEMA_SUFFIX

GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
ONELAKE: Final = "https://onelake.dfs.fabric.microsoft.com"
_SPELLINGS: Final = {
    "filesystem": "workspace_id",
    "mirror_name": "mirrored_database_id",
    "journal_table_name": "journal_table",
}
_FOUND: Final = "its GUID stands in its URL in Fabric"


def _folder(name: str) -> str:
    """The name, which can be that of a table's or a schema's folder. Raises ValueError."""
    if not name or name[0] == "." or set(name) & set("/\\"):
        raise ValueError("a name without / that does not begin with .")
    if name.lower().endswith(SCHEMA_SUFFIX):
        raise ValueError(f"a name that does not end in {SCHEMA_SUFFIX}: so do folders of schemas")
    return name


class Partner(Settings):
    """Who publishes, as Fabric shows it: `_partnerEvents.json`."""

    name: str = Field(default="hygge", min_length=1, description="Kept the same for ever")
    source_type: str = Field(default="SQL", min_length=1, description="What the rows come from")
    source_version: str = Field(default="", description="Its version")


class OpenMirroringConfig(StoreConfig):
    """Settings of a table in the landing zone of a mirrored database."""

    needs_run_type: ClassVar[bool] = True

    connection: str | None = Field(
        default=None, description="Which of `connections:` to use: one of OneLake, or of ADLS"
    )
    account_url: str = Field(
        default=ONELAKE, description="OneLake's URL, or file:///folder to try it on this machine"
    )
    workspace_id: str | None = Field(default=None, description="The workspace's GUID")
    mirrored_database_id: str | None = Field(
        default=None, description="The mirrored database's GUID"
    )
    schema_name: str | None = Field(
        default=None, alias="schema", description="The table's schema; else the database's default"
    )
    default_schema: str = Field(
        default="dbo", min_length=1, description="The schema of tables without one"
    )
    table: str = Field(
        min_length=1,
        description="Its name, or schema.table; without one, the entity's or the flow's",
    )
    row_marker: Literal[0, 1, 4] | None = Field(
        default=None,
        description="What rows of later loads are marked as: 0 insert, 1 update, 4 upsert; "
        "without it, 4 where there are keys, and 0 where rows are appended",
    )
    file_detection: Literal["sequential", "timestamp"] = Field(
        default="sequential", description="How Fabric finds new files: by number, or by time"
    )
    partner: Partner = Field(default=Partner(), description="Who publishes, as Fabric shows it")
    folder_deletion_wait_seconds: int = Field(
        default=120,
        ge=0,
        le=900,
        description="A full_drop waits so long between dropping the table and making it anew",
    )
    monitoring_url: str | None = Field(
        default="https://api.fabric.microsoft.com",
        description="Where Fabric tells that it has forgotten a dropped table: then the wait is "
        "over; null: nobody is asked",
    )
    mirror_journal: bool = Field(default=False, description="Mirror hygge's own runs as well")
    journal_table: str = Field(
        default="hygge.entity_runs", description="The table of the runs: schema.table"
    )
    loaded_at: bool = Field(default=False, description="Add `__LastLoadedAt__`, in UTC")
    schema_manifest: bool = Field(
        default=False, description="Write the columns into `_schema.json`, too"
    )
    allow_lossy: bool | tuple[str, ...] = Field(
        default=False,
        description="Moments finer than a microsecond are cut off: true, or of which columns",
    )
    target_file_mb: int = Field(default=256, ge=1, le=1024, description="Begin a new file at, MB")
    adopt: bool = Field(
        default=False, description="Take a table that others put there for one of ours"
    )

    @model_validator(mode="before")
    @classmethod
    def _as_meant(cls, data: Any) -> Any:
        given = dict(data)
        for old, new in _SPELLINGS.items():
            if old in given:
                if new in given:
                    raise Wrong(f"`{old}` says `{new}` again", "keep one of them")
                given[new] = given.pop(old)
        table = given.get("table")
        if isinstance(table, str) and "." in table and not {"schema", "schema_name"} & {*given}:
            given["schema"], _, given["table"] = table.rpartition(".")
        return given

    @field_validator("account_url")
    @classmethod
    def _a_place(cls, url: str) -> str:
        if re.match(r"[a-z]+:(?!//)", url):
            raise ValueError("https://…, file:///folder, or a folder")
        return url

    @field_validator("schema_name", "table")
    @classmethod
    def _a_name(cls, name: str | None) -> str | None:
        if name is not None and name.startswith("_"):
            raise ValueError("a name that does not begin with _: Fabric passes those over")
        return name if name is None else _folder(name)

    @field_validator("journal_table")
    @classmethod
    def _a_table(cls, name: str) -> str:
        return ".".join(_folder(part) for part in name.rsplit(".", 1))

    @field_validator("row_marker", mode="before")
    @classmethod
    def _a_number(cls, told: Any) -> Any:
        if isinstance(told, bool):  # which is a number to Python
            raise ValueError("0, 1 or 4")  # noqa: TRY004
        return told

    @field_validator("workspace_id", "mirrored_database_id")
    @classmethod
    def _one_spelling(cls, name: str | None) -> str | None:
        return name.lower() if name is not None and GUID.fullmatch(name) else name

    @model_validator(mode="after")
    def _clear_place(self) -> Self:
        if self.connection is not None and "account_url" in self.model_fields_set:
            raise Wrong("`connection` and `account_url` both say where it is", "keep one of them")
        if self.connection is not None and self.workspace_id and not self.mirrored_database_id:
            raise Wrong("`mirrored_database_id` is needed beside `workspace_id`", _FOUND)
        for key in ("workspace_id", "mirrored_database_id"):
            name = getattr(self, key)
            if name is None and not self.is_local and self.connection is None:
                raise Wrong(f"`{key}` is needed, or a `connection`", _FOUND)
            if name is not None and not GUID.fullmatch(name):
                raise Wrong(f"`{key}` is a GUID, and this is a name", _FOUND)
        return self

    @property
    def is_local(self) -> bool:
        """Whether it lies on this machine's disk, or in its memory."""
        return self.connection is None and not self.account_url.startswith("https://")

    @classmethod
    def for_flow(cls, flow: Mapping[str, Any], name: str) -> dict[str, Any]:
        return {"table": name, **flow}

    @classmethod
    def for_entity(
        cls, flow: Mapping[str, Any], entity: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        return super().for_entity({"table": name, **flow}, entity, name)

    def for_runs(self, source: Callable[[], str]) -> RunsConfig | None:
        """One flow's table is another's in all but its name and its columns."""
        if not self.mirror_journal:
            return None
        schema, _, table = self.journal_table.rpartition(".")
        told = {name: getattr(self, name) for name in OpenMirroringConfig.model_fields}
        told |= {"schema_name": schema or None, "table": table, "mirror_journal": False}
        told |= {"row_marker": None, "allow_lossy": False}
        return RunsConfig.model_construct(**told, source=source)

    def located(self, root: Path) -> Self:
        if self.connection is not None or "://" in self.account_url:
            return self
        return self.model_copy(update={"account_url": located(self.account_url, root)})


class RunsConfig(OpenMirroringConfig):
    """Of the table of hygge's own runs: several journals append to it. `source` is ours."""

    source: Callable[[], str]
