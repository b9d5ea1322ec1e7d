"""Nothing that a workspace shows holds a password."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.workspace.project import ENDS, only, plan, refused, written

from hygge.core.errors import ConfigError
from hygge.workspace.masks import masked

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgres://me:hunter2@host/db", "postgres://me:***@host/db"),
        ("https://me@host/x", "https://me@host/x"),
        ("Server=x;Password=hunter2;Database=d", "Server=x;Password=***;Database=d"),
        ("AccountKey=hunter2==;x=y", "AccountKey=***;x=y"),
        ("https://host/x?sig=hunter2&se=1", "https://host/x?sig=***&se=1"),
        ({"password": "hunter2", "user": "me"}, {"password": "***", "user": "me"}),
        ({"client_secret": 12, "n": 12}, {"client_secret": "***", "n": 12}),
        ({"a": [{"api_key": "hunter2"}]}, {"a": [{"api_key": "***"}]}),
        ({"tokens": ["hunter2"]}, {"tokens": ["***"]}),
        ({"password": None}, {"password": None}),
        ("data/lake/users", "data/lake/users"),
    ],
)
def test_what_is_shown_of_a_setting(given: Any, shown: Any) -> None:
    assert masked(given) == shown


def test_what_came_from_the_environment_is_shown_as_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYGGE_T_SECRET", SECRET)
    text = (
        "home: {type: memory, table: '${HYGGE_T_SECRET}'}\nstore: out\n"
        "where: x = '${HYGGE_T_SECRET}'\n"
    )
    made = plan(tmp_path, {"flows/a/flow.yml": text})
    for shown in (made.text(), json.dumps(made.as_dict())):
        assert SECRET not in shown
        assert shown.count("${HYGGE_T_SECRET}") == 2
    assert only(made).settings.where == f"x = '{SECRET}'"


@pytest.mark.parametrize(
    "flow",
    [
        f"{ENDS}parallel: ${{HYGGE_T_SECRET}}\n",
        f"{ENDS}run_type: ${{HYGGE_T_SECRET}}\n",
        f"{ENDS}polish: ${{HYGGE_T_SECRET}}\n",
        "home: {type: '${HYGGE_T_SECRET}', path: x}\nstore: out\n",
        "home: {path: x, nothing: '${HYGGE_T_SECRET}'}\nstore: out\n",
        "home: {path: x, options: '${HYGGE_T_SECRET}'}\nstore: out\n",
        f"{ENDS}entities: ${{HYGGE_T_SECRET}}\n",
        f"{ENDS}entities: [{{name: a, keys: {{x: '${{HYGGE_T_SECRET}}'}}}}]\n",
    ],
)
def test_no_complaint_shows_a_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flow: str
) -> None:
    monkeypatch.setenv("HYGGE_T_SECRET", SECRET)
    failed = refused(tmp_path, {"flows/a/flow.yml": flow})
    assert isinstance(failed, ConfigError)
    assert SECRET not in f"{failed} {failed!r} {failed.__cause__!r}"


def test_connections_do_not_show_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYGGE_T_SECRET", SECRET)
    text = (
        "connections: {db: {password: '${HYGGE_T_SECRET}'}}\n"
        "credentials: {x: '${HYGGE_T_SECRET}'}\n"
    )
    workspace = written(tmp_path, {"hygge.yml": text, "flows/a/flow.yml": ENDS})
    made = workspace.plan()
    shown = f"{made!r} {workspace.connections!r} {workspace.load()!r} {made.text()}"
    assert SECRET not in shown
    assert workspace.connections.settings("db") == {"password": SECRET}
