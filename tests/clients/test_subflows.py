"""Flows start other flows, wait for them and read their results, with the client's own tasks."""

import json
from collections.abc import Callable

from tests.clients.agent import AgentProcess
from tests.clients.api import Api, Row, by_slug
from tests.clients.conftest import PROJECT
from tests.waiting import wait_until

Runner = Callable[..., str]


def children(api: Api, flows: dict[str, str], name: str | None) -> list[Row]:
    """Return the runs of the flow "child" with this name, newest first."""
    rows = api.ask(
        """query($flow: uuid!, $name: String) {
            flow_run(where: {flow_id: {_eq: $flow}, name: {_eq: $name}}, order_by: {created: desc}) {
                id name state parameters idempotency_key
            }
        }""",
        flow=flows["child"],
        name=name,
    )
    return list(rows)


def test_a_parent_creates_a_child_waits_for_it_streams_its_logs_and_reads_its_result(
    api: Api, flows: dict[str, str], agent: AgentProcess, start: Runner
) -> None:
    parent = start("parent", parameters={"project": PROJECT})
    wait_until(lambda: children(api, flows, "the child"), "the child's run")
    agent.poke()
    api.wait_for_state(parent, "Success")
    (child,) = children(api, flows, "the child")
    assert (child["state"], child["parameters"]) == ("Success", {"number": 14})
    assert api.result(parent, "keep-1") == "42"
    messages = [line["message"] for line in api.wait_for_log(parent, "Flow run SUCCESS")]
    assert any("the child" in message and "Finished task run" in message for message in messages)
    # The key is the id of the task run, so that a retried task does not create a second child.
    assert child["idempotency_key"] == api.task_run(parent, "create_flow_run-1")["id"]


def test_the_older_way_to_start_a_flow_from_a_flow_works_too(
    api: Api, flows: dict[str, str], agent: AgentProcess, start: Runner
) -> None:
    before = {child["id"] for child in children(api, flows, None)}
    parent = start("older parent", parameters={"project": PROJECT})
    (child,) = wait_until(
        lambda: [child for child in children(api, flows, None) if child["id"] not in before], "the child's run"
    )
    agent.poke()
    api.wait_for_state(parent, "Success")
    assert api.flow_run(child["id"], "state")["state"] == "Success"
    assert json.loads(api.result(child["id"], "triple-1")) == 15
    assert set(by_slug(api.task_runs(parent)).values()) == {"Success"}
    (artifact,) = api.ask(
        """query($id: uuid!) {
            task_run_artifact(where: {task_run: {flow_run_id: {_eq: $id}}}) { kind data }
        }""",
        id=parent,
    )
    assert artifact["kind"] == "link"
    assert artifact["data"]["link"].endswith(f"/flow-run/{child['id']}")
