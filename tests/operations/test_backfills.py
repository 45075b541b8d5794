"""Backfills: which runs they make, in which order, how many at a time, and how they end."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import backfill, backfill_instant, flow, flow_run
from eparch.operations.backfill_runs import advance, running_backfills
from eparch.services.backfiller import BackfillCounts, Backfiller
from tests.databases import PostgreSQLDatabases
from tests.operations.backend import OTHER_TENANT, UNKNOWN, Backend
from tests.operations.conftest import opened
from tests.operations.samples import flow_document, interval_clock, make_project, register, schedule
from tests.operations.small_flow import set_state
from tests.operations.test_scheduler import Doors

# The flow is registered at 12:01 on this day.
DAY = datetime(2026, 3, 2, tzinfo=UTC)


def hour(number: int) -> datetime:
    return DAY + timedelta(hours=number)


@pytest.fixture
def group_id(backend: Backend) -> str:
    return make(backend)


def make(backend: Backend, document: dict[str, Any] | None = None, **more: Any) -> str:
    flow_id = register(backend, make_project(backend), flow_document(schedule=document or schedule(), **more))
    return str(backend.row(flow, flow_id)["flow_group_id"])


def begin(backend: Backend, group_id: str, first: int = 0, last: int = 5, **given: Any) -> str:
    given = {"flow_group_id": group_id, "range_start": hour(first), "range_end": hour(last), **given}
    return str(backend.run("create_backfill", **given)["id"])


def go_on(backend: Backend) -> None:
    """Let every backfill go on as far as it can."""
    with backend.transaction() as tx:
        for backfill_id, group_id in running_backfills(tx, limit=100):
            while advance(tx, backfill_id, group_id, backend.now).has_more:
                pass


def hours(backend: Backend, *, state: str | None = None, **equal: Any) -> list[int]:
    """Return the hours of the runs of backfills, in the order in which they were made."""
    runs = [run for run in backend.rows(flow_run, **equal) if run["backfill_id"] is not None]
    wanted = [run for run in runs if state is None or run["state"] == state]
    return [run["scheduled_start_time"].hour for run in wanted]


def end_all(backend: Backend, state: str = "Success") -> None:
    for run in backend.rows(flow_run):
        if run["backfill_id"] is not None and run["end_time"] is None:
            set_state(backend, run["id"], state)


# ---- Which runs, in which order, how many at a time ----


@pytest.mark.parametrize(("direction", "order"), [("forward", [0, 1, 2, 3, 4, 5]), ("backward", [5, 4, 3, 2, 1, 0])])
@pytest.mark.parametrize("concurrency", [1, 2, 4, 10])
def test_runs_are_made_in_order_and_no_more_at_a_time_than_wanted(
    backend: Backend, group_id: str, direction: str, order: list[int], concurrency: int
) -> None:
    backfill_id = begin(backend, group_id, direction=direction, concurrency=concurrency)
    seen = 0
    while backend.row(backfill, backfill_id)["state"] == "Running":
        go_on(backend)
        go_on(backend)
        unfinished = backend.count(flow_run, backfill_id=backfill_id, state="Scheduled")
        seen = min(seen + concurrency, 6)
        assert unfinished <= concurrency
        assert sorted(hours(backend)) == sorted(order[:seen])
        waiting = backend.rows(flow_run, backfill_id=backfill_id, state="Scheduled")
        assert all(run["state_start_time"] == run["created"] == backend.now for run in waiting)
        end_all(backend, "Failed")
        go_on(backend)
    ended = backend.row(backfill, backfill_id)
    assert (ended["state"], ended["made_count"], ended["skipped_count"]) == ("Finished", 6, 0)
    assert ended["end_time"] == backend.now
    assert backend.count(backfill_instant) == 6


def test_agents_are_offered_the_runs_at_once(backend: Backend, group_id: str) -> None:
    begin(backend, group_id, concurrency=3)
    go_on(backend)
    assert "queue" not in backend.touched
    claimed = backend.run("claim_flow_runs")["flow_runs"]
    assert sorted(run["scheduled_start_time"].hour for run in claimed) == [0, 1, 2]


def test_parameters_and_labels_are_those_of_the_backfill_then_of_the_clock(backend: Backend) -> None:
    clock = interval_clock(60, parameter_defaults={"x": 1, "y": 1}, labels=["clock"])
    parameters = [{"name": name, "required": False, "default": None} for name in "xyz"]
    group_id = make(backend, schedule(clock), parameters=parameters)
    begin(backend, group_id, 0, 0, parameters={"y": 2, "z": 3}, labels=["b", "a", "b"])
    begin(backend, group_id, 1, 1)
    go_on(backend)
    first, second = sorted(
        (run for run in backend.rows(flow_run) if run["backfill_id"]), key=lambda run: run["scheduled_start_time"]
    )
    assert (first["parameters"], first["labels"]) == ({"x": 1, "y": 2, "z": 3}, ["a", "b"])
    assert (second["parameters"], second["labels"]) == ({"x": 1, "y": 1}, ["clock"])
    assert first["auto_scheduled"] is False


def test_an_instant_that_has_a_run_gets_no_second_one(backend: Backend, group_id: str) -> None:
    backend.move_clock(hours=4)  # The schedule has made 13:00 and on.
    first = begin(backend, group_id, 10, 14, concurrency=10)
    go_on(backend)
    assert sorted(hours(backend)) == [10, 11, 12]
    end_all(backend)
    go_on(backend)
    assert (backend.row(backfill, first)["made_count"], backend.row(backfill, first)["skipped_count"]) == (3, 2)
    second = begin(backend, group_id, 8, 12, concurrency=10)
    register(backend, make_project_again(backend), flow_document(schedule=schedule()))  # A version on, all the same.
    go_on(backend)
    assert sorted(hours(backend, backfill_id=second)) == [8, 9]


def make_project_again(backend: Backend) -> str:
    from eparch.database.tables import project

    return str(backend.rows(project)[0]["id"])


def test_told_so_it_gets_one_again_and_again(backend: Backend, group_id: str) -> None:
    for count in (1, 2, 3):
        begin(backend, group_id, 10, 11, concurrency=10, repeat_existing=True)
        go_on(backend)
        assert sorted(hours(backend)) == [*[10] * count, *[11] * count]


def test_filters_and_the_daylight_rule_hold(backend: Backend) -> None:
    clock = {
        "type": "CronClock",
        "cron": "30 2 * * *",
        "start_date": {"dt": "2025-01-01T00:00:00", "tz": "Europe/Paris"},
    }
    group_id = make(backend, schedule(clock))
    given = {
        "flow_group_id": group_id,
        "range_start": datetime(2025, 3, 29, tzinfo=UTC),
        "range_end": datetime(2025, 3, 31, tzinfo=UTC),
        "dry_run": True,
    }
    assert backend.run("create_backfill", **given)["instant_count"] == 2
    backend.run("set_flow_group_schedule_policies", flow_group_id=group_id, daylight_rule="strict")
    assert backend.run("create_backfill", **given)["instant_count"] == 1


def test_a_dry_run_shows_the_instants_and_changes_nothing(backend: Backend, group_id: str) -> None:
    begin(backend, group_id, 3, 3)
    go_on(backend)
    before = backend.count(backfill), backend.count(flow_run), backend.count(backfill_instant)
    given = {"flow_group_id": group_id, "range_start": hour(2), "range_end": hour(4), "direction": "backward"}
    shown = backend.run("create_backfill", dry_run=True, **given)
    assert backend.touched == set()
    assert (shown["id"], shown["instant_count"], shown["existing_count"]) == (None, 3, 1)
    assert [(one["start_time"].hour, one["has_run"]) for one in shown["instants"]] == [
        (4, False),
        (3, True),
        (2, False),
    ]
    assert (backend.count(backfill), backend.count(flow_run), backend.count(backfill_instant)) == before


# ---- What it has nothing to do with ----


def test_a_pause_and_another_schedule_leave_it_alone(backend: Backend, group_id: str) -> None:
    backfill_id = begin(backend, group_id, concurrency=2)
    go_on(backend)
    (flow_row,) = backend.rows(flow)
    backend.run("set_schedule_inactive", flow_id=flow_row["id"])
    backend.run("set_flow_group_schedule", flow_group_id=group_id, interval_clocks=[{"interval": 7200}])
    assert sorted(hours(backend)) == [0, 1]
    end_all(backend)
    go_on(backend)
    assert sorted(hours(backend, state="Scheduled")) == [2, 3]
    assert backend.row(backfill, backfill_id)["state"] == "Running"


# ---- How it ends ----


def test_cancelling_ends_its_runs_too_unless_told_otherwise(backend: Backend, group_id: str) -> None:
    kept, cancelled = begin(backend, group_id, 0, 4, concurrency=2), begin(backend, group_id, 6, 9, concurrency=2)
    go_on(backend)
    assert backend.run("cancel_backfill", backfill_id=kept, cancel_flow_runs=False) == {"success": True}
    assert backend.run("cancel_backfill", backfill_id=cancelled) == {"success": True}
    assert backend.run("cancel_backfill", backfill_id=cancelled) == {"success": False}
    assert {run["state"] for run in backend.rows(flow_run, backfill_id=kept)} == {"Scheduled"}
    runs = backend.rows(flow_run, backfill_id=cancelled)
    assert {run["state"] for run in runs} == {"Cancelled"}
    assert "its backfill has been cancelled" in runs[0]["state_message"]
    end_all(backend)
    go_on(backend)
    assert backend.count(flow_run, backfill_id=kept) == backend.count(flow_run, backfill_id=cancelled) == 2
    assert backend.row(backfill, kept)["state"] == "Cancelled"
    with pytest.raises(NotFound):
        backend.run("cancel_backfill", backfill_id=UNKNOWN)
    with pytest.raises(NotFound):
        backend.run("cancel_backfill", Principal(OTHER_TENANT), backfill_id=kept)


def test_without_a_current_flow_it_fails_and_says_so(backend: Backend, group_id: str) -> None:
    backfill_id = begin(backend, group_id)
    (flow_row,) = backend.rows(flow)
    backend.run("archive_flow", flow_id=flow_row["id"])
    go_on(backend)
    ended = backend.row(backfill, backfill_id)
    assert (ended["state"], ended["message"]) == ("Failed", "Its flow group has no flow that is not archived.")


def test_deleting_the_flow_group_takes_it_along(backend: Backend, group_id: str) -> None:
    begin(backend, group_id)
    go_on(backend)
    backend.run("delete_flow_group", flow_group_id=group_id)
    assert backend.count(backfill) == backend.count(backfill_instant) == backend.count(flow_run) == 0


# ---- What is refused ----


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"range_end": hour(-1)}, "before it begins"),
        ({"range_end": hour(24)}, "in the future"),
        ({"range_start": hour(-24 * 500)}, "more than 10000 instants"),
        ({"range_start": hour(1) + timedelta(minutes=1), "range_end": hour(1) + timedelta(minutes=2)}, "no instant"),
        ({"concurrency": 0}, "concurrency of 0"),
        ({"concurrency": 1001}, "concurrency of 1001"),
        ({"parameters": [1]}, "must be a JSON object"),
    ],
)
def test_what_makes_no_sense_is_refused(backend: Backend, group_id: str, given: dict[str, Any], words: str) -> None:
    asked = {"flow_group_id": group_id, "range_start": hour(0), "range_end": hour(5), **given}
    with pytest.raises(BadInput, match=words):
        backend.run("create_backfill", **asked)
    assert backend.count(backfill) == 0


def test_a_parameter_that_the_flow_does_not_have_is_refused(backend: Backend) -> None:
    parameters = [{"name": "day", "required": False, "default": "today"}]
    given = {"range_start": hour(0), "range_end": hour(5)}
    group_id = make(backend, parameters=parameters)
    with pytest.raises(BadInput, match="The flow has no parameter 'days'") as refused:
        backend.run("create_backfill", flow_group_id=group_id, parameters={"days": 1}, dry_run=True, **given)
    assert refused.value.hint == "did you mean 'day'?"
    with pytest.raises(BadInput, match="The flow has no parameter 'x'") as refused:
        backend.run("create_backfill", flow_group_id=group_id, parameters={"day": 1, "x": 1}, **given)
    assert refused.value.hint == "its parameters: day"
    assert backend.count(backfill) == 0


def test_a_group_without_a_schedule_or_a_parameter_is_refused(backend: Backend) -> None:
    given = {"range_start": hour(0), "range_end": hour(5)}
    with pytest.raises(NotFound):
        backend.run("create_backfill", flow_group_id=UNKNOWN, **given)
    required = [{"name": "x", "required": True, "default": None}]
    group_id = make(backend, parameters=required)
    with pytest.raises(BadInput, match="Required parameters"):
        backend.run("create_backfill", flow_group_id=group_id, **given)
    backend.run("create_backfill", flow_group_id=group_id, parameters={"x": 1}, **given)
    backend.run("set_flow_group_schedule", flow_group_id=group_id, interval_clocks=[{"interval": 3600}])
    with pytest.raises(NotFound):
        backend.run("create_backfill", Principal(OTHER_TENANT), flow_group_id=group_id, **given)


# ---- The service, and many of them ----


async def test_a_pass_goes_on_with_all_of_them_and_ends_those_that_are_done(backend: Backend, group_id: str) -> None:
    begin(backend, group_id, 0, 3, concurrency=2)
    begin(backend, group_id, 6, 7, concurrency=5)
    doors = Doors(backend)
    service = Backfiller(doors.read, doors.change)
    assert await service.run_once(backend.now) == BackfillCounts(backfills=2, flow_runs=4)
    assert service.waits_for_ends
    assert await service.run_once(backend.now) == BackfillCounts(backfills=2)
    end_all(backend)
    assert await service.run_once(backend.now) == BackfillCounts(backfills=2, flow_runs=2, ended=1)
    end_all(backend)
    assert await service.run_once(backend.now) == BackfillCounts(backfills=1, ended=1)
    assert not service.waits_for_ends
    assert await service.run_once(backend.now) == BackfillCounts()
    doors.close()


async def test_one_whose_instants_all_have_runs_ends_in_one_pass(backend: Backend, group_id: str) -> None:
    for _ in range(2):
        begin(backend, group_id, -200, 5, concurrency=1000)
        go_on(backend)
        end_all(backend)
    doors = Doors(backend)
    counts = await Backfiller(doors.read, doors.change).run_once(backend.now)
    assert counts.flow_runs == 0
    assert {row["state"] for row in backend.rows(backfill)} == {"Finished"}
    assert backend.count(flow_run) == 206 + 10
    doors.close()


@pytest.fixture
def postgresql(postgresql_databases: PostgreSQLDatabases) -> Iterator[Backend]:
    with opened(postgresql_databases) as backend:
        yield backend


def test_of_many_servers_none_goes_beyond_its_concurrency(postgresql: Backend) -> None:
    group_id = make(postgresql)
    backfill_id = begin(postgresql, group_id, -20, 10, concurrency=3)
    rounds = 0
    while postgresql.row(backfill, backfill_id)["state"] == "Running":
        with ThreadPoolExecutor(4) as pool:
            for done in [pool.submit(go_on, postgresql) for _ in range(8)]:
                done.result(timeout=60)
        assert postgresql.count(flow_run, backfill_id=backfill_id, state="Scheduled") <= 3
        end_all(postgresql)
        rounds += 1
    starts = [run["scheduled_start_time"] for run in postgresql.rows(flow_run, backfill_id=backfill_id)]
    assert len(starts) == len(set(starts)) == 31
    assert rounds == 12
