"""From what was written to flows: who beats whom, and what is refused before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.workspace.project import ENDS, only, plan, refused, written

from hygge.core.errors import Unsupported
from hygge.flow.settings import RunType
from hygge.workspace.workspace import Workspace

INCREMENTAL = "run_type: incremental\nwatermark: at\n"


def test_the_first_flow_of_the_readme(tmp_path: Path) -> None:
    text = (
        "flows: {users_to_parquet: {home: {type: parquet, path: data/users.parquet}, "
        "store: {type: parquet, path: data/lake/users}}}"
    )
    flow = only(plan(tmp_path, {"hygge.yml": text}))
    assert flow.name == flow.flow == "users_to_parquet"
    assert flow.entity is None
    assert flow.home.places() == (str(tmp_path / "data/users.parquet"),)
    assert flow.store.places() == (str(tmp_path / "data/lake/users"),)
    assert flow.settings.run_type is RunType.FULL_DROP
    assert (flow.file, flow.line) == ("hygge.yml", 1)


def test_paths_alone_are_enough(tmp_path: Path) -> None:
    flow = only(plan(tmp_path, {"flows/a/flow.yml": "home: in.csv\nstore: /abs/out\n"}))
    assert flow.home.places() == (str(tmp_path / "in.csv"),)
    assert flow.store.places() == ("/abs/out",)
    assert flow.store.type == "files"


def test_paths_are_seen_from_the_workspace_wherever_we_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "root"
    written(root, {"flows/a/flow.yml": ENDS})
    monkeypatch.chdir(elsewhere)
    assert only(Workspace.find(root).plan()).home.places() == (str(root / "source"),)


def test_entity_beats_flow_beats_defaults(tmp_path: Path) -> None:
    files = {
        "hygge.yml": "defaults: {parallel: 2, retries: 2, where: 'a > 1', polish: {columns: "
        "{case: snake, remove_spaces: true}}}",
        "flows/f/flow.yml": f"{ENDS}retries: 5\ntimeout: 9\npolish: {{columns: {{case: lower}}}}\n"
        "entities: [{name: e, timeout: 7, where: null}]\n",
    }
    settings = only(plan(tmp_path, files)).settings
    assert (settings.parallel, settings.retries, settings.timeout) == (2, 5, 7)
    assert settings.where is None
    assert settings.polish is not None
    assert (settings.polish.columns.case, settings.polish.columns.remove_spaces) == ("lower", True)


LAYERS = st.dictionaries(
    st.sampled_from(["parallel", "retries", "min_rows", "timeout"]), st.integers(1, 9), max_size=4
)


@given(defaults=LAYERS, flow=LAYERS, entity=LAYERS)
def test_precedence_whatever_is_written_where(
    tmp_path_factory: pytest.TempPathFactory,
    defaults: dict[str, int],
    flow: dict[str, int],
    entity: dict[str, int],
) -> None:
    files = {
        "hygge.yml": f"defaults: {defaults}\n",
        "flows/f/flow.yml": ENDS + "".join(f"{key}: {n}\n" for key, n in flow.items()),
        "flows/f/entities/e.yml": "".join(f"{key}: {n}\n" for key, n in entity.items()),
    }
    settings = only(plan(tmp_path_factory.mktemp("ws"), files)).settings
    for key, value in {**defaults, **flow, **entity}.items():
        assert getattr(settings, key) == value


def test_lists_replace_and_mappings_merge(tmp_path: Path) -> None:
    files = {
        "hygge.yml": "defaults: {keys: [a, b], store: {type: parquet, options: "
        "{compression: gzip, compression_level: 3}, path: lake}}",
        "flows/f/flow.yml": "home: in\nentities: [{name: e, keys: [c], store: "
        "{options: {compression: zstd}, file_pattern: '{sequence}'}}]\n",
    }
    flow = only(plan(tmp_path, files))
    assert flow.settings.keys == ("c",)
    merged = {"compression": "zstd", "compression_level": 3}
    assert flow.store_shown["options"] == flow.store.model_dump()["options"] == merged
    assert flow.store.places() == (str(tmp_path / "lake/e"),)


@pytest.mark.parametrize(
    ("flow", "entity", "found"),
    [
        ("source", "", "source/e"),
        ("source/{entity}/new", "", "source/e/new"),
        ("source", "home: old/e.csv\n", "source/old/e.csv"),
        ("source", "home: {path: '{entity}_2'}\n", "source/e_2"),
        ("source", "home: /abs/e\n", "/abs/e"),
    ],
)
def test_an_entity_joins_its_flows_path(tmp_path: Path, flow: str, entity: str, found: str) -> None:
    files = {
        "flows/f/flow.yml": f"home: '{flow}'\nstore: lake\n",
        "flows/f/entities/e.yml": entity,
    }
    assert only(plan(tmp_path, files)).home.places() == (str(tmp_path / found),)


@pytest.mark.parametrize("spelling", ["keys", "key_columns", "primary_key"])
@pytest.mark.parametrize("given", ["id", "[id, at]"])
def test_keys_in_every_spelling(tmp_path: Path, spelling: str, given: str) -> None:
    wanted = ("id",) if given == "id" else ("id", "at")
    flow = only(plan(tmp_path, {"flows/a/flow.yml": f"{ENDS}{spelling}: {given}\n"}))
    assert flow.settings.keys == wanted
    inside = f"home: in\nstore: {{type: parquet, path: out, {spelling}: {given}}}\n"
    assert only(plan(tmp_path, {"flows/a/flow.yml": inside})).settings.keys == wanted


def test_keys_of_an_entity_beat_those_of_its_flow_in_another_spelling(tmp_path: Path) -> None:
    files = {
        "flows/f/flow.yml": f"{ENDS}primary_key: a\nentities: [e]\n",
        "flows/f/entities/g.yml": "key_columns: b\n",
    }
    assert [flow.settings.keys for flow in plan(tmp_path, files).flows] == [("a",), ("b",)]


def test_keys_inside_the_store_of_an_entity_beat_those_inside_its_flows(tmp_path: Path) -> None:
    files = {
        "flows/f/flow.yml": "home: in\nstore: {path: out, keys: a}\nentities: [e]\n",
        "flows/f/entities/g.yml": "store: {primary_key: b}\n",
    }
    assert [flow.settings.keys for flow in plan(tmp_path, files).flows] == [("a",), ("b",)]


@pytest.mark.parametrize(
    "flow",
    [
        f"{ENDS}keys: a\nprimary_key: b\n",
        f"{ENDS}keys: a\nwatermark: {{primary_key: b, watermark_column: at}}\n",
        "home: in\nstore: {type: parquet, path: out, keys: a, primary_key: b}\n",
        "home: in\nstore: {type: parquet, path: out, keys: a}\nkeys: b\n",
    ],
)
def test_keys_given_twice(tmp_path: Path, flow: str) -> None:
    failed = refused(tmp_path, {"flows/a/flow.yml": flow})
    assert failed.hint == "keep one of them"
    assert failed.where["file"] == "flows/a/flow.yml"


def test_how_rows_are_deleted_is_told(tmp_path: Path) -> None:
    flow = "home: source\nstore: {type: sqlite, path: shop.db, table: t}\nrun_type: incremental\n"
    flow += "watermark: id\nkeys: id\n"
    finding = f"{flow}detect_deletes: by_key_compare\ndeletes: soft\n"
    text = plan(tmp_path, {"flows/f/flow.yml": finding}).text()
    assert "  deletes    found by comparing keys, soft\n" in text
    assert "deletes" not in plan(tmp_path, {"flows/f/flow.yml": flow}).text()


@pytest.mark.parametrize(
    ("store", "more", "told", "line"),
    [
        ("lake", "detect_deletes: by_key_compare", "it needs `keys`", 5),
        ("lake", "deletes: soft", "it needs `keys`", 5),
        ("lake", "keys: id\ndetect_deletes: by_key_compare", "FileStore cannot merge", 2),
    ],
)
def test_deletes_that_cannot_be_are_told_with_their_line(
    tmp_path: Path, store: str, more: str, told: str, line: int
) -> None:
    flow = f"home: source\nstore: {store}\nrun_type: incremental\nwatermark: id\n{more}\n"
    error = refused(tmp_path, {"flows/f/flow.yml": flow})
    assert told in error.what
    assert error.where["line"] == line


def test_the_earlier_form_of_a_watermark(tmp_path: Path) -> None:
    flow = f"{ENDS}watermark: {{primary_key: id, watermark_column: at, nulls: ignore}}\n"
    settings = only(plan(tmp_path, {"flows/a/flow.yml": flow})).settings
    assert settings.keys == ("id",)
    assert settings.watermark is not None
    assert (settings.watermark.column, settings.watermark.nulls) == ("at", "ignore")


def test_a_type_that_is_not_there_is_named_with_what_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "no_such_system://u:hunter2@h/d")
    text = (
        "flows:\n  users_to_parquet: {home: {type: no_such_system, table: users, connection: "
        '"${DATABASE_URL}", options: {batch_size: 10000}}, store: {type: parquet, '
        "path: data/lake/users, options: {compression: snappy}}}\n"
    )
    failed = refused(tmp_path, {"hygge.yml": text})
    assert failed.what == "unknown home type 'no_such_system'"
    assert failed.place == "hygge.yml:2"
    assert "parquet" in str(failed.hint)
    assert "hunter2" not in str(failed)


@pytest.mark.parametrize(
    ("flow", "told", "line"),
    [
        (f"{ENDS}colums: [a]\n", "unknown key 'colums'", 3),
        (f"{ENDS}parallel: 0\n", "parallel: input should be greater", 3),
        (f"{ENDS}# x\npolish:\n  columns:\n    cse: snake\n", "unknown key 'cse'", 6),
        (f"{ENDS}run_type: incremntal\n", "run_type: input should be 'full_drop'", 3),
        (f"{ENDS}run_type: incremental\n", "needs a `watermark`", 3),
        (f"{ENDS}retries: 1\nwrite: merge\n", "write: merge needs `keys`", 4),
        ("home: in\n", "the flow has no store", 1),
        ("store: out\n", "the flow has no home", 1),
        ("home:\nstore: out\n", "the flow has no home", 1),
        ("home: [a]\nstore: out\n", "'home' takes a path", 1),
        ("home: in\nstore:\n  type: parqet\n", "unknown store type 'parqet'", 3),
        ("home: in\nstore:\n  path: out\n  patern: x\n", "unknown key 'patern'", 4),
        ("home: in\nstore:\n  type: parquet\n", "'path' is needed and not given", 2),
        ("home: in\nstore:\n  path: out\n  options:\n    compression: zap\n", "compression", 5),
        ("home: in\nstore: out/{entity}\n", "this flow lists none", 2),
        ("home: {type: 'no.such:Home'}\nstore: out\n", "type 'no.such:Home' cannot be loaded", 1),
        ("home: {path: in, connection: x}\nstore: out\n", "there is no connection 'x'", 1),
    ],
)
def test_what_is_wrong_in_a_flow(tmp_path: Path, flow: str, told: str, line: int) -> None:
    failed = refused(tmp_path, {"flows/a/flow.yml": flow})
    assert told in failed.what
    assert failed.where["file"] == "flows/a/flow.yml"
    assert failed.where["line"] == line


def test_what_was_written_is_shown_beside_what_may_be(tmp_path: Path) -> None:
    files = {"flows/a/flow.yml": f"{ENDS}run_type: incremntal\nwrite: apend\nmin_rows: few\n"}
    said = str(refused(tmp_path, files))
    assert "run_type: input should be 'full_drop', 'incremental' or 'backfill', not 'incr" in said
    assert "try: did you mean 'incremental'?" in said
    assert "try: did you mean 'append'?" in said
    assert "min_rows: input should be a valid integer, not 'few' (flows/a/flow.yml:5" in said
    given = {"flow.a.run_type": "fulldrop"}
    told = refused(tmp_path, {"flows/a/flow.yml": ENDS}, overrides=given)
    assert (told.hint, "not 'fulldrop'" in told.what) == ("did you mean 'full_drop'?", True)


def test_a_secret_that_cannot_be_is_not_shown(tmp_path: Path) -> None:
    flow = {"home": "x", "store": "{path: y, adopt: maybe, layout: {secret: hunter2}}"}
    text = "".join(f"{key}: {value}\n" for key, value in flow.items())
    said = str(refused(tmp_path, {"flows/a/flow.yml": text}))
    assert "not 'maybe'" in said
    assert "hunter2" not in said


def test_an_entity_needs_a_path_from_somewhere(tmp_path: Path) -> None:
    flow = "home: {type: parquet}\nstore: out\nentities: [a]\n"
    failed = refused(tmp_path, {"flows/f/flow.yml": flow})
    assert "'path' is needed and not given (flows/f/flow.yml:1, flow f.a)" in str(failed)


def test_a_mistake_in_defaults_points_there_and_is_told_once(tmp_path: Path) -> None:
    files = {
        "hygge.yml": "defaults:\n  # x\n  parallel: none\n",
        "flows/f/flow.yml": f"{ENDS}entities: [a, b, c]\n",
    }
    failed = refused(tmp_path, files)
    assert failed.what.startswith("parallel: input should be a valid integer")
    assert failed.where["file"] == "hygge.yml"
    assert failed.where["line"] == 3


def test_a_mistake_of_an_entity_points_into_its_file(tmp_path: Path) -> None:
    files = {
        "flows/f/flow.yml": f"{ENDS}parallel: 2\n",
        "flows/f/entities/a.yml": "\nparallel: x\n",
    }
    assert refused(tmp_path, files).place == "flows/f/entities/a.yml:2, flow f.a"


@pytest.mark.parametrize(
    "flow",
    [
        f"{ENDS}parallel: ${{HYGGE_T_NOT_SET}}\n",
        "home: {type: '${HYGGE_T_NOT_SET}', path: x}\nstore: out\n",
        "home: in\nstore: {path: out, options: {compression: '${HYGGE_T_NOT_SET}'}}\n",
    ],
)
def test_a_missing_variable_is_not_also_a_wrong_value(tmp_path: Path, flow: str) -> None:
    failed = refused(tmp_path, {"flows/a/flow.yml": flow})
    assert failed.what == "the variable HYGGE_T_NOT_SET is not set"


def test_a_missing_variable_hides_nothing_else_of_its_line(tmp_path: Path) -> None:
    flow = "home: {type: parqet, path: '${HYGGE_T_NOT_SET}'}\nstore: out\n"
    told = str(refused(tmp_path, {"flows/a/flow.yml": flow}))
    assert "HYGGE_T_NOT_SET is not set (flows/a/flow.yml:1)" in told
    assert "unknown home type 'parqet' (flows/a/flow.yml:1)" in told


def test_a_store_that_cannot_merge_says_so_with_the_line(tmp_path: Path) -> None:
    failed = refused(tmp_path, {"flows/a/flow.yml": f"{ENDS}{INCREMENTAL}keys: id\n"})
    assert isinstance(failed, Unsupported)
    assert "cannot merge" in failed.what
    assert failed.hint == "write: append"
    assert failed.where["file"] == "flows/a/flow.yml"
    with_append = {"flows/a/flow.yml": f"{ENDS}{INCREMENTAL}keys: id\nwrite: append\n"}
    assert only(plan(tmp_path, with_append)).settings.mode == "append"


def test_numbers_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYGGE_T_PARALLEL", "4")
    flow = f"{ENDS}parallel: ${{HYGGE_T_PARALLEL}}\n"
    assert only(plan(tmp_path, {"flows/a/flow.yml": flow})).settings.parallel == 4


@pytest.mark.parametrize("written", ["home: data/a.csv", "home: {type: csv, path: data/a.csv}"])
def test_a_home_given_as_a_path_on_the_command_line_is_its_path(
    tmp_path: Path, written: str
) -> None:
    (tmp_path / "hygge.yml").write_text(f"flows:\n  t:\n    {written}\n    store: lake/t\n")
    plan = Workspace.find(tmp_path).plan(overrides={"flow.t.home": "data/b.csv"})
    (flow,) = plan.flows
    assert flow.home.places() == (str(tmp_path / "data/b.csv"),)
