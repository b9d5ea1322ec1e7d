"""What an error says to a person."""

from __future__ import annotations

import pickle

import pytest

from hygge.core.errors import ANEW, StoreError


@pytest.mark.parametrize(
    ("flow", "told"),
    [
        (None, "hygge go --full-drop"),
        ("shop", "hygge go --full-drop --flow shop"),
        ("shop.users", "hygge go --full-drop --entity shop.users"),
    ],
)
def test_a_command_in_a_hint_is_for_the_flow_that_failed(flow: str | None, told: str) -> None:
    """All others would be loaded anew, too."""
    failed = StoreError("it does not fit", hint=f"load everything once: {ANEW}").at(flow=flow)
    assert str(failed).splitlines()[1] == f"  try: load everything once: {told}"
    assert str(pickle.loads(pickle.dumps(failed))) == str(failed)
