"""Writes docs/reference/guarantees.md: what is promised, by what means, and what was tried.

    make test PYTEST_ARGS="--junitxml=one.xml"
    make long PYTEST_ARGS="--junitxml=two.xml"
    python tools/guarantees.py one.xml two.xml

The promises are written here, the numbers are counted from the results. They are kept beside the
page, so that a test can see whether the page says what this file says.
"""

from __future__ import annotations

import json
import re
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

REFERENCE = Path(__file__).parent.parent / "docs" / "reference"
PAGE, COUNTS = REFERENCE / "guarantees.md", REFERENCE / "guarantees.json"

HEAD = """\
# What is guaranteed

A load is published as a whole or not at all, and no row of it is lost or doubled: whatever is
killed, at whatever moment, the next run finishes the load or starts it over. This page says by
what means, for every kind of store, and how that was tried. *Contract tests* are the promises of
the [contract](../guide/python.md) kept by that store. *Crash points* are moments at which a load
was killed or its connection broken, after which the next runs had to end with exactly the rows of
the source, and nothing left over.

This page is written by `tools/guarantees.py` from the results of the whole test suite. Its numbers
were counted before Open Mirroring came, and before the long tests of SQLite, Delta and SQL Server
were made to leave out more points: until they are counted again, those are too high.
"""
LOADS = """\
## Loads, by store and run type
"""
READS = """\
## What is new, by home

An incremental load reads what is above the last position. What that misses depends on who else
may write.
"""
NEVER = """\
(*) SQL Server was tried on a server of our own, which speaks its protocol and keeps its tables in
DuckDB, and never on a real one. [What only a real one can
prove](../guide/sql-server.md#what-only-a-real-sql-server-can-prove) is listed, statement by
statement; `HYGGE_TEST_MSSQL_URL` runs the same tests on any.

(**) Tried on servers that stand in for the clouds: Moto for S3, our own for Azure, OneLake and GCS
(and Azurite beside it, where it can be installed). [What only a real one can
prove](../guide/clouds.md) is listed.
"""
NOT = """\
## What is not guaranteed

- Rows that are corrected without a greater watermark are not found by an incremental load; nor
  are deleted ones, unless keys are compared (`detect_deletes`).
- `best effort`: where the server does not tell who is writing (see the table), a row may be
  passed by that was written before and committed after the load. The run says so, each time.
- A reader of a plain folder of files can see some of a load's files before the others, for the
  moment in which they are moved. `layout: versioned` has no such moment.
- In MySQL only InnoDB tables are published in one transaction; others are refused.
- In SQL Server, rows that move while they are read may be missed or come twice where the database
  keeps no versions of rows: a run says so. Texts are compared with their length, so those that
  differ in blanks at the end alone are refused by a primary key.
- The disks of the journal and of the store keep what they were told to keep (`fsync`).
"""


@dataclass(frozen=True)
class Promise:
    """One line: which tests speak for it, by words that must be in their names."""

    what: str
    run: str
    means: str
    contract: str
    crash: tuple[str, ...]
    but: tuple[str, ...] = ()


_FILES = (
    "files are staged beside the table and digested; one record names them; "
    "moving them can be repeated"
)
_ONE = (
    "staged in a table of the load; one transaction publishes its rows together with its word "
    "in `_hygge_loads`"
)
_FULL, _APPEND, _MERGE = "full_drop", "incremental, append", "incremental, merge"


def _tables(kind: str, title: str, full: str) -> list[Promise]:
    words = (kind,)
    return [
        Promise(title, _FULL, full, kind, (*words, "full_drop")),
        Promise(title, _APPEND, _ONE, kind, (*words, "incremental|append"), ("merge",)),
        Promise(title, _MERGE, f"{_ONE}; one row a key, the latest", kind, (*words, "merge")),
    ]


def _files(title: str, means: str, contract: str, layout: str) -> list[Promise]:
    return [
        Promise(title, _FULL, means, contract, (f"full_drop-{layout}",)),
        Promise(title, _APPEND, means, contract, (f"incremental-{layout}",)),
    ]


_RENAMED = (
    "files are staged beside the table and digested; one record, which can be made only once, "
    "names them; each is renamed in one step"
)
_COPIED = (
    "objects are staged beside the table and digested; one record, which can be made only once, "
    "names them; they are copied to names that never were, and the old ones deleted afterwards"
)
_LOGGED = (
    "data files are staged in the table's folder, where nobody sees them; one commit of its log, "
    "which can be made only once, makes them the table's, with the load's word in it"
)
SQL_SERVER = "SQL Server (*)"
_SWAPPED = f"{_ONE}; where columns changed, a table made beside the old one takes its name"
PROMISES = [
    Promise("files, in a folder", _FULL, _FILES, "parquetfolder", ("full_drop-folder",)),
    Promise("files, in a folder", _APPEND, _FILES, "parquetfolder", ("incremental-folder",)),
    Promise(
        "files, versioned",
        _FULL,
        f"{_FILES}; readers follow `_current.json`, replaced in one stroke",
        "versionedparquet",
        ("full_drop-versioned",),
    ),
    *_files("files, by SFTP", _RENAMED, "sftpfolder", "sftp"),
    *_files("files, in ADLS Gen2 (**)", _RENAMED, "adlsfolder", "adls"),
    *_files("files, in OneLake (**)", _RENAMED, "adlsfolder", "onelake"),
    *_files("files, in Azure Blob (**)", _COPIED, "flatazure", "azure_blob"),
    *_files("files, in S3 (**)", _COPIED, "s3folder", "s3"),
    *_files("files, in GCS (**)", _COPIED, "versionedgcs", "gcs"),
    Promise("Delta tables", _FULL, _LOGGED, "delta", ("full_drop-delta",)),
    Promise("Delta tables", _APPEND, _LOGGED, "delta", ("incremental-delta",)),
    Promise("Delta tables", _MERGE, _LOGGED, "delta", ("incremental-merge.*-delta",)),
    *_tables("postgres", "PostgreSQL", _ONE),
    *_tables("mysql", "MySQL, MariaDB", _SWAPPED),
    *_tables("sqlite", "SQLite", _ONE),
    *_tables("duckdb", "DuckDB", _ONE),
    *_tables("mssql", SQL_SERVER, _ONE),
]


@dataclass(frozen=True)
class Reading:
    """One home: what an incremental load of it guarantees, and which tests speak for it."""

    home: str
    promise: str
    limits: str
    words: str


READINGS = [
    Reading(
        "files",
        "every row whose watermark is above the position; rows at the position are compared",
        "rows below it that come later are not found",
        "parquetfiles|oneparquet",
    ),
    Reading(
        "PostgreSQL",
        "also rows that others commit late: none is read past the oldest transaction that writes; "
        "by `incremental: xmin`, every row that was written since, whatever its columns say",
        "best effort for a user without `pg_read_all_stats`, and on a standby; by `xmin` for one "
        "without `pg_control_system()`",
        "postgres",
    ),
    Reading(
        "MySQL, MariaDB",
        "the same, by InnoDB's own list of transactions",
        "best effort for a user without `PROCESS`, and for a first load by a number while "
        "others write, if later ones append",
        "mysql",
    ),
    Reading("SQLite", "the same: there is one writer", "", "sqlite"),
    Reading("DuckDB", "the same: there is one writer", "", "duckdb"),
    Reading(
        SQL_SERVER,
        "by a `rowversion`, every row that was written since, whatever its columns say, up to the "
        "oldest that is still on its way (`min_active_rowversion()`); by `incremental: "
        "change_tracking` also what was deleted; by a number or a moment also rows that others "
        "commit late, by the server's own list of transactions",
        "by a `rowversion`, no replica that is only read; by changes, a full load is needed (and "
        "said to be) where they are no longer kept; by a number or a moment, best effort for a "
        "login without `VIEW DATABASE PERFORMANCE STATE` (before 2022: `VIEW DATABASE STATE`), "
        "and for a first load by a number while others write, if later ones append",
        "mssql",
    ),
]


@dataclass(frozen=True)
class Result:
    """One test that passed."""

    place: str
    name: str
    points: int

    @property
    def module(self) -> str:
        """The file that it is in, as some speak for one system alone."""
        return self.place.rpartition(".homes.test_")[2]

    @property
    def words(self) -> str:
        """What its parameters say, in small letters."""
        return re.sub(r"^[^\[]*\[?", "", self.name).rstrip("]").lower()


def results(file: Path) -> Iterator[Result]:
    """The tests that passed. Raises SystemExit if one failed."""
    for case in ET.parse(file).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            raise SystemExit(f"{case.get('name')} failed: there is nothing to guarantee")
        if case.find("skipped") is None:
            told = case.findall("properties/property[@name='crash_points']")
            points = sum(int(found.get("value", 0)) for found in told)
            yield Result(case.get("classname", ""), case.get("name", ""), points)


def counted(found: Sequence[Result]) -> dict[str, dict[str, int]]:
    """The numbers of the page."""
    loads = {
        f"{p.what}: {p.run}": {
            "tests": sum(_is(r, "test_stores") and p.contract in r.words for r in found),
            "points": sum(r.points for r in found if _speaks(r, p)),
        }
        for p in PROMISES
    }
    reads = {
        reading.home: {
            "tests": sum(
                (_is(r, "test_homes") or ".homes." in r.place)
                and re.search(reading.words, f"{r.module} {r.words}") is not None
                for r in found
            )
        }
        for reading in READINGS
    }
    return loads | reads


def _is(result: Result, module: str) -> bool:
    return f"contracts.{module}" in result.place


def _speaks(result: Result, promise: Promise) -> bool:
    words = result.words
    return all(re.search(word, words) for word in promise.crash) and not any(
        word in words for word in promise.but
    )


def page(numbers: Mapping[str, Mapping[str, int]]) -> str:
    """The whole page."""
    lines = [HEAD, LOADS]
    lines += ["| store | run type | by what means | contract tests | crash points |"]
    lines += ["| --- | --- | --- | ---: | ---: |"]
    for promise in PROMISES:
        told = numbers[f"{promise.what}: {promise.run}"]
        lines.append(
            f"| {promise.what} | {promise.run} | {promise.means} "
            f"| {told['tests']} | {told['points']:,} |"
        )
    lines += ["", READS]
    lines += ["| home | what is found | limits | tests |", "| --- | --- | --- | ---: |"]
    for reading in READINGS:
        told = numbers[reading.home]
        lines.append(f"| {reading.home} | {reading.promise} | {reading.limits} | {told['tests']} |")
    return "\n".join([*lines, "", NEVER, NOT]).rstrip() + "\n"


def main(files: Sequence[Path]) -> None:
    numbers = counted([result for file in files for result in results(file)])
    if empty := [name for name, told in numbers.items() if not all(told.values())]:
        raise SystemExit(f"no test speaks for {', '.join(empty)}")
    COUNTS.write_text(json.dumps(numbers, indent=1) + "\n")
    PAGE.write_text(page(numbers))


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
