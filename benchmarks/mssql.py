"""hygge beside bare mssql-python, out of a server and into it. `make bench-mssql`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from benchmarks.places import Mssql
from benchmarks.running import arguments, run_all
from benchmarks.sql import reading, writing

WAYS = {"a": reading, "b": writing}


def main(given: Sequence[str] | None = None) -> int:
    asked = arguments("make bench-mssql", __doc__, "".join(WAYS)).parse_args(given)
    place = Mssql()
    return run_all([WAYS[letter](letter, place, None) for letter in asked.jobs], asked)


if __name__ == "__main__":
    sys.exit(main())
