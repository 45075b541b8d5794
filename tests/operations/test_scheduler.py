"""The Scheduler, pass by pass, on both databases."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from eparch.database.engines import reading_engine
from eparch.database.tables import flow, flow_group, flow_run, flow_run_state
from eparch.operations.schedule_runs import Counts
from eparch.services.scheduler import Scheduler
from tests.operations.backend import Backend
from tests.operations.samples import flow_document, make_project, register, schedule


class Doors:
    """Reading and changing, one after the other on real connections, with a note of what was done."""

    def __init__(self, backend: Backend) -> None:
        self.changes = 0
        self.reads = 0
        self.before_change: Callable[[], Any] = lambda: None
        self._backend = backend
        self._engine = reading_engine(backend.engine.url)

    async def read(self, read: Callable[[Connection], Any]) -> Any:
        self.reads += 1
        with self._engine.begin() as connection:
            return read(connection)

    async def change(self, function: Callable[..., Any]) -> Any:
        self.before_change()
        self.changes += 1
        with self._backend.transaction() as tx:
            return function(tx, self._backend.now)

    def close(self) -> None:
        self._engine.dispose()


@pytest.fixture
def doors(backend: Backend) -> Any:
    made = Doors(backend)
    yield made
    made.close()


def scheduler(doors: Doors, **options: int) -> Scheduler:
    return Scheduler(doors.read, doors.change, **options)


def register_all(backend: Backend, count: int) -> list[str]:
    project_id = make_project(backend)
    return [register(backend, project_id, flow_document(str(index), schedule=schedule())) for index in range(count)]


def forget_runs(backend: Backend) -> None:
    with backend.transaction() as tx:
        tx.execute(flow_run.delete())


async def test_a_pass_makes_what_lacks_and_the_next_finds_nothing_to_do(backend: Backend, doors: Doors) -> None:
    register_all(backend, 1)
    forget_runs(backend)
    assert await scheduler(doors).run_once(backend.now) == Counts(flows=1, flow_runs=10)
    assert doors.changes == 1
    for _ in range(3):
        assert await scheduler(doors).run_once(backend.now) == Counts(flows=1)
    assert doors.changes == 1
    assert backend.count(flow_run) == backend.count(flow_run_state) == 10


async def test_as_many_runs_are_kept_as_it_is_told(backend: Backend, doors: Doors) -> None:
    register_all(backend, 1)
    assert await scheduler(doors, runs_ahead=100).run_once(backend.now) == Counts(flows=1, flow_runs=90)
    backend.move_clock(days=1)
    assert await scheduler(doors, runs_ahead=100).run_once(backend.now) == Counts(flows=1, flow_runs=24)


async def test_flows_that_are_archived_or_switched_off_are_left_alone(backend: Backend, doors: Doors) -> None:
    archived, inactive, active = register_all(backend, 3)
    backend.run("archive_flow", flow_id=archived)
    backend.run("set_schedule_inactive", flow_id=inactive)
    forget_runs(backend)
    assert await scheduler(doors).run_once(backend.now) == Counts(flows=1, flow_runs=10)
    assert {run["flow_id"] for run in backend.rows(flow_run)} == {active}


async def test_a_paused_work_queue_does_not_stop_it_and_what_became_late_is_offered_afterwards(
    backend: Backend, doors: Doors
) -> None:
    register_all(backend, 1)
    backend.run("pause_tenant_work_queue")
    now = backend.move_clock(hours=3)
    made = await scheduler(doors).run_once(now)
    assert made.flow_runs > 0
    late = [run["id"] for run in backend.rows(flow_run) if run["scheduled_start_time"] <= now]
    assert late
    assert backend.run("get_runs_in_queue") == {"flow_run_ids": []}
    backend.run("resume_tenant_work_queue")
    assert set(backend.run("get_runs_in_queue")["flow_run_ids"]) == set(late)


async def test_without_any_flow_there_is_nothing_to_do(backend: Backend, doors: Doors) -> None:
    assert await scheduler(doors).run_once(backend.now) == Counts()
    assert (doors.reads, doors.changes) == (1, 0)


@pytest.mark.parametrize(
    ("read_max", "changed_max", "reads", "changes"),
    [(100, 20, 1, 1), (3, 20, 3, 3), (7, 2, 2, 4), (1, 1, 8, 7), (100, 3, 1, 3)],
)
async def test_many_flows_are_gone_through_in_pages(
    backend: Backend, doors: Doors, read_max: int, changed_max: int, reads: int, changes: int
) -> None:
    register_all(backend, 7)
    forget_runs(backend)
    service = scheduler(doors, read_max=read_max, changed_max=changed_max)
    assert await service.run_once(backend.now) == Counts(flows=7, flow_runs=70)
    assert (doors.reads, doors.changes) == (reads, changes)


async def test_flows_whose_schedule_is_bad_are_counted_and_stop_no_others(backend: Backend, doors: Doors) -> None:
    ids = register_all(backend, 4)
    with backend.transaction() as tx:
        tx.execute(flow.update().where(flow.c.id.in_(ids[::2])).values(schedule={"clocks": "none"}))
    forget_runs(backend)
    for _ in range(2):
        counts = await scheduler(doors, read_max=1).run_once(backend.now)
        assert (counts.flows, counts.failed_flows) == (4, 2)
    assert {run["flow_id"] for run in backend.rows(flow_run)} == set(ids[1::2])


async def test_what_changes_between_look_and_leap_is_seen(backend: Backend, doors: Doors) -> None:
    off, changed = register_all(backend, 2)
    forget_runs(backend)
    group_id = backend.row(flow, changed)["flow_group_id"]

    def change_meanwhile() -> None:
        doors.before_change = lambda: None
        backend.run("set_schedule_inactive", flow_id=off)
        with backend.transaction() as tx:
            document = schedule({"type": "CronClock", "cron": "30 * * * *"})
            tx.execute(flow_group.update().where(flow_group.c.id == group_id).values(schedule=document))

    doors.before_change = change_meanwhile
    assert await scheduler(doors).run_once(backend.now) == Counts(flows=2, flow_runs=10)
    runs = backend.rows(flow_run)
    assert {(run["flow_id"], run["scheduled_start_time"].minute) for run in runs} == {(changed, 30)}


async def test_a_failed_change_is_raised_and_made_up_for_by_the_next_pass(backend: Backend, doors: Doors) -> None:
    register_all(backend, 3)
    forget_runs(backend)

    def fail() -> None:
        if doors.changes == 1:
            doors.before_change = lambda: None
            raise ConnectionError("the database has gone away")

    doors.before_change = fail
    service = scheduler(doors, changed_max=1)
    with pytest.raises(ConnectionError):
        await service.run_once(backend.now)
    assert backend.count(flow_run) == 10
    assert await service.run_once(backend.now) == Counts(flows=3, flow_runs=20)
    assert backend.count(flow_run) == 30
