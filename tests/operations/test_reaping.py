"""The ZombieKiller, pass by pass, on both databases: runs that nobody carries out any more come to an end."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from eparch.core.offers import RETRY_GRACE
from eparch.database.tables import flow_run, flow_run_heartbeat, log, task_run, task_run_heartbeat, task_run_state
from eparch.operations.reaping import reap
from eparch.services.zombie_killer import ZombieKillerCounts as Counts
from tests.operations.backend import Backend
from tests.operations.rescue_world import RULES, World, opened_world
from tests.operations.small_flow import set_state, set_task_state


@pytest.fixture
def world(backend: Backend) -> Iterator[World]:
    with opened_world(backend) as made:
        yield made


async def kill(world: World, **counts: int) -> None:
    assert await world.zombie_killer.run_once(world.backend.now) == Counts(**counts)


# ---- task runs of silent flow runs ----


async def test_a_running_task_run_of_a_silent_flow_run_fails(world: World) -> None:
    run_id = world.start(task_states=("Running",))
    first, second = world.task_runs(run_id)
    world.backend.move_clock(minutes=10)
    await kill(world, found=1, failed=1)
    assert (world.task_state(first), world.task_state(second), world.state(run_id)) == ("Failed", "Pending", "Running")
    assert world.backend.row(task_run, first)["end_time"] == world.backend.now
    (line,) = world.backend.rows(log)
    assert (line["flow_run_id"], line["task_run_id"]) == (run_id, first)
    assert (line["name"], line["level"]) == ("prefect-server.ZombieKiller.TaskRun", "ERROR")
    assert (
        line["message"]
        == world.backend.row(task_run, first)["state_message"]
        == (
            f"No heartbeat from the flow run of this task run for 600 s. Task run {first} (task-0) is marked as failed."
        )
    )
    await kill(world)


async def test_lazarus_takes_over_once_the_task_runs_are_reaped(world: World) -> None:
    run_id = world.start(task_states=("Running", "Running"))
    world.backend.move_clock(minutes=10)
    await kill(world, found=2, failed=2)
    counts = await world.lazarus.run_once(world.backend.now)
    assert counts.resurrected == 1
    assert world.state(run_id) == "Scheduled"


@pytest.mark.parametrize("sign", ["flow_run", "task_run"])
async def test_a_heartbeat_of_either_is_a_sign_of_life(world: World, sign: str) -> None:
    run_id = world.start(task_states=("Running",))
    world.backend.move_clock(hours=1)
    if sign == "flow_run":
        world.beat(run_id)
    else:
        world.beat_task(world.task_runs(run_id)[0])
    world.backend.move_clock(minutes=9, seconds=59)
    await kill(world)
    world.backend.move_clock(seconds=1)
    await kill(world, found=1, failed=1)


async def test_without_any_heartbeat_the_entered_states_count(world: World) -> None:
    run_id = world.start()
    world.backend.move_clock(minutes=5)
    set_task_state(world.backend, world.task_runs(run_id)[0], "Running")
    with world.backend.transaction() as tx:
        tx.execute(flow_run_heartbeat.delete())
        tx.execute(task_run_heartbeat.delete())
    world.backend.move_clock(minutes=9, seconds=59)
    await kill(world)
    world.backend.move_clock(seconds=1)
    await kill(world, found=1, failed=1)


async def test_a_flow_run_that_was_started_again_gets_its_time(world: World) -> None:
    run_id = world.start(task_states=("Running",))
    world.backend.move_clock(hours=1)
    with world.backend.transaction() as tx:
        tx.execute(flow_run_heartbeat.delete())
        tx.execute(flow_run.update().values(state_timestamp=world.backend.now))
    await kill(world)
    assert world.state(run_id) == "Running"


@pytest.mark.parametrize(
    ("settings", "is_reaped"),
    [
        ({"heartbeat_enabled": False}, False),
        ({"heartbeat_enabled": True}, True),
        ({"lazarus_enabled": False}, True),
        ({"heartbeat_enabled": False, "lazarus_enabled": True}, False),
    ],
)
async def test_the_flow_group_may_switch_heartbeats_off(
    world: World, settings: dict[str, object], is_reaped: bool
) -> None:
    run_id = world.start(task_states=("Running",))
    world.settings(**settings)
    world.backend.move_clock(hours=1)
    await kill(world, **({"found": 1, "failed": 1} if is_reaped else {}))
    assert world.task_state(world.task_runs(run_id)[0]) == ("Failed" if is_reaped else "Running")


@pytest.mark.parametrize("state", ["Pending", "Scheduled", "Retrying", "Paused", "Success", "Submitted"])
async def test_task_runs_in_other_states_are_left_alone(world: World, state: str) -> None:
    run_id = world.start(task_states=(state,))
    world.backend.move_clock(hours=1)
    await kill(world)
    assert world.task_state(world.task_runs(run_id)[0]) == state


@pytest.mark.parametrize("retry_delay", [None, 0, 3600, 3 * 86400 + 5])
async def test_a_task_run_that_may_retry_does(world: World, retry_delay: int | None) -> None:
    world.retries(1, retry_delay)
    run_id = world.start(task_states=("Running",))
    task_run_id = world.task_runs(run_id)[0]
    world.backend.move_clock(minutes=10)
    await kill(world, found=1, retrying=1)
    row = world.backend.row(task_run, task_run_id)
    due = world.backend.now + timedelta(seconds=retry_delay or 0)
    assert (row["state"], row["state_start_time"]) == ("Retrying", due)
    assert (row["serialized_state"]["run_count"], row["serialized_state"]["type"]) == (1, "Retrying")
    (line,) = world.backend.rows(log)
    assert line["level"] == "ERROR"
    assert line["message"].endswith("Retrying: this is retry 1 of 1.")
    world.backend.now = due + RETRY_GRACE
    assert world.backend.run("get_runs_in_queue")["flow_run_ids"] == [run_id]


async def test_retries_that_are_used_up_end_in_failure(world: World) -> None:
    world.retries(2, None)
    run_id = world.start(task_states=("Running",))
    task_run_id = world.task_runs(run_id)[0]
    for attempt in (1, 2):
        world.backend.move_clock(minutes=10)
        await kill(world, found=1, retrying=1)
        assert world.backend.row(task_run, task_run_id)["serialized_state"]["run_count"] == attempt
        set_task_state(world.backend, task_run_id, "Running")
    world.backend.move_clock(minutes=10)
    await kill(world, found=1, failed=1)
    assert world.backend.count(task_run_state, task_run_id=task_run_id, state="Retrying") == 2


@pytest.mark.parametrize("state", ["Scheduled", "Queued", "Pending", "Submitted"])
async def test_nothing_is_retried_while_the_flow_run_is_not_running(world: World, state: str) -> None:
    world.retries(5, 1)
    run_id = world.start(task_states=("Running",))
    set_state(world.backend, run_id, "Scheduled")
    set_state(world.backend, run_id, state)
    world.backend.move_clock(minutes=10)
    await kill(world, found=1, failed=1)


@pytest.mark.parametrize("sign", ["beat", "beat_task", "task_state", "settings"])
async def test_what_happens_between_look_and_leap_is_seen(world: World, sign: str) -> None:
    run_id = world.start(task_states=("Running",))
    task_run_id = world.task_runs(run_id)[0]
    signs = {
        "beat": lambda: world.beat(run_id),
        "beat_task": lambda: world.beat_task(task_run_id),
        "task_state": lambda: set_task_state(world.backend, task_run_id, "Success"),
        "settings": lambda: world.settings(heartbeat_enabled=False),
    }
    world.before_change = signs[sign]
    world.backend.move_clock(hours=1)
    await kill(world, found=1)
    assert world.task_state(task_run_id) == ("Success" if sign == "task_state" else "Running")
    assert not world.backend.rows(log)


async def test_two_that_look_at_once_act_once(world: World) -> None:
    world.retries(5, 0)
    run_id = world.start(task_states=("Running",))
    (task_run_id, _) = world.task_runs(run_id)
    world.backend.move_clock(hours=1)

    def other_first() -> None:
        world.before_change = lambda: None
        with world.backend.transaction() as tx:
            assert reap(tx, [task_run_id], world.backend.now, RULES).retrying == 1

    world.before_change = other_first
    await kill(world, found=1)
    assert world.backend.count(task_run_state, state="Retrying") == 1
    assert world.backend.count(log) == 1


async def test_a_task_run_whose_heart_beats_at_this_moment_is_left_to_the_next_pass(world: World) -> None:
    if world.backend.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    run_id = world.start(task_states=("Running", "Running"))
    first, second = world.task_runs(run_id)
    world.beat_task(first)
    world.backend.move_clock(hours=1)
    with world.backend.transaction() as other:
        other.execute(task_run_heartbeat.update().values(heartbeat=world.backend.now))
        await kill(world, found=2, failed=1)
    assert (world.task_state(first), world.task_state(second)) == ("Running", "Failed")
    await kill(world)


# ---- flow runs that were asked to stop ----


async def test_a_silent_flow_run_that_was_asked_to_stop_fails(world: World) -> None:
    run_id = world.start(state="Cancelling")
    world.backend.move_clock(minutes=9, seconds=59)
    await kill(world)
    world.backend.move_clock(seconds=1)
    await kill(world, found=1, cancelling_ended=1)
    assert world.state(run_id) == "Failed"
    (line,) = world.backend.rows(log)
    assert (line["name"], line["level"]) == ("prefect-server.ZombieKiller.FlowRun", "ERROR")
    assert line["message"].startswith("No heartbeat from this flow run for 600 s")


async def test_its_running_task_runs_fail_without_a_retry(world: World) -> None:
    world.retries(5, 0)
    run_id = world.start(state="Cancelling", task_states=("Running",))
    world.backend.move_clock(minutes=10)
    await kill(world, found=2, failed=1, cancelling_ended=1)
    assert world.task_state(world.task_runs(run_id)[0]) == "Failed"


@pytest.mark.parametrize("why", ["beat", "disabled", "beat between look and leap"])
async def test_a_flow_run_that_is_still_stopping_is_left_alone(world: World, why: str) -> None:
    run_id = world.start(state="Cancelling")
    world.backend.move_clock(hours=1)
    if why == "beat":
        world.beat(run_id)
    elif why == "disabled":
        world.settings(heartbeat_enabled=False)
    else:
        world.before_change = lambda: world.beat(run_id)
    await kill(world, found=int("leap" in why))
    assert world.state(run_id) == "Cancelling"


# ---- task runs that are left behind ----


@pytest.mark.parametrize(
    ("end", "left", "closed"),
    [
        ("Success", "Running", "Failed"),
        ("Success", "Retrying", "Failed"),
        ("Success", "Submitted", "Failed"),
        ("Success", "Pending", "Cancelled"),
        ("Success", "Paused", "Cancelled"),
        ("Skipped", "Pending", "Cancelled"),
        ("Failed", "Running", "Failed"),
        ("Failed", "Retrying", "Failed"),
        ("TimedOut", "ClientFailed", "Failed"),
        ("Failed", "Pending", None),
        ("Failed", "Scheduled", None),
        ("Failed", "Paused", None),
        ("Success", "Mapped", None),
        ("Success", "Looped", None),
    ],
)
async def test_task_runs_that_a_flow_run_leaves_behind_are_closed(
    world: World, end: str, left: str, closed: str | None
) -> None:
    run_id = world.start(task_states=("Success", left))
    set_state(world.backend, run_id, end)
    task_run_id = world.task_runs(run_id)[1]
    world.backend.move_clock(minutes=9, seconds=59)
    await kill(world)
    world.backend.move_clock(seconds=1)
    await kill(world, **({} if closed is None else {"found": 1, "closed": 1}))
    row = world.backend.row(task_run, task_run_id)
    assert row["state"] == (closed or left)
    if closed is not None:
        assert row["state_message"] == (f"Left {left} when its flow run ended {end}; it is marked as {closed.lower()}.")
        (line,) = world.backend.rows(log)
        assert (line["name"], line["level"]) == ("prefect-server.ZombieKiller.TaskRun", "WARNING")


async def test_what_appears_after_a_cancellation_is_cancelled(world: World) -> None:
    run_id = world.start()
    set_state(world.backend, run_id, "Cancelled")
    child = world.backend.run(
        "get_or_create_task_run", flow_run_id=run_id, task_id=world.flow["tasks"][0], map_index=0
    )["id"]
    world.backend.move_clock(minutes=10)
    await kill(world, found=1, closed=1)
    assert world.task_state(child) == "Cancelled"


async def test_a_process_that_works_on_after_its_flow_run_was_called_finished_is_left_alone(world: World) -> None:
    run_id = world.start(task_states=("Running", "Success"))
    set_state(world.backend, run_id, "Success")
    for _ in range(3):
        world.backend.move_clock(minutes=9)
        world.beat(run_id)
        await kill(world)
    world.backend.move_clock(minutes=10)
    await kill(world, found=1, closed=1)


async def test_a_flow_run_that_is_started_again_between_look_and_leap_keeps_its_task_runs(world: World) -> None:
    run_id = world.start(task_states=("Running", "Pending"))
    set_state(world.backend, run_id, "Success")
    world.backend.move_clock(minutes=10)
    world.before_change = lambda: set_state(world.backend, run_id, "Scheduled")
    world.settings(heartbeat_enabled=False)
    await kill(world, found=1)
    assert [world.task_state(one) for one in world.task_runs(run_id)] == ["Running", "Pending"]


async def test_left_task_runs_are_found_after_a_night_without_a_server(world: World) -> None:
    run_id = world.start()
    set_state(world.backend, run_id, "Success")
    world.backend.move_clock(hours=20)
    world.zombie_killer = world.make_zombie_killer(read_max=1)
    await kill(world, found=1, closed=1)
    await kill(world, found=1, closed=1)
    await kill(world)
    assert [world.task_state(one) for one in world.task_runs(run_id)] == ["Cancelled"] * 2


# ---- leases ----


async def test_a_task_run_of_a_flow_run_with_a_lease_is_missed_a_minute_after_the_last_sign_of_life(
    world: World,
) -> None:
    run_id = world.start()
    first, second = world.task_runs(run_id)
    world.backend.move_clock(minutes=5)
    world.beat(run_id, 10)
    # Whoever lets a task run begin is alive.
    for seconds, task_run_id in ((0, first), (5, second)):
        world.backend.move_clock(seconds=seconds)
        set_task_state(world.backend, task_run_id, "Running")
    world.backend.move_clock(seconds=54)
    await kill(world)
    world.backend.move_clock(seconds=1)
    await kill(world, found=1, failed=1)
    assert (world.task_state(first), world.task_state(second)) == ("Failed", "Running")
    world.backend.move_clock(seconds=5)
    await kill(world, found=1, failed=1)
    (one, two) = world.backend.rows(log)
    assert all("No heartbeat from the flow run of this task run for 60 s." in row["message"] for row in (one, two))
    assert (await world.lazarus.run_once(world.backend.now)).resurrected == 1


@pytest.mark.parametrize(("interval_s", "patience_s"), [(None, 600), (10, 60), (50, 100)])
async def test_a_heartbeat_of_the_task_run_keeps_it_for_its_own_time(
    world: World, interval_s: float | None, patience_s: int
) -> None:
    run_id = world.start(task_states=("Running",))
    world.beat(run_id, 10)
    world.backend.move_clock(minutes=5)
    world.beat_task(world.task_runs(run_id)[0], interval_s)
    world.backend.move_clock(seconds=patience_s - 1)
    await kill(world)
    world.backend.move_clock(seconds=1)
    await kill(world, found=1, failed=1)


async def test_a_lease_that_is_renewed_between_look_and_leap_is_seen(world: World) -> None:
    run_id = world.start(task_states=("Running",))
    world.beat(run_id, 10)
    world.backend.move_clock(minutes=2)
    world.before_change = lambda: world.beat(run_id, 10)
    await kill(world, found=1)
    assert world.task_state(world.task_runs(run_id)[0]) == "Running"


async def test_a_flow_run_that_was_asked_to_stop_and_said_how_often_it_beats_is_missed_sooner(world: World) -> None:
    run_id = world.start(state="Cancelling")
    world.beat(run_id, 10)
    world.backend.move_clock(seconds=59)
    await kill(world)
    world.backend.move_clock(seconds=1)
    await kill(world, found=1, cancelling_ended=1)
    assert "for 60 s while it was being cancelled" in world.backend.row(flow_run, run_id)["state_message"]
