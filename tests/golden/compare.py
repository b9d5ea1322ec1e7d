"""Compares what people see with the text that was agreed on.

The texts lie beside this file. After a wanted change: `HYGGE_GOLDEN=write pytest tests`, then read
the difference in git before it is committed.
"""

from __future__ import annotations

import os
from difflib import ndiff
from pathlib import Path

FOLDER = Path(__file__).parent


def golden(name: str, text: str) -> None:
    """Fail unless the text is the one in `tests/golden/<name>`."""
    file = FOLDER / name
    shown = text.rstrip("\n") + "\n"
    if os.environ.get("HYGGE_GOLDEN") == "write":
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(shown, encoding="utf-8")
    assert file.is_file(), f"{name} is not there yet: HYGGE_GOLDEN=write pytest writes it"
    agreed = file.read_text(encoding="utf-8")
    difference = "".join(ndiff(agreed.splitlines(True), shown.splitlines(True)))
    assert shown == agreed, f"{name} differs:\n{difference}"
