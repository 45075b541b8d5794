"""In charge of limits, tagged and labelled runs and what became of them, for tests; not in charge of what is right."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from eparch.core.states import RUNNING
from eparch.database.tables import (
    flow_concurrency_limit,
    flow_run,
    flow_run_slot,
    flow_run_waiter,
    task,
    task_concurrency_limit,
    task_run,
    task_run_slot,
    task_run_waiter,
)
from tests.operations.backend import Backend
from tests.operations.small_flow import make_flow, set_state


@dataclass
class Tagged:
    """A Running flow run of `count` tasks with tags.

    Attributes:
        task_run_ids: in the order of the tasks.
    """

    flow_run_id: str
    task_run_ids: list[str] = field(default_factory=list)


def make_tagged(backend: Backend, count: int, *tags: str, **given: Any) -> Tagged:
    """Return a new Running flow run whose tasks all have `tags`."""
    flow = make_flow(backend, tasks=count)
    with backend.transaction() as tx:
        tx.execute(update(task).where(task.c.flow_id == flow["id"]).values(tags=list(tags)))
    run_id = backend.run("create_flow_run", flow_id=flow["id"], **given)["id"]
    set_state(backend, run_id, "Running")
    rows = {row["task_id"]: row["id"] for row in backend.rows(task_run, flow_run_id=run_id)}
    return Tagged(run_id, [rows[task_id] for task_id in flow["tasks"]])


def limit_tasks(backend: Backend, tag: str, limit: int) -> str:
    return str(backend.run("update_task_concurrency_limit", name=tag, limit=limit)["id"])


def limit_flows(backend: Backend, label: str, limit: int, **given: Any) -> str:
    return str(backend.run("update_flow_concurrency_limit", label=label, limit=limit, **given)["id"])


def ask_task(backend: Backend, run_id: str, *, wait_s: float | None = None, **state: Any) -> str:
    """Let a task run ask to run; return the status."""
    item = {"task_run_id": run_id, "state": {"type": "Running", **state}}
    (answer,) = backend.run("set_task_run_states", states=[item], wait_s=wait_s)["states"]
    return str(answer["status"])


def ask_flow(backend: Backend, run_id: str, *, wait_s: float | None = None, state: str = "Running") -> str:
    """Let a flow run ask to run; return the status."""
    item = {"flow_run_id": run_id, "state": {"type": state}}
    (answer,) = backend.run("set_flow_run_states", states=[item], wait_s=wait_s)["states"]
    return str(answer["status"])


def woken(backend: Backend) -> set[str]:
    """Return the runs whose turn the last operation has announced."""
    return {event.removeprefix("slot/") for event in backend.touched if event.startswith("slot/")}


def task_holders(backend: Backend, limit_id: str) -> set[str]:
    return {row["task_run_id"] for row in backend.rows(task_run_slot, limit_id=limit_id)}


def flow_holders(backend: Backend, limit_id: str) -> set[str]:
    return {row["flow_run_id"] for row in backend.rows(flow_run_slot, limit_id=limit_id)}


def check_slots(backend: Backend) -> None:
    """Assert what must hold of slots and lines whatever has happened."""
    for runs, limits, slots, waiters in (
        (flow_run, flow_concurrency_limit, flow_run_slot, flow_run_waiter),
        (task_run, task_concurrency_limit, task_run_slot, task_run_waiter),
    ):
        key = f"{runs.name}_id"
        by_id = {row["id"]: row for row in backend.rows(runs)}
        by_limit = {row["id"]: row for row in backend.rows(limits)}
        for slot in backend.rows(slots):
            run, limit = by_id[slot[key]], by_limit[slot["limit_id"]]
            holding = RUNNING | ({"Submitted"} if limit.get("counts_submitted") else set())
            assert run["state"] in holding, f"a run that is {run['state']} holds a slot of {limit['name']}"
            assert run["has_slots"]
            assert run["tenant_id"] == limit["tenant_id"]
        for row in backend.rows(waiters):
            run = by_id[row[key]]
            assert run["state"] == "Queued", f"a run that is {run['state']} stands in a line"
            assert run["has_slots"]
            assert not any(slot[key] == row[key] for slot in backend.rows(slots)), "a run in a line holds a slot"
