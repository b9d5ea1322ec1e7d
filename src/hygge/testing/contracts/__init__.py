"""The suites that every Home and every Store runs. Subclass one and give it a rig."""

import pytest

pytest.register_assert_rewrite(
    "hygge.testing.contracts.format",
    "hygge.testing.contracts.home",
    "hygge.testing.contracts.journal",
    "hygge.testing.contracts.store",
)
