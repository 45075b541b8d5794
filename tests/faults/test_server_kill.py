"""A server that is killed under load: what its clients were told is there after the restart, wholly and once."""

import http.client
import json
import random
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Connection

from eparch.database import migrate
from eparch.database.tables import task_run, task_run_state
from tests.clients.api import Api
from tests.database.connections import connected
from tests.databases import Databases
from tests.server_process import ServerProcess

ROUNDS = 5
CLIENTS = 12
SEED = 20260131
WAIT_S_MAX = 60.0
LIFE = ("Running", "Success")

FLOW = {
    "name": "small",
    "type": "Flow",
    "version": 1,
    "tasks": [
        {
            "name": "one",
            "slug": "one-1",
            "type": "one",
            "tags": [],
            "auto_generated": False,
            "max_retries": 0,
            "mapped": True,
        }
    ],
    "edges": [],
    "parameters": [],
    "reference_tasks": [],
    "schedule": None,
    "run_config": {"type": "UniversalRun", "labels": []},
    "storage": {"type": "Module", "module": "small"},
}


class Gone(Exception):
    """The server did not answer."""


@dataclass(slots=True)
class Told:
    """What the clients were told: the id of each task run by its place, and the states that it was said to be in."""

    ids: dict[tuple[str, int], str] = field(default_factory=dict)
    states: dict[str, list[str]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(self.ids) + sum(map(len, list(self.states.values())))


class Client:
    """Creates one task run after another in a flow run and lets each live its life, over one connection."""

    def __init__(self, port: int, flow_run_id: str, task_id: str, first_index: int, told: Told) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._flow_run_id, self._task_id, self._told = flow_run_id, task_id, told
        self.map_index = first_index
        self.error: BaseException | None = None

    def work(self) -> None:
        """Go on until the server is gone."""
        try:
            while True:
                place = {"flow_run_id": self._flow_run_id, "task_id": self._task_id, "map_index": self.map_index}
                run_id = self._mutate("get_or_create_task_run", place, "id")["id"]
                known = self._told.ids.setdefault((self._flow_run_id, self.map_index), run_id)
                assert known == run_id, "one place has two task runs"
                for name in LIFE:
                    change = {"task_run_id": run_id, "state": {"type": name, "message": f"{name}, as told"}}
                    answer = self._mutate("set_task_run_states", {"states": [change]}, "states { status }")
                    assert answer == {"states": [{"status": "SUCCESS"}]}
                    self._told.states.setdefault(run_id, []).append(name)
                self.map_index += 1
        except Gone:
            pass
        except BaseException as error:
            self.error = error
        finally:
            self._connection.close()

    def _mutate(self, name: str, given: dict[str, Any], selection: str) -> Any:
        document = f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {selection} }} }}"
        body = json.dumps({"query": document, "variables": {"input": given}})
        try:
            self._connection.request("POST", "/graphql", body, {"content-type": "application/json"})
            answer = json.loads(self._connection.getresponse().read())
        except (OSError, http.client.HTTPException, json.JSONDecodeError) as error:
            raise Gone from error
        assert "errors" not in answer, answer
        return answer["data"][name]


@pytest.fixture
def url(durable_databases: Databases) -> Iterator[str]:
    with durable_databases.fresh() as url:
        yield url


def faults_in(connection: Connection, told: Told) -> list[str]:
    """Return a sentence for each thing that was told and is not so, and for each that was done by half."""
    runs = {row.id: row for row in connection.execute(select(task_run))}
    histories: dict[str, list[tuple[int, str]]] = {}
    for row in connection.execute(select(task_run_state).order_by(task_run_state.c.version)):
        histories.setdefault(row.task_run_id, []).append((row.version, row.state))
    found = [f"task run {run_id} of {place} is lost" for place, run_id in told.ids.items() if run_id not in runs]
    for run_id, run in runs.items():
        history = histories.get(run_id, [])
        if [version for version, _ in history] != list(range(1, len(history) + 1)) or run.version != len(history):
            found.append(f"{run_id} is at version {run.version}, but its history is {history}")
        if (run.version, run.state) != history[-1]:
            found.append(f"{run_id} is {run.state}, but its history is {history}")
        promised = told.states.get(run_id, [])
        # It begins Pending. What was on its way when the server died may be there or not.
        entered = [state for _, state in history if state in LIFE]
        if not is_part_of(promised, entered):
            found.append(f"{run_id} was said to be {promised}, but its history is {history}")
    places = [(run.flow_run_id, run.map_index) for run in runs.values()]
    if len(places) != len(set(places)):
        found.append("a place has two task runs")
    return found


def is_part_of(part: list[str], whole: list[str]) -> bool:
    """Return whether `part` is in `whole`, in its order."""
    rest = iter(whole)
    return all(item in rest for item in part)


def test_a_killed_server_has_lost_nothing_that_it_had_told(url: str, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    told = Told()
    next_indexes = [0] * CLIENTS
    flow_run_ids: list[str] = []
    task_id = ""
    for life in range(ROUNDS + 1):
        server = ServerProcess(url, tmp_path).wait_ready()
        try:
            if life == 0:
                flow_run_ids, task_id = start_flow_runs(server.url)
            clients = [
                Client(server.port, flow_run_ids[number % 4], task_id, next_indexes[number] or 10_000 * number, told)
                for number in range(CLIENTS)
            ]
            threads = [threading.Thread(target=client.work) for client in clients]
            for thread in threads:
                thread.start()
            enough, limit = told.count + chance.randrange(50, 600), threading.Event()
            while told.count < enough and any(thread.is_alive() for thread in threads):
                limit.wait(0.002)
        finally:
            server.kill()
        for thread in threads:
            thread.join(WAIT_S_MAX)
        assert [client.error for client in clients] == [None] * CLIENTS
        # The next life begins with the run that was on its way, as a client does that tries again.
        next_indexes = [client.map_index for client in clients]
        with connected(url) as connection:
            assert faults_in(connection, told) == []
        assert migrate.check(url) == []
    assert told.count > 50 * ROUNDS


def start_flow_runs(server_url: str) -> tuple[list[str], str]:
    """Register the flow and return four Running flow runs of it, and the id of its task."""
    api = Api(server_url)
    project_id = api.mutate("create_project", "id", name="kills")["id"]
    flow_id = api.mutate("create_flow", "id", serialized_flow=FLOW, project_id=project_id)["id"]
    (task,) = api.ask("query($id: uuid!) { task(where: {flow_id: {_eq: $id}}) { id } }", id=flow_id)
    flow_run_ids = [api.create_flow_run(flow_id) for _ in range(4)]
    for flow_run_id in flow_run_ids:
        api.set_flow_run_state(flow_run_id, {"type": "Running", "message": "Running."})
    api.close()
    return flow_run_ids, task["id"]
