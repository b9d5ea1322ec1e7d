"""Where and with what was measured."""

from __future__ import annotations

import os
import platform
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa


def facts() -> dict[str, Any]:
    """Day, machine and versions."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.now().astimezone().isoformat(sep=" ", timespec="minutes"),
        "cpu": _cpu() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory / 2**30),
        "python": platform.python_version(),
        "polars": pl.__version__,
        "pyarrow": pa.__version__,
    }


def told() -> str:
    """The same in one line."""
    known = facts()
    return (
        f"{known['date']} · {known['cpu']}, {known['cores']} cores, {known['memory_gb']} GB · "
        f"Python {known['python']}, polars {known['polars']}, pyarrow {known['pyarrow']}"
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else ""
