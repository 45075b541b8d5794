"""Failed tasks are tried again: at once by the same process, later by a new one that an agent starts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.clients.agent import AgentProcess
from tests.clients.api import Api, instant, state_types
from tests.clients.guest import Guest
from tests.waiting import wait_until

Runner = Callable[..., str]


def test_a_task_with_short_retries_succeeds_in_the_same_process(api: Api, guest: Guest, execute: Runner) -> None:
    run = execute("short retries")
    task_run = api.task_run(run, "succeed_at_last-1")
    assert state_types(task_run) == ["Pending", *["Running", "Failed", "Retrying"] * 2, "Running", "Success"]
    counts = [s["serialized_state"]["run_count"] for s in task_run["states"] if s["state"] == "Retrying"]
    assert counts == [1, 2]
    assert len(set((guest.marks / f"{run}.attempts").read_text().split())) == 1
    assert api.result(run, "succeed_at_last-1") == "3"
    assert api.states(run) == ["Scheduled", "Submitted", "Running", "Success"]


def test_a_task_that_has_used_up_its_retries_fails_the_run(api: Api, guest: Guest, execute: Runner) -> None:
    run = execute("exhausted retries", expected="Failed")
    assert guest.marked(run, "attempts") == 2
    assert state_types(api.task_run(run, "fail_always-1")) == [
        *["Pending", "Running", "Failed", "Retrying"],
        *["Running", "Failed"],
    ]


def test_a_retry_after_more_than_ten_minutes_is_picked_up_by_the_agent_when_it_is_due(
    api: Api, guest: Guest, agent: AgentProcess, start: Runner
) -> None:
    run = start("long retry")
    wait_until(lambda: api.task_run(run, "succeed_later-1")["state"] == "Retrying", "a task that waits for its retry")
    retrying = api.task_run(run, "succeed_later-1")
    assert instant(retrying["state_start_time"]) > datetime.now(UTC) + timedelta(minutes=15)
    (pid,) = (guest.marks / f"{run}.attempts").read_text().split()
    wait_until(lambda: not _is_running(int(pid)), "the end of the process that will not wait")
    assert api.flow_run(run, "state")["state"] == "Running"
    assert api.states(run) == ["Scheduled", "Submitted", "Running"]

    # The agent has nothing to do before the time; then the clock is moved by moving the appointment.
    agent.poke()
    due = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    api.set_task_run_state(retrying["id"], retrying["serialized_state"] | {"start_time": due})
    assert guest.marked(run, "attempts") == 1
    agent.poke()
    api.wait_for_state(run, "Success")

    task_run = api.task_run(run, "succeed_later-1")
    assert state_types(task_run) == [
        *["Pending", "Running", "Failed", "Retrying"],
        *["Retrying", "Submitted", "Running", "Success"],
    ]
    assert task_run["state_start_time"] is None
    # The upstream task ran once; its result was read again by the second process.
    assert guest.marked(run, "preparations") == 1
    assert api.result(run, "succeed_later-1") == "1"
    assert len(set((guest.marks / f"{run}.attempts").read_text().split())) == 2
    assert api.states(run) == ["Scheduled", "Submitted", "Running", "Success"]


def test_a_task_that_needs_approval_waits_until_it_is_given(
    api: Api, guest: Guest, agent: AgentProcess, start: Runner
) -> None:
    run = start("approval")
    wait_until(lambda: api.task_run(run, "publish-1")["state"] == "Paused", "a task that waits for approval")
    paused = api.task_run(run, "publish-1")
    assert paused["state_start_time"] is None
    (pid,) = (guest.marks / f"{run}.drafts").read_text().split()
    wait_until(lambda: not _is_running(int(pid)), "the end of the process that will not wait")
    assert api.flow_run(run, "state")["state"] == "Running"
    assert guest.marked(run, "publications") == 0

    now = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    api.set_task_run_state(paused["id"], {"type": "Resume", "message": "approved", "start_time": now})
    agent.poke()
    api.wait_for_state(run, "Success")
    assert state_types(api.task_run(run, "publish-1")) == [
        *["Pending", "Paused", "Resume"],
        *["Submitted", "Running", "Success"],
    ]
    assert guest.marked(run, "drafts") == 1
    assert guest.marked(run, "publications") == 1
    assert api.result(run, "publish-1") == "1"


def _is_running(pid: int) -> bool:
    try:
        return _state_of(pid) != "Z"
    except FileNotFoundError:
        return False


def _state_of(pid: int) -> str:
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]
