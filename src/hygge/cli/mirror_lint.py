"""`hygge mirror lint`: does a landing zone keep the rules of Open Mirroring?"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hygge.cli.exit_codes import ExitCode
from hygge.core.errors import ConfigError

if TYPE_CHECKING:
    from hygge.mirroring.lint import Limits
    from hygge.mirroring.report import Report
    from hygge.mirroring.rules.rule import Finding
    from hygge.mirroring.state import ZoneState

SHOWN = 50
"""So many findings of one table are told; --json has them all."""


@click.command()
@click.argument("where", metavar="PATH")
@click.option("--strict", is_flag=True, help="Where the documentation is silent, be strict.")
@click.option(
    "--state",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="What the service has taken so far: the mirror's, or a hygge journal.",
)
@click.option(
    "--journal",
    "journals",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="What a writer has published: its journal, or as --state.  [repeatable]",
)
@click.option("--source-id", metavar="COLUMN", help="Names a row, even under another key.")
@click.option("--default-schema", default="dbo", metavar="NAME", help="By default dbo.")
@click.option(
    "--limit",
    "limits",
    multiple=True,
    metavar="NAME=NUMBER",
    help="When something is too much.  [repeatable]",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--verbose", is_flag=True, help="Show tracebacks.")
def lint(
    where: str,
    strict: bool,
    state: Path | None,
    journals: tuple[Path, ...],
    source_id: str | None,
    default_schema: str,
    limits: tuple[str, ...],
    as_json: bool,
    verbose: bool,
) -> ExitCode:
    """Check a landing zone by the rules of Open Mirroring: its folders, metadata and files.

    PATH is a folder, a URL, or a connection of the workspace (with the path in it, if it is not
    Files/LandingZone). The folder of the mirrored database will do. Nothing is written. Exits with
    1 if there are errors.
    """
    from hygge.cli.mirror_journal import is_journal, published, taken
    from hygge.cli.mirror_place import place, state_in
    from hygge.mirroring.lint import lint as every_rule

    files, path = place(where)

    def told(file: Path, ours: Callable[..., ZoneState]) -> ZoneState:
        return ours(file, files, path) if is_journal(file) else state_in(file)

    report = every_rule(
        files,
        path,
        state=told(state, taken) if state else None,
        strict=strict,
        journals=[told(file, published) for file in journals],
        limits=_limits(limits),
        default_schema=default_schema,
        source_id=source_id,
    )
    if as_json:
        click.echo(json.dumps(report.as_dict(), ensure_ascii=False))
    else:
        click.echo("\n".join(_text(report)))
    return ExitCode.OK if report.ok else ExitCode.FAILED


def _limits(given: Iterable[str]) -> Limits:
    from hygge.core.config import nearest
    from hygge.mirroring.lint import Limits

    known, found = Limits.known(), dict[str, float]()
    for text in given:
        name, _, number = text.partition("=")
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near}?" if near else f"known: {', '.join(known)}"
            raise ConfigError(f"--limit {name}: there is no such limit", hint=hint)
        try:
            found[name] = known[name](number)
        except ValueError:
            hint = f"--limit {name}=10"
            raise ConfigError(f"--limit {text}: {number!r} is no number", hint=hint) from None
    return Limits(**found)  # type: ignore[arg-type]


def _text(report: Report) -> Iterator[str]:
    from hygge.watch.summary import near

    yield f"looked at {near(report.zone)}"
    by_table = [list(group) for _, group in groupby(report.shown, key=lambda one: one.table)]
    by_table.sort(key=lambda group: (group[0].severity, group[0].table))
    for found in by_table:
        yield ""
        yield from _of_table(found)
    if report.unchecked and (report.strict or report.shown):  # all well: their number will do
        yield ""
        yield from _not_checked(report)
    yield ""
    yield _summary(report)


def _of_table(found: Sequence[Finding]) -> Iterator[str]:
    """The gravest first; what is wrong with many files is told once."""
    from hygge.watch.colours import Colour, paint
    from hygge.watch.story import clean

    yield clean(found[0].table) or "the landing zone"
    alike: dict[tuple[object, ...], list[Finding]] = {}
    for one in found:
        alike.setdefault((one.severity, one.rule, one.what, one.hint), []).append(one)
    for count, same in enumerate(alike.values()):
        if count == SHOWN:
            yield f"  … and {len(alike) - SHOWN} more; --json shows them"
            break
        one = same[0]
        grave = one.severity.word != "warning"
        word = paint(f"{one.severity.word:<7}", Colour.RED if grave else Colour.YELLOW, sys.stdout)
        file = clean(one.where.rpartition("/")[2]) if one.table else clean(one.where)
        more = f" and {len(same) - 1} more" if len(same) > 1 else ""
        yield f"  {word}  {one.rule}  {f'{file}{more}: ' if file else ''}{clean(one.what)}"
        yield f"                try: {clean(one.hint)}"


def _not_checked(report: Report) -> Iterator[str]:
    """The rules by why, and for how many tables."""
    from hygge.watch.story import clean

    yield "not checked"
    reasons: dict[str, tuple[set[str], set[str]]] = {}
    for one in report.unchecked:
        rules, tables = reasons.setdefault(one.why, (set(), set()))
        rules.add(one.rule)
        tables |= {one.table} - {""}
    for why, (rules, tables) in sorted(reasons.items(), key=lambda item: sorted(item[1][0])):
        for_ = f", {_count(len(tables), 'table')}" if tables else ""
        yield f"  {' '.join(sorted(rules))}{for_}: {clean(why)}"


def _summary(report: Report) -> str:
    from hygge.mirroring.rules.rule import Need
    from hygge.mirroring.rules.table import BY_ID

    size = f"{_count(report.tables, 'table')}, {_count(report.files, 'file')}"
    found = [
        _count(number, word)
        for number, word in ((report.errors, "error"), (report.warnings, "warning"))
        if number
    ]
    told = [", ".join(found) or "all well"]
    if report.unsaid:
        told.append(f"{report.unsaid} more with --strict")
    if unchecked := report.not_checked:
        with_state = (Need.STATE, Need.STORY)
        helped = sum(BY_ID[rule].need in with_state for rule in unchecked)
        some = "" if helped == len(unchecked) else f"{helped} "
        need = f" ({some}need --state)" if helped else ""
        need += "" if report.strict or report.shown else "; --strict names them"
        told.append(f"{_count(len(unchecked), 'rule')} not checked{need}")
    return f"{size}: {'; '.join(told)}"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"
