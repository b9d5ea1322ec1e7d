"""The plan and every complaint about a workspace, as people read them (tests/golden/workspace)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.golden.compare import golden
from tests.workspace.project import ENDS, plan, refused

FLIGHTS = {
    "hygge.yml": (
        "name: flights\nconcurrency: 4\ndefaults:\n  store: {type: parquet, compression: snappy}\n"
        "flows:\n  users_to_parquet:\n    home: {type: parquet, path: data/users.parquet}\n"
        "    store: {type: parquet, path: data/lake/users}\n"
    ),
    "flows/nyc/flow.yml": (
        "home: {type: parquet, path: source}\nstore: {path: lake}\nkey_columns: id\n"
        "entities:\n  - airlines\n"
        "  - {name: planes, columns: [tailnum, year], where: year > 2000}\n"
    ),
    "flows/nyc/entities/flights.yml": (
        "home: '${FLIGHTS_DIR:-2013}/flights'\nrun_type: incremental\nwrite: append\n"
        "watermark: time_hour\nparallel: 4\n"
        "polish: {columns: {case: snake}, timestamps: [{name: loaded_at}]}\n"
    ),
}

COMPLAINTS: dict[str, dict[str, Any]] = {
    "no_flows": {"files": {"hygge.yml": "name: x\n"}},
    "tab": {"files": {"flows/a/flow.yml": "home:\n\tpath: x\n"}},
    "key_twice": {"files": {"flows/a/flow.yml": "home: x\nstore: y\nhome: z\n"}},
    "unknown_key": {"files": {"flows/a/flow.yml": f"{ENDS}colums: [a]\n"}},
    "unknown_key_in_store": {
        "files": {"flows/a/flow.yml": "home: x\nstore:\n  path: y\n  file_patern: z\n"}
    },
    "unknown_option": {
        "files": {"flows/a/flow.yml": "home: x\nstore: {path: y, options: {compresion: z}}\n"}
    },
    "unknown_type": {"files": {"flows/a/flow.yml": "home: {type: parqet, path: x}\nstore: y\n"}},
    "variable": {"files": {"flows/a/flow.yml": "home: ${HYGGE_T_NOT_SET}/x\nstore: y\n"}},
    "variable_in_braces": {"files": {"flows/a/flow.yml": "home: {path: ${X}/x}\nstore: y\n"}},
    "no_store": {"files": {"flows/a/flow.yml": "home: x\n"}},
    "flow_twice": {
        "files": {"hygge.yml": "flows: {a: {home: x, store: y}}\n", "flows/a/flow.yml": ENDS}
    },
    "entity_twice": {
        "files": {
            "flows/a/flow.yml": f"{ENDS}entities: [users]\n",
            "flows/a/entities/users.yml": "",
        }
    },
    "no_watermark": {"files": {"flows/a/flow.yml": f"{ENDS}run_type: incremental\n"}},
    "no_merge": {
        "files": {
            "flows/a/flow.yml": f"{ENDS}run_type: incremental\nwatermark: at\nkeys: id\n",
        }
    },
    "column_twice": {
        "files": {
            "flows/a/flow.yml": f"{ENDS}keys: [id, at, id]\ncolumns:\n  - id\n  - at\n  - at\n"
        }
    },
    "store_is_a_file": {
        "files": {
            "flows/a/flow.yml": "home: x\nstore: lake/a.csv\n",
            "flows/b/flow.yml": "home: x\nstore:\n  type: ndjson\n  path: lake/b.parquet\n",
            "flows/c/flow.yml": "home: x\nstore: lake/c.parquet\n",
            "flows/d/flow.yml": "home: x\nstore: {type: csv, path: lake/d.csv}\n",
        }
    },
    "store_in_home": {"files": {"flows/a/flow.yml": "home: data\nstore: data/lake\n"}},
    "home_in_store": {"files": {"flows/a/flow.yml": "home: lake/in.csv\nstore: lake\n"}},
    "one_destination": {
        "files": {"flows/a/flow.yml": ENDS, "flows/b/flow.yml": ENDS.replace("source", "other")}
    },
    "case_of_entities": {"files": {"flows/a/flow.yml": f"{ENDS}entities: [Users, users]\n"}},
    "no_connection": {
        "files": {
            "hygge.yml": "connections: {warehouse: {}}\n",
            "flows/a/flow.yml": "home: {path: x, connection: warehose}\nstore: y\n",
        }
    },
    "flow_not_there": {"files": FLIGHTS, "flows": ("nyx",)},
    "entity_not_there": {"files": FLIGHTS, "entities": ("nyc.plane",)},
    "var_not_there": {"files": FLIGHTS, "overrides": {"flow.nyc.hom.path": "x"}},
    "many": {
        "files": {
            "hygge.yml": "nam: x\nconcurrency: none\n",
            "flows/a/flow.yml": f"{ENDS}parallel: 0\nretrys: 3\n",
            "flows/b/flow.yml": "home: [x]\nstore: ${HYGGE_T_NOT_SET}\n",
        }
    },
}


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HYGGE_T_NOT_SET", "FLIGHTS_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_the_plan_as_people_read_it(tmp_path: Path) -> None:
    golden("workspace/plan.txt", plan(tmp_path, FLIGHTS).text())


def test_the_plan_as_programs_read_it(tmp_path: Path) -> None:
    told = json.dumps(plan(tmp_path, FLIGHTS).as_dict(), indent=2, ensure_ascii=False)
    golden("workspace/plan.json", told)


@pytest.mark.parametrize("name", COMPLAINTS)
def test_what_is_said_of(tmp_path: Path, name: str) -> None:
    asked = dict(COMPLAINTS[name])
    failed = refused(tmp_path, asked.pop("files"), **asked)
    golden(f"workspace/error_{name}.txt", str(failed).replace(str(tmp_path), "<workspace>"))
