"""The work queue: who is offered what, and who gets it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

import eparch.operations.queue
from eparch.core.errors import BadInput, Forbidden
from eparch.core.offers import RETRY_GRACE
from eparch.core.principals import Principal
from eparch.database.tables import agent, flow_run, task_run, tenant
from eparch.operations.queue import next_due
from tests.operations.backend import OTHER_TENANT, START, TENANT, Backend
from tests.operations.small_flow import make_agent, make_flow, set_state, set_task_state
from tests.operations.statement_plans import plan_of, tables_read


@pytest.fixture
def flow_id(backend: Backend) -> str:
    return str(make_flow(backend, tasks=1)["id"])


def make_run(backend: Backend, flow_id: str, labels: list[str] | None = None, **given: Any) -> str:
    return str(backend.run("create_flow_run", flow_id=flow_id, labels=labels or [], **given)["id"])


def queue(backend: Backend, labels: list[str] | None = None, **given: Any) -> list[str]:
    return list(backend.run("get_runs_in_queue", labels=labels, **given)["flow_run_ids"])


@pytest.mark.parametrize(
    ("of_run", "of_agent", "is_offered"),
    [
        ([], [], True),
        ([], None, True),
        ([], ["a"], False),
        (["a"], [], False),
        (["a"], ["a"], True),
        (["a"], ["b", "a"], True),
        (["a", "b"], ["a"], False),
        (["a", "b"], ["b", "c", "a"], True),
        (["A"], ["a"], False),
        (['quo"te', "ü"], ["ü", 'quo"te'], True),
    ],
)
def test_a_run_is_offered_to_agents_that_have_all_its_labels(
    backend: Backend, flow_id: str, of_run: list[str], of_agent: list[str] | None, is_offered: bool
) -> None:
    run_id = make_run(backend, flow_id, of_run)
    assert queue(backend, of_agent) == ([run_id] if is_offered else [])
    claimed = backend.run("claim_flow_runs", labels=of_agent)["flow_runs"]
    assert [run["id"] for run in claimed] == ([run_id] if is_offered else [])


def test_due_runs_come_oldest_first_and_future_ones_not_at_all(backend: Backend, flow_id: str) -> None:
    later = make_run(backend, flow_id, scheduled_start_time=backend.now - timedelta(minutes=1))
    first = make_run(backend, flow_id, scheduled_start_time=backend.now - timedelta(minutes=2))
    future = make_run(backend, flow_id, scheduled_start_time=backend.now + timedelta(seconds=8))
    assert queue(backend) == [first, later]
    assert queue(backend, before=backend.now + timedelta(seconds=10)) == [first, later, future]


def test_reading_the_queue_takes_nothing_out_of_it(backend: Backend, flow_id: str) -> None:
    run_id = make_run(backend, flow_id)
    assert queue(backend) == queue(backend) == [run_id]
    set_state(backend, run_id, "Submitted")
    assert queue(backend) == []


def test_any_number_of_runs_for_others_cannot_hide_the_one_that_fits(backend: Backend, flow_id: str) -> None:
    for _ in range(120):
        make_run(backend, flow_id, ["foreign"], scheduled_start_time=backend.now - timedelta(hours=1))
    mine = make_run(backend, flow_id, ["mine"])
    assert queue(backend, ["mine"]) == [mine]


def test_no_more_than_twenty_five_are_offered_at_a_time(backend: Backend, flow_id: str) -> None:
    for _ in range(30):
        make_run(backend, flow_id)
    assert len(queue(backend)) == 25


def test_a_paused_run_without_a_start_time_is_never_due(backend: Backend, flow_id: str) -> None:
    run_id = make_run(backend, flow_id)
    set_state(backend, run_id, "Paused", start_time=None)
    assert queue(backend) == []


def test_a_running_flow_run_comes_back_when_one_of_its_task_runs_is_due(backend: Backend, flow_id: str) -> None:
    run_id = make_run(backend, flow_id)
    set_state(backend, run_id, "Running")
    (row,) = backend.rows(task_run, flow_run_id=run_id)
    due = backend.now + timedelta(minutes=15)
    set_task_state(backend, row["id"], "Retrying", start_time=due.isoformat(), run_count=1)
    assert queue(backend) == []
    backend.move_clock(minutes=16)
    assert queue(backend) == [run_id]
    set_task_state(backend, row["id"], "Submitted")
    assert queue(backend) == []


def claim(backend: Backend, **given: Any) -> list[str]:
    return [run["id"] for run in backend.run("claim_flow_runs", **given)["flow_runs"]]


def test_a_live_process_has_a_grace_to_make_its_retry_however_far_an_agent_looks_ahead(
    backend: Backend, flow_id: str
) -> None:
    run_id = make_run(backend, flow_id)
    set_state(backend, run_id, "Running")
    (row,) = backend.rows(task_run, flow_run_id=run_id)
    set_task_state(backend, row["id"], "Retrying", start_time=(backend.now + timedelta(minutes=1)).isoformat())
    for seconds in (0, 60, 14):
        backend.move_clock(seconds=seconds)
        assert queue(backend) == queue(backend, before=backend.now + timedelta(minutes=9)) == []
        assert claim(backend) == claim(backend, prefetch_s=600.0) == []
    backend.move_clock(seconds=1)
    assert queue(backend) == [run_id]
    assert claim(backend) == [run_id]
    assert backend.row(task_run, row["id"])["state"] == "Submitted"


def test_a_claim_because_of_an_approval_leaves_a_retry_to_the_process_that_waits_for_it(backend: Backend) -> None:
    run_id = make_run(backend, str(make_flow(backend, tasks=2)["id"]))
    set_state(backend, run_id, "Running")
    approved, retried = backend.rows(task_run, flow_run_id=run_id)
    set_task_state(backend, retried["id"], "Retrying", start_time=backend.now.isoformat())
    set_task_state(backend, approved["id"], "Resume", start_time=backend.now.isoformat())
    (claimed,) = backend.run("claim_flow_runs")["flow_runs"]
    assert [item["id"] for item in claimed["task_runs"]] == [approved["id"]]
    assert backend.row(task_run, retried["id"])["state"] == "Retrying"


def test_a_claimed_run_is_submitted_and_comes_with_what_its_start_needs(backend: Backend) -> None:
    flow = make_flow(backend, storage={"type": "Local"}, core_version="1.4.1", serialized_flow={"name": "small"})
    agent_id = make_agent(backend)
    run_id = make_run(backend, flow["id"], parameters={"x": 1}, context={"c": 2}, run_config={"type": "LocalRun"})
    backend.move_clock(seconds=1)
    principal = Principal(TENANT, agent_id=agent_id)
    (claimed,) = backend.run("claim_flow_runs", _principal=principal)["flow_runs"]
    assert (claimed["id"], claimed["version"], claimed["task_runs"]) == (run_id, 2, [])
    assert (claimed["parameters"], claimed["context"], claimed["run_config"]) == (
        {"x": 1},
        {"c": 2},
        {"type": "LocalRun"},
    )
    assert claimed["serialized_state"]["type"] == "Submitted"
    assert claimed["serialized_state"]["state"]["type"] == "Scheduled"
    assert (claimed["flow"]["id"], claimed["flow"]["storage"]) == (flow["id"], {"type": "Local"})
    row = backend.row(flow_run, run_id)
    assert (row["state"], row["agent_id"]) == ("Submitted", agent_id)
    assert backend.row(agent, agent_id)["last_queried"] == backend.now
    assert backend.run("claim_flow_runs", _principal=principal)["flow_runs"] == []


def test_a_claim_takes_up_a_run_whose_task_run_is_due_once(backend: Backend, flow_id: str) -> None:
    run_id = make_run(backend, flow_id)
    set_state(backend, run_id, "Running")
    (row,) = backend.rows(task_run, flow_run_id=run_id)
    set_task_state(backend, row["id"], "Resume", start_time=backend.now.isoformat())
    (claimed,) = backend.run("claim_flow_runs")["flow_runs"]
    assert [(item["id"], item["state"]) for item in claimed["task_runs"]] == [(row["id"], "Resume")]
    assert backend.row(task_run, row["id"])["state"] == "Submitted"
    assert backend.row(flow_run, run_id)["state"] == "Running"
    assert backend.run("claim_flow_runs")["flow_runs"] == []


def test_a_claim_takes_no_more_than_its_limit(backend: Backend, flow_id: str) -> None:
    for _ in range(5):
        make_run(backend, flow_id)
    assert len(backend.run("claim_flow_runs", limit=3)["flow_runs"]) == 3
    assert len(backend.run("claim_flow_runs", limit=3)["flow_runs"]) == 2
    for limit in (-1, 0, 1000):
        with pytest.raises(BadInput, match=str(limit)):
            backend.run("claim_flow_runs", limit=limit)


def test_a_claim_may_look_ahead(backend: Backend, flow_id: str) -> None:
    run_id = make_run(backend, flow_id, scheduled_start_time=backend.now + timedelta(seconds=5))
    assert backend.run("claim_flow_runs")["flow_runs"] == []
    assert [run["id"] for run in backend.run("claim_flow_runs", prefetch_s=6.0)["flow_runs"]] == [run_id]


def test_runs_of_another_tenant_are_never_offered(backend: Backend) -> None:
    other = Principal(OTHER_TENANT)
    flow = make_flow(backend, tenant_id=OTHER_TENANT)
    run_id = backend.run("create_flow_run", _principal=other, flow_id=flow["id"])["id"]
    assert queue(backend) == []
    assert queue(backend, _principal=other) == [run_id]
    with pytest.raises(Forbidden):
        queue(backend, tenant_id=OTHER_TENANT)


def test_polling_says_that_an_agent_is_alive(backend: Backend) -> None:
    agent_id = make_agent(backend)
    backend.move_clock(minutes=3)
    queue(backend, _principal=Principal(TENANT, agent_id=agent_id))
    assert backend.row(agent, agent_id)["last_queried"] == backend.now


@pytest.mark.parametrize("prefetch_s", [-1.0, 3601.0, 1e300])
def test_an_agent_cannot_ask_for_runs_of_any_future(backend: Backend, flow_id: str, prefetch_s: float) -> None:
    with pytest.raises(BadInput, match="prefetch_s"):
        backend.run("claim_flow_runs", prefetch_s=prefetch_s)


def next_instant(
    backend: Backend, labels: list[str] | None = None, prefetch: timedelta = timedelta()
) -> datetime | None:
    with backend.transaction() as tx:
        return next_due(tx, TENANT, labels, backend.now, prefetch)


def test_the_next_instant_is_that_of_the_first_run_that_fits(backend: Backend, flow_id: str) -> None:
    assert next_instant(backend) is None
    make_run(backend, flow_id, scheduled_start_time=backend.now - timedelta(minutes=1))
    make_run(backend, flow_id, ["b"], scheduled_start_time=backend.now + timedelta(minutes=1))
    make_run(backend, flow_id, scheduled_start_time=backend.now + timedelta(minutes=3))
    make_run(backend, flow_id, scheduled_start_time=backend.now + timedelta(minutes=2))
    assert next_instant(backend) == backend.now + timedelta(minutes=2)
    assert next_instant(backend, ["b"]) == backend.now + timedelta(minutes=1)
    assert next_instant(backend, ["c"]) is None


def test_the_next_instant_may_be_that_of_a_task_run_that_is_to_be_retried(backend: Backend, flow_id: str) -> None:
    run_id = make_run(backend, flow_id)
    set_state(backend, run_id, "Submitted", state={"type": "Scheduled"})
    set_state(backend, run_id, "Running")
    (task_run_id,) = (row["id"] for row in backend.rows(task_run, flow_run_id=run_id))
    due = backend.now + timedelta(hours=1)
    set_task_state(backend, task_run_id, "Running")
    set_task_state(backend, task_run_id, "Retrying", start_time=due.isoformat())
    for _ in range(2):
        assert next_instant(backend) == due + RETRY_GRACE
        assert next_instant(backend, prefetch=timedelta(hours=2)) == due + RETRY_GRACE
        backend.move_clock(hours=1, seconds=14)
    backend.move_clock(seconds=1)
    assert next_instant(backend) is None


def test_an_agent_that_looks_ahead_gets_a_run_that_much_earlier(backend: Backend, flow_id: str) -> None:
    make_run(backend, flow_id, scheduled_start_time=backend.now + timedelta(minutes=3))
    make_run(backend, flow_id, scheduled_start_time=backend.now + timedelta(minutes=30))
    assert next_instant(backend, prefetch=timedelta(minutes=1)) == backend.now + timedelta(minutes=2)
    assert next_instant(backend, prefetch=timedelta(minutes=3)) == backend.now + timedelta(minutes=27)


def test_a_paused_queue_offers_nothing_and_a_resumed_one_everything(backend: Backend, flow_id: str) -> None:
    backend.run("update_tenant_settings", settings={"kept": 1})
    agent_id = make_agent(backend)
    assert backend.run("pause_tenant_work_queue", tenant_id=TENANT) == {"success": True}
    run_id = make_run(backend, flow_id)
    backend.move_clock(minutes=5)
    principal = Principal(TENANT, agent_id=agent_id)
    assert queue(backend, _principal=principal) == []
    assert backend.run("claim_flow_runs", _principal=principal)["flow_runs"] == []
    assert backend.row(agent, agent_id)["last_queried"] == backend.now
    backend.run("pause_tenant_work_queue")
    assert backend.run("resume_tenant_work_queue") == {"success": True}
    assert "queue" in backend.touched
    assert backend.row(tenant, TENANT)["settings"] == {"kept": 1, "work_queue_paused": False}
    assert queue(backend) == [run_id]


def test_a_pause_stops_one_tenant_only(backend: Backend) -> None:
    other = Principal(OTHER_TENANT)
    run_id = backend.run("create_flow_run", _principal=other, flow_id=make_flow(backend, tenant_id=OTHER_TENANT)["id"])
    backend.run("pause_tenant_work_queue")
    assert queue(backend, _principal=other) == [run_id["id"]]


@pytest.mark.parametrize("name", ["_DUE", "_NEXT", "_NEXT_RESUMING", "_NEXT_RETRYING"])
def test_a_look_at_the_queue_uses_an_index_without_what_has_ended(backend: Backend, name: str) -> None:
    statement = getattr(eparch.operations.queue, name)
    if isinstance(statement, dict):
        statement = statement[False, False]
    bound = {"tenant_id": TENANT, "labels": "[]", "is_bare": True, "limit": 5}
    bound |= dict.fromkeys(("before", "retries_before", "after", "retries_after"), START)
    assert tables_read(backend, statement, bound) == set()
    used = " ".join(plan_of(backend, statement, bound))
    kept_small = {"ix_flow_run_queue", "ix_flow_run_queue_labels", "ix_flow_run_active", "ix_task_run_queue"}
    assert kept_small & set(used.split()), used
    if name in ("_DUE", "_NEXT") and backend.engine.dialect.name == "sqlite":
        # From one kind of labels to the next, and then to the runs of those that fit.
        assert "kind_run USING INDEX ix_flow_run_queue_labels (tenant_id=? AND <expr>>?)" in used
        assert "flow_run USING INDEX ix_flow_run_queue_labels (tenant_id=? AND <expr>=? AND" in used


def test_a_claim_looks_up_and_locks_each_run_by_itself_when_its_turn_comes(backend: Backend) -> None:
    if backend.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time and locks no rows")
    instants = dict.fromkeys(("before", "retries_before"), START)
    lists = {"full": "[]", "seen": "[]"}
    for has_limits in (False, True):
        statement = eparch.operations.queue._DUE[True, has_limits]
        bound = {"tenant_id": TENANT, "labels": "[]", "is_bare": True, "limit": 5, **instants}
        steps = plan_of(backend, statement, bound | (lists if has_limits else {}))
        # In this order: the queue is sorted before any run is locked, and not after all are.
        kinds = [step.strip().removeprefix("->").split("  (")[0].strip() for step in steps]
        assert kinds[:3] == ["Limit", "Nested Loop", "Sort"]
        assert "LockRows" in kinds
        assert any("Index Cond: (id =" in step for step in steps), steps


def test_runs_of_many_kinds_of_labels_are_offered_to_those_that_they_fit(backend: Backend, flow_id: str) -> None:
    kinds = [[], ["a"], ["a", "b"], ["b"], ["b", "a"], ["c", "a"], ["ü"]]
    runs = [(make_run(backend, flow_id, labels), set(labels)) for labels in kinds for _ in range(3)]
    for mine in ([], ["a"], ["a", "b"], ["a", "b", "c"], ["d"], ["ü", "a"]):
        fitting = [run_id for run_id, labels in runs if labels <= set(mine) and bool(labels) == bool(mine)]
        assert queue(backend, mine) == sorted(fitting)
