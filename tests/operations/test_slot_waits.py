"""Why a run waits for a slot, as it is told to people."""

from datetime import timedelta

from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from eparch.operations.slot_waits import SlotWait, slot_waits
from tests.operations.backend import Backend
from tests.operations.limit_world import ask_flow, ask_task, limit_flows, limit_tasks, make_tagged
from tests.operations.small_flow import make_flow, set_task_state


def waits(backend: Backend, kind: Kind, run_id: str) -> list[SlotWait]:
    with backend.transaction() as tx:
        found = slot_waits(tx, kind, run_id, backend.now)
        assert tx.touched == set()
    return found


def test_a_task_run_learns_which_limits_are_full_who_holds_them_and_its_place(backend: Backend) -> None:
    run = make_tagged(backend, 4, "db", "io", "free")
    db, io = limit_tasks(backend, "db", 2), limit_tasks(backend, "io", 5)
    limit_tasks(backend, "free", 9)
    started = backend.now
    for one in run.task_run_ids:
        ask_task(backend, one)
        backend.move_clock(seconds=1)
    third, fourth = run.task_run_ids[2:]
    (wait,) = waits(backend, TASK_RUN, fourth)
    assert (wait.limit_id, wait.name, wait.slots, wait.held, wait.place, wait.waiting) == (db, "db", 2, 2, 2, 2)
    holders = [(one.run_id, one.name, one.since - started) for one in wait.holders]
    assert holders == [
        (run.task_run_ids[0], "task-0", timedelta(0)),
        (run.task_run_ids[1], "task-1", timedelta(seconds=1)),
    ]
    limit_tasks(backend, "io", 0)
    assert [(one.limit_id, one.place) for one in waits(backend, TASK_RUN, third)] == [(db, 1), (io, 1)]


def test_the_tags_that_the_client_named_when_it_asked_count(backend: Backend) -> None:
    run = make_tagged(backend, 1, "db")
    limit_tasks(backend, "db", 0)
    io = limit_tasks(backend, "io", 0)
    assert ask_task(backend, run.task_run_ids[0], context={"tags": ["io"]}) == "QUEUED"
    assert [wait.limit_id for wait in waits(backend, TASK_RUN, run.task_run_ids[0])] == [io]


def test_a_run_that_no_limit_keeps_learns_so(backend: Backend) -> None:
    run = make_tagged(backend, 2, "db")
    limit_tasks(backend, "db", 1)
    first, second = run.task_run_ids
    assert waits(backend, TASK_RUN, first) == []
    ask_task(backend, first)
    ask_task(backend, second)
    set_task_state(backend, first, "Success")
    assert waits(backend, TASK_RUN, second) == []
    assert waits(backend, TASK_RUN, "00000000-0000-4000-8000-0000000000ff") == []


def test_flow_runs_wait_in_the_queue_and_in_line(backend: Backend) -> None:
    flow_id = make_flow(backend, tasks=1)["id"]
    gpu = limit_flows(backend, "gpu", 1)
    ids = []
    for priority in (0, 0, 0, 3):
        run = backend.run("create_flow_run", flow_id=flow_id, labels=["gpu"], priority=priority, flow_run_name="r")
        ids.append(run["id"])
        backend.move_clock(seconds=1)
    holder, started, waiting, urgent = ids
    assert ask_flow(backend, holder) == "SUCCESS"
    assert ask_flow(backend, started) == "QUEUED"
    later = backend.run(
        "create_flow_run", flow_id=flow_id, labels=["gpu"], scheduled_start_time=backend.now + timedelta(hours=1)
    )
    found = {run_id: waits(backend, FLOW_RUN, run_id) for run_id in (urgent, started, waiting)}
    assert [found[run_id][0].place for run_id in (urgent, started, waiting)] == [1, 2, 3]
    for (wait,) in found.values():
        assert (wait.limit_id, wait.waiting) == (gpu, 3)
        assert [(one.run_id, one.name) for one in wait.holders] == [(holder, "r")]
    assert waits(backend, FLOW_RUN, later["id"])[0].waiting == 4
