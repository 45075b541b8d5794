"""A run that waits for long leaves its process, and an agent takes it up again when its time has come."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from eparch.core.instants import timestamp_text
from eparch.testing import TemporaryServer
from tests.agents.agents import Agents
from tests.sdk.server.rows import flow_run, history, task_runs


@pytest.fixture
def agents(server: TemporaryServer, tmp_path: Path) -> Agents:
    return Agents(server, tmp_path)


def wait_until_left(agents: Agents, run_id: str, slug: str, state: str) -> dict[str, Any]:
    """Wait until a task run waits and the process of its flow run has ended; return the task run."""
    agents.wait_until(lambda: task_runs(flow_run(agents.server, run_id), slug)[0]["state"] == state)
    row = flow_run(agents.server, run_id)
    assert row["state"] == "Running"
    ended = f"Flow run {row['name']}: its process ended with exit code 0."
    agents.wait_until(lambda: ended in agents.log.read_text())
    return task_runs(row, slug)[0]


def set_state(agents: Agents, task_run_id: str, document: dict[str, Any]) -> None:
    given = {"states": [{"task_run_id": task_run_id, "state": document}]}
    agents.server.client.change("set_task_run_states", given, "states { status }")


def test_an_approval_lets_a_run_go_on(agents: Agents) -> None:
    with agents.started():
        run_id = agents.run("approved")
        paused = wait_until_left(agents, run_id, "deploy-1", "Paused")
        set_state(agents, paused["id"], {"type": "Resume", "message": "approved"})
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert [mark[0] for mark in agents.marked()] == ["asked", "deployed"]
    assert len({mark[1] for mark in agents.marked()}) == 2, "each part has a process of its own"


def test_a_far_retry_is_made_when_its_time_has_come(agents: Agents) -> None:
    with agents.started():
        run_id = agents.run("later")
        waiting = wait_until_left(agents, run_id, "later-1", "Retrying")
        # Two hours later.
        document = {**waiting["serialized_state"], "start_time": timestamp_text(datetime.now(UTC))}
        set_state(agents, waiting["id"], document)
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert [mark[0] for mark in agents.marked()] == ["attempt1", "attempt2"]
    (task_run,) = task_runs(row, "later-1")
    assert history(task_run)[-2:] == ["Running", "Success"]
