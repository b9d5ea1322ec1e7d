"""Writes `docs/reference/settings.md` from the settings. usage: python tools/reference.py"""

from __future__ import annotations

import types
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from hygge import registry
from hygge.flow.settings import FlowSettings
from hygge.workspace.models import Options, Project

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "settings.md"
HEAD = """\
# Every setting

Made by `python tools/reference.py` from the settings themselves; a test fails when it is stale.
A key that is not on this page is refused, with the nearest one that is.

Relative paths are seen from the folder of `hygge.yml`. `${VAR}` and `${VAR:-default}` are filled in
everywhere. Where one value is enough for a list, it may stand alone: `keys: id`.
"""
END_NOTE = "`type` says which; `home: a/path` and `store: a/path` are short for `path` alone."
FLOW_NOTE = """\
`hygge.yml` may hold these under `defaults`, a flow under `flows`, an entity under `entities`. The
entity's beat the flow's, and the flow's beat the defaults. A flow and an entity also have `home`
and `store`, and may have a `name`. A flow may list `entities`; where the home is a
database, it may say `entities: all` or a pattern (`public.*`) with `exclude`. `key_columns` and
`primary_key` are read as `keys`."""
CONNECTION_NOTE = "Written under a name in `connections`, with `type`; a `url` alone will do, too."
PLACE_NOTE = "Written under a name in `connections`, with `type`; homes and stores give a `path`."
FORMAT_NOTE = (
    "Written beside `path`, or under `options`. What concerns only writing does nothing in a home."
)


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_body()]).rstrip() + "\n"


def _body() -> Iterator[str]:
    yield from _section("## The workspace: `hygge.yml`", Project)
    yield from _section("### `options`", Options)
    yield from _section("## Flows and entities", FlowSettings, FLOW_NOTE)
    for kind in ("homes", "stores"):
        for name, entry in registry.TABLES[kind].items():
            config = registry.Entry(entry).load().Config
            title = f"## `{kind[:-1]}: {{type: {name}}}`"
            note = f"`type: {' | '.join(registry.TABLES['formats'])}` is a table in files, too."
            yield from _section(title, config, f"{END_NOTE} {note}" if name == "files" else "")
    for name, entry in registry.TABLES["databases"].items():
        known = registry.Entry(entry).load().Settings
        yield from _section(f"## Connection `{name}`", known, CONNECTION_NOTE)
    for name, entry in registry.TABLES["filesystems"].items():
        known = registry.Entry(entry).load().Settings
        if known.model_fields:
            yield from _section(f"## Connection `{name}`", known, PLACE_NOTE)
    for name, entry in registry.TABLES["formats"].items():
        options = registry.Entry(entry).load().Options
        yield from _section(f"## Format `{name}`", options, FORMAT_NOTE)


def _section(title: str, model: type[BaseModel], note: str = "") -> Iterator[str]:
    inner = dict[str, type[BaseModel]]()
    yield f"{title}\n"
    if note:
        yield f"{note}\n"
    if not model.model_fields:
        yield "There is nothing to set.\n"
        return
    yield "| key | value | default | |\n| --- | --- | --- | --- |"
    for name, field in model.model_fields.items():
        key = field.alias or name
        inner.update((key, found) for found in _models(field.annotation))
        yield f"| `{key}` | {_type(field.annotation)} | {_default(field)} | {field.description} |"
    yield ""
    above = title.split("`")[1] + "." if title.startswith("####") else ""
    for key, found in inner.items():
        yield from _section(f"#### `{above}{key}`", found)


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _type(annotation: Any) -> str:
    """The type as people say it."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return ", ".join(f"`{part}`" for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(part) for part in parts if part is not type(None))
    if origin is Annotated:
        return _type(parts[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f"`{member.value}`" for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "mapping, see below"
    if origin is tuple:
        inner = _models(annotation)
        return "list of mappings, see below" if inner else f"list of {_type(parts[0])}s"
    words = {
        str: "text",
        SecretStr: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
    }
    return words.get(annotation, "mapping")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*needed*"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None or value == () or value == {} or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f'`"{part}"`' for part in value)
    return f"`{value}`" if value != "" else ""


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
