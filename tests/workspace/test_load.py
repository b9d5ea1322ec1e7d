"""What a workspace may look like on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.workspace.project import ENDS, only, plan, refused, written

from hygge.core.errors import ConfigError
from hygge.workspace.workspace import Workspace


def names(root: Path, files: dict[str, str]) -> list[str]:
    return [flow.name for flow in plan(root, files).flows]


def test_folders_with_a_flow_file_are_flows_and_others_are_not(tmp_path: Path) -> None:
    files = {"flows/a/flow.yml": ENDS, "flows/notes/readme.md": "x", "flows/stray.txt": "x"}
    assert names(tmp_path, files) == ["a"]


def test_flows_may_be_written_in_the_project_file(tmp_path: Path) -> None:
    text = "flows: {a: {home: data/a.parquet, store: lake/a}}"
    other = {"flows/b/flow.yml": ENDS.replace("lake", "lake/b")}
    assert names(tmp_path, {"hygge.yml": text, **other}) == ["a", "b"]


def test_flows_dir_is_honoured(tmp_path: Path) -> None:
    files = {"hygge.yml": "flows_dir: my/moves", "my/moves/a/flow.yml": ENDS}
    assert names(tmp_path, {**files, "flows/b/flow.yml": ENDS}) == ["a"]


def test_a_flows_dir_that_is_not_there_is_named(tmp_path: Path) -> None:
    failed = refused(tmp_path, {"hygge.yml": "name: x\nflows_dir: moves\n"})
    assert "there is no folder moves (hygge.yml:2)" in str(failed)


@pytest.mark.parametrize("text", ["", "flows:\ndefaults:\n", "flows: {}"])
def test_no_flows_at_all_is_an_error(tmp_path: Path, text: str) -> None:
    failed = refused(tmp_path, {"hygge.yml": text})
    assert failed.what == "the workspace has no flows"
    assert "flows/<flow>/flow.yml" in str(failed.hint)


def test_a_flow_in_two_places_names_both(tmp_path: Path) -> None:
    text = "flows:\n  a: {home: a.parquet, store: lake/a}\n"
    failed = refused(tmp_path, {"hygge.yml": text, "flows/a/flow.yml": ENDS})
    assert "two flows are called 'a'" in failed.what
    assert "hygge.yml:2" in failed.what
    assert failed.place == "flows/a/flow.yml:1"


def test_a_flow_may_name_itself(tmp_path: Path) -> None:
    assert names(tmp_path, {"flows/01-a/flow.yml": f"name: users\n{ENDS}"}) == ["users"]


@pytest.mark.parametrize("name", ["a.b", "_a", "", "a b"])
def test_a_name_that_cannot_be_a_flow(tmp_path: Path, name: str) -> None:
    failed = refused(tmp_path, {"flows/a/flow.yml": f"name: '{name}'\n{ENDS}"})
    assert "cannot name a flow (flows/a/flow.yml:1)" in str(failed)


def test_entities_are_names_mappings_files_and_lists(tmp_path: Path) -> None:
    files = {
        "flows/f/flow.yml": f"{ENDS}entities: [users, {{name: 2013}}]\n",
        "flows/f/entities/b.yml": "columns: [x]\n",
        "flows/f/entities/a.yml": "",
        "flows/f/entities/c.yml": "- d\n- {name: e, where: x > 1}\n",
        "flows/f/entities/g.yml": "name: h\n",
    }
    assert names(tmp_path, files) == [f"f.{n}" for n in ("users", "2013", "a", "b", "d", "e", "h")]


def test_entities_may_be_a_mapping_by_name(tmp_path: Path) -> None:
    made = plan(tmp_path, {"flows/f/flow.yml": f"{ENDS}entities:\n  a:\n  b: {{keys: id}}\n"})
    assert [(flow.entity, flow.settings.keys) for flow in made.flows] == [("a", ()), ("b", ("id",))]


def test_an_empty_entities_folder_makes_a_flow_of_one_table(tmp_path: Path) -> None:
    (tmp_path / "flows/f/entities").mkdir(parents=True)
    assert names(tmp_path, {"flows/f/flow.yml": ENDS}) == ["f"]


@pytest.mark.parametrize("listed", ["[]", "users", "3", "{}"])
def test_entities_that_list_nothing(tmp_path: Path, listed: str) -> None:
    files = {"flows/f/flow.yml": f"{ENDS}entities: {listed}\n"}
    if listed == "{}":
        assert names(tmp_path, files) == ["f"]
    else:
        assert "`entities` takes `all`" in refused(tmp_path, files).what


def test_two_entities_of_one_name_name_both(tmp_path: Path) -> None:
    flow = f"{ENDS}entities:\n  - users\n"
    failed = refused(
        tmp_path, {"flows/f/flow.yml": flow, "flows/f/entities/x.yml": "name: users\n"}
    )
    assert failed.what == "two entities are called 'users'; the other one is at flows/f/flow.yml:4"
    assert failed.place == "flows/f/entities/x.yml:1"


@pytest.mark.parametrize("name", ["../x", "a/b", "a\\\\b", ".x", "_x", "", "x.", "a..b", "x\\n"])
def test_a_name_that_cannot_be_an_entity(tmp_path: Path, name: str) -> None:
    failed = refused(tmp_path, {"flows/f/flow.yml": f'{ENDS}entities:\n  - "{name}"\n'})
    assert "cannot name an entity" in failed.what
    assert failed.where["line"] == 4


@pytest.mark.parametrize("item", ["{keys: id}", "[a]", "true", "null"])
def test_an_entity_without_a_name(tmp_path: Path, item: str) -> None:
    failed = refused(tmp_path, {"flows/f/flow.yml": f"{ENDS}entities:\n  - {item}\n"})
    assert "an entity needs a `name` (flows/f/flow.yml:4)" in str(failed)


@pytest.mark.parametrize("name", ["flows/f/flow.yaml", "flows/f/entities/a.yaml"])
def test_files_of_the_other_ending_are_not_passed_over(tmp_path: Path, name: str) -> None:
    failed = refused(tmp_path, {"flows/f/flow.yml": ENDS, name: ENDS})
    assert failed.place == name
    assert str(failed.hint).endswith(".yml")


def test_variables_expand_in_all_three_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HYGGE_T_LAKE", "HYGGE_T_DATA", "HYGGE_T_WHERE"):
        monkeypatch.setenv(name, name.lower())
    files = {
        "hygge.yml": "defaults: {store: {type: parquet, path: '${HYGGE_T_LAKE}/{entity}'}}\n",
        "flows/f/flow.yml": "home: {type: parquet, path: '${HYGGE_T_DATA}'}\n",
        "flows/f/entities/a.yml": "columns: ['${HYGGE_T_WHERE}', '${HYGGE_T_NONE:-x}']\n",
    }
    flow = only(plan(tmp_path, files))
    assert flow.store.places() == (str(tmp_path / "hygge_t_lake/a"),)
    assert flow.home.places() == (str(tmp_path / "hygge_t_data/a"),)
    assert flow.settings.columns == ("hygge_t_where", "x")


@pytest.mark.parametrize("name", ["hygge.yml", "flows/f/flow.yml", "flows/f/entities/a.yml"])
def test_a_missing_variable_names_file_and_line(tmp_path: Path, name: str) -> None:
    files = {"hygge.yml": "", "flows/f/flow.yml": ENDS, "flows/f/entities/a.yml": ""}
    key = "name" if name == "hygge.yml" else "where"
    files[name] += f"# one line more\n{key}: ${{HYGGE_T_NOT_SET}}\n"
    failed = refused(tmp_path, files)
    assert "the variable HYGGE_T_NOT_SET is not set" in failed.what
    assert failed.where["file"] == name
    assert failed.where["line"] == files[name].count("\n")


def test_options_stand_at_the_top_or_under_options(tmp_path: Path) -> None:
    top = plan(tmp_path, {"hygge.yml": "concurrency: 3\nmemory: 2GB\n", "flows/a/flow.yml": ENDS})
    assert (top.options.concurrency, top.options.memory) == (3, 2 * 2**30)
    text = "options: {concurrency: '4', memory: 512 MiB, fail_fast: yes}"
    under = plan(tmp_path, {"hygge.yml": text}).options
    assert (under.concurrency, under.memory, under.fail_fast) == (4, 512 * 2**20, True)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("options: {concurrency: 0}", "greater than or equal to 1"),
        ("options: {memory: much}", "not a number of bytes"),
        ("memory: 3", "memory: input should be"),
        ("options: {fail_fast: x}\n", "fail_fast: input should be a valid boolean"),
        ("options: {concurency: 2}", "unknown key 'concurency'"),
        ("concurency: 2", "unknown key 'concurency'"),
        ("options: {concurrency: 2}\nconcurrency: 3", "'concurrency' is given twice"),
        ("flows: [a]", "flows: input should be a valid dictionary"),
        ("flows: {a: 3}", "flows.a: input should be a valid dictionary"),
        ("connections: {a: 3}", "connections.a: input should be a valid dictionary"),
        ("name: [a]", "name: input should be a valid string"),
        ("- a", "hygge.yml must be a mapping"),
    ],
)
def test_what_is_wrong_in_the_project_file(tmp_path: Path, text: str, told: str) -> None:
    failed = refused(tmp_path, {"hygge.yml": text, "flows/a/flow.yml": ENDS})
    assert told in str(failed)
    assert "hygge.yml:" in str(failed)


def test_every_complaint_is_told_at_once_and_many_are_counted(tmp_path: Path) -> None:
    wrong = "".join(f"wrong_{n}: 1\n" for n in range(9))
    files = {"hygge.yml": "nme: x\n", "flows/a/flow.yml": ENDS + wrong, "flows/b/flow.yml": "\tx"}
    told = str(refused(tmp_path, files))
    assert told.startswith("11 things are wrong in this workspace\n")
    assert "did you mean 'name'?" in told
    assert told.endswith("… and 3 more")


def test_credentials_are_kept_and_not_read(tmp_path: Path) -> None:
    text = "credentials: {azure: {file: /nowhere}, x: y}\nconnections: {db: {url: 'sqlite:///x'}}"
    workspace = written(tmp_path, {"hygge.yml": text, "flows/a/flow.yml": ENDS})
    assert workspace.connections.settings("db") == {"url": "sqlite:///x"}
    assert len(workspace.plan().flows) == 1


def test_planning_writes_nothing(tmp_path: Path) -> None:
    workspace = written(tmp_path, {"flows/a/flow.yml": ENDS})
    before = sorted(tmp_path.rglob("*"))
    workspace.plan()
    workspace.coordinator(workspace.plan())
    assert sorted(tmp_path.rglob("*")) == before


def test_a_workspace_is_read_anew_for_every_plan(tmp_path: Path) -> None:
    workspace = written(tmp_path, {"flows/a/flow.yml": "home: x\n"})
    with pytest.raises(ConfigError):
        workspace.plan()
    (tmp_path / "flows/a/flow.yml").write_text(ENDS)
    assert [flow.name for flow in workspace.plan().flows] == ["a"]
    assert isinstance(workspace, Workspace)
