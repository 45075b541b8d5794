"""Questions about many rows that are answered in one."""

from datetime import timedelta

import pytest

from eparch.core.principals import Principal
from eparch.database.tables import flow_run, task, task_run
from tests.operations.backend import OTHER_TENANT, START, UNKNOWN, Backend
from tests.operations.samples import diamond, make_project, register

NOTHING = {"min_start_time": None, "max_end_time": None, "state_counts": {}}


@pytest.fixture
def mapped(backend: Backend) -> list[str]:
    """A mapped task run and its eleven children in five states, one of which has not started."""
    flow_id = register(backend, make_project(backend), diamond())
    run_ids = [backend.run("create_flow_run", flow_id=flow_id)["id"] for _ in range(2)]
    for run_id in run_ids:
        state = {"flow_run_id": run_id, "state": {"type": "Running"}}
        backend.run("set_flow_run_states", states=[state])
    task_id = backend.rows(task, slug="c-1")[0]["id"]
    ids = [
        backend.run("get_or_create_task_run", flow_run_id=run_ids[0], task_id=task_id, map_index=index)["id"]
        for index in range(-1, 11)
    ]
    backend.run("get_or_create_task_run", flow_run_id=run_ids[1], task_id=task_id, map_index=0)
    children = ids[1:]
    backend.now = START + timedelta(hours=1)
    for index, name in enumerate(["Success"] * 4 + ["Failed"] * 3 + ["Skipped"] * 2):
        backend.move_clock(minutes=1)
        for state in ("Running", name):
            given = {"task_run_id": children[index], "state": {"type": state}}
            backend.run("set_task_run_states", states=[given])
            backend.move_clock(seconds=1)
    backend.run("set_task_run_states", states=[{"task_run_id": children[9], "state": {"type": "Running"}}])
    return ids


def test_children_are_counted_by_state(backend: Backend, mapped: list[str]) -> None:
    assert backend.run("mapped_children", task_run_id=mapped[0]) == {
        "min_start_time": START + timedelta(hours=1, minutes=1),
        "max_end_time": START + timedelta(hours=1, minutes=9, seconds=17),
        "state_counts": {"Success": 4, "Failed": 3, "Skipped": 2, "Running": 1, "Pending": 1},
    }


def test_what_has_no_children_is_no_error(backend: Backend, mapped: list[str]) -> None:
    plain = backend.rows(task_run, task_id=backend.rows(task, slug="a-1")[0]["id"])[0]["id"]
    for task_run_id in (mapped[1], plain, UNKNOWN, backend.rows(flow_run)[0]["id"]):
        assert backend.run("mapped_children", task_run_id=task_run_id) == NOTHING
    assert backend.run("mapped_children", Principal(OTHER_TENANT), task_run_id=mapped[0]) == NOTHING
