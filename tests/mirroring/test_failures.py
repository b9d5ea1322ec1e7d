"""Failures that people reported of other writers, and the corpus that a writer is tried with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.mirroring.cases_files import declared
from tests.mirroring.cases_zone import numbers, well
from tests.mirroring.landing import Landing, people, rows

from hygge.mirroring.names import METADATA, file_name

COMPANY = ("systemId", "$Company")


def found(landing: Landing) -> set[str]:
    """The rules that are broken, but for warnings of small things that tests cannot help."""
    return {finding.rule for finding in landing.lint(strict=True).findings}


def never_a_file(z: Landing) -> None:
    """bc2adls #566: tables without rows got metadata and no file, ever; after two weeks they
    failed, and all of the replication was paused."""
    z.table()


def empty_csv(z: Landing) -> None:
    """bc2adls #361 (and #423, #432): a .csv with no bytes, `No data rows available`."""
    z.table()
    z.csv(1, "id,name\n1,a\n")
    z.csv(2, "")


def header_alone(z: Landing) -> None:
    """bc2adls #361: the same message for what has a header."""
    z.table()
    z.csv(1, "id,name\n")


def metadata_gone(z: Landing) -> None:
    """bc2adls #404: after a reset, `PathNotFound …/GLEntry-17/_metadata.json`."""
    z.data(1, people(1), "GLEntry-17")


def deletes_that_never_came(z: Landing) -> None:
    """bc2adls #357: the second file of an export, with the deletes, was sometimes not made; the
    rows stayed. Here as the gap that it leaves where the number was given."""
    z.table()
    z.data(1, people(1, 2))
    z.data(3, people(3, marker=[4]))


def key_that_is_null(z: Landing) -> None:
    """bc2adls #398: `$Company`, a key, came to be NULL: each row was there twice."""
    z.table(keys=COMPANY)
    for number, company in ((1, "x"), (2, None)):
        columns: dict[str, Any] = {"systemId": ["a"], "$Company": [company]}
        z.data(number, rows(None, (), **columns, **({"marker": [4]} if number > 1 else {})))


def key_that_is_not_declared(z: Landing) -> None:
    """bc2adls #398 in delimited files: the values were there, and were not taken."""
    z.table(
        keys=COMPANY, SchemaDefinition={"Columns": [{"Name": "systemId", "DataType": "String"}]}
    )
    z.csv(1, "systemId,$Company\na,x\n")


def not_null_all_at_once(z: Landing) -> None:
    """bc2adls #374: `Type mismatch … (Nullable: False), existing … (Nullable: True)`."""
    z.table(**declared(False))
    z.csv(1, "id,name\n1,a\n")
    z.csv(2, "id,name\n2,b\n")
    z.took(file_name(1, "csv"))


def in_another_language(z: Landing) -> None:
    """bc2adls #370: `Dropping non-nullable column(s)`: columns were called otherwise."""
    z.table()
    z.data(1, rows(required=("id", "kostenstelle"), id=[1], kostenstelle=["a"]))
    z.data(2, rows(required=("id", "department"), id=[2], department=["b"]))


def guessed_types(z: Landing) -> None:
    """`SchemaMergeFailure`: a column without a value was guessed to be of numbers."""
    z.table()
    z.data(1, people(1))
    z.data(2, rows({"name": pa.int32()}, id=[2], name=[None], marker=[4]))


FAILURES: list[tuple[Callable[[Landing], object], set[str]]] = [
    (never_a_file, {"R38"}),
    (empty_csv, {"R29"}),
    (header_alone, {"R39"}),
    (metadata_gone, {"R08"}),
    (deletes_that_never_came, {"R23"}),
    (key_that_is_null, {"R44"}),
    (key_that_is_not_declared, {"R11"}),
    (not_null_all_at_once, {"R58"}),
    (in_another_language, {"R53", "R54", "R56"}),
    (guessed_types, {"R57"}),
]


@pytest.mark.parametrize(("build", "rules"), FAILURES, ids=lambda one: getattr(one, "__name__", ""))
def test_a_failure_that_was_reported_is_found_and_nothing_else(
    build: Callable[[Landing], object], rules: set[str], tmp_path: Path
) -> None:
    landing = Landing(tmp_path)
    build(landing)
    assert found(landing) == rules


def truncated(z: Landing) -> None:
    well(z)
    file = z.path / "T" / file_name(2)
    file.write_bytes(file.read_bytes()[:-9])


def key_change(z: Landing) -> None:
    z.table()
    z.data(1, people(1))
    z.data(2, people(1, 9, marker=[2, 0]))


def out_of_order(z: Landing) -> None:
    """An update before the row that it is for."""
    z.table()
    z.data(1, people(1))
    z.data(2, people(2, 2, marker=[1, 0]))


def replayed_suffix(z: Landing) -> None:
    """The last files once more, in their order: upserts and deletes converge."""
    z.table()
    z.data(1, people(1, 2))
    for number in (2, 4):
        z.data(number, people(1, 3, marker=[4, 4]))
        z.data(number + 1, people(3, marker=[4]))


def inserted_twice(z: Landing) -> None:
    z.table()
    z.data(1, people(1))
    z.data(2, people(1, marker=[0]))


def added_column(z: Landing) -> None:
    z.table()
    z.data(1, people(1))
    z.data(2, rows(id=[1], name=["a"], more=["x"], marker=[4]))


CORPUS: list[tuple[Callable[[Landing], object], set[str]]] = [
    (well, set()),
    (numbers(1, 3), {"R23"}),
    (truncated, {"R29"}),
    (lambda z: (z.table(), z.data(1, people()))[0], {"R37"}),  # type: ignore[func-returns-value]
    (key_change, set()),
    (out_of_order, {"R48", "R50"}),
    (replayed_suffix, set()),
    (inserted_twice, {"R48"}),
    (added_column, set()),
]


@pytest.mark.parametrize(("build", "rules"), CORPUS, ids=lambda one: getattr(one, "__name__", ""))
def test_the_corpus_is_judged_as_it_should_be(
    build: Callable[[Landing], object], rules: set[str], tmp_path: Path
) -> None:
    landing = Landing(tmp_path)
    build(landing)
    assert found(landing) == rules


def test_one_mistake_in_the_metadata_does_not_hide_the_next(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.put(f"T/{METADATA}", {"keyColumns": "id", "fileDetectionStrategy": "no", "x": 1})
    landing.data(1, people(1))
    assert found(landing) == {"R10", "R13", "R18"}
