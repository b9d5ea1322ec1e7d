"""A table of SQL Server's that others write to, followed by runs: what holds of others holds of it.

On our server who updates locks the whole table, and writes nothing that changed since it began: so
updates come alone, and others wait until they are over.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.homes.test_following import Following, run_as_test
from tests.rigs import mssql

from hygge.homes import sql_bound


class FollowingMssql(Following):
    """`column` is that of the watermark; None: changes are tracked."""

    kind = "mssql"

    def _make(self) -> None:
        self.count, self.alone = 0, ""
        mssql.ask(f"create database {self.table}")
        self.plain = self._connected(autocommit=True)
        self._ask(
            f"create table {self.table} (id bigint not null primary key, number bigint null, "
            "at datetime2(6) null, word varchar(20) null, version rowversion)"
        )
        if self.column is None:
            self._ask(f"alter database {self.table} set allow_snapshot_isolation on")
            self._ask(f"alter database {self.table} set change_tracking = on")
            self._ask(f"alter table {self.table} enable change_tracking")

    def _connected(self, *, autocommit: bool) -> Any:
        db = mssql.connected(self.table)
        db.autocommit = autocommit
        return db

    @property
    def _number(self) -> str:
        self.count += 1
        return str(self.count)

    @property
    def _now(self) -> str:
        return "sysutcdatetime()"

    @property
    def _url(self) -> str:
        return mssql.url(self.table)

    def _may(self, who: str, *, adding: bool) -> bool:
        if self.alone not in self.open:
            self.alone = ""
        if adding:
            return self.alone in ("", who)
        if self.open:
            return False
        self.alone = "" if who == "at once" else who
        return True

    def _how(self) -> dict[str, Any]:
        if self.column is None:
            return {"incremental": "change_tracking", "keys": "id"}
        return super()._how()


LONG = [
    pytest.param(*case, marks=pytest.mark.long)
    for case in (
        ("number", "merge", False),
        ("number", "append", False),
        ("at", "merge", True),
        ("version", "merge", True),
    )
]
CASES = [("version", "merge", False), (None, "merge", True), *LONG]


@pytest.mark.parametrize(("column", "write", "finds"), CASES)
def test_the_destination_follows_the_source(
    monkeypatch: pytest.MonkeyPatch, column: str | None, write: str, finds: bool
) -> None:
    monkeypatch.setattr(sql_bound, "PATIENCE", 0.0)
    case = {"column": column, "write": write, "finds": finds}
    run_as_test(type("Case", (FollowingMssql,), case))
