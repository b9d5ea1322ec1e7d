"""hygge beside bare Polars and cp, parquet to parquet. `make bench`; see README.md."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.jobs import JOBS
from benchmarks.running import arguments, run_all


def main(given: Sequence[str] | None = None) -> int:
    letters = "".join(job.name for job in JOBS)
    asked = arguments("make bench", __doc__, letters).parse_args(given)
    return run_all([job for job in JOBS if job.name in asked.jobs], asked)


if __name__ == "__main__":
    sys.exit(main())
