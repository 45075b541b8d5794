"""Why flow runs do not run: the facts as they are found in the database, in a few statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event, update

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import agent, edge, task_run
from eparch.operations.identity import new_id
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.limit_world import ask_flow, ask_task, limit_flows, limit_tasks, make_tagged
from tests.operations.small_flow import make_agent, make_flow, set_state, set_task_state


@pytest.fixture
def flow(backend: Backend) -> dict[str, Any]:
    """A flow of three tasks, one after the other."""
    made = make_flow(backend, tasks=3)
    first, second, third = made["tasks"]
    common = {"created": backend.now, "updated": backend.now, "tenant_id": TENANT, "mapped": False, "key": None}
    for before, after in ((first, second), (second, third)):
        ids = {"upstream_task_id": before, "downstream_task_id": after}
        backend.insert(edge, id=new_id(), flow_id=made["id"], **ids, **common)
    return made


def make_run(backend: Backend, flow: dict[str, Any], **given: Any) -> str:
    return str(backend.run("create_flow_run", flow_id=flow["id"], **given)["id"])


def named_agent(backend: Backend, name: str, labels: list[str]) -> str:
    agent_id = make_agent(backend)
    with backend.transaction() as tx:
        changed = {"name": name, "labels": labels, "last_queried": backend.now}
        tx.execute(update(agent).where(agent.c.id == agent_id).values(**changed))
    return agent_id


def explained(backend: Backend, run_id: str) -> dict[str, Any]:
    found: dict[str, Any] = backend.run("flow_run_explanation", flow_run_id=run_id)
    assert (found["code"], found["text"]) == (found["reasons"][0]["code"], found["reasons"][0]["text"])
    return found


def codes(backend: Backend, run_id: str) -> list[str]:
    return [reason["code"] for reason in explained(backend, run_id)["reasons"]]


def task_run_ids(backend: Backend, run_id: str, flow: dict[str, Any]) -> list[str]:
    by_task = {row["task_id"]: row["id"] for row in backend.rows(task_run, flow_run_id=run_id)}
    return [by_task[task_id] for task_id in flow["tasks"]]


def test_a_run_on_its_way_from_the_schedule_to_its_end(backend: Backend, flow: dict[str, Any]) -> None:
    run_id = make_run(backend, flow, labels=["gpu"], scheduled_start_time=backend.now.replace(hour=20))
    assert codes(backend, run_id) == ["SCHEDULED_LATER", "NO_AGENT"]
    named_agent(backend, "wrong", ["cpu"])
    assert codes(backend, run_id) == ["SCHEDULED_LATER", "NO_AGENT_WITH_LABELS"]
    backend.move_clock(hours=9)
    found = explained(backend, run_id)
    assert found["text"] == "No agent has all of its labels, gpu: the nearest, 'wrong', lacks gpu."
    agent_id = named_agent(backend, "right", ["gpu", "cpu"])
    assert codes(backend, run_id) == ["DUE"]
    backend.run("pause_tenant_work_queue")
    assert codes(backend, run_id) == ["QUEUE_PAUSED"]
    backend.run("resume_tenant_work_queue")
    backend.move_clock(minutes=5)
    assert codes(backend, run_id) == ["AGENTS_LATE", "DUE"]
    backend.move_clock(hours=1)
    assert codes(backend, run_id) == ["AGENTS_GONE"]
    principal = Principal(TENANT, agent_id=agent_id)
    backend.run("claim_flow_runs", labels=["gpu", "cpu"], _principal=principal)
    found = explained(backend, run_id)
    assert found["code"] == "SUBMITTED"
    assert "'right' took it" in found["text"]
    set_state(backend, run_id, "Running")
    assert codes(backend, run_id) == ["RUNNING", "WAITS_FOR_TASK"]
    assert explained(backend, run_id)["text"] == "It is running: task-0 is about to begin."
    set_state(backend, run_id, "Success", message="All well.")
    assert explained(backend, run_id)["text"].endswith(": All well.")


def test_tasks_wait_for_the_unfinished_ones_right_before_them(backend: Backend, flow: dict[str, Any]) -> None:
    run_id = make_run(backend, flow)
    set_state(backend, run_id, "Running")
    first, second, third = task_run_ids(backend, run_id, flow)
    set_task_state(backend, first, "Success")
    set_task_state(backend, second, "Running")
    found = explained(backend, run_id)
    assert [reason["code"] for reason in found["reasons"]] == ["RUNNING", "WAITS_FOR_TASK"]
    assert found["text"] == "It is running: task-1 is in progress."
    (waiting,) = found["reasons"][1]["detail"]["task_runs"]
    assert (waiting["id"], waiting["waits_for"]) == (third, [{"name": "task-1", "state": "Running"}])

    set_task_state(backend, second, "Paused", start_time=None)
    found = explained(backend, run_id)
    assert [reason["code"] for reason in found["reasons"]] == ["WAITS_FOR_APPROVAL", "WAITS_FOR_TASK"]
    assert "task-2 waits for task-1, which is Paused" in found["reasons"][1]["text"]
    later = backend.move_clock(seconds=20)
    set_task_state(backend, second, "Retrying", start_time=later.replace(minute=40).isoformat())
    assert codes(backend, run_id)[0] == "RETRIES_LATER"


def test_a_run_whose_flow_was_archived_says_so(backend: Backend, flow: dict[str, Any]) -> None:
    run_id = make_run(backend, flow)
    backend.run("archive_flow", flow_id=flow["id"])
    found = explained(backend, run_id)
    assert (found["state"], found["code"]) == ("Cancelled", "FLOW_ARCHIVED")


def test_silence_is_seen_in_the_heartbeat(backend: Backend, flow: dict[str, Any]) -> None:
    run_id = make_run(backend, flow)
    set_state(backend, run_id, "Running")
    backend.move_clock(minutes=3)
    assert codes(backend, run_id)[0] == "SILENT"
    backend.run("update_flow_run_heartbeat", flow_run_id=run_id)
    assert codes(backend, run_id)[0] == "RUNNING"


@pytest.mark.parametrize("of_run", [[], ["a"], ["a", "b"], ["A"]])
@pytest.mark.parametrize("of_agent", [[], ["a"], ["b", "a"], ["b"]])
def test_the_explanation_and_the_queue_judge_labels_alike(
    backend: Backend, flow: dict[str, Any], of_run: list[str], of_agent: list[str]
) -> None:
    run_id = make_run(backend, flow, labels=of_run)
    named_agent(backend, "it", of_agent)
    offered = backend.run("get_runs_in_queue", labels=of_agent)["flow_run_ids"] == [run_id]
    assert codes(backend, run_id) == (["DUE"] if offered else ["NO_AGENT_WITH_LABELS"])


def test_a_run_that_waits_for_a_slot_says_who_holds_it(backend: Backend) -> None:
    flow = make_flow(backend, tasks=1)
    named_agent(backend, "right", ["gpu"])
    limit_flows(backend, "gpu", 1)
    runs = []
    for name in ("first", "second", "third"):
        runs.append(make_run(backend, flow, labels=["gpu"], flow_run_name=name))
        backend.move_clock(seconds=1)
    first, second, third = runs
    assert codes(backend, first) == ["DUE"]
    assert ask_flow(backend, first) == "SUCCESS"
    found = explained(backend, third)
    assert [reason["code"] for reason in found["reasons"]] == ["WAITS_FOR_SLOT"]
    assert found["text"] == "The only slot of 'gpu' is taken, held by first; 1 run before it."
    assert found["reasons"][0]["detail"]["holders"] == [{"id": first, "name": "first"}]
    assert ask_flow(backend, second) == "QUEUED"
    assert codes(backend, second) == ["WAITS_FOR_SLOT"]
    both = backend.run("flow_run_explanations", flow_run_ids=[second, third])
    assert [one["code"] for one in both] == ["WAITS_FOR_SLOT"] * 2
    assert "before it" not in both[1]["text"]
    set_state(backend, first, "Success")
    # The second only polls: whoever asks first may have the slot.
    assert codes(backend, third) == ["DUE"]


def test_a_flow_run_whose_tasks_wait_for_a_slot_says_so(backend: Backend) -> None:
    run = make_tagged(backend, 2, "db")
    limit_tasks(backend, "db", 1)
    first, second = run.task_run_ids
    assert (ask_task(backend, first), ask_task(backend, second)) == ("SUCCESS", "QUEUED")
    found = explained(backend, run.flow_run_id)
    assert [reason["code"] for reason in found["reasons"]] == ["RUNNING", "WAITS_FOR_SLOT"]
    assert found["reasons"][1]["text"] == "The only slot of 'db' is taken, held by task-0."


@contextmanager
def counted(backend: Backend) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    event.listen(backend.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(backend.engine, "before_cursor_execute", note)


def test_many_runs_are_explained_in_as_few_statements_as_one(backend: Backend, flow: dict[str, Any]) -> None:
    named_agent(backend, "plain", [])
    runs = [make_run(backend, flow) for _ in range(100)]
    for run_id in runs[:50]:
        set_state(backend, run_id, "Running")
    counts = []
    for asked in (runs[:1], runs):
        with counted(backend) as statements:
            found = backend.run("flow_run_explanations", flow_run_ids=[*asked, UNKNOWN][:100])
        assert [one["flow_run_id"] for one in found] == asked
        counts.append(len([text for text in statements if text.lstrip().startswith("SELECT")]))
    assert counts[0] == counts[1] <= 6
    with pytest.raises(BadInput, match="101 flow runs are too many at once: at most 100"):
        backend.run("flow_run_explanations", flow_run_ids=[*runs, UNKNOWN])


def test_only_ones_own_runs_are_explained(backend: Backend, flow: dict[str, Any]) -> None:
    run_id = make_run(backend, flow)
    for name, principal in ((UNKNOWN, Principal(TENANT)), (run_id, Principal(OTHER_TENANT))):
        with pytest.raises(NotFound, match=f"There is no flow run {name}"):
            backend.run("flow_run_explanation", flow_run_id=name, _principal=principal)
        assert backend.run("flow_run_explanations", flow_run_ids=[name], _principal=principal) == []


def test_the_health_of_agents_follows_when_they_asked(backend: Backend) -> None:
    ids = {}
    for name, minutes in (("gone", 60), ("late", 8), ("healthy", 1)):
        ids[name] = named_agent(backend, name, [name])
        backend.move_clock(minutes=minutes)
    found = backend.run("agent_health")
    assert [(one["id"], one["name"], one["health"]) for one in found] == [
        (ids["healthy"], "healthy", "healthy"),
        (ids["late"], "late", "late"),
        (ids["gone"], "gone", "gone"),
    ]
    assert backend.run("agent_health", _principal=Principal(OTHER_TENANT)) == []
