"""A run that waits for long leaves its process, and an agent takes it up again when its time has come."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eparch.core.instants import timestamp_text
from eparch.testing import TemporaryServer
from tests.agents.agents import Agents
from tests.sdk.server.rows import flow_run, history, task_runs


@pytest.fixture
def agents(server: TemporaryServer, tmp_path: Path) -> Iterator[Agents]:
    with Agents(server, tmp_path) as made:
        yield made


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


def states(agents: Agents, run_id: str, *slugs: str) -> list[str]:
    row = flow_run(agents.server, run_id)
    return [task_run["state"] for slug in slugs for task_run in task_runs(row, slug)]


def approve(agents: Agents, run_id: str) -> None:
    (paused,) = task_runs(flow_run(agents.server, run_id), "deploy-1")
    set_state(agents, paused["id"], {"type": "Resume", "message": "approved"})


def test_an_approval_lets_a_run_go_on(agents: Agents) -> None:
    with agents.started():
        run_id = agents.run("approved")
        paused = wait_until_left(agents, run_id, "deploy-1", "Paused")
        set_state(agents, paused["id"], {"type": "Resume", "message": "approved"})
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert [mark[0] for mark in agents.marked()] == ["asked", "deployed"]
    assert len({mark[1] for mark in agents.marked()}) == 2, "each part has a process of its own"


@pytest.mark.parametrize("options", [(), ("--limit", "1")])
def test_a_run_that_is_approved_while_its_process_lives_has_no_second_one_beside_it_and_goes_on_after_it(
    agents: Agents, options: tuple[str, ...]
) -> None:
    with agents.started(*options):
        run_id = agents.run("lingering")
        slugs = ("deploy-1", "wait-1")
        agents.wait_until(lambda: states(agents, run_id, *slugs) == ["Paused", "Running"])
        approve(agents, run_id)
        if options:
            # Its process takes all the room there is: nothing is claimed.
            assert flow_run(agents.server, run_id)["state"] == "Running"
        else:
            agents.wait_until(lambda: "is taken again; it waits for the end of its process." in agents.log.read_text())
            assert states(agents, run_id, *slugs) == ["Submitted", "Running"]
        assert agents.log.read_text().count("is started.") == 1
        agents.be_ready()
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert [mark[0] for mark in agents.marked()] == ["asked", "deployed"]
    assert len({mark[1] for mark in agents.marked()}) == 2
    text = agents.log.read_text()
    assert text.index("its process ended with exit code 0") < text.rindex("is started.")


def test_a_stopping_agent_gives_back_what_it_held_back_once_the_process_has_ended(agents: Agents) -> None:
    with agents.started() as first:
        run_id = agents.run("lingering")
        agents.wait_until(lambda: states(agents, run_id, "deploy-1", "wait-1") == ["Paused", "Running"])
        approve(agents, run_id)
        agents.wait_until(lambda: "is taken again" in agents.log.read_text())
        first.terminate()
        agents.wait_until(lambda: "takes nothing more" in agents.log.read_text())
        assert flow_run(agents.server, run_id)["state"] == "Running"
        agents.be_ready()
        assert first.wait(60) == 0
        assert flow_run(agents.server, run_id)["state"] == "Scheduled"
    with agents.started():
        assert agents.wait_for(run_id, "Success", "Failed")["state"] == "Success"
    assert [mark[0] for mark in agents.marked()] == ["asked", "deployed"]


def test_a_far_retry_is_made_when_its_time_has_come(agents: Agents) -> None:
    with agents.started():
        run_id = agents.run("later")
        waiting = wait_until_left(agents, run_id, "later-1", "Retrying")
        # Two hours and a minute later.
        due = datetime.now(UTC) - timedelta(minutes=1)
        document = {**waiting["serialized_state"], "start_time": timestamp_text(due)}
        set_state(agents, waiting["id"], document)
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert [mark[0] for mark in agents.marked()] == ["attempt1", "attempt2"]
    (task_run,) = task_runs(row, "later-1")
    assert history(task_run)[-2:] == ["Running", "Success"]
