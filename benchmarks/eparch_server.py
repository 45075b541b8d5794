"""Eparch's server under measurement.

In charge of starting it, of registering a flow, and of the three calls of a task run's life, byte for byte as the
Prefect 1.4.1 client sends them. Not in charge of load or measurement.
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from postgres import PostgresCluster
from processes import HOST, ManagedProcess, free_port, wait_until_healthy
from systems import TaskRunScript, post_json, request_head, with_body

CLIENT_HEADERS = {
    "User-Agent": "python-requests/2.34.2",
    "Accept-Encoding": "gzip, deflate",
    "Accept": "*/*",
    "Connection": "keep-alive",
    "X-PREFECT-CORE-VERSION": "1.4.1",
}
NO_RESULT = {"__version__": "1.4.1", "type": "NoResultType"}
EMPTY_RESULT = {"location": None, "__version__": "1.4.1", "type": "Result"}

# The documents have the client's own line breaks and indentation: a server may well cache by text.
_CREATE = """mutation {
    get_or_create_task_run_info(input: { flow_run_id: "FLOW_RUN_ID", task_id: "TASK_ID", map_index: MAP_INDEX }) {
        id
        version
        serialized_state
    }
}"""
_SET_STATES = """mutation($input: set_task_run_states_input!) {
    set_task_run_states(input: $input) {
        states {
            status
            message
            id
        }
    }
}"""


class EparchServer:
    """A running server with an empty database."""

    name = "Eparch"

    def __init__(self, directory: Path, cluster: PostgresCluster | None, *, database_url: str | None = None) -> None:
        """Start it on SQLite in `directory`, in a new database of a PostgreSQL cluster, or on the one of an address."""
        self.port = free_port()
        if database_url is not None:
            url = database_url
        else:
            url = cluster.create_database("eparch") if cluster else f"sqlite:///{directory / 'eparch.sqlite'}"
        self.process = ManagedProcess(
            [
                Path(sys.executable).parent / "eparch",
                *("server", "start", "--port", str(self.port), "--database-url", url),
            ],
            log_path=directory / "eparch.log",
            environment={"HOME": str(directory)},
            directory=directory,
        )
        try:
            self.started_in_s = wait_until_healthy(self.process, f"http://{HOST}:{self.port}/health")
            self._clients = EparchClients(self.port)
        except BaseException:
            self.stop()
            raise

    def open_scripts(self, count: int) -> list[EparchScript]:
        """Prepare clients; see `EparchClients`."""
        return self._clients.open_scripts(count)

    def close_scripts(self, scripts: Sequence[TaskRunScript]) -> None:
        """End the flow runs of clients; see `EparchClients`."""
        self._clients.close_scripts(scripts)

    def count_finished_task_runs(self) -> int:
        """Return how many task runs are in state Success."""
        query = 'query { task_run_aggregate(where: { state: { _eq: "Success" } }) { aggregate { count } } }'
        return int(self.call(query, None)["task_run_aggregate"]["aggregate"]["count"])

    def call(self, query: str, variables: dict[str, Any] | None) -> dict[str, Any]:
        """Return the data that a document gives."""
        return self._clients.call(query, variables)

    def stop(self) -> None:
        """End the server."""
        self.process.stop()


class EparchClients:
    """Clients of a server that runs, with a flow of their own."""

    def __init__(self, port: int) -> None:
        """Register the flow."""
        self.port = port
        self._flow_id, self._task_id = self._register_flow()

    def open_scripts(self, count: int) -> list[EparchScript]:
        """Prepare clients, each with a Running flow run whose task `noop` is mapped without end."""
        return [EparchScript(self.port, self._start_flow_run(), self._task_id) for _ in range(count)]

    def close_scripts(self, scripts: Sequence[TaskRunScript]) -> None:
        """Set the flow runs Success, as the client does at the end of a run."""
        for script in scripts:
            assert isinstance(script, EparchScript)
            state = _state("Success", "All reference tasks succeeded.", EMPTY_RESULT, {})
            self._set_flow_run_state(script.flow_run_id, None, state)

    def _register_flow(self) -> tuple[str, str]:
        """Register a flow with one mapped task, and return the ids of the flow and of that task."""
        tenant_id = self.call("query { tenant { id } }")["tenant"][0]["id"]
        project_id = self._mutate(
            "create_project", {"name": f"benchmark {uuid.uuid4()}", "tenant_id": tenant_id}, "id"
        )["id"]
        flow = {"project_id": project_id, "serialized_flow": _serialized_flow(), "set_schedule_active": False}
        flow_id = str(self._mutate("create_flow", flow, "id")["id"])
        where = f'{{ flow_id: {{ _eq: "{flow_id}" }}, slug: {{ _eq: "noop-1" }} }}'
        task_id = str(self.call(f"query {{ task(where: {where}) {{ id }} }}")["task"][0]["id"])
        return flow_id, task_id

    def _start_flow_run(self) -> str:
        """Create a flow run, set it Running, and return its id."""
        created = {"flow_id": self._flow_id, "idempotency_key": str(uuid.uuid4())}
        flow_run_id = str(self._mutate("create_flow_run", created, "id")["id"])
        row = self.call(f'query {{ flow_run_by_pk(id: "{flow_run_id}") {{ version }} }}')["flow_run_by_pk"]
        self._set_flow_run_state(flow_run_id, row["version"], _state("Running", "Running flow.", NO_RESULT, {}))
        return flow_run_id

    def _set_flow_run_state(self, flow_run_id: str, version: int | None, state: dict[str, Any]) -> None:
        states = {"states": [{"state": state, "flow_run_id": flow_run_id, "version": version}]}
        answer = self._mutate("set_flow_run_states", states, "states { status message id }")
        if answer["states"][0]["status"] != "SUCCESS":
            raise RuntimeError(f"flow run {flow_run_id} was not set to {state['type']}: {answer}")

    def _mutate(self, name: str, values: dict[str, Any], selection: str) -> dict[str, Any]:
        query = f"mutation($input: {name}_input!) {{\n    {name}(input: $input) {{ {selection} }}\n}}"
        payload: dict[str, Any] = self.call(query, {"input": values})[name]
        return payload

    def call(self, query: str, variables: Any = None) -> dict[str, Any]:
        """Return the data that a document gives."""
        answer = post_json(self.port, "/", {"query": query, "variables": json.dumps(variables)})
        if "errors" in answer:
            raise RuntimeError(f"{query}: {answer['errors']}")
        data: dict[str, Any] = answer["data"]
        return data


class EparchScript(TaskRunScript):
    """A Prefect 1.4.1 client inside one flow run: children of a mapped task, one after another."""

    def __init__(self, port: int, flow_run_id: str, task_id: str) -> None:
        super().__init__()
        self.flow_run_id = flow_run_id
        self._head = request_head(port, "/", CLIENT_HEADERS)
        create = _CREATE.replace("FLOW_RUN_ID", flow_run_id).replace("TASK_ID", task_id)
        self._create = _content(create, None).replace(b"MAP_INDEX", b"%d")
        running = _state("Running", "Starting task run.", NO_RESULT, {"tags": []})
        success = _state("Success", "Task run succeeded.", EMPTY_RESULT, {"tags": []})
        self._running = _set_states_template(running, "VERSION").replace(rb"\"VERSION\"", b"%d")
        self._success = _set_states_template(success, None)
        self._map_index = -1
        self._task_run_id = b""
        self._version = 0

    def _create_request(self) -> bytes:
        self._map_index += 1
        return with_body(self._head, self._create % self._map_index)

    def _running_request(self) -> bytes:
        return with_body(self._head, self._running % (self._task_run_id, self._version))

    def _success_request(self) -> bytes:
        return with_body(self._head, self._success % self._task_run_id)

    def _take_task_run(self, body: bytes) -> str | None:
        id_at, version_at = body.find(b'"id":"'), body.find(b'"version":')
        if b'"errors"' in body or id_at < 0 or version_at < 0:
            return f"create: {body[:160].decode(errors='replace')}"
        self._task_run_id = body[id_at + 6 : id_at + 42]
        version_at += 10
        self._version = int(body[version_at : version_at + 10].split(b",", 1)[0].rstrip(b"}"))
        return None

    def _check_state_answer(self, body: bytes) -> str | None:
        if b'"status":"SUCCESS"' in body and b'"errors"' not in body:
            return None
        return f"set state: {body[:160].decode(errors='replace')}"


def _state(name: str, message: str, result: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """Return a serialized state with its keys in the client's order."""
    return {
        "context": context,
        "message": message,
        "_result": result,
        "cached_inputs": {},
        "__version__": "1.4.1",
        "type": name,
    }


def _set_states_template(state: dict[str, Any], version: str | None) -> bytes:
    """Return the content of a task run's state change, with %b where its id belongs."""
    variables = {"input": {"states": [{"state": state, "task_run_id": "TASK_RUN_ID", "version": version}]}}
    return _content(_SET_STATES, variables).replace(b"TASK_RUN_ID", b"%b")


def _content(query: str, variables: Any) -> bytes:
    """Return the client's JSON content, in which the variables are a string of JSON."""
    return json.dumps({"query": query, "variables": json.dumps(variables)}).encode()


def _serialized_flow() -> dict[str, Any]:
    """Return a flow of two tasks, the second mapped over the first, as the client serializes it."""
    return {
        "name": "benchmark",
        "type": "prefect.core.flow.Flow",
        "schedule": None,
        "parameters": [],
        "tasks": [
            _serialized_task("numbers", "prefect.tasks.core.function.FunctionTask", {}),
            _serialized_task(
                "noop",
                "prefect.tasks.core.function.FunctionTask",
                {"x": {"required": True, "type": "typing.Any"}},
            ),
        ],
        "edges": [
            {
                "upstream_task": {"slug": "numbers-1", "__version__": "1.4.1"},
                "downstream_task": {"slug": "noop-1", "__version__": "1.4.1"},
                "key": "x",
                "mapped": True,
                "flattened": False,
                "__version__": "1.4.1",
            }
        ],
        "reference_tasks": [],
        "run_config": {"env": None, "labels": [], "__version__": "1.4.1", "type": "UniversalRun"},
        "__version__": "1.4.1",
        "storage": {
            "flows": {"benchmark": "benchmark"},
            "secrets": [],
            "module": "benchmark",
            "__version__": "1.4.1",
            "type": "Module",
        },
    }


def _serialized_task(name: str, kind: str, inputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": kind,
        "name": name,
        "slug": f"{name}-1",
        "tags": [],
        "max_retries": 0,
        "retry_delay": None,
        "inputs": inputs,
        "outputs": "typing.Any",
        "timeout": None,
        "trigger": {"fn": "prefect.triggers.all_successful", "kwargs": {}},
        "skip_on_upstream_skip": True,
        "cache_for": None,
        "cache_key": None,
        "cache_validator": {"fn": "prefect.engine.cache_validators.never_use", "kwargs": {}},
        "auto_generated": False,
        "__version__": "1.4.1",
    }
