"""Any blocking call that hygge makes on the event loop fails the test that made it.

Hypothesis keeps no examples on disk, and no test is judged by how long it takes. The run ends with
the number of crash points that were tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import settings
from tests.servers import mssql

from hygge import registry

settings.register_profile("hygge", database=None, deadline=None)
settings.load_profile("hygge")


@pytest.fixture(scope="session", autouse=True)
def know_the_plugins() -> None:
    """Looking for them reads files: once, and not on anybody's event loop."""
    for kind in registry.TABLES:
        registry.table(kind)


@pytest.fixture(autouse=True)
def never_block_the_loop() -> Iterator[BlockBuster]:
    with blockbuster_ctx("hygge", excluded_modules=["hygge.testing"]) as guard:
        yield guard


def pytest_report_header() -> str:
    return mssql.header()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    told = [p for report in reports for p in getattr(report, "user_properties", ())]
    points = [value for name, value in told if name == "crash_points"]
    if points:
        terminalreporter.write_line(f"{sum(points)} crash points in {len(points)} crash tests")
