"""SQL Server's error numbers, and which of DuckDB's complaints they stand for."""

from __future__ import annotations

import re

import duckdb

TEXTS = {
    229: "The INSERT permission was denied on the object 'people', database 'shop', schema 'dbo'.",
    262: "CREATE TABLE permission denied in database 'shop'.",
    1205: "Transaction (Process ID 51) was deadlocked on lock resources with another process and "
    "has been chosen as the deadlock victim. Rerun the transaction.",
    37396: "Login token is expired.",
}
"""What SQL Server says with the numbers that tests ask for."""
TIMEOUT, DEADLOCK, DOUBLE = 1222, 1205, 2627
_NO_TABLE = re.compile(r"Table with name \"?([^\s\"!]+)\"? does not exist")
_NO_COLUMN = re.compile(
    r"column \"?([^\s\"]+)\"? (?:not found|does not|that is not)", re.IGNORECASE
)
_THERE = re.compile(r"with name \"?([^\s\"!]+)\"? already exists")
_OWN = re.compile(r"\[(\d{3,5})\] (.*)", re.DOTALL)


class SqlError(Exception):
    """One error as it is sent: its number, text and severity (`fatal`: the session ends)."""

    def __init__(self, number: int, text: str, severity: int = 16, *, fatal: bool = False) -> None:
        super().__init__(text)
        self.number, self.text, self.severity, self.fatal = number, text, severity, fatal


class Cancelled(Exception):
    """The client sent an ATTENTION."""


def told(failed: duckdb.Error) -> SqlError:
    """What SQL Server would have said."""
    text = str(failed)
    if own := _OWN.search(text):
        return SqlError(int(own[1]), own[2].splitlines()[0])
    if found := _NO_TABLE.search(text):
        return SqlError(208, f"Invalid object name '{found[1]}'.")
    if isinstance(failed, duckdb.BinderException):
        if found := _NO_COLUMN.search(text):
            return SqlError(207, f"Invalid column name '{found[1]}'.")
        return SqlError(207 if "column" in text else 102, text)
    if found := _THERE.search(text):
        return SqlError(2714, f"There is already an object named '{found[1]}' in the database.")
    if isinstance(failed, duckdb.ConstraintException):
        return _refused(text)
    if "Division by zero" in text:
        return SqlError(8134, "Divide by zero error encountered.")
    if isinstance(failed, duckdb.TransactionException) or "onflict" in text:
        told = "Transaction was deadlocked, and has been chosen as the deadlock victim. Rerun the "
        return SqlError(DEADLOCK, f"{told}transaction. ({text})", 13)
    if isinstance(failed, duckdb.ConversionException | duckdb.OutOfRangeException):
        return _unconverted(text.splitlines()[0])
    if isinstance(failed, duckdb.ParserException):
        return SqlError(102, f"Incorrect syntax: {text}", 15)
    return SqlError(50000, text)


def _unconverted(text: str) -> SqlError:
    if "range" in text or "Could not cast value" in text or "verflow" in text:
        return SqlError(8115, f"Arithmetic overflow error, out of range for the type. {text}")
    if "UUID" in text or "uuid" in text:
        told = "Conversion failed when converting from a character string to uniqueidentifier."
        return SqlError(8169, told)
    return SqlError(245, f"Conversion failed when converting a value. {text}")


def _refused(text: str) -> SqlError:
    if "NOT NULL" in text:
        table, _, column = text.rpartition(": ")[2].rpartition(".")
        told = f"Cannot insert the value NULL into column '{column}', table '{table}'; "
        return SqlError(515, told + "column does not allow nulls. INSERT fails.")
    if "uplicate key" in text:
        told = "Violation of PRIMARY KEY constraint. Cannot insert duplicate key in object. "
        return SqlError(DOUBLE, f"{told}{text}", 14)
    if "foreign key" in text.lower():
        return SqlError(547, f"The statement conflicted with the FOREIGN KEY constraint. {text}")
    return SqlError(547, f"The statement conflicted with the CHECK constraint. {text}")
