"""What a test wishes to go wrong goes wrong, as often as wished; and the server as a process."""

from __future__ import annotations

import http.client
import threading
from pathlib import Path

import obstore
import pytest
from obstore.store import AzureStore
from tests.adls.conftest import Ask
from tests.servers.adls import shared
from tests.servers.adls.faults import Fault, Kind
from tests.servers.adls.server import Running


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_refusal_does_nothing(ask: Ask, running: Running, status: int) -> None:
    fault = Fault(lambda r: r.key == "x", status=status, retry_after=7, times=2, after=1)
    running.service.faults.append(fault)
    put = [ask("PUT", "lake/data/x", body=b"1", x_ms_blob_type="BlockBlob") for _ in range(1)]
    answers = [*put, *(ask("DELETE", "lake/data/x") for _ in range(3))]
    assert [answer.status for answer in answers] == [201, status, status, 202]
    assert answers[1].headers["Retry-After"] == "7"
    assert fault.met == 2
    assert ask("PUT", "lake/data/y", "resource=file").status == 201


def test_a_reset_comes_before_and_a_lost_answer_after(ask: Ask, running: Running) -> None:
    for kind, there in ((Kind.RESET, 404), (Kind.LOST, 200)):
        running.service.faults = [Fault(kind=kind)]
        with pytest.raises((http.client.HTTPException, ConnectionError)):
            ask("PUT", "lake/data/x", body=b"1", x_ms_blob_type="BlockBlob")
        assert ask("GET", "lake/data/x").status == there


def test_a_held_request_waits(ask: Ask, running: Running) -> None:
    fault = Fault(kind=Kind.HELD)
    running.service.faults.append(fault)
    asking = threading.Thread(target=ask, args=("PUT", "lake/data/d", "resource=directory"))
    asking.start()
    assert fault.reached.wait(10)
    assert ask("HEAD", "lake/data/d").status == 404
    fault.let_go.set()
    asking.join(10)
    assert ask("HEAD", "lake/data/d").status == 200


def test_the_log_tells_every_call(ask: Ask, running: Running) -> None:
    ask("PUT", "lake/data/a b", "resource=directory")
    ask("GET", "lake/data/a b")
    told = [(r.method, r.key, r.dfs, dict(r.query)) for r in running.service.log]
    assert told == [("PUT", "a b", True, {"resource": "directory"}), ("GET", "a b", False, {})]


def test_it_runs_as_a_process() -> None:
    container = shared.new_container("lake")
    store = AzureStore(
        container,
        account_name="lake",
        account_key=shared.KEY,
        endpoint=f"{shared.url()}/lake",
        client_options={"allow_http": True},
    )
    obstore.put(store, "d/x", b"1")
    assert Path(shared.folder(), "lake", container, "d", "x").read_bytes() == b"1"
