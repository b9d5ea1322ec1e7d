"""Stores in the cloud whose ways are shown by others: they take the whole suite, in `make long`."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.rigs.azure import AzuriteRig, OneLakeRig, VersionedAdlsRig

from hygge.testing.contracts.store import StoreContract
from hygge.testing.harness import StoreRig

pytestmark = pytest.mark.long


class TestMoreObjectStores(StoreContract):
    @pytest.fixture(params=[OneLakeRig, VersionedAdlsRig, AzuriteRig], ids=lambda rig: rig.__name__)
    def rig(self, request: pytest.FixtureRequest, tmp_path: Path) -> StoreRig:
        made: StoreRig = request.param(tmp_path)
        return made
