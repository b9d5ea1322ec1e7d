"""Names, settings, schemas, watermarks and the registry: the small words everything rests on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib.metadata import EntryPoint, EntryPoints
from random import Random
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, SecretStr

from hygge import registry
from hygge.core.config import EndConfig, Settings, check, nearest, validated
from hygge.core.errors import ConfigError, FlowError, SchemaMismatch
from hygge.core.home import HomeConfig
from hygge.core.journal import from_json, to_json
from hygge.core.names import check_flow_name, flow_name, new_load_id, new_run_id
from hygge.core.schema import Arrived, Change, Column, TableSchema, compare
from hygge.core.ties import Ties, ties_of
from hygge.core.types import type_name
from hygge.core.watermark import Watermark, greatest, highest, literal
from hygge.testing.harness import people

# names


def test_load_ids_sort_by_age_and_never_come_twice() -> None:
    made = [new_load_id() for _ in range(500)]
    assert len(set(made)) == 500
    assert [name[:16] for name in made] == sorted(name[:16] for name in made)
    assert all(len(name) == 24 and int(name, 16) for name in made)


def test_run_ids_are_32_hex_characters() -> None:
    assert len({new_run_id() for _ in range(100)}) == 100
    assert all(len(new_run_id()) == 32 and int(new_run_id(), 16) for _ in range(100))


@pytest.mark.parametrize("name", ["users", "7_days", "Größe", "a-b_c", "x"])
def test_a_flow_may_be_called(name: str) -> None:
    assert check_flow_name(name) == name
    assert flow_name(name, None) == name
    assert flow_name(name, "people") == f"{name}.people"


@pytest.mark.parametrize("name", ["", ".", "a.b", "_a", "-a", "a b", "a/b", "a\n", "../a", "a\x00"])
def test_a_flow_may_not_be_called(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot name a flow") as refused:
        check_flow_name(name)
    assert "letters" in str(refused.value)


# settings


class Inner(Settings):
    compression: str = "zstd"


class Outer(Settings):
    path: str
    rows: int = 1
    password: SecretStr = Field(default=SecretStr(""))
    options: Inner | None = None


def test_settings_that_are_right_are_made() -> None:
    made = validated(Outer, {"path": "x", "options": {"compression": "none"}})
    assert made == Outer(path="x", options=Inner(compression="none"))


def test_every_wrong_key_is_named_at_once_with_the_nearest() -> None:
    problems = check(Outer, {"pth": "x", "rows": "many", "options": {"compresion": 1}})
    assert isinstance(problems, list)
    assert {p.keys: (p.what, p.hint) for p in problems} == {
        ("path",): ("'path' is needed and not given", None),
        ("rows",): (
            "input should be a valid integer, unable to parse string as an integer",
            None,
        ),
        ("options", "compresion"): ("unknown key 'compresion'", "did you mean 'compression'?"),
        ("pth",): ("unknown key 'pth'", "did you mean 'path'?"),
    }
    with pytest.raises(ConfigError) as refused:
        validated(Outer, {"pth": "x", "rows": "many"})
    for word in ("path:", "rows:", "pth:", "did you mean 'path'?"):
        assert word in str(refused.value)


def test_a_key_like_no_other_is_told_the_keys_there_are() -> None:
    problems = check(Outer, {"path": "x", "zzz": 1})
    assert isinstance(problems, list)
    assert problems[0].hint == "known keys: options, password, path, rows"


def test_a_wrong_setting_is_told_without_its_value() -> None:
    with pytest.raises(ConfigError) as refused:
        validated(Outer, {"path": "x", "password": ["hunter2"], "rows": "hunter2"})
    assert "hunter2" not in repr(refused.value) + str(refused.value)
    assert "hunter2" not in repr(validated(Outer, {"path": "x", "password": "hunter2"}))


def test_settings_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(Outer(path="x"), "path", "y")  # noqa: B010 - mypy would not let us


def test_an_entitys_settings_go_before_its_flows() -> None:
    flow = {"path": "lake/{entity}", "format": "csv", "rows": 1}
    made = EndConfig.for_entity(flow, {"format": "parquet"}, "users")
    assert made == {"path": "lake/users", "format": "parquet", "rows": 1}


def test_an_unknown_type_has_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="unknown home type 'parket'") as refused:
        HomeConfig.create({"type": "parket", "path": "x"})
    assert "did you mean 'parquet'?" in str(refused.value)


@pytest.mark.parametrize("place", ["no_such_package.homes:Home", "hygge.core.home:NoSuchHome"])
def test_a_type_that_cannot_be_loaded_is_told(place: str) -> None:
    with pytest.raises(ConfigError, match="cannot be loaded"):
        HomeConfig.create({"type": place})


def test_nearest_gives_nothing_rather_than_nonsense() -> None:
    assert nearest("parket", ["csv", "parquet"]) == "parquet"
    assert nearest("zzz", ["csv", "parquet"]) is None


# schemas

PEOPLE = TableSchema.of(
    pl.Schema({"id": pl.Int64(), "name": pl.String(), "born": pl.Date()}), ["id"]
)


def test_a_schema_knows_its_columns() -> None:
    assert PEOPLE.names == ("id", "name", "born")
    assert "name" in PEOPLE
    assert "nam" not in PEOPLE
    assert PEOPLE["born"] == Column("born", pl.Date())
    with pytest.raises(SchemaMismatch, match="there is no column 'nam'") as refused:
        PEOPLE["nam"]
    assert "id, name, born" in str(refused.value)


def test_selected_columns_keep_the_keys_only_if_all_are_there() -> None:
    assert PEOPLE.select(["born", "id"]).names == ("born", "id")
    assert PEOPLE.select(["born", "id"]).keys == ("id",)
    assert PEOPLE.select(["name"]).keys == ()
    with pytest.raises(SchemaMismatch):
        PEOPLE.select(["id", "nam"])


def test_renamed_columns_take_the_keys_along() -> None:
    renamed = PEOPLE.rename({"id": "ID", "other": "x"})
    assert renamed.names == ("ID", "name", "born")
    assert renamed.keys == ("ID",)


@pytest.mark.parametrize(
    ("batch", "told"),
    [
        ({"id": pl.Int64(), "name": pl.String()}, "- born date"),
        ({**PEOPLE.polars(), "x": pl.Int8()}, r"\+ x int8"),
        ({**PEOPLE.polars(), "id": pl.Int32()}, r"\* id int64 → int32"),
        ({"name": pl.String(), "id": pl.Int64(), "born": pl.Date()}, "the order of the columns"),
    ],
)
def test_a_batch_of_another_schema_is_refused(batch: Any, told: str) -> None:
    PEOPLE.check(pl.DataFrame(schema=PEOPLE.polars()))
    with pytest.raises(SchemaMismatch, match=told):
        PEOPLE.check(pl.DataFrame(schema=batch))


KINDS = st.sampled_from([pl.Int64(), pl.String(), pl.Date(), pl.Decimal(9, 2)])
SCHEMAS = st.dictionaries(st.sampled_from("abcdef"), KINDS).map(
    lambda columns: TableSchema.of(pl.Schema(columns))
)


@given(SCHEMAS, SCHEMAS)
def test_a_comparison_is_the_way_from_one_schema_to_the_other(
    before: TableSchema, after: TableSchema
) -> None:
    columns = {column.name: column for column in before.columns}
    for change in compare(before, after):
        if change.before is not None:
            assert columns.pop(change.before.name) == change.before
        if change.after is not None:
            columns[change.after.name] = change.after
        assert (change.kind is Change.RETYPED) == (
            change.before is not None and change.after is not None
        )
    assert columns == {column.name: column for column in after.columns}
    assert compare(after, after) == []


def test_nullability_and_notes_are_no_change_unless_asked_for() -> None:
    strict = TableSchema((Column("id", pl.Int64(), nullable=False),), notes=("looked",))
    loose = TableSchema((Column("id", pl.Int64()),))
    assert compare(strict, loose) == []
    told = [str(c) for c in compare(strict, loose, nullability=True)]
    assert told == ["* id int64 not null → null"]
    assert [str(c) for c in compare(loose, strict, nullability=True)] == ["* id int64 → not null"]
    assert str(strict["id"]) == "id int64 not null"
    assert loose == TableSchema((Column("id", pl.Int64()),), notes=("other",))


def test_a_column_remembers_how_its_rows_arrive() -> None:
    wide = Column("id", pl.Int64(), source=Arrived(pl.Int32(), nullable=False))
    schema = TableSchema((wide, Column("word", pl.String())))
    again = from_json(TableSchema, to_json(schema))
    assert again["id"].source == wide.source
    assert again.arrived["id"] == Column("id", pl.Int32(), nullable=False)
    assert again.arrived["word"] == again["word"]
    assert from_json(Column, '{"name": "id", "type": "int64"}') == Column("id", pl.Int64())


# watermarks


def mark(value: Any, ties: int | None = None, kind: str = "int64") -> Watermark:
    return Watermark("id", kind, value, True, Ties(ties) if ties else None)


def test_the_further_of_two_positions() -> None:
    assert highest(None, None) is None
    assert highest(mark(1), None) == highest(None, mark(1)) == mark(1)
    assert highest(mark(1, 5), mark(2, 1)) == highest(mark(2, 1), mark(1, 5)) == mark(2, 1)
    assert highest(mark(1, 5), mark(1, 2)) == mark(1, 7)
    assert highest(mark(1, 5), mark(1)) == mark(1)
    with pytest.raises(FlowError, match="cannot be compared"):
        highest(mark(1), mark("1", kind="string"))


@pytest.mark.parametrize(
    ("values", "value", "rows"),
    [
        (pl.Series("c", [1, 3, None, 3]), 3, 2),
        (pl.Series("c", ["Z", "a", "ü"]), "ü", 1),
        (pl.Series("c", [date(2024, 1, 1), date(9999, 12, 31)]), date(9999, 12, 31), 1),
        (pl.Series("c", [Decimal("1.50"), Decimal("-2.00")]), Decimal("1.50"), 1),
        (
            pl.Series("c", [datetime(2024, 1, 1, tzinfo=UTC)] * 2),
            datetime(2024, 1, 1, tzinfo=UTC),
            2,
        ),
    ],
    ids=lambda v: str(v.dtype) if isinstance(v, pl.Series) else "",
)
def test_the_greatest_value_is_a_position_in_its_column(
    values: pl.Series, value: object, rows: int
) -> None:
    found = greatest(values)
    assert found is not None
    assert found == Watermark("c", type_name(values.dtype), value)
    frame = values.to_frame()
    assert frame.filter(pl.col("c") == literal(found)).height == rows
    assert frame.select(literal(found)).dtypes == [values.dtype]


def test_nanoseconds_are_not_cut() -> None:
    values = pl.Series("c", [1_700_000_000_123_456_789, 1_700_000_000_123_456_788]).cast(
        pl.Datetime("ns", "UTC")
    )
    found = greatest(values)
    assert found is not None
    assert values.to_frame().filter(pl.col("c") == literal(found)).height == 1


def test_positions_keep_their_order_while_the_clock_goes_back() -> None:
    instants = [
        datetime(2024, 10, 27, hour, minute, tzinfo=UTC) for hour, minute in ((0, 30), (1, 10))
    ]
    times = pl.Series("at", instants).dt.convert_time_zone("Europe/Berlin")  # 02:30, then 02:10
    early, late = greatest(times[:1]), greatest(times[1:])
    assert highest(early, late) == highest(late, early) == late == greatest(times)
    assert late is not None
    assert times.to_frame().filter(pl.col("at") >= literal(late)).height == 1
    same = greatest(times[:1] + pl.Series([timedelta(hours=1)]))  # 02:30 once more
    assert highest(early, same) == same


@pytest.mark.parametrize("values", [[], [None, None]])
def test_without_values_there_is_no_position(values: list[None]) -> None:
    assert greatest(pl.Series("c", values, pl.Int64())) is None


def test_a_position_reads_as_people_write_it() -> None:
    assert str(Watermark("id", "int64", 7)) == "id ≤ 7"
    assert str(Watermark("id", "int64", 7, closed=False)) == "id < 7"


# the registry


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str, str], None]:
    """Makes it so that an installed package offers this class under this name."""

    def give(kind: str, name: str, value: str) -> None:
        found = EntryPoints([EntryPoint(name, value, f"hygge.{kind}")])
        none = EntryPoints([])
        monkeypatch.setattr(registry, "_plugins", lambda asked: found if asked == kind else none)

    return give


def test_a_plugin_joins_the_table(offer: Callable[[str, str, str], None]) -> None:
    offer("homes", "mine", "hygge.homes.memory:MemoryHome")
    assert registry.resolve("homes", "mine").target == "hygge.homes.memory:MemoryHome"
    assert registry.resolve("homes", "parquet").settings == {"format": "parquet"}
    with pytest.raises(registry.UnknownName):
        registry.resolve("stores", "mine")


def test_a_plugins_format_is_a_type_too(offer: Callable[[str, str, str], None]) -> None:
    offer("formats", "runes", "runes:Runes")
    assert registry.resolve("stores", "runes").settings == {"format": "runes"}
    assert registry.resolve("stores", "runes").target == registry.TABLES["stores"]["files"]


def test_a_name_is_offered_once(offer: Callable[[str, str, str], None]) -> None:
    offer("homes", "files", registry.TABLES["homes"]["files"])
    assert registry.find("homes", "files").target == registry.TABLES["homes"]["files"]
    offer("homes", "files", "mine:Home")
    with pytest.raises(registry.DuplicateName, match="mine:Home"):
        registry.find("homes", "files")


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("files", {}),
        ("memory", {}),  # a home goes before a filesystem of the same name
        ("parquet", {"format": "parquet"}),
        ("local", {"filesystem": "local", "format": "parquet"}),
        ("hygge.homes.memory:MemoryHome", {}),
    ],
)
def test_what_a_type_stands_for(name: str, settings: dict[str, str]) -> None:
    assert registry.resolve("homes", name).settings == settings


def test_an_unknown_type_knows_every_name_that_would_have_been_right() -> None:
    with pytest.raises(registry.UnknownName, match="no store is called 'nothing'") as unknown:
        registry.resolve("stores", "nothing")
    assert {"files", "memory", "parquet", "csv", "local"} <= set(unknown.value.known)
    with pytest.raises(registry.UnknownName, match="no format is called 'files'"):
        registry.find("formats", "files")


# ties

ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["a", "b", None])), max_size=60)


def ties(rows: list[tuple[int, str | None]]) -> Ties:
    frame = pl.DataFrame(rows, {"id": pl.Int64(), "name": pl.String()}, orient="row")
    return ties_of(frame, ("id", "name"))


@given(ROWS, st.integers(0, 60), st.randoms())
def test_ties_are_the_same_in_any_order_and_any_parts(
    rows: list[tuple[int, str | None]], cut: int, chance: Random
) -> None:
    mixed = chance.sample(rows, len(rows))
    assert ties(mixed[:cut]) + ties(mixed[cut:]) == ties(rows)


@given(ROWS, ROWS)
def test_a_tie_that_came_is_never_missed(
    before: list[tuple[int, str | None]], after: list[tuple[int, str | None]]
) -> None:
    came = (Counter(after) - Counter(before)).total()
    found = ties(before).came(ties(after))
    assert (found > 0) >= (came > 0)
    if max(len(before), len(after)) <= 24:
        assert found == came


def test_ties_of_other_columns_are_only_counted() -> None:
    frame = people(0, 3)
    by_id, by_all = ties_of(frame, ("id",)), ties_of(frame, frame.columns)
    assert not by_id.comparable(by_all)
    assert by_id.came(by_all) == 0
    assert by_id.came(by_all + by_all) == 3
    assert (by_id + by_all).by is None


@pytest.mark.parametrize(
    "kind",
    [
        pl.Categorical(),
        pl.List(pl.Categorical()),
        pl.Array(pl.Categorical(), 1),
        pl.Struct({"a": pl.List(pl.Categorical())}),
    ],
    ids=str,
)
def test_categories_are_told_apart_by_their_words(kind: pl.DataType) -> None:
    def of(words: list[str]) -> Ties:
        values: list[Any] = list(words)
        if isinstance(kind, pl.List | pl.Array):
            values = [[word] for word in words]
        elif isinstance(kind, pl.Struct):
            values = [{"a": [word]} for word in words]
        frame = pl.DataFrame({"c": pl.Series(values, dtype=kind)})
        return ties_of(frame.tail(2), ["c"])

    assert of(["p", "q", "a", "b"]) == of(["b", "a"])
    assert of(["p", "q", "a", "b"]).came(of(["b", "c"])) == 1
