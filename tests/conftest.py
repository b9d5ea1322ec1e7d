"""Any blocking call that hygge makes on the event loop fails the test that made it.

Hypothesis keeps no examples on disk, and no test is judged by how long it takes.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings

settings.register_profile("hygge", database=None, deadline=None)
settings.load_profile("hygge")


@pytest.fixture(autouse=True)
def never_block_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx("hygge", excluded_modules=["hygge.testing"]) as guard:
        yield guard
