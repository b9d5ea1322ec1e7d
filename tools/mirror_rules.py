"""Writes `docs/reference/mirror-rules.md` from the rules. usage: python tools/mirror_rules.py"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from hygge.mirroring.rules.rule import Rule, Severity, Source
from hygge.mirroring.rules.table import GROUPS
from hygge.mirroring.rules.views import Limits

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "mirror-rules.md"
HEAD = """\
# The rules of a landing zone

Made by `python tools/mirror_rules.py` from the rules themselves; a test fails when it is stale.
[`hygge mirror lint`](cli.md) checks them.

An **error** stops the table, or rows may be lost or doubled. A **warning** does not, and may not
be what was meant. **strict** is where the documentation is silent: shown with `--strict` alone,
and then an error.

Where a rule comes from: **LZF** and **BP** are Microsoft's pages on the landing zone's format and
on best practices; **FIELD** is what people reported; **INFER** is what we make of these, tried on
no live service yet.

What a rule needs beyond the files that are there stands in the last column. A table whose files
are all there from number 1 on tells its own past; of another, only `--state` does. Where neither
is to be had, the rule is not checked, and is not called well.
"""
LIMITS = """\
## Limits

Each can be set: `--limit tables=500`.

| name | default | |
| --- | --- | --- |"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_body()]).rstrip() + "\n"


def _body() -> Iterator[str]:
    for title, rules in GROUPS.items():
        yield f"## {title}\n"
        yield "| rule | | severity | from | needs |\n| --- | --- | --- | --- | --- |"
        yield from (_row(rule) for rule in rules)
        yield ""
    yield LIMITS
    for limit in fields(Limits):
        yield f"| `{limit.name}` | {limit.default:,} | {limit.metadata['said']} |"


def _row(rule: Rule) -> str:
    severities = ", ".join(severity.word for severity in Severity if severity in rule.severities)
    sources = ", ".join(source.value for source in Source if source in rule.sources)
    return f"| {rule.id} | {rule.title} | {severities} | {sources} | {rule.need.value} |"


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"wrote {PAGE}")
