"""Random operations on a real server: whatever comes, it is answered, and what it has stored stays sound.

`EPARCH_TEST_FUZZ_S` makes it search longer than the few seconds of an ordinary run, and `EPARCH_TEST_FUZZ_SEED` starts
it elsewhere; a failure prints the operation.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from eparch.database.engines import parse_url, writing_engine
from eparch.graphql.schema import schema
from tests.databases import Databases
from tests.operations.backend import Backend, check_invariants
from tests.server.conftest import running
from tests.server.making import make_flow, make_project, make_run, mutate
from tests.server.random_operations import Document, Operations, Pool
from tests.server.wire import Wire, ask, request
from tests.server_process import ServerProcess

SEARCH_S = float(os.environ.get("EPARCH_TEST_FUZZ_S", "10"))
SEED = int(os.environ.get("EPARCH_TEST_FUZZ_SEED", "1"))
# Between two looks whether the time is up.
ROUND = 100


def fill(server: ServerProcess) -> Pool:
    """Make a few of each thing, and return their ids."""
    pool = Pool()
    for _ in range(2):
        project_id = make_project(server)
        flow_id = make_flow(server, project_id=project_id)
        pool.ids.setdefault("project_id", []).append(project_id)
        pool.ids.setdefault("flow_id", []).append(flow_id)
        for _ in range(3):
            pool.ids.setdefault("flow_run_id", []).append(make_run(server, flow_id))
    pool.ids["agent_id"] = [mutate(server, "register_agent", "id", type="x", labels=[])["id"]]
    for name in ("flow_group", "task", "task_run"):
        rows = ask(server.port, f"{{ {name} {{ id }} }}").json()["data"][name]
        pool.ids[f"{name}_id"] = [row["id"] for row in rows]
    pool.ids["tenant_id"] = [row["id"] for row in ask(server.port, "{ tenant { id } }").json()["data"]["tenant"]]
    return pool


def check_answer(document: Document, status: int, answer: Any) -> None:
    """Assert what holds for the answer to anything."""
    told = f"{document.query}\n{json.dumps(document.variables)}\n{json.dumps(answer)[:2000]}"
    assert status in (200, 400), told
    assert ("data" in answer) == (status == 200), told
    for error in answer.get("errors", []):
        assert error["extensions"]["code"] != "INTERNAL_SERVER_ERROR", told
        assert error["message"], told
    assert "errors" not in answer or answer["errors"], told


@pytest.mark.timeout(SEARCH_S * 3 + 300)
@pytest.mark.xdist_group("server-fuzz")
def test_whatever_comes_is_answered_and_what_is_stored_stays_sound(databases: Databases, tmp_path: Path) -> None:
    with databases.fresh() as url, running(url, tmp_path, "--no-services-enabled") as server:
        search(server)
        assert httpx.get(f"{server.url}/health", timeout=30).json()["status"] == "ok"
        server.check_log()
        engine = writing_engine(parse_url(url))
        try:
            check_invariants(Backend(engine))
        finally:
            engine.dispose()


def search(server: ServerProcess) -> None:
    """Send random operations, one after the other, until the time is up."""
    end = time.monotonic() + SEARCH_S
    with Wire(server.port, timeout_s=60) as wire:
        number = SEED
        while time.monotonic() < end:
            # Each round begins with new rows, as the one before may have deleted its own. A failure is shown as it was
            # found: it cannot be made smaller, as the rows of that moment are gone.
            search_round(Operations(schema(), fill(server)), wire, number)
            number += 1


def search_round(operations: Operations, wire: Wire, number: int) -> None:
    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operations.documents())
    def check(document: Document) -> None:
        body = json.dumps({"query": document.query, "variables": document.variables}).encode()
        wire.send(request("POST", "/", body))
        response = wire.receive()
        check_answer(document, response.status, response.json())

    check()
