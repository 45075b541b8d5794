"""Two servers at once: whatever the order in which their transactions meet, the outcome is one that makes sense.

On PostgreSQL a test holds one transaction open until the other one waits for it. SQLite has one writer at a time, so
there the same operations run from many threads, and must not be worse for it.
"""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import text

from eparch.core.principals import Principal
from eparch.core.schedules import Span
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state
from eparch.database.transactions import Transaction
from eparch.operations.registry import OPERATIONS
from eparch.operations.schedule_runs import Counts, schedule_flow_runs
from tests.databases import PostgreSQLDatabases
from tests.operations.backend import TENANT, Backend
from tests.operations.conftest import opened
from tests.operations.samples import flow_document, make_project, register, schedule

SCHEDULED = flow_document(schedule=schedule())


@pytest.fixture
def postgresql(postgresql_databases: PostgreSQLDatabases) -> Iterator[Backend]:
    with opened(postgresql_databases) as backend:
        yield backend


def call(tx: Transaction, backend: Backend, name: str, **given: Any) -> Any:
    """Carry out an operation within an open transaction."""
    single = OPERATIONS[name].single
    assert single is not None
    return single(tx, Principal(TENANT), given, backend.now)


@contextmanager
def meanwhile(backend: Backend, second: Callable[[], Any]) -> Iterator[tuple[Transaction, "Future[Any]"]]:
    """Give an open transaction, and begin `second` in another thread; commit once that waits for a lock, or is done."""
    with ThreadPoolExecutor(1) as pool:
        with backend.transaction() as tx:
            later: Future[Any] = Future()
            yield tx, later
            started = pool.submit(second)
            _wait_until_blocked(backend, started)
        later.set_result(started.result(timeout=30))


def _wait_until_blocked(backend: Backend, started: "Future[Any]") -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    pause = threading.Event()
    with backend.engine.connect() as connection:
        for _ in range(3_000):
            if started.done() or connection.execute(waiting).scalar_one():
                return
            connection.rollback()
            pause.wait(0.01)
    raise AssertionError("the second transaction neither waits nor ends")


def versions(backend: Backend) -> list[tuple[int, bool]]:
    return sorted((row["version"], row["archived"]) for row in backend.rows(flow))


@pytest.mark.parametrize("given", [{}, {"version_group_id": "group"}])
@pytest.mark.parametrize("is_first", [True, False])
def test_two_registrations_get_consecutive_versions(postgresql: Backend, is_first: bool, given: dict[str, Any]) -> None:
    project_id = make_project(postgresql)
    if not is_first:
        register(postgresql, project_id, SCHEDULED, **given)
    again = {"project_id": project_id, "serialized_flow": SCHEDULED, **given}
    with meanwhile(postgresql, lambda: postgresql.run("create_flow", **again)) as (tx, _):
        call(tx, postgresql, "create_flow", **again)
    last = 2 if is_first else 3
    assert versions(postgresql) == [(version, version < last) for version in range(1, last + 1)]
    assert len(postgresql.rows(flow_group)) == 1
    (current,) = postgresql.rows(flow, archived=False)
    assert {run["flow_id"] for run in postgresql.rows(flow_run)} == {current["id"]}
    assert postgresql.count(flow_run) == 10


@pytest.mark.parametrize("is_first", [True, False])
def test_two_projects_may_share_a_group(postgresql: Backend, is_first: bool) -> None:
    ids = [make_project(postgresql, name) for name in "ab"]
    if not is_first:
        register(postgresql, ids[0], SCHEDULED, version_group_id="group")
    given = {"serialized_flow": SCHEDULED, "version_group_id": "group"}
    with meanwhile(postgresql, lambda: postgresql.run("create_flow", project_id=ids[1], **given)) as (tx, _):
        call(tx, postgresql, "create_flow", project_id=ids[0], **given)
    last = 2 if is_first else 3
    assert versions(postgresql) == [(version, version < last) for version in range(1, last + 1)]
    assert len(postgresql.rows(flow_group)) == 1


def test_two_registrations_with_one_key_are_one(postgresql: Backend) -> None:
    given = {"project_id": make_project(postgresql), "serialized_flow": SCHEDULED, "idempotency_key": "key"}
    with meanwhile(postgresql, lambda: postgresql.run("create_flow", **given)) as (tx, second):
        first = call(tx, postgresql, "create_flow", **given)
    assert second.result() == first
    assert versions(postgresql) == [(1, False)]


def test_two_batches_of_tasks_both_end_up_in_the_document(postgresql: Backend) -> None:
    flow_id = register(postgresql, make_project(postgresql), {"name": "f"})
    one, two = ({"flow_id": flow_id, "serialized_tasks": [{"slug": slug}]} for slug in "ab")
    with meanwhile(postgresql, lambda: postgresql.run("register_tasks", **two)) as (tx, _):
        call(tx, postgresql, "register_tasks", **one)
    (row,) = postgresql.rows(flow)
    assert row["serialized_flow"] == {"name": "f", "tasks": [{"slug": "a"}, {"slug": "b"}]}


def test_two_schedulers_make_each_run_once(postgresql: Backend) -> None:
    for name in "abc":
        register(postgresql, make_project(postgresql, name), flow_document(name, schedule=schedule()))
    postgresql.move_clock(hours=4)

    def pass_of_the_other() -> Counts:
        with postgresql.transaction() as tx:
            return schedule_flow_runs(tx, None, postgresql.now, Span(20), waits=False)

    with meanwhile(postgresql, pass_of_the_other) as (tx, second):
        first = schedule_flow_runs(tx, None, postgresql.now, Span(20), waits=False)
    assert first == Counts(flows=3, flow_runs=42)
    assert second.result() == Counts(flows=3, flow_runs=0)
    assert postgresql.count(flow_run) == postgresql.count(flow_run_state) == 72


@pytest.mark.parametrize("name", ["set_schedule_inactive", "archive_flow", "delete_flow"])
def test_a_flow_that_is_being_switched_off_gets_no_runs(postgresql: Backend, name: str) -> None:
    flow_id = register(postgresql, make_project(postgresql), SCHEDULED)
    postgresql.move_clock(hours=4)

    def scheduler() -> Counts:
        with postgresql.transaction() as tx:
            return schedule_flow_runs(tx, None, postgresql.now, waits=False)

    with meanwhile(postgresql, scheduler) as (tx, second):
        call(tx, postgresql, name, flow_id=flow_id)
    assert second.result() == Counts()
    assert postgresql.count(flow_run) == 0


@pytest.mark.parametrize("name", ["set_schedule_inactive", "archive_flow", "delete_flow"])
def test_switching_off_takes_runs_along_that_are_just_being_made(postgresql: Backend, name: str) -> None:
    flow_id = register(postgresql, make_project(postgresql), SCHEDULED)
    postgresql.move_clock(hours=4)
    with meanwhile(postgresql, lambda: postgresql.run(name, flow_id=flow_id)) as (tx, _):
        assert schedule_flow_runs(tx, None, postgresql.now) == Counts(flows=1, flow_runs=4)
    assert postgresql.count(flow_run) == 0


def test_a_new_schedule_takes_runs_of_the_old_one_along_that_are_just_being_made(postgresql: Backend) -> None:
    flow_id = register(postgresql, make_project(postgresql), SCHEDULED)
    group_id = postgresql.row(flow, flow_id)["flow_group_id"]
    postgresql.move_clock(hours=4)
    given = {"flow_group_id": group_id, "cron_clocks": [{"cron": "30 * * * *"}]}
    with meanwhile(postgresql, lambda: postgresql.run("set_flow_group_schedule", **given)) as (tx, _):
        assert schedule_flow_runs(tx, None, postgresql.now) == Counts(flows=1, flow_runs=4)
    assert {run["scheduled_start_time"].minute for run in postgresql.rows(flow_run)} == {30}
    assert postgresql.count(flow_run) == 10


def test_a_run_that_an_agent_takes_is_not_deleted_with_its_schedule(postgresql: Backend) -> None:
    flow_id = register(postgresql, make_project(postgresql), SCHEDULED)
    run_id = postgresql.rows(flow_run)[0]["id"]
    submitted = {"flow_run_id": run_id, "state": {"type": "Submitted"}}
    with meanwhile(postgresql, lambda: postgresql.run("set_schedule_inactive", flow_id=flow_id)) as (tx, _):
        call(tx, postgresql, "set_flow_run_state", **submitted)
    (left,) = postgresql.rows(flow_run)
    assert (left["id"], left["state"]) == (run_id, "Submitted")
    assert postgresql.count(flow_run_state, flow_run_id=run_id) == 2


def test_many_registrations_at_once_are_versions_in_a_row(backend: Backend) -> None:
    project_id = make_project(backend)
    given = {"project_id": project_id, "serialized_flow": SCHEDULED}
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: backend.run("create_flow", **given)["id"], range(12)))
    assert len(set(made)) == 12
    assert versions(backend) == [(version, version < 12) for version in range(1, 13)]
    assert backend.count(flow_run) == 10


def test_many_schedulers_and_switches_at_once_leave_nothing_odd(backend: Backend) -> None:
    project_id = make_project(backend)
    ids = [register(backend, project_id, flow_document(str(index), schedule=schedule())) for index in range(4)]
    backend.move_clock(hours=3)

    def work(index: int) -> None:
        flow_id = ids[index % 4]
        match index % 5:
            case 0 | 1:
                with backend.transaction() as tx:
                    schedule_flow_runs(tx, None, backend.now, waits=False)
            case 2:
                backend.run("set_schedule_inactive", flow_id=flow_id)
            case 3:
                backend.run("set_schedule_active", flow_id=flow_id)
            case 4:
                backend.run("create_flow_run", flow_id=flow_id)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(60)))
    with backend.transaction() as tx:
        schedule_flow_runs(tx, None, backend.now)
    for row in backend.rows(flow):
        waiting = [
            run
            for run in backend.rows(flow_run, flow_id=row["id"], auto_scheduled=True)
            if run["scheduled_start_time"] > backend.now
        ]
        assert len(waiting) == (10 if row["is_schedule_active"] else 0)
