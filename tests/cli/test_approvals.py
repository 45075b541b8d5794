"""What waits for somebody goes on when it is approved from the command line."""

from typing import Any

from eparch import Flow, task
from eparch.client.flow_runs import set_flow_run_state
from eparch.testing import TemporaryServer
from tests.cli.program import Program

PAUSED = {"type": "Paused", "message": "until somebody has looked"}


@task
def check() -> None:
    """Do nothing."""


@task
def publish() -> None:
    """Do nothing."""


def waiting(server: TemporaryServer) -> str:
    """Return the id of a run that goes on, two task runs of which wait for approval."""
    with Flow("waits") as flow:
        check()
        publish()
    run_id = server.create_run(flow)
    set_flow_run_state(server.client, run_id, {"type": "Running"})
    query = "query($id: uuid!) { task_run(where: {flow_run_id: {_eq: $id}}) { id } }"
    states = [
        {"task_run_id": one["id"], "state": PAUSED} for one in server.client.ask(query, {"id": run_id})["task_run"]
    ]
    server.client.change("set_task_run_states", {"states": states}, "states { id }")
    return run_id


def states(own: Program, run_id: str) -> dict[str, Any]:
    return {one["task"]["name"]: one["state"] for one in own.json("get", "task-runs", "--flow-run", run_id)}


def test_task_runs_are_approved_one_by_one_or_all(own: Program, own_server: TemporaryServer) -> None:
    run_id = waiting(own_server)
    wrong = own("approve", run_id, "--task", "publis")
    assert (wrong.code, wrong.error) == (1, "error: No task 'publis' waits for approval.")
    assert wrong.hint == "hint: did you mean 'publish'?"
    assert "publish is approved." in own("approve", run_id, "--task", "publish").err
    assert states(own, run_id) == {"check": "Paused", "publish": "Resume"}
    assert "check is approved." in own("approve", run_id).err
    assert states(own, run_id) == {"check": "Resume", "publish": "Resume"}
    nothing = own("approve", run_id)
    assert nothing.code == 1
    assert nothing.error.endswith("waits for approval: it is Running.")


def test_a_paused_run_is_approved(own: Program, own_server: TemporaryServer) -> None:
    with Flow("waits") as flow:
        check()
    run_id = own_server.create_run(flow)
    set_flow_run_state(own_server.client, run_id, PAUSED)
    assert " goes on." in own("approve", run_id).err
    assert own.json("describe", "flow-run", run_id)["state"] == "Resume"
