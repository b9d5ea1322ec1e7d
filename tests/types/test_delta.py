"""Delta tables: each of their types read, and each of ours written, by us and by the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import deltalake
import polars as pl
import pyarrow as pa
import pytest
from tests.rigs.delta import DeltaHomeRig, DeltaRig
from tests.rigs.delta import read as read_by_library
from tests.rigs.memory import MemoryHomeRig
from tests.types.delta_cases import HELD, NATIVE, REFUSED
from tests.types.expecting import Refused, exactly, moved, read, refused

from hygge.core.types import parse_type, type_name
from hygge.testing.cases import Case, cases


@pytest.mark.parametrize(("kind", "value", "ours", "seen"), NATIVE, ids=str)
def test_a_value_is_read_as_it_is(
    kind: Any, value: Any, ours: str, seen: Any, tmp_path: Path
) -> None:
    rig = DeltaHomeRig(tmp_path)
    rows = pa.table({"v": pa.array([value, None], kind)})
    deltalake.write_deltalake(rig.folder, rows)
    found = read(rig.home())["v"]
    assert type_name(found.dtype) == ours
    assert exactly(found.to_list()) == exactly([seen, None])
    deltalake.write_deltalake(rig.folder, rows.slice(0, 0), mode="overwrite")
    assert type_name(read(rig.home())["v"].dtype) == ours


def held(kind: pl.DataType) -> pl.DataType:
    name = type_name(kind)
    return pl.String() if name.startswith("enum") else parse_type(HELD.get(name, name))


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.name)
def test_what_goes_wrong_elsewhere(case: Case, tmp_path: Path) -> None:
    rig, source = DeltaRig(tmp_path), MemoryHomeRig(tmp_path)
    values = case.series().rename("v")
    source.give(values.to_frame())
    told = [text for start, text in REFUSED.items() if case.name.startswith(start)]
    if told:
        with refused(Refused(told[0])):
            moved(source.home(), rig.store())
        assert rig.look() is None
        return
    moved(source.home(), rig.store())
    expected = values.cast(held(values.dtype))
    homes = DeltaHomeRig(rig.folder.parent)
    found = read(homes.home())["v"]
    assert type_name(found.dtype) == type_name(expected.dtype)
    assert exactly(physical(found)) == exactly(physical(expected))
    theirs = [row[0] for row in read_by_library(str(rig.folder)) or []]
    assert exactly(physical(pl.Series("v", theirs, dtype=expected.dtype))) == exactly(
        physical(expected)
    )
    moved(source.home(), rig.store())  # the columns that it left are those that it wants
    assert exactly(physical(read(homes.home())["v"])) == exactly(physical(expected))


def physical(values: pl.Series) -> list[object]:
    """Moments as numbers: a float by its digits, for what is not a number equals nothing."""
    return (values.to_physical() if values.dtype.is_temporal() else values).to_list()
