"""kill -9, on each of those that take part in a run: it ends in the right state, says why, and runs nothing twice."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from eparch.testing import TemporaryServer
from tests.agents.agents import Agents
from tests.sdk.server.rows import flow_run, history, task_runs
from tests.throwaway_servers import serving

# How long the server is away. The long form is for a machine with time: EPARCH_TEST_AWAY_S=60.
AWAY_S = float(os.environ.get("EPARCH_TEST_AWAY_S", "2"))
EVERY = [str(x) for x in range(100)]


@pytest.fixture
def agents(own_server: TemporaryServer, tmp_path: Path) -> Iterator[Agents]:
    with Agents(own_server, tmp_path) as made:
        yield made


@pytest.fixture(params=["sqlite", "postgresql"])
def watchful(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Agents]:
    """Agents of a server that soon takes a silent run for lost; not so soon that a slow machine is."""
    quick = ("--zombie-killer-interval-s", "0.5", "--lazarus-interval-s", "0.5", "--heartbeat-settle-s", "0")
    # With the lease of clients that say how often they beat; others would have ten minutes.
    with serving(request, "--heartbeat-lease-s", "15", *quick) as server, Agents(server, tmp_path) as made:
        yield made


def locked_run(agents: Agents) -> str:
    """Return a run, under version locking, of the flow that waits in its middle."""
    flow_id = agents.server.register(agents.flow("patient"))
    agents.server.client.change("enable_flow_version_lock", {"flow_id": flow_id}, "success")
    made: str = agents.server.client.change("create_flow_run", {"flow_id": flow_id}, "id")["id"]
    return made


def wait_for_half(agents: Agents) -> None:
    agents.wait_until(lambda: len(agents.marked()) == 50)


def in_progress(agents: Agents, run_id: str) -> list[str]:
    return [one["id"] for one in flow_run(agents.server, run_id)["task_runs"] if one["state"] == "Running"]


def assert_each_ran_once(agents: Agents, count: int = 100) -> None:
    assert sorted((mark[0] for mark in agents.marked()), key=int) == EVERY[:count]


@pytest.mark.timeout(300 + AWAY_S)
def test_the_server_is_killed_and_comes_back(agents: Agents) -> None:
    with agents.started():
        run_id = locked_run(agents)
        wait_for_half(agents)
        agents.server.stop(signal.SIGKILL)
        agents.be_ready()
        # There is no signal that a server has been away long enough.
        time.sleep(AWAY_S)
        agents.server.start()
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert_each_ran_once(agents)
    assert {line["message"] for line in row["logs"]} >= {f"counted {x}" for x in EVERY}
    for slug in ("count-1", "count-2"):
        for child in task_runs(row, slug)[1:]:
            assert list(dict.fromkeys(history(child))) == ["Pending", "Running", "Success"]


def test_the_flow_process_is_killed(agents: Agents) -> None:
    with agents.started():
        run_id = locked_run(agents)
        wait_for_half(agents)
        agents.wait_until(lambda: task_runs(flow_run(agents.server, run_id), "wait-1")[0]["state"] == "Running")
        os.kill(int(agents.marked()[0][1]), signal.SIGKILL)
        agents.wait_for(run_id, "Success", "Failed")
        # What was in progress is closed with it, though not in the same call.
        agents.wait_until(lambda: in_progress(agents, run_id) == [])
        row = flow_run(agents.server, run_id)
    assert row["state"] == "Failed"
    assert row["serialized_state"]["message"] == "The process of the flow run was killed by signal SIGKILL."
    assert any("was killed by signal SIGKILL" in line["message"] for line in row["logs"])
    (waiting,) = task_runs(row, "wait-1")
    assert history(waiting)[-2:] == ["Running", "Failed"]
    assert any("Left Running when its flow run ended Failed" in line["message"] for line in row["logs"])
    assert_each_ran_once(agents, 50)


def test_the_flow_process_is_killed_while_the_server_is_away(agents: Agents) -> None:
    with agents.started():
        run_id = locked_run(agents)
        wait_for_half(agents)
        agents.server.stop(signal.SIGKILL)
        os.kill(int(agents.marked()[0][1]), signal.SIGKILL)
        agents.wait_until(lambda: "could not be told" in agents.log.read_text())
        agents.server.start()
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["serialized_state"]["message"] == "The process of the flow run was killed by signal SIGKILL."


def test_the_agent_is_killed_and_another_one_comes(agents: Agents) -> None:
    with agents.started() as first:
        run_id = locked_run(agents)
        wait_for_half(agents)
        first.kill()
        first.wait()
    with agents.started():
        agents.be_ready()
        row = agents.wait_for(run_id, "Success", "Failed")
        # The new agent is at work, and leaves the other one's run alone.
        later = agents.run("obedient", word="100")
        agents.wait_for(later, "Success")
    assert row["state"] == "Success"
    assert len({pid for _, pid, _ in agents.marked()[:100]}) == 1
    assert sorted((mark[0] for mark in agents.marked()), key=int) == [*EVERY, "100"]


def test_the_warm_process_is_killed_in_the_middle_of_its_copys_run(agents: Agents) -> None:
    with agents.started():
        run_id = locked_run(agents)
        wait_for_half(agents)
        os.kill(int(agents.marked()[0][2]), signal.SIGKILL)
        agents.be_ready()
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert_each_ran_once(agents)


def test_process_and_agent_are_killed_and_another_agent_takes_the_run_up(watchful: Agents) -> None:
    agents = watchful
    with agents.started() as first:
        run_id = locked_run(agents)
        wait_for_half(agents)
        # All of the first half is told, and what comes after it is in progress.
        agents.wait_until(lambda: task_runs(flow_run(agents.server, run_id), "wait-1")[0]["state"] == "Running")
        first.kill()
        first.wait()
        os.kill(int(agents.marked()[0][1]), signal.SIGKILL)
    agents.be_ready()
    with agents.started():
        row = agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    # The task in progress is tried again, as it may be; those that were done are not.
    assert_each_ran_once(agents)
    (waiting,) = task_runs(row, "wait-1")
    assert "Retrying" in history(waiting)
    assert any(line["name"] == "prefect-server.ZombieKiller.TaskRun" for line in row["logs"])
