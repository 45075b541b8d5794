"""Limits cost nothing where they do not apply: neither a statement more, nor a look at anybody else's line."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event

from tests.operations.backend import Backend
from tests.operations.limit_world import ask_flow, ask_task, limit_flows, limit_tasks, make_tagged
from tests.operations.small_flow import make_flow, set_state, set_task_state


@contextmanager
def statements(backend: Backend) -> Iterator[list[str]]:
    """Give a list that fills with the statements that are run within the block."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    event.listen(backend.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(backend.engine, "before_cursor_execute", note)


def life_of_a_run(backend: Backend, *tags: str) -> list[str]:
    """Return the statements of a flow run with a task run from start to end, claimed by an agent."""
    run = make_tagged(backend, 1, *tags)
    flow_run = backend.run("create_flow_run", flow_id=make_flow(backend, tasks=1)["id"], labels=list(tags))["id"]
    with statements(backend) as seen:
        assert ask_task(backend, run.task_run_ids[0]) == "SUCCESS"
        set_task_state(backend, run.task_run_ids[0], "Success")
        set_state(backend, flow_run, "Submitted")
        assert ask_flow(backend, flow_run) == "SUCCESS"
        set_state(backend, flow_run, "Success")
    return seen


def test_a_run_that_no_limit_concerns_is_changed_by_the_same_statements_as_ever(backend: Backend) -> None:
    without = life_of_a_run(backend, "free")
    for number in range(20):
        limit_tasks(backend, f"tag {number}", 0)
        limit_flows(backend, f"label {number}", 0)
    assert life_of_a_run(backend, "free") == without
    limit_tasks(backend, "free", 1)
    assert len(life_of_a_run(backend, "free")) > len(without)


def test_a_freed_slot_is_the_same_work_however_many_wait(backend: Backend) -> None:
    counts = []
    for waiting in (1, 40):
        run = make_tagged(backend, waiting + 1, f"db {waiting}")
        limit_tasks(backend, f"db {waiting}", 1)
        holder, *others = run.task_run_ids
        for one in (holder, *others):
            ask_task(backend, one, wait_s=30.0)
            backend.move_clock(milliseconds=1)
        with statements(backend) as seen:
            set_task_state(backend, holder, "Success")
            turns = {name for name in backend.touched if name.startswith("slot/")}
            assert ask_task(backend, others[0], wait_s=30.0) == "SUCCESS"
        assert turns == {f"slot/{others[0]}"}
        counts.append(len(seen))
    assert counts[0] == counts[1]
