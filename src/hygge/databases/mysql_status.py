"""Who writes to InnoDB tables, from the server's report on itself.

The tables of `information_schema` that tell it, too, are copies: they stay as they are for as long
as somebody reads them ten times a second.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from hygge.core.errors import Unsupported
from hygge.databases.database import Writer

_ACTIVE = re.compile(r"^---TRANSACTION (\d+), ACTIVE(?: \([^)]*\))* (\d+) sec", re.MULTILINE)
_READERS = 2**48
"""From here on, numbers are not a transaction's own: it has only read so far."""


def writing(status: str, now: datetime) -> list[Writer]:
    """Raises Unsupported where there are more than the report has room for.

    Ages are whole seconds from one full second to another; `now` is when the report was asked for.
    """
    _, _, told = status.partition("LIST OF TRANSACTIONS")
    told = told.partition("\nFILE I/O\n")[0]
    if not told or "truncated" in told:
        raise Unsupported("the server does not tell who writes")
    return [
        Writer(number, now.replace(microsecond=0) - timedelta(seconds=int(age) + 1))
        for number, age in _ACTIVE.findall(told)
        if int(number) < _READERS
    ]
