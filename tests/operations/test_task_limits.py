"""Limits of task runs by tag: who gets a slot, who waits, whose turn it is, and that no slot is ever lost."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput, StateUpdateFailed
from eparch.core.principals import Principal
from eparch.core.rescue import RescueRules
from eparch.database.tables import task_concurrency_limit, task_run, task_run_slot, task_run_state, task_run_waiter
from eparch.operations.reaping import reap
from tests.operations.backend import OTHER_TENANT, Backend
from tests.operations.limit_world import ask_task, check_slots, limit_tasks, make_tagged, task_holders, woken
from tests.operations.small_flow import set_state, set_task_state

FAST = {"wait_s": 30.0}


def test_no_more_task_runs_start_than_there_are_slots(backend: Backend) -> None:
    run = make_tagged(backend, 3, "db")
    limit_id = limit_tasks(backend, "db", 2)
    assert [ask_task(backend, one) for one in run.task_run_ids] == ["SUCCESS", "SUCCESS", "QUEUED"]
    assert task_holders(backend, limit_id) == set(run.task_run_ids[:2])
    (waiting,) = backend.rows(task_run_waiter)
    assert (waiting["task_run_id"], waiting["limit_id"]) == (run.task_run_ids[2], limit_id)
    check_slots(backend)


def test_the_answer_names_the_limit_and_the_run_is_queued(backend: Backend) -> None:
    run = make_tagged(backend, 1, "db")
    limit_tasks(backend, "db", 0)
    (run_id,) = run.task_run_ids
    item = {"task_run_id": run_id, "version": 1, "state": {"type": "Running"}}
    (answer,) = backend.run("set_task_run_states", states=[item])["states"]
    reason = "Waiting for a free slot of the concurrency limit 'db' (0 of 0 slots are taken)."
    assert answer == {"id": run_id, "status": "QUEUED", "message": reason, "version": 2}
    row = backend.row(task_run, run_id)
    assert (row["state"], row["state_message"], row["start_time"]) == ("Queued", reason, None)
    assert row["serialized_state"]["state"]["type"] == "Pending"
    assert row["state_start_time"] == backend.now + timedelta(minutes=10)


def test_the_state_of_an_attempt_is_kept_while_it_waits(backend: Backend) -> None:
    run = make_tagged(backend, 1, "db")
    (run_id,) = run.task_run_ids
    set_task_state(backend, run_id, "Retrying", run_count=2, cached_inputs={"x": {"type": "Result"}})
    limit_tasks(backend, "db", 0)
    for _ in range(2):
        assert ask_task(backend, run_id) == "QUEUED"
    document = backend.row(task_run, run_id)["serialized_state"]
    assert (document["state"]["type"], document["state"]["run_count"]) == ("Retrying", 2)
    assert document["cached_inputs"] == {"x": {"type": "Result"}}


def test_who_asks_again_and_again_writes_a_new_state_only_every_five_minutes(backend: Backend) -> None:
    run = make_tagged(backend, 1, "db")
    limit_tasks(backend, "db", 0)
    (run_id,) = run.task_run_ids
    for _ in range(12):
        assert ask_task(backend, run_id) == "QUEUED"
        backend.move_clock(seconds=30)
    assert backend.count(task_run_state, task_run_id=run_id) == 3
    assert backend.count(task_run_waiter) == 1


@pytest.mark.parametrize(
    "state", ["Success", "Failed", "Cancelled", "Retrying", "Pending", "Paused", "Looped", "Mapped"]
)
def test_a_slot_is_given_back_by_any_state_that_does_not_run(backend: Backend, state: str) -> None:
    run = make_tagged(backend, 1, "db")
    limit_id = limit_tasks(backend, "db", 1)
    (run_id,) = run.task_run_ids
    assert ask_task(backend, run_id) == "SUCCESS"
    set_task_state(backend, run_id, state)
    assert task_holders(backend, limit_id) == set()
    assert not backend.row(task_run, run_id)["has_slots"]


def test_a_running_run_keeps_its_slot_when_it_says_so_again(backend: Backend) -> None:
    run = make_tagged(backend, 2, "db")
    limit_id = limit_tasks(backend, "db", 1)
    first, second = run.task_run_ids
    for state in ("Running", "Running", "Cancelling"):
        set_task_state(backend, first, state)
        assert task_holders(backend, limit_id) == {first}
    assert ask_task(backend, second) == "QUEUED"


def test_several_limits_give_all_their_slots_or_none(backend: Backend) -> None:
    both = make_tagged(backend, 2, "db", "io")
    only = make_tagged(backend, 2, "io")
    db, io = limit_tasks(backend, "db", 1), limit_tasks(backend, "io", 2)
    first, second = both.task_run_ids
    assert ask_task(backend, first) == "SUCCESS"
    assert ask_task(backend, second) == "QUEUED"
    assert (task_holders(backend, db), task_holders(backend, io)) == ({first}, {first})
    # Who waits for one limit takes nothing away from the other.
    assert ask_task(backend, only.task_run_ids[0]) == "SUCCESS"
    assert ask_task(backend, only.task_run_ids[1]) == "QUEUED"
    check_slots(backend)


def test_a_slot_that_the_first_cannot_use_goes_to_the_next(backend: Backend) -> None:
    both = make_tagged(backend, 2, "db", "io")
    only = make_tagged(backend, 1, "db")
    db, io = limit_tasks(backend, "db", 1), limit_tasks(backend, "io", 1)
    holder, first = both.task_run_ids
    (second,) = only.task_run_ids
    assert ask_task(backend, holder) == "SUCCESS"
    for one in (first, second):
        assert ask_task(backend, one, **FAST) == "QUEUED"
        backend.move_clock(seconds=1)
    # Both wait for `db` if that comes first in the order of locks; make it so that `io` alone stays full.
    limit_tasks(backend, "io", 0)
    set_task_state(backend, holder, "Success")
    asked: set[str] = set()
    turns = woken(backend)
    while turns - asked:
        one = min(turns - asked)
        asked.add(one)
        ask_task(backend, one, **FAST)
        turns |= woken(backend)
    assert task_holders(backend, db) == {second}
    assert {row["task_run_id"]: row["limit_id"] for row in backend.rows(task_run_waiter)} == {first: io}


def test_a_freed_slot_wakes_the_first_by_priority_and_then_by_age(backend: Backend) -> None:
    holders = make_tagged(backend, 2, "db")
    limit_tasks(backend, "db", 2)
    for one in holders.task_run_ids:
        assert ask_task(backend, one) == "SUCCESS"
    runs = [make_tagged(backend, 1, "db", priority=priority) for priority in (0, 0, 5)]
    for run in runs:
        backend.move_clock(seconds=1)
        assert ask_task(backend, run.task_run_ids[0], **FAST) == "QUEUED"
    set_task_state(backend, holders.task_run_ids[0], "Success")
    assert woken(backend) == {runs[2].task_run_ids[0]}
    set_task_state(backend, holders.task_run_ids[1], "Success")
    assert woken(backend) == {runs[0].task_run_ids[0]}
    # The slots are theirs: neither the one behind them nor a newcomer takes them.
    assert ask_task(backend, runs[1].task_run_ids[0], **FAST) == "QUEUED"
    assert ask_task(backend, make_tagged(backend, 1, "db").task_run_ids[0]) == "QUEUED"
    for run in (runs[0], runs[2]):
        assert ask_task(backend, run.task_run_ids[0], **FAST) == "SUCCESS"
    check_slots(backend)


def test_nobody_waits_for_a_client_that_polls(backend: Backend) -> None:
    run = make_tagged(backend, 3, "db")
    limit_tasks(backend, "db", 1)
    holder, poller, newcomer = run.task_run_ids
    ask_task(backend, holder)
    assert ask_task(backend, poller) == "QUEUED"
    set_task_state(backend, holder, "Success")
    assert woken(backend) == set()
    assert ask_task(backend, newcomer) == "SUCCESS"


def test_the_turn_of_a_client_that_has_fallen_silent_passes(backend: Backend) -> None:
    run = make_tagged(backend, 3, "db")
    limit_tasks(backend, "db", 1)
    holder, silent, newcomer = run.task_run_ids
    ask_task(backend, holder)
    assert ask_task(backend, silent, **FAST) == "QUEUED"
    set_task_state(backend, holder, "Success")
    assert ask_task(backend, newcomer) == "QUEUED"
    backend.move_clock(seconds=36)
    assert ask_task(backend, newcomer) == "SUCCESS"
    (row,) = backend.rows(task_run_waiter)
    assert (row["task_run_id"], row["listens_until"]) == (silent, None)


def test_raising_a_limit_wakes_as_many_as_there_are_new_slots_and_lowering_stops_nobody(backend: Backend) -> None:
    run = make_tagged(backend, 5, "db")
    limit_id = limit_tasks(backend, "db", 1)
    for one in run.task_run_ids:
        ask_task(backend, one, **FAST)
        backend.move_clock(seconds=1)
    assert limit_tasks(backend, "db", 3) == limit_id
    assert woken(backend) == set(run.task_run_ids[1:3])
    for one in run.task_run_ids[1:3]:
        assert ask_task(backend, one) == "SUCCESS"
    limit_tasks(backend, "db", 1)
    assert (woken(backend), len(task_holders(backend, limit_id))) == (set(), 3)
    for one in run.task_run_ids[:2]:
        set_task_state(backend, one, "Success")
        assert woken(backend) == set()
    set_task_state(backend, run.task_run_ids[2], "Success")
    assert woken(backend) == {run.task_run_ids[3]}


def test_deleting_a_limit_lets_all_go(backend: Backend) -> None:
    run = make_tagged(backend, 3, "db")
    limit_id = limit_tasks(backend, "db", 1)
    for one in run.task_run_ids:
        ask_task(backend, one, **FAST)
    other = Principal(OTHER_TENANT)
    assert backend.run("delete_task_concurrency_limit", _principal=other, limit_id=limit_id) == {"success": False}
    assert backend.run("delete_task_concurrency_limit", limit_id=limit_id) == {"success": True}
    assert woken(backend) == set(run.task_run_ids[1:])
    assert [ask_task(backend, one) for one in run.task_run_ids[1:]] == ["SUCCESS", "SUCCESS"]
    assert backend.count(task_run_slot) == backend.count(task_run_waiter) == 0
    assert backend.run("delete_task_concurrency_limit", limit_id=limit_id) == {"success": False}


def test_a_new_limit_counts_the_runs_that_are_running(backend: Backend) -> None:
    run = make_tagged(backend, 4, "db")
    named = {"context": {"tags": ["io"]}}
    assert ask_task(backend, run.task_run_ids[0]) == "SUCCESS"
    assert ask_task(backend, run.task_run_ids[1], **named) == "SUCCESS"
    limit_id, io = limit_tasks(backend, "db", 1), limit_tasks(backend, "io", 5)
    assert (task_holders(backend, limit_id), task_holders(backend, io)) == (
        {run.task_run_ids[0]},
        {run.task_run_ids[1]},
    )
    assert ask_task(backend, run.task_run_ids[2]) == "QUEUED"
    set_task_state(backend, run.task_run_ids[0], "Success")
    assert ask_task(backend, run.task_run_ids[2]) == "SUCCESS"


def test_the_tags_that_the_client_names_are_the_tags(backend: Backend) -> None:
    run = make_tagged(backend, 2, "db")
    limit_tasks(backend, "db", 0)
    io = limit_tasks(backend, "io", 1)
    assert ask_task(backend, run.task_run_ids[0], context={"tags": ["io", "x"]}) == "SUCCESS"
    assert ask_task(backend, run.task_run_ids[1], context={"tags": []}) == "SUCCESS"
    assert task_holders(backend, io) == {run.task_run_ids[0]}


def test_calls_that_wait_together_share_the_slots(backend: Backend) -> None:
    run = make_tagged(backend, 4, "db")
    limit_tasks(backend, "db", 2)
    first, second, third, fourth = run.task_run_ids

    def item(run_id: str, name: str) -> dict[str, Any]:
        return {"states": [{"task_run_id": run_id, "state": {"type": name}}]}

    program = [(first, "Running"), (second, "Running"), (third, "Running"), (first, "Success"), (fourth, "Running")]
    outcomes = backend.run_together("set_task_run_states", [item(*step) for step in program])
    statuses = [outcome["states"][0]["status"] for outcome in outcomes]
    assert statuses == ["SUCCESS", "SUCCESS", "QUEUED", "SUCCESS", "SUCCESS"]
    check_slots(backend)


def test_a_call_that_fails_takes_no_slot(backend: Backend) -> None:
    run = make_tagged(backend, 2, "db")
    limit_id = limit_tasks(backend, "db", 1)
    first, second = run.task_run_ids
    wrong = {"task_run_id": "00000000-0000-4000-8000-0000000000ff", "state": {"type": "Running"}}
    calls = [
        {"states": [{"task_run_id": first, "state": {"type": "Running"}}, wrong]},
        {"states": [{"task_run_id": second, "state": {"type": "Running"}}]},
    ]
    failed, done = backend.run_together("set_task_run_states", calls)
    assert isinstance(failed, StateUpdateFailed)
    assert done["states"][0]["status"] == "SUCCESS"
    assert task_holders(backend, limit_id) == {second}


@pytest.mark.parametrize("way", ["finish", "cancel", "delete run", "delete flow", "reap"])
def test_however_a_run_ends_its_slot_goes_to_the_next(backend: Backend, way: str) -> None:
    run, other = make_tagged(backend, 1, "db"), make_tagged(backend, 1, "db")
    limit_id = limit_tasks(backend, "db", 1)
    (holder,), (waiting,) = run.task_run_ids, other.task_run_ids
    assert ask_task(backend, holder) == "SUCCESS"
    assert ask_task(backend, waiting, wait_s=60.0) == "QUEUED"
    touched: set[str] = set()
    match way:
        case "finish":
            set_task_state(backend, holder, "Success")
        case "cancel":
            set_state(backend, run.flow_run_id, "Cancelled")
        case "delete run":
            backend.run("delete_flow_run", flow_run_id=run.flow_run_id)
        case "delete flow":
            flow_id = backend.row(task_run.metadata.tables["flow_run"], run.flow_run_id)["flow_id"]
            backend.run("delete_flow", flow_id=flow_id)
        case "reap":
            silent = backend.now + timedelta(minutes=11)
            set_task_state(backend, waiting, "Pending")
            assert ask_task(backend, waiting, wait_s=60.0) == "QUEUED"
            with backend.transaction() as tx:
                # The other flow run is alive; only the first is looked at.
                assert reap(tx, [holder], silent, RescueRules()).failed == 1
                touched = tx.touched
            assert task_holders(backend, limit_id) == set()
            return
    assert woken(backend) | touched == {waiting}
    assert task_holders(backend, limit_id) == set()
    assert ask_task(backend, waiting) == "SUCCESS"
    check_slots(backend)


def test_who_waits_is_told_when_somebody_cancels_its_run(backend: Backend) -> None:
    run = make_tagged(backend, 1, "db")
    limit_tasks(backend, "db", 0)
    (run_id,) = run.task_run_ids
    assert ask_task(backend, run_id, **FAST) == "QUEUED"
    set_state(backend, run.flow_run_id, "Cancelled")
    assert woken(backend) == {run_id}
    assert backend.count(task_run_waiter) == 0
    with pytest.raises(StateUpdateFailed, match="not in a running state"):
        ask_task(backend, run_id)


def test_a_process_that_dies_while_it_waits_is_replaced_after_ten_minutes(backend: Backend) -> None:
    run = make_tagged(backend, 1, "db")
    limit_tasks(backend, "db", 0)
    (run_id,) = run.task_run_ids
    assert ask_task(backend, run_id) == "QUEUED"
    backend.move_clock(minutes=9)
    assert backend.run("get_runs_in_queue")["flow_run_ids"] == []
    backend.move_clock(minutes=1)
    assert backend.run("get_runs_in_queue")["flow_run_ids"] == [run.flow_run_id]
    assert ask_task(backend, run_id) == "QUEUED"
    assert backend.run("get_runs_in_queue")["flow_run_ids"] == []


def test_limits_belong_to_a_tenant(backend: Backend) -> None:
    run = make_tagged(backend, 1, "db")
    backend.run("update_task_concurrency_limit", _principal=Principal(OTHER_TENANT), name="db", limit=0)
    assert ask_task(backend, run.task_run_ids[0]) == "SUCCESS"


def test_both_names_set_one_limit_and_usage_is_told(backend: Backend) -> None:
    run = make_tagged(backend, 2, "db")
    limit_id = limit_tasks(backend, "db", 1)
    assert backend.run("update_task_tag_limit", tag="db", limit=2) == {"id": limit_id}
    assert backend.row(task_concurrency_limit, limit_id)["limit"] == 2
    io = limit_tasks(backend, "io", 1)
    for one in run.task_run_ids:
        ask_task(backend, one)
    usage = [{"name": "db", "usage": 2}, {"name": "io", "usage": 0}]
    assert backend.run("task_concurrency") == usage
    assert backend.run("task_concurrency", names=["io", "unknown"]) == usage[1:]
    assert backend.run("task_concurrency", names=[]) == []
    assert backend.run("delete_task_tag_limit", limit_id=io) == {"success": True}
    with pytest.raises(BadInput, match="limit of -1"):
        backend.run("update_task_tag_limit", tag="db", limit=-1)
    with pytest.raises(BadInput, match="needs the tag"):
        backend.run("update_task_concurrency_limit", name="", limit=1)


@pytest.mark.parametrize(("wait_s", "count"), [(-1, 1), (61, 1), (5, 2)])
def test_waiting_has_bounds(backend: Backend, wait_s: float, count: int) -> None:
    run = make_tagged(backend, 2)
    items = [{"task_run_id": one, "state": {"type": "Running"}} for one in run.task_run_ids[:count]]
    with pytest.raises(BadInput, match="wait_s"):
        backend.run("set_task_run_states", states=items, wait_s=wait_s)
