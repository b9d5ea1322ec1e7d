"""Waiting for Fabric to forget a table: by its word where it gives one, else by the clock."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from hygge.connections.entra import EntraSettings
from hygge.filesystems.locating import locate
from hygge.mirroring.names import MirroredTable
from hygge.mirroring.service import MirroringService
from hygge.stores.mirror_waiting import Waiting

TABLE = MirroredTable("sales", "Orders")


class Fabric:
    """Answers as the REST API does, two tables a page."""

    def __init__(self) -> None:
        self.tables, self.asked, self.status = [("dbo", "a"), ("dbo", "b")], list[str](), 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.asked.append(f"{self.path} {self.headers['Authorization']}")
                at = int(self.path.partition("=")[2] or 0)
                rows = [
                    {"sourceSchemaName": schema, "sourceTableName": name, "status": "Replicating"}
                    for schema, name in outer.tables[at : at + 2]
                ]
                more = str(at + 2) if at + 2 < len(outer.tables) else None
                told = json.dumps({"data": rows, "continuationToken": more}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(told)))
                self.end_headers()
                self.wfile.write(told)

            def log_message(self, *_: Any) -> None:
                return None

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    @property
    def service(self) -> MirroringService:
        credential = EntraSettings(method="token", token=SecretStr("good"))
        url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        return MirroringService(url, "w1", "d1", credential)


@pytest.fixture
def fabric() -> Iterator[Fabric]:
    made = Fabric()
    yield made
    made.server.shutdown()
    made.thread.join()
    made.server.server_close()


def test_a_table_is_known_on_any_page(fabric: Fabric) -> None:
    assert fabric.service.knows(TABLE) is False
    assert fabric.service.knows(MirroredTable(None, "A")) is True, "names in any case"
    fabric.tables[0] = ("", "a")
    assert fabric.service.knows(MirroredTable(None, "A")) is True, "in whatever default schema"
    fabric.tables += [("Sales", "orders")]
    assert fabric.service.knows(TABLE) is True
    path = "/v1/workspaces/w1/mirroredDatabases/d1/getTablesMirroringStatus"
    assert fabric.asked[-2:] == [f"{path} Bearer good", f"{path}?continuationToken=2 Bearer good"]


def test_no_answer_is_no_answer(fabric: Fabric) -> None:
    fabric.status = 401
    assert fabric.service.knows(TABLE) is None
    fabric.status, fabric.tables = 200, [("a", "b")] * 300
    assert fabric.service.knows(TABLE) is None, "pages without end"


@pytest.mark.parametrize(
    ("known", "least", "most"),
    [(None, 99.0, 100.0), (True, 5.0, 5.0), (False, 0.0, 0.0)],
    ids=["nobody answers", "still there", "forgotten"],
)
def test_the_wait_is_over_when_it_is_forgotten(
    known: bool | None, least: float, most: float
) -> None:
    told = True
    waiting = Waiting(locate("memory://known/x")[0], 100.0, lambda: told)
    waiting._fs.put_once("mark", waiting.mark)
    began = waiting.begin("mark")
    told = known  # type: ignore[assignment]
    assert began is not None
    assert least <= waiting.left("mark", began) <= most
    assert waiting.left("mark", began - 101) == 0.0
    assert waiting.left("mark", began + 1000) <= 100.0, "a clock that went back"
    waiting._fs.delete_folder("")


@pytest.mark.parametrize("before", [None, False])
def test_a_table_that_was_not_told_of_is_waited_for(before: bool | None) -> None:
    waiting = Waiting(locate("memory://unknown/x")[0], 100.0, lambda: before)
    waiting._fs.put_once("mark", waiting.mark)
    began = waiting.begin("mark")
    assert began is not None
    assert 99.0 <= waiting.left("mark", began) <= 100.0
    waiting._fs.delete_folder("")


def test_the_beginning_is_written_down_once() -> None:
    files, _ = locate("memory://waiting/x")
    files.put_once("staging/_mark", b"")
    waiting = Waiting(files, 100.0)
    assert waiting.since("staging/_mark") is None
    first = waiting.begin("staging/_mark")
    assert Waiting(files, 100.0).begin("staging/_mark") == first == waiting.since("staging/_mark")
