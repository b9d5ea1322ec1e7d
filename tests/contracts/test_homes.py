"""Every Home of the rigs keeps the contract; what that means is written in the suite."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rigs import HOME_RIGS

from hygge.testing.contracts.home import HomeContract
from hygge.testing.harness import HomeRig


class TestHomes(HomeContract):
    @pytest.fixture(params=HOME_RIGS, ids=lambda rig: rig.__name__)
    def rig(self, request: pytest.FixtureRequest, tmp_path: Path) -> HomeRig:
        made: HomeRig = request.param(tmp_path)
        return made
