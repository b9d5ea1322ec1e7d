"""A file that Fabric would stop at is not published, whatever made it so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.rigs.open_mirroring import MirrorRig

from hygge.core.errors import StoreError
from hygge.core.store import Mode
from hygge.stores.mirror_load import MirrorLoad
from hygge.testing.harness import people, request, settled, unordered


def test_a_marker_that_means_nothing_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = MirrorRig(tmp_path)
    base = asyncio.run(settled(rig.store(), request(keys=("id",)), people(0, 3)))
    with monkeypatch.context() as patched:
        patched.setattr(MirrorLoad, "marker", property(lambda _: 3))
        with pytest.raises(StoreError, match=r"Fabric would stop at it \(R42\)") as refused:
            asyncio.run(settled(rig.store(), request(Mode.MERGE, base), people(3, 1)))
    assert refused.value.hint
    assert unordered(rig.look()) == people(0, 3).rows()
    names = sorted(path.name for path in rig.folder.rglob("*.parquet"))
    assert names == ["00000000000000000001.parquet"]
