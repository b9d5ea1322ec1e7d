"""Connections that take long to make are used again within a test, as in a run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from hygge.connections.pool import keeping_connections


@pytest.fixture
def keeping() -> Iterator[None]:
    with asyncio.Runner() as runner:
        kept = keeping_connections()
        runner.run(kept.__aenter__())
        yield
        runner.run(kept.__aexit__(None, None, None))


@pytest.fixture(autouse=True)
def _kept(request: pytest.FixtureRequest) -> None:
    if "rig" in request.fixturenames and getattr(request.getfixturevalue("rig"), "keeps", False):
        request.getfixturevalue("keeping")
