"""Prefect 3's server, the peer of the comparison.

In charge of installing it into an environment of its own, of starting it as it ships but for telemetry, and of the
three REST calls that take a task run from Pending over Running to Completed. Not in charge of load or measurement.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from environments import environment_python
from postgres import PostgresCluster
from processes import HOST, ManagedProcess, free_port, wait_until_healthy
from systems import TaskRunScript, post_json, request_head, with_body

VERSION = "3.8.1"
NEWEST_DATE = "2026-08-02"
"""This release does not start with later releases of its dependencies (FastAPI 0.165 removed what it calls)."""

CLIENT_HEADERS = {
    "User-Agent": f"prefect/{VERSION}",
    "Accept": "*/*",
    "Connection": "keep-alive",
}


class Prefect3Server:
    """A running server with an empty database."""

    name = f"Prefect {VERSION}"

    def __init__(self, directory: Path, cluster: PostgresCluster | None) -> None:
        """Start it on SQLite in `directory`, or in a new database of a PostgreSQL cluster."""
        python = environment_python("prefect3", [f"prefect=={VERSION}"], NEWEST_DATE)
        self.port = free_port()
        home = directory / "prefect"
        environment = {
            "HOME": str(directory),
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": f"http://{HOST}:{self.port}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_LOGGING_LEVEL": "WARNING",
            "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        }
        if cluster is not None:
            url = cluster.create_database("prefect3").replace("postgresql://", "postgresql+asyncpg://")
            environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url
        self.process = ManagedProcess(
            [python.parent / "prefect", "server", "start", "--host", HOST, "--port", str(self.port)],
            log_path=directory / "prefect3.log",
            environment=environment,
            directory=directory,
        )
        try:
            self.started_in_s = wait_until_healthy(self.process, f"http://{HOST}:{self.port}/api/health")
            self._flow_id = self._call("/flows/", {"name": "benchmark"})["id"]
        except BaseException:
            self.stop()
            raise

    def open_scripts(self, count: int) -> list[Prefect3Script]:
        """Prepare clients, each with a RUNNING flow run."""
        return [Prefect3Script(self.port, self._start_flow_run()) for _ in range(count)]

    def close_scripts(self, scripts: Sequence[TaskRunScript]) -> None:
        """Set the flow runs COMPLETED."""
        for script in scripts:
            assert isinstance(script, Prefect3Script)
            self._call(f"/flow_runs/{script.flow_run_id}/set_state", _state("COMPLETED"))

    def count_finished_task_runs(self) -> int:
        """Return how many task runs are COMPLETED."""
        return int(self._call("/task_runs/count", {"task_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}))

    def stop(self) -> None:
        """End the server."""
        self.process.stop()

    def _start_flow_run(self) -> str:
        created = {"flow_id": self._flow_id, "state": {"type": "PENDING", "name": "Pending"}}
        flow_run_id = str(self._call("/flow_runs/", created)["id"])
        self._call(f"/flow_runs/{flow_run_id}/set_state", _state("RUNNING"))
        return flow_run_id

    def _call(self, path: str, content: Any) -> Any:
        return post_json(self.port, f"/api{path}", content)


class Prefect3Script(TaskRunScript):
    """A client inside one flow run."""

    def __init__(self, port: int, flow_run_id: str) -> None:
        super().__init__()
        self.flow_run_id = flow_run_id
        self._create_head = request_head(port, "/api/task_runs/", CLIENT_HEADERS)
        content = {
            "flow_run_id": flow_run_id,
            "task_key": "benchmark.noop",
            "dynamic_key": "DYNAMIC_KEY",
            "name": "noop",
            "state": {"type": "PENDING", "name": "Pending"},
        }
        self._create = json.dumps(content).encode().replace(b"DYNAMIC_KEY", b"%b")
        # The path holds the id of the task run, the rest of these requests never changes.
        state_head = request_head(port, "/api/task_runs/TASK_RUN_ID/set_state", CLIENT_HEADERS)
        self._running = _constant_request(state_head, _state("RUNNING"))
        self._success = _constant_request(state_head, _state("COMPLETED"))
        self._task_run_id = b""

    def _create_request(self) -> bytes:
        return with_body(self._create_head, self._create % uuid.uuid4().hex.encode())

    def _running_request(self) -> bytes:
        return self._running % self._task_run_id

    def _success_request(self) -> bytes:
        return self._success % self._task_run_id

    def _take_task_run(self, body: bytes) -> str | None:
        if not body.startswith(b'{"id":"'):
            return f"create: {body[:160].decode(errors='replace')}"
        self._task_run_id = body[7:43]
        return None

    def _check_state_answer(self, body: bytes) -> str | None:
        return None if b'"status":"ACCEPT"' in body else f"set state: {body[:160].decode(errors='replace')}"


def _state(kind: str) -> dict[str, Any]:
    return {"state": {"type": kind, "name": kind.title()}}


def _constant_request(head: bytes, content: Any) -> bytes:
    """Return a request whose one variable part, the id in its path, is written %b."""
    return with_body(head, json.dumps(content).encode()).replace(b"TASK_RUN_ID", b"%b")
