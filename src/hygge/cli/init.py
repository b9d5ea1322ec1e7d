"""`hygge init`: a workspace that runs as it is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path, PurePosixPath

import click

from hygge.core.errors import ConfigError, HyggeError

PROJECT = """\
# A hygge workspace. Every table in {flows_dir}/ is moved by `hygge go`.
name: {name}
flows_dir: {flows_dir}

options:
  concurrency: 8      # flows at once
  # memory: 1GB       # bytes in flight in the whole run
  # fail_fast: true   # stop when one flow fails
"""
FLOW = """\
# One table: from where it lives to where it settles. Paths are seen from hygge.yml.
home: data/teas.csv
store: lake/teas

# Or add what is new instead of replacing the table; `hygge go --full-drop` begins it.
# run_type: incremental
# watermark: id             # a column whose value is greater in every new row
"""
DATA = """\
id,name,origin,minutes,grams,picked
1,Sencha,Japan,1.5,100,2024-04-28
2,Darjeeling First Flush,India,2.5,250,2024-03-12
3,Tieguanyin,China,3,50,2024-05-02
4,Assam,India,4,500,2024-06-20
5,Rooibos,South Africa,7,200,2024-02-15
6,Peppermint,Morocco,8,,2024-06-01
7,"Earl Grey, loose",Sri Lanka,3.5,250,2024-01-30
8,Gyokuro,Japan,2,50,2024-05-10
"""
IGNORED = (".hygge/", ".env", "lake/")
_NOT_TEXT = {"true", "false", "null", "yes", "no", "on", "off"}


@click.command()
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@click.option("--name", help="The workspace's name.  [default: the folder's]")
@click.option("--flows-dir", default="flows", show_default=True, help="The folder of the flows.")
@click.option("--force", is_flag=True, help="Write into a folder that holds something already.")
def init(folder: Path, name: str | None, flows_dir: str, force: bool) -> None:
    """Make a workspace in DIR (the current folder by default): hygge.yml, a first flow, and a
    little data, so that `hygge go` works at once."""
    files = contents(folder, name, flows_dir)
    if not force:
        refuse_what_is_there(folder, files)
    try:
        for place, text in files.items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_text(text, encoding="utf-8")
        ignore(folder / ".gitignore")
    except OSError as failed:
        raise HyggeError(
            f"{failed.filename or folder} cannot be written: {failed.strerror}",
            hint="choose a folder that you may write to",
        ) from failed
    here = folder.resolve() == Path.cwd()
    click.echo(f"made a workspace in {folder.resolve()}")
    click.echo("next:")
    for command in ("hygge go --dry-run",) if here else (f"cd {shlex.quote(str(folder))}",):
        click.echo(f"  {command}")
    click.echo("  hygge go")


def contents(folder: Path, name: str | None, flows_dir: str) -> dict[str, str]:
    """Every file of a new workspace, by its path inside it."""
    path = PurePosixPath(flows_dir)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ConfigError(
            f"--flows-dir {flows_dir} is not a folder inside the workspace",
            hint="--flows-dir flows",
        )
    told = {"name": _yaml(name or folder.resolve().name or "hygge"), "flows_dir": _yaml(str(path))}
    return {
        "hygge.yml": PROJECT.format(**told),
        f"{path}/teas/flow.yml": FLOW,
        "data/teas.csv": DATA,
    }


def ignore(file: Path) -> None:
    """See that git leaves out what hygge makes; what the file says already stays."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    missing = [line for line in IGNORED if line not in text.split("\n")]
    if missing:
        parted = "" if not text or text.endswith("\n") else "\n"
        file.write_text(text + parted + "\n".join(missing) + "\n", encoding="utf-8")


def refuse_what_is_there(folder: Path, files: dict[str, str]) -> None:
    """A named folder must be empty or new; the current one may hold what init does not write."""
    here = folder.resolve() == Path.cwd()
    if not here and folder.exists() and not folder.is_dir():
        raise HyggeError(f"{folder} is a file", hint="give a folder's name")
    taken = [place for place in files if (folder / place).exists()]
    if not here and not taken and folder.is_dir():
        taken = sorted(place.name for place in folder.iterdir())
    if taken:
        raise HyggeError(
            f"{folder.resolve()} already holds {', '.join(taken[:4])}",
            hint=f"another folder, or `hygge init {shlex.quote(str(folder))} --force`",
        )


def _yaml(text: str) -> str:
    """The text as YAML reads it back: quoted unless it is a plain word."""
    plain = re.fullmatch(r"[A-Za-z_][\w./-]*", text) and text.lower() not in _NOT_TEXT
    return text if plain else json.dumps(text, ensure_ascii=False)
