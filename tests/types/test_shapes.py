"""Tables of every shape: names, widths and lengths that make others stumble."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.rigs.memory import MemoryHomeRig
from tests.types.expecting import Refused, exactly, moved, read, refused
from tests.types.systems import (
    SYSTEMS,
    DuckdbSystem,
    MssqlSystem,
    MysqlSystem,
    PostgresSystem,
    SqliteSystem,
    System,
)

from hygge.core.errors import HyggeError
from hygge.core.home import Home

each = pytest.mark.parametrize("kind", SYSTEMS, ids=lambda kind: kind.name)
NAMES = ["order", "select", "a b", 'say "hi"', "it's", "back`tick", "100%", "%s", "{0}", "ünï 漢😀"]
NAMES += ["a.b", "a,b", "$1", "?1", ":x", "#", "a\\b", "UPPER", "x;--", "a\nb", "-", "1", "/*"]
WIDEST: dict[type[System], int] = {
    PostgresSystem: 1600,
    MysqlSystem: 1017,
    SqliteSystem: 2000,
    DuckdbSystem: 2500,
    MssqlSystem: 1022,
}
"""Columns of a table, as each system's documentation has it; DuckDB names no end."""
STAGING = 2


def source(tmp: Path, *frames: pl.DataFrame) -> Home[Any]:
    rig = MemoryHomeRig(tmp)
    rig.give(*frames)
    return rig.home()


def arrives(kind: type[System], tmp: Path, rows: pl.DataFrame, table: str = "t") -> System:
    system = kind(tmp)
    moved(source(tmp, rows), system.store(table))
    found = read(system.home(table))
    assert found.columns == rows.columns
    assert exactly(found.rows()) == exactly(rows.rows())
    return system


def spelled(kind: type[System], name: str) -> str:
    """What MySQL's identifiers cannot have, which is beyond the first plane, left out."""
    return name.replace("😀", "") if kind is MysqlSystem else name


@each
def test_a_columns_name_is_a_name_whatever_is_in_it(kind: type[System], tmp_path: Path) -> None:
    rows = pl.DataFrame({spelled(kind, name): [n, None] for n, name in enumerate(NAMES)})
    system = arrives(kind, tmp_path, rows)
    moved(system.home(), system.store("again"))
    again = read(system.home("again"))
    assert again.columns == rows.columns
    assert exactly(again.rows()) == exactly(rows.rows())


@each
@pytest.mark.parametrize("name", [name for name in NAMES if "\n" not in name])
def test_a_tables_name_is_a_name_whatever_is_in_it(
    kind: type[System], name: str, tmp_path: Path
) -> None:
    rows = pl.DataFrame({"a": [1, None], "other": ["a", ""]})
    arrives(kind, tmp_path, rows, f"t {spelled(kind, name)}")


@each
@pytest.mark.parametrize("name", ["order", "100%", 'say "hi"', "back`tick", "a b"])
def test_any_column_may_be_a_key(kind: type[System], name: str, tmp_path: Path) -> None:
    system, rig = kind(tmp_path), MemoryHomeRig(tmp_path)
    merging = {"run_type": "incremental", "watermark": "at%", "keys": [name], "write": "merge"}
    rig.give(pl.DataFrame({name: [1, 2], "v%": ["a", "b"], "at%": [1, 2]}))
    moved(rig.home(), system.store(), **merging)
    rig.give(pl.DataFrame({name: [2, 3], "v%": ["c", "d"], "at%": [3, 4]}))
    moved(rig.home(), system.store(), **merging)
    assert sorted(read(system.home()).rows()) == [(1, "a", 1), (2, "c", 3), (3, "d", 4)]


@each
def test_a_table_of_no_rows_and_one_of_nulls_alone(kind: type[System], tmp_path: Path) -> None:
    rows = pl.DataFrame(
        {"a": [None, None], "b": [None, None], "c": [None, None], "d": [None, None]},
        schema={"a": pl.Int64(), "b": pl.String(), "c": pl.Binary(), "d": pl.Date()},
    )
    arrives(kind, tmp_path, rows)
    assert read(arrives(kind, tmp_path, rows.clear(), "empty").home("empty")).schema == rows.schema


@each
def test_empty_is_not_null(kind: type[System], tmp_path: Path) -> None:
    rows = pl.DataFrame({"a": ["", None, " ", "NULL", r"\N"], "b": [b"", None, b" ", b"\0", b"0"]})
    arrives(kind, tmp_path, rows)


@each
def test_a_text_of_megabytes(kind: type[System], tmp_path: Path) -> None:
    long = "ab\0é😀\t\n" if kind is not PostgresSystem else "abcé😀\t\n"
    rows = pl.DataFrame({"a": [long * 600_000, "", None], "b": [b"\0\xff" * 3_000_000, b"", None]})
    arrives(kind, tmp_path, rows)


@each
def test_as_many_columns_as_there_may_be(kind: type[System], tmp_path: Path) -> None:
    """Two of them are hygge's own while a load is staged."""
    width = WIDEST[kind] - STAGING
    columns = [pl.Series(f"c{n}", [n, None], pl.Int32) for n in range(width)]
    arrives(kind, tmp_path, pl.DataFrame(columns))


@pytest.mark.parametrize("kind", [PostgresSystem, MysqlSystem, SqliteSystem], ids=lambda k: k.name)
def test_more_columns_than_there_may_be_are_refused(kind: type[System], tmp_path: Path) -> None:
    system, width = kind(tmp_path), WIDEST[kind] + 1
    home = source(tmp_path, pl.DataFrame({f"c{n}": [1] for n in range(width)}))
    with pytest.raises(HyggeError, match=r"(?i)too many columns|at most 1600 columns"):
        moved(home, system.store())
    assert "t" not in {row[0] for row in tables(system)}


def tables(system: System) -> list[tuple[object, ...]]:
    return system.ask(
        {
            "postgres": f"select relname from pg_class where relnamespace = "
            f"'{getattr(system, 'schema', 'public')}'::regnamespace",
            "mysql": "show tables",
            "sqlite": "select name from sqlite_master",
            "mssql": "select name from sys.tables",
        }[system.name]
    )


@each
def test_a_name_that_would_be_cut_is_refused(kind: type[System], tmp_path: Path) -> None:
    system, name = kind(tmp_path), "é" * 40
    home = source(tmp_path, pl.DataFrame({name: [1]}))
    if kind is not PostgresSystem:
        arrives(kind, tmp_path, pl.DataFrame({name: [1]}))
        return
    with refused(Refused("63 bytes"), name):
        moved(home, system.store())
    with pytest.raises(HyggeError, match="63 bytes"):
        moved(source(tmp_path, pl.DataFrame({"a": [1]})), system.store(name))


FITTING = {("real", "1.5"), ("text", "1.5"), ("text", "'abc'"), ("blob", "x'616263'")}
FITTING |= {("uuid", "1.5"), ("uuid", "'abc'")}


@pytest.mark.parametrize("literal", ["x'616263'", "1.5", "'abc'", "cast(x'61ff' as text)"])
@pytest.mark.parametrize("native", ["integer", "real", "text", "blob", "date", "uuid"])
def test_sqlite_sees_a_misfit_behind_the_first_batch(
    native: str, literal: str, tmp_path: Path
) -> None:
    """Its driver looks at the first alone, and then takes what comes for the same."""
    system = SqliteSystem(tmp_path)
    good = {"integer": "n", "real": "n", "blob": "x'00'"}.get(native, "'2024-01-01'")
    system.made("t", [("v", native)])
    counting = "with recursive c(n) as (select 1 union all select n + 1 from c where n < 20000)"
    system.ask(f"insert into t {counting} select {good} from c")
    system.ask(f"insert into t values ({literal})")
    if (native, literal) in FITTING:
        assert read(system.home())["v"][-1] in (1.5, "1.5", "abc", b"abc")
        return
    with pytest.raises(HyggeError) as caught:
        read(system.home())
    assert caught.value.where["column"] == "v"


def test_mysql_sends_a_text_that_is_too_long_for_a_packet(tmp_path: Path) -> None:
    """Cast to a text on the server, it would be NULL, with a warning that nobody reads."""
    system = MysqlSystem(tmp_path)
    system.made("t", [("v", "longtext")], "repeat('a', 9000000)")
    ((before,),) = system.ask("select @@global.max_allowed_packet")
    system.ask("set global max_allowed_packet = 1048576")
    try:
        assert system.ask("select cast(v as char) from t") == [(None,)]
        assert read(system.home())["v"].to_list() == ["a" * 9_000_000]
    finally:
        system.ask(f"set global max_allowed_packet = {before}")
