"""Leases of tables whose names are much alike, in the one folder that they share."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hygge.stores.files import ParquetStore

NUMBER = "00000000000000000001"


@pytest.mark.parametrize(
    "other", ["_a", "A", "a.b", f"a.{NUMBER}", f"a.{NUMBER}.json", "[a]", "a*"]
)
def test_a_lease_outlives_what_the_tables_beside_it_do(tmp_path: Path, other: str) -> None:
    async def story() -> None:
        mine, theirs = (ParquetStore(str(tmp_path / name)) for name in (other, "a"))
        held = await mine.lease("mine", 60)
        await theirs.release(await theirs.lease("theirs", 60))
        await mine.renew(held, 60)

    asyncio.run(story())


def test_what_a_killed_owner_left_half_written_goes(tmp_path: Path) -> None:
    leases = tmp_path / "_hygge" / "leases"
    leases.mkdir(parents=True)
    half, foreign = (leases / f"_{name}.{NUMBER}.json.0a1b2c" for name in ("a", "b"))
    half.write_text("{")
    foreign.write_text("{")

    asyncio.run(ParquetStore(str(tmp_path / "a")).lease("mine", 60))

    assert not half.exists()
    assert foreign.exists()
