"""In charge of filling a database with the runs of a flow, as if they had been run; not in charge of running them."""

from datetime import timedelta
from typing import Any

from eparch.database.bulk import insert_rows
from eparch.database.tables import (
    flow_run,
    flow_run_heartbeat,
    flow_run_state,
    log,
    task,
    task_run,
    task_run_artifact,
    task_run_heartbeat,
    task_run_state,
)
from eparch.operations.identity import new_id
from eparch.operations.run_rows import first_state_row, flow_run_row
from tests.operations.backend import Backend

_STATES = ("Pending", "Running", "Success")


def add_history(backend: Backend, flow_id: str, *, runs: int, logs_each: int = 3, tenant_id: str) -> None:
    """Add finished runs of a flow, with three states for each run and each task run, heartbeats, logs and artifacts."""
    task_ids = [row["id"] for row in backend.rows(task, flow_id=flow_id)]
    flow_runs, task_runs = [], []
    for index in range(runs):
        run = flow_run_row(
            tenant_id=tenant_id,
            flow_id=flow_id,
            now=backend.now,
            scheduled_start_time=backend.now - timedelta(minutes=index),
            labels=[],
            parameters={"x": index},
            run_config=None,
        )
        flow_runs.append({**run, "state": "Success", "version": 3, "state_start_time": None})
        task_runs += [_task_run(run, task_id) for task_id in task_ids]
    with backend.transaction() as tx:
        insert_rows(tx, flow_run, flow_runs)
        insert_rows(tx, flow_run_state, [state for run in flow_runs for state in _states(first_state_row(run))])
        beats = [{"flow_run_id": run["id"], "heartbeat": backend.now} for run in flow_runs]
        insert_rows(tx, flow_run_heartbeat, beats)
        insert_rows(tx, task_run, task_runs)
        insert_rows(tx, task_run_state, [state for run in task_runs for state in _states(_task_run_state(run))])
        beats = [{"task_run_id": run["id"], "heartbeat": backend.now} for run in task_runs]
        insert_rows(tx, task_run_heartbeat, beats)
        lines = [_line(run) for run in task_runs for _ in range(logs_each)]
        insert_rows(tx, log, lines)
        insert_rows(tx, task_run_artifact, [_artifact(run) for run in task_runs])


def _task_run(run: dict[str, Any], task_id: str) -> dict[str, Any]:
    common = {name: run[name] for name in ("created", "updated", "tenant_id", "serialized_state", "state_message")}
    own = {"id": new_id(), "flow_run_id": run["id"], "task_id": task_id, "map_index": -1}
    return {**common, **own, "state": "Success", "version": 3, "state_timestamp": run["created"]}


def _task_run_state(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "created": run["created"],
        "updated": run["created"],
        "tenant_id": run["tenant_id"],
        "task_run_id": run["id"],
        "timestamp": run["created"],
        "message": run["state_message"],
        "serialized_state": run["serialized_state"],
    }


def _states(row: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {**row, "id": new_id(), "version": version, "state": name, "start_time": None}
        for version, name in enumerate(_STATES, 1)
    ]


def _line(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "created": run["created"],
        "updated": run["created"],
        "tenant_id": run["tenant_id"],
        "flow_run_id": run["flow_run_id"],
        "task_run_id": run["id"],
        "timestamp": run["created"],
        "level": "INFO",
        "message": "Task run finished.",
    }


def _artifact(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": new_id(),
        "created": run["created"],
        "updated": run["created"],
        "tenant_id": run["tenant_id"],
        "task_run_id": run["id"],
        "kind": "link",
        "data": {},
    }
