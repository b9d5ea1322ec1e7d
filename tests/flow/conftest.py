"""A stage for each test, and a guard: a blocking call on the event loop fails its test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from tests.flow.stage import Stage


@pytest.fixture(autouse=True)
def never_block_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx("hygge", excluded_modules=["hygge.testing"]) as guard:
        yield guard


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return Stage(tmp_path)
