"""Two servers at one limit: whatever the order in which their transactions meet, no slot is overdrawn or forgotten."""

from typing import Any

from eparch.core.principals import Principal
from eparch.database.tables import task_run
from eparch.database.transactions import Transaction
from eparch.operations.registry import OPERATIONS, Call
from tests.operations.backend import TENANT, Backend
from tests.operations.limit_world import ask_task, check_slots, limit_tasks, make_tagged, task_holders, woken
from tests.operations.small_flow import set_task_state
from tests.operations.test_races import meanwhile, postgresql

__all__ = ["postgresql"]


def enter(tx: Transaction, backend: Backend, run_id: str, name: str, **more: Any) -> str:
    """Let a task run enter a state within an open transaction; return the status."""
    joined = OPERATIONS["set_task_run_states"].joined
    assert joined is not None
    given = {"states": [{"task_run_id": run_id, "state": {"type": name}}], **more}
    (outcome,) = joined(tx, [Call(Principal(TENANT), given)], backend.now)
    status: str = outcome["states"][0]["status"]
    return status


def test_of_two_that_ask_for_the_last_slot_one_gets_it(postgresql: Backend) -> None:
    first, second = make_tagged(postgresql, 1, "db"), make_tagged(postgresql, 1, "db")
    limit_id = limit_tasks(postgresql, "db", 1)
    with meanwhile(postgresql, lambda: ask_task(postgresql, second.task_run_ids[0])) as (tx, later):
        assert enter(tx, postgresql, first.task_run_ids[0], "Running") == "SUCCESS"
    assert later.result() == "QUEUED"
    assert task_holders(postgresql, limit_id) == set(first.task_run_ids)


def test_who_asks_while_a_slot_is_given_back_gets_it(postgresql: Backend) -> None:
    first, second = make_tagged(postgresql, 1, "db"), make_tagged(postgresql, 1, "db")
    limit_id = limit_tasks(postgresql, "db", 1)
    assert ask_task(postgresql, first.task_run_ids[0]) == "SUCCESS"
    with meanwhile(postgresql, lambda: ask_task(postgresql, second.task_run_ids[0])) as (tx, later):
        enter(tx, postgresql, first.task_run_ids[0], "Success")
    assert later.result() == "SUCCESS"
    assert task_holders(postgresql, limit_id) == set(second.task_run_ids)


def test_whoever_joins_the_line_while_a_slot_is_given_back_is_woken(postgresql: Backend) -> None:
    first, second = make_tagged(postgresql, 1, "db"), make_tagged(postgresql, 1, "db")
    limit_tasks(postgresql, "db", 1)
    (holder,), (waiting,) = first.task_run_ids, second.task_run_ids
    assert ask_task(postgresql, holder) == "SUCCESS"
    with meanwhile(postgresql, lambda: set_task_state(postgresql, holder, "Success")) as (tx, _):
        assert enter(tx, postgresql, waiting, "Running", wait_s=30.0) == "QUEUED"
    assert woken(postgresql) == {waiting}


def test_whoever_joins_the_line_while_a_holder_is_deleted_is_woken(postgresql: Backend) -> None:
    first, second = make_tagged(postgresql, 1, "db"), make_tagged(postgresql, 1, "db")
    limit_tasks(postgresql, "db", 1)
    (waiting,) = second.task_run_ids
    assert ask_task(postgresql, first.task_run_ids[0]) == "SUCCESS"
    delete = {"flow_run_id": first.flow_run_id}
    with meanwhile(postgresql, lambda: postgresql.run("delete_flow_run", **delete)) as (tx, _):
        assert enter(tx, postgresql, waiting, "Running", wait_s=30.0) == "QUEUED"
    assert woken(postgresql) == {waiting}


def test_a_run_that_ends_while_it_takes_its_slot_gives_it_back(postgresql: Backend) -> None:
    run = make_tagged(postgresql, 1, "db")
    limit_id = limit_tasks(postgresql, "db", 1)
    (run_id,) = run.task_run_ids
    # Who waits for the lock of the run has not seen the slot, and must look anew.
    with meanwhile(postgresql, lambda: set_task_state(postgresql, run_id, "Success")) as (tx, _):
        assert enter(tx, postgresql, run_id, "Running") == "SUCCESS"
    assert postgresql.row(task_run, run_id)["state"] == "Success"
    assert task_holders(postgresql, limit_id) == set()
    check_slots(postgresql)


def test_a_run_that_ends_while_its_limit_is_made_leaves_no_slot(postgresql: Backend) -> None:
    run = make_tagged(postgresql, 1, "db")
    (run_id,) = run.task_run_ids
    assert ask_task(postgresql, run_id) == "SUCCESS"
    with meanwhile(postgresql, lambda: limit_tasks(postgresql, "db", 1)) as (tx, later):
        enter(tx, postgresql, run_id, "Success")
    assert task_holders(postgresql, later.result()) == set()


def test_two_that_make_one_limit_make_one(postgresql: Backend) -> None:
    single = OPERATIONS["update_task_concurrency_limit"].single
    assert single is not None
    with meanwhile(postgresql, lambda: limit_tasks(postgresql, "db", 2)) as (tx, later):
        made = single(tx, Principal(TENANT), {"name": "db", "limit": 1}, postgresql.now)
    assert later.result() == made["id"]
    assert postgresql.run("task_concurrency") == [{"name": "db", "usage": 0}]
