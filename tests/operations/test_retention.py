"""Retention on both databases: whose things go, when, and that nobody else's do."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput, Forbidden, NotFound
from eparch.core.principals import PERMISSIONS, Principal
from eparch.database.tables import (
    flow,
    flow_run,
    flow_run_state,
    log,
    retention_rule,
    task_run,
    task_run_artifact,
    task_run_state,
)
from eparch.operations import retention as steps
from eparch.operations.retention_preview import expired_rows
from eparch.services.retention import Retention, RetentionCounts
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.rescue_world import World
from tests.operations.small_flow import make_flow, set_state
from tests.operations.statement_plans import tables_read


class Archive(World):
    """Flow runs that ended, and the service that deletes them.

    Attributes:
        rests: how long the service has rested after each step, in seconds.
        again: how often it has asked for another pass.
    """

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.rests: list[float] = []
        self.again = 0

    def service(self, **options: Any) -> Retention:
        async def rest(duration_s: float) -> None:
            self.rests.append(duration_s)

        def again() -> None:
            self.again += 1

        return Retention(self.read, self.change, rest=rest, again=again, **options)

    async def sweep(self, **options: Any) -> RetentionCounts:
        return await self.service(**options).run_once(self.backend.now)

    def end(self, days_ago: float, *, of: dict[str, Any] | None = None, state: str = "Success", lines: int = 0) -> str:
        """Return the id of a flow run that ended some days ago, with task runs, lines of log and an artifact."""
        backend, present = self.backend, self.backend.now
        made, backend.now = of or self.flow, present - timedelta(days=days_ago)
        principal = self.principal_of(made["id"])
        run_id: str = backend.run("create_flow_run", principal, flow_id=made["id"])["id"]
        for name in ("Submitted", "Running", state):
            backend.run("set_flow_run_states", principal, states=[{"flow_run_id": run_id, "state": {"type": name}}])
        (first, *_) = [row["id"] for row in backend.rows(task_run, flow_run_id=run_id)]
        backend.run("create_task_run_artifact", principal, task_run_id=first, kind="link", data={})
        if lines:
            each = {"flow_run_id": run_id, "message": "said"}
            backend.run("write_run_logs", principal, logs=[each] * lines)
        backend.now = present
        return run_id

    def principal_of(self, flow_id: str) -> Principal:
        return Principal(self.backend.row(flow, flow_id)["tenant_id"])

    def left(self) -> set[str]:
        return {row["id"] for row in self.backend.rows(flow_run)}


@pytest.fixture
async def archive(backend: Backend) -> AsyncIterator[Archive]:
    made = Archive(backend)
    yield made
    made.close()


def keep(backend: Backend, kind: str, days: int | None, project_id: str | None = None) -> None:
    backend.run("set_retention", kind=kind, keep_days=days, project_id=project_id)


# ---- rules ----


async def test_without_rules_nothing_is_even_looked_for(archive: Archive) -> None:
    run = archive.end(4000)
    assert await archive.sweep() == RetentionCounts()
    # The rules, and whether there is space to give back.
    assert (archive.left(), archive.reads, archive.changes) == ({run}, 2, 0)


def test_a_rule_is_set_changed_and_taken_back(backend: Backend) -> None:
    project_id = make_flow(backend)["project_id"]
    for project in (None, project_id):
        first = backend.run("set_retention", kind="runs", keep_days=30, project_id=project)["id"]
        backend.move_clock(hours=1)
        assert backend.run("set_retention", kind="runs", keep_days=None, project_id=project)["id"] == first
        assert backend.row(retention_rule, first)["keep_days"] is None
        assert backend.row(retention_rule, first)["updated"] == backend.now
    assert backend.count(retention_rule) == 2
    for project in (None, project_id):
        assert backend.run("delete_retention", kind="runs", project_id=project) == {"success": True}
        assert backend.run("delete_retention", kind="runs", project_id=project) == {"success": False}


@pytest.mark.parametrize("days", [0, -1, 36_501])
def test_a_time_that_cannot_be_meant_is_refused(backend: Backend, days: int) -> None:
    with pytest.raises(BadInput, match=f"keep_days is {days}"):
        keep(backend, "runs", days)


def test_a_project_must_exist_and_be_the_callers(backend: Backend) -> None:
    foreign = make_flow(backend, tenant_id=OTHER_TENANT)["project_id"]
    for project_id in (UNKNOWN, foreign):
        with pytest.raises(NotFound):
            keep(backend, "runs", 5, project_id)


def test_the_rule_of_a_tenant_needs_more_than_that_of_a_project(backend: Backend) -> None:
    project_id = make_flow(backend)["project_id"]
    backend.principal = Principal(TENANT, PERMISSIONS - {"update:tenant"})
    keep(backend, "runs", 5, project_id)
    for name in ("set_retention", "delete_retention"):
        with pytest.raises(Forbidden):
            backend.run(name, kind="runs")


# ---- what goes ----


async def test_a_run_goes_with_all_that_hangs_on_it_and_a_younger_one_stays(archive: Archive) -> None:
    backend = archive.backend
    keep(backend, "runs", 30)
    archive.end(31, lines=3)
    young = archive.end(29, lines=2)
    counts = await archive.sweep()
    assert (counts.runs, counts.logs, counts.is_done) == (1, 3, True)
    assert archive.left() == {young}
    assert backend.count(log) == 2
    assert {row["flow_run_id"] for row in backend.rows(flow_run_state)} == {young}
    assert {row["flow_run_id"] for row in backend.rows(task_run)} == {young}
    assert backend.count(task_run_artifact) == 1
    runs = {row["id"] for row in backend.rows(task_run)}
    assert {row["task_run_id"] for row in backend.rows(task_run_state)} == runs


async def test_logs_and_artifacts_can_go_before_their_runs(archive: Archive) -> None:
    keep(archive.backend, "logs", 10)
    keep(archive.backend, "artifacts", 20)
    runs = {archive.end(days, lines=1) for days in (5, 15, 25)}
    counts = await archive.sweep()
    assert (counts.runs, counts.logs, counts.artifacts) == (0, 2, 1)
    assert archive.left() == runs


@pytest.mark.parametrize(("of_project", "goes"), [(10, True), (30, False), (None, False)])
async def test_the_rule_of_a_project_goes_before_that_of_its_tenant(
    archive: Archive, of_project: int | None, goes: bool
) -> None:
    keep(archive.backend, "runs", 20)
    keep(archive.backend, "runs", of_project, archive.flow["project_id"])
    # 15 days ago: kept by the tenant, not by a project that keeps for 10. 25 days ago: the other way round.
    run = archive.end(15 if of_project == 10 else 25)
    await archive.sweep()
    assert (run not in archive.left()) == goes


async def test_the_rules_of_one_tenant_do_not_reach_another(archive: Archive) -> None:
    foreign = archive.end(50, of=make_flow(archive.backend, tenant_id=OTHER_TENANT))
    archive.end(50)
    keep(archive.backend, "runs", 10)
    await archive.sweep()
    assert archive.left() == {foreign}


@pytest.mark.parametrize("state", ["Scheduled", "Submitted", "Running", "Cancelling", "Paused"])
async def test_a_run_that_has_not_ended_stays_however_old(archive: Archive, state: str) -> None:
    keep(archive.backend, "runs", 1)
    keep(archive.backend, "logs", 1)
    run = archive.end(400, state="Failed", lines=1)
    for name in ("Scheduled", state) if state == "Submitted" else (state,):
        set_state(archive.backend, run, name)
    assert await archive.sweep() == RetentionCounts()
    assert archive.left() == {run}
    assert archive.backend.count(log) == 1


async def test_a_run_that_is_restarted_between_look_and_leap_stays_whole(archive: Archive) -> None:
    keep(archive.backend, "runs", 30)
    run = archive.end(31)
    other = archive.end(32)
    tasks = archive.backend.count(task_run, flow_run_id=run)

    def restart() -> None:
        archive.before_change = lambda: None
        set_state(archive.backend, run, "Scheduled")

    archive.before_change = restart
    await archive.sweep()
    assert archive.left() == {run}
    assert other not in archive.left()
    assert archive.backend.count(task_run, flow_run_id=run) == tasks


# ---- a little at a time ----


async def test_a_pass_is_bounded_goes_on_where_it_stopped_and_rests_after_each_step(archive: Archive) -> None:
    keep(archive.backend, "runs", 30)
    for _ in range(12):
        archive.end(40, lines=1)
    service = archive.service(steps_max=2, page_rows_max=5)
    passes = 0
    while archive.left():
        before = archive.changes
        counts = await service.run_once(archive.backend.now)
        assert archive.changes - before <= 2
        passes += 1
        assert passes < 20
    assert archive.again == passes - 1 + (not counts.is_done)
    assert len(archive.rests) == archive.changes


async def test_long_logs_go_in_steps_of_their_own(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(archive.backend, "logs", 30)
    archive.end(40, lines=1200)
    sizes: list[int] = []
    delete = steps.delete_logs

    def counted(*arguments: Any, **named: Any) -> int:
        sizes.append(named["rows_max"])
        return delete(*arguments, **named)

    monkeypatch.setattr("eparch.services.retention.delete_logs", counted)
    counts = await archive.sweep()
    assert counts.logs == 1200
    assert len(sizes) >= 2
    assert max(sizes) < 1200


async def test_what_has_been_looked_at_is_not_looked_at_again(archive: Archive) -> None:
    backend = archive.backend
    keep(backend, "logs", 30)
    for _ in range(4):
        archive.end(40, lines=1)
    service = archive.service()
    assert (await service.run_once(backend.now)).looked_at == 4
    assert (await service.run_once(backend.now)).looked_at == 0
    # What grows old meanwhile is, and a change of the rules begins anew.
    backend.move_clock(hours=1)
    archive.end(30.001, lines=1)
    assert (await service.run_once(backend.now)).logs == 1
    keep(backend, "logs", 20)
    assert (await service.run_once(backend.now)).looked_at == 5


@pytest.mark.parametrize("name", ["_FIRST_PAGE", "_NEXT_PAGE", "_STILL_ENDED"])
def test_no_step_reads_a_whole_table(backend: Backend, name: str) -> None:
    bound = {"cutoff": backend.now, "limit": 10, "after": backend.now, "after_id": UNKNOWN, "runs": "[]"}
    assert tables_read(backend, getattr(steps, name), bound) - {"flow"} == set()


async def test_a_sqlite_file_shrinks_by_what_was_freed(archive: Archive) -> None:
    if archive.backend.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL gives space back by itself: docs/decisions/0005")
    keep(archive.backend, "runs", 30)
    for _ in range(3):
        archive.end(40, lines=2000)
    assert sqlite_pages(archive.backend, "freelist_count") == 0
    before = sqlite_pages(archive.backend, "page_count")
    # In passes that end before they are done, also those that find nothing to delete any more.
    service, freed = archive.service(steps_max=12), 0
    for _ in range(1000):
        counts = await service.run_once(archive.backend.now)
        freed += counts.freed_bytes
        if counts.is_done:
            break
    after = sqlite_pages(archive.backend, "page_count")
    assert sqlite_pages(archive.backend, "freelist_count") == 0
    assert after < before / 2
    assert freed == (before - after) * sqlite_pages(archive.backend, "page_size")


def sqlite_pages(backend: Backend, pragma: str) -> int:
    with backend.transaction() as tx:
        found: int = tx.connection.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()
        return found


# ---- what would go ----


def expired(backend: Backend) -> dict[str, int]:
    with backend.transaction() as tx:
        return expired_rows(tx, backend.now)


async def test_what_would_go_is_what_goes(archive: Archive) -> None:
    backend = archive.backend
    keep(backend, "runs", 30)
    keep(backend, "logs", 10)
    keep(backend, "artifacts", None)
    keep(backend, "logs", None, archive.flow["project_id"])
    other = make_flow(backend)
    for days in (5, 20, 40):
        archive.end(days, lines=2)
        archive.end(days, lines=3, of=other)
    tables = (flow_run, flow_run_state, task_run, task_run_state, log, task_run_artifact)
    before = {table.name: backend.count(table) for table in tables}
    told = expired(backend)
    # Of the project that keeps its lines, those of the run that goes; of the other, also those of the run before.
    assert (told["flow_run"], told["log"], told["task_run_artifact"]) == (2, 2 + 3 + 3, 2)
    assert backend.count(flow_run) == before["flow_run"]
    await archive.sweep()
    gone = {table.name: before[table.name] - backend.count(table) for table in tables}
    assert {name: count for name, count in told.items() if name in gone} == gone
    assert expired(backend) == {}


def test_without_rules_nothing_would_go(backend: Backend) -> None:
    assert expired(backend) == {}
