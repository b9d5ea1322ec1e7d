"""Reads a YAML file into Marked values: strict, and with `${VAR}` filled into its scalars."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from hygge.core.errors import ConfigError
from hygge.workspace.complaints import Complaints
from hygge.workspace.marked import Marked, Spot
from hygge.workspace.variables import expand

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.SafeLoader):
    """Plain scalars as YAML 1.2 has them: `no`, `22:30`, `2013-01-01` and `007` are text."""


_Loader.yaml_implicit_resolvers = {}
for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]{0,18})", list("-+0123456789")),
    ("float", r"[-+]?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?(0|[1-9][0-9]*)[eE][-+]?[0-9]+", list("-+0123456789")),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", list("-+.")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})$"), _first)


_LOOK: Final = _Loader("")


def read_yaml(file: Path, name: str, values: Mapping[str, str], complaints: Complaints) -> Marked:
    """The file's content; an empty file is an empty mapping. `name` is what errors call it.

    Raises ConfigError for a file that is not YAML; variables that are not set go to `complaints`.
    """
    node = _composed(_text(file, name), name)
    if node is None:
        return Marked({}, Spot(name, 1))
    return _Reader(name, values, complaints).read(node)


def scalar(text: str, spot: Spot) -> Marked:
    """One value as a command line gives it: a YAML scalar, or a list or mapping in brackets."""
    if text[:1] in ("[", "{"):
        node = _composed(text, str(spot))
        made = _Reader(spot.file, {}, Complaints(), spot).read(node) if node else None
        return made or Marked(None, spot)
    return Marked(_value(_plain_tag(text), text), spot)


class _Reader:
    def __init__(
        self,
        file: str,
        values: Mapping[str, str],
        complaints: Complaints,
        spot: Spot | None = None,
    ) -> None:
        self._file, self._values, self._complaints = file, values, complaints
        self._fixed = spot
        self._inside = set[int]()

    def read(self, node: yaml.Node, spot: Spot | None = None) -> Marked:
        spot = spot or self._spot(node)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, spot)
        if id(node) in self._inside:
            raise ConfigError(
                "an alias stands inside what it names", file=spot.file, line=spot.line
            )
        self._inside.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return Marked([self.read(item) for item in node.value], spot)
            return self._mapping(node, spot)
        finally:
            self._inside.discard(id(node))

    def _mapping(self, node: yaml.Node, spot: Spot) -> Marked:
        items, below = dict[str, Marked](), list[Marked]()
        for key_node, value in node.value:
            here = self._spot(key_node)
            if key_node.tag == _TAG + "merge":
                below += self._merged(value, here)
                continue
            key = self._key(key_node, here)
            if key in items:
                raise ConfigError(
                    f"{key!r} is given twice, first in line {items[key].spot.line}",
                    hint="keep one of them",
                    file=here.file,
                    line=here.line,
                )
            items[key] = self.read(value, here)
        made = Marked(items, spot)
        for lower in below:
            made = made.having({**lower.items, **made.items})
        return made

    def _merged(self, value: yaml.Node, spot: Spot) -> list[Marked]:
        made = self.read(value, spot)
        found = made.value if isinstance(made.value, list) else [made]
        if not all(isinstance(item.value, dict) for item in found):
            raise ConfigError(
                "`<<` takes a mapping or a list of them", file=spot.file, line=spot.line
            )
        return found

    def _key(self, node: yaml.Node, spot: Spot) -> str:
        if not isinstance(node, yaml.ScalarNode) or not node.value:
            raise ConfigError("a key must be a plain word", file=spot.file, line=spot.line)
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, spot: Spot) -> Marked:
        if node.tag != _TAG + "str":
            if node.tag != _plain_tag(node.value):
                raise ConfigError(
                    "tags (`!…`) mean nothing here",
                    hint="put a text that begins with ! in quotes",
                    file=spot.file,
                    line=spot.line,
                )
            return Marked(_value(node.tag, node.value), spot)
        text = str(node.value)
        if "${" not in text:
            return Marked(text, spot)
        try:
            return Marked(expand(text, self._values), spot, written=text)
        except ConfigError as error:
            self._complaints.add(error, spot)
            return Marked(text, spot, written=text, lost=True)

    def _spot(self, node: yaml.Node) -> Spot:
        return self._fixed or Spot(self._file, node.start_mark.line + 1)


def _plain_tag(text: str) -> str:
    return str(_LOOK.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]


def _value(tag: str, text: str) -> Any:
    match tag.removeprefix(_TAG):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return int(text)
        case "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _text(file: Path, name: str) -> str:
    try:
        content = file.read_bytes()
    except OSError as failed:
        raise ConfigError(f"the file cannot be read: {failed.strerror}", file=name) from None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as failed:
        line = content.count(b"\n", 0, failed.start) + 1
        raise ConfigError("the file is not UTF-8 text", file=name, line=line) from None


def _composed(text: str, name: str) -> yaml.Node | None:
    try:
        return yaml.compose(text, _Loader)
    except yaml.reader.ReaderError as failed:
        line = text.count("\n", 0, failed.position) + 1
        raise ConfigError("a character that YAML forbids", file=name, line=line) from None
    except yaml.MarkedYAMLError as failed:
        what, hint = _told(failed)
        mark = failed.problem_mark
        line = mark.line + 1 if mark else 1
        if _in_braces(failed) and "${" in text.split("\n")[line - 1]:
            hint = "within { } and [ ] put a `${…}` in quotes"
        raise ConfigError(what, hint=hint, file=name, line=line) from None
    except RecursionError:
        raise ConfigError("the file is nested too deeply", file=name, line=1) from None


def _in_braces(failed: yaml.MarkedYAMLError) -> bool:
    return "flow" in f"{failed.context}{failed.problem}"


def _told(failed: yaml.MarkedYAMLError) -> tuple[str, str | None]:
    """The parser's complaint without the words of the file: they may be a password."""
    problem = failed.problem or "it cannot be read"
    for part, (what, hint) in _KNOWN.items():
        if part in problem or part in (failed.context or ""):
            return what, hint
    return f"this is not YAML: {problem}", None


_KNOWN: Final[Mapping[str, tuple[str, str | None]]] = {
    r"'\t'": ("a tab where YAML wants spaces", "indent with spaces"),
    "undefined alias": (
        "`*` names an anchor that is not there",
        "put a text that begins with * in quotes",
    ),
    "duplicate anchor": ("an anchor (`&…`) is given twice", None),
    "mapping values are not allowed": (
        "a `:` where none can be",
        "see that the line is indented like its neighbours; put a text that holds `: ` in quotes",
    ),
    "single document": ("more than one YAML document", "keep what stands above the `---`"),
    "scanning a quoted scalar": ("a quote is not closed", None),
    "could not find expected ':'": ("a key without its `:`", "write `key: value`"),
    "flow mapping": ("a `{` is not closed, or a `,` is missing", None),
    "flow sequence": ("a `[` is not closed, or a `,` is missing", None),
    "flow node": ("a `[` or `{` is not closed", None),
    "block collection": ("lines that do not belong together", "indent neighbours alike"),
    "block mapping": ("lines that do not belong together", "indent neighbours alike"),
    "cannot start any token": (
        "a text cannot begin like this",
        "put a text that begins with a special character in quotes",
    ),
    "undefined tag handle": ("tags (`!…`) mean nothing here", "put it in quotes"),
}
