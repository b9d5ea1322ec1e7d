"""Stores that are set otherwise than most keep the contract, too."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rigs.mssql import OPTIONS

from hygge.testing.contracts.store import StoreContract
from hygge.testing.harness import StoreRig

pytestmark = pytest.mark.long


class TestStoresOfOptions(StoreContract):
    @pytest.fixture(params=OPTIONS, ids=lambda rig: rig.__name__)
    def rig(self, request: pytest.FixtureRequest, tmp_path: Path) -> StoreRig:
        made: StoreRig = request.param(tmp_path)
        return made
