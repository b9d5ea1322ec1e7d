"""`${VAR}` and `${VAR:-default}`: values from the environment and, below it, `.env`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from hygge.core.errors import ConfigError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def variables(root: Path) -> dict[str, str]:
    """The environment laid over the `.env` beside `hygge.yml`. Raises ConfigError."""
    return {**_dotenv(root / ".env"), **os.environ}


def expand(text: str, values: Mapping[str, str]) -> str:
    """The text with its variables filled in; `$${` stays, as `${`.

    A default stands in for a variable that is unset or empty, and may hold variables itself.
    What is filled in is not looked at again. Raises ConfigError naming the variable.
    """
    done, rest = "", text
    while (at := rest.find("${")) >= 0:
        if rest[:at].endswith("$"):
            done, rest = done + rest[: at - 1] + "${", rest[at + 2 :]
            continue
        end = _closing(rest, at + 2)
        done, rest = done + rest[:at] + _value(rest[at + 2 : end], values), rest[end + 1 :]
    return done + rest


def _closing(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ConfigError("a `${` is not closed", hint="`${NAME}` or `${NAME:-default}`")


def _value(inside: str, values: Mapping[str, str]) -> str:
    name, parted, default = inside.partition(":-")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            "what stands in a `${…}` is not a variable's name",
            hint="`${NAME}` or `${NAME:-default}`; `$${` stands for a plain `${`",
        )
    if parted:
        return values.get(name) or expand(default, values)
    if name not in values:
        raise ConfigError(
            f"the variable {name} is not set",
            hint=f"set {name} in the environment or in .env, or write ${{{name}:-default}}",
        )
    return values[name]


def _dotenv(file: Path) -> dict[str, str]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as failed:
        why = failed.strerror if isinstance(failed, OSError) else "it is not UTF-8 text"
        raise ConfigError(f".env cannot be read: {why}", file=file.name) from None
    lines = enumerate(text.split("\n"), start=1)
    return dict(_setting(line, n) for n, line in lines if line.strip() and line.strip()[0] != "#")


def _setting(line: str, number: int) -> tuple[str, str]:
    name, parted, value = line.strip().removeprefix("export ").partition("=")
    if not parted or not _NAME.fullmatch(name.strip()):
        raise ConfigError("this is not NAME=value", file=".env", line=number)
    value = value.strip()
    if value[:1] in ("'", '"'):
        return name.strip(), _quoted(value, number)
    return name.strip(), re.split(r"(?:^|\s)#", value, maxsplit=1)[0].rstrip()


def _quoted(value: str, number: int) -> str:
    mark = value[0]
    found = re.match(r"'([^']*)'" if mark == "'" else r'"((?:[^"\\]|\\.)*)"', value)
    rest = value[found.end() :].strip() if found else ""
    if found is None or (rest and not rest.startswith("#")):
        raise ConfigError("a quoted value does not end with its quote", file=".env", line=number)
    if mark == "'":
        return found[1]
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), found[1])
