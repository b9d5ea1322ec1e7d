"""Every Store of the rigs keeps the contract; what that means is written in the suite."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rigs import STORE_RIGS

from hygge.testing.contracts.store import StoreContract
from hygge.testing.harness import StoreRig


class TestStores(StoreContract):
    @pytest.fixture(params=STORE_RIGS, ids=lambda rig: rig.__name__)
    def rig(self, request: pytest.FixtureRequest, tmp_path: Path) -> StoreRig:
        made: StoreRig = request.param(tmp_path)
        return made
