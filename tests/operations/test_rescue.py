"""Lazarus, pass by pass, on both databases: flow runs that have fallen silent are scheduled anew, or fail."""

from collections.abc import Iterator

import pytest

from eparch.core.errors import BadInput
from eparch.database.tables import flow_run, flow_run_heartbeat, flow_run_state, log, task_run_state
from eparch.operations.rescue import resurrect
from eparch.services.lazarus import LazarusCounts
from tests.operations.backend import OTHER_TENANT, Backend
from tests.operations.rescue_world import RULES, World, opened_world
from tests.operations.small_flow import set_state, set_task_state

NOTHING = LazarusCounts()


@pytest.fixture
def world(backend: Backend) -> Iterator[World]:
    with opened_world(backend) as made:
        yield made


async def rescue(world: World, counts: LazarusCounts = NOTHING) -> None:
    assert await world.lazarus.run_once(world.backend.now) == counts


@pytest.mark.parametrize("state", ["Running", "Submitted"])
async def test_a_silent_flow_run_is_scheduled_anew(world: World, state: str) -> None:
    run_id = world.start(state=state)
    world.backend.move_clock(minutes=10)
    await rescue(world, LazarusCounts(found=1, resurrected=1))
    run = world.backend.row(flow_run, run_id)
    assert (run["state"], run["times_resurrected"]) == ("Scheduled", 1)
    assert run["state_start_time"] == world.backend.now
    (line,) = world.backend.rows(log)
    assert (line["flow_run_id"], line["task_run_id"], line["tenant_id"]) == (run_id, None, run["tenant_id"])
    assert (line["name"], line["level"]) == ("prefect-server.Lazarus.FlowRun", "INFO")
    assert (
        line["message"]
        == run["state_message"]
        == (
            "No sign of life from this flow run, and none of its task runs is in progress. "
            "Rescheduled by a Lazarus process. This is attempt 1 of 3."
        )
    )
    await rescue(world)
    assert world.backend.run("get_runs_in_queue")["flow_run_ids"] == [run_id]


async def test_a_flow_run_that_gives_signs_of_life_is_left_alone(world: World) -> None:
    run_id = world.start()
    world.backend.move_clock(minutes=9)
    world.beat(run_id)
    world.backend.move_clock(minutes=9, seconds=59)
    await rescue(world)
    world.backend.move_clock(seconds=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))


async def test_a_heartbeat_of_a_task_run_is_a_sign_of_life_of_its_flow_run(world: World) -> None:
    run_id = world.start(task_states=("Success",))
    world.backend.move_clock(minutes=20)
    world.beat_task(world.task_runs(run_id)[0])
    await rescue(world)


async def test_a_flow_run_without_any_heartbeat_is_judged_by_when_it_entered_its_state(world: World) -> None:
    run_id = world.start()
    with world.backend.transaction() as tx:
        tx.execute(flow_run_heartbeat.delete())
    world.backend.move_clock(minutes=9, seconds=59)
    await rescue(world)
    world.backend.move_clock(seconds=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))
    assert world.state(run_id) == "Scheduled"


@pytest.mark.parametrize(
    ("settings", "is_rescued"),
    [
        ({"lazarus_enabled": False}, False),
        ({"heartbeat_enabled": False}, False),
        ({"lazarus_enabled": False, "heartbeat_enabled": False}, False),
        ({"lazarus_enabled": True, "heartbeat_enabled": False}, False),
        ({"lazarus_enabled": True, "heartbeat_enabled": True}, True),
        ({"lazarus_enabled": None}, True),
        ({"version_locking_enabled": True}, True),
    ],
)
async def test_the_flow_group_may_switch_it_off(world: World, settings: dict[str, object], is_rescued: bool) -> None:
    run_id = world.start()
    world.settings(**settings)
    world.backend.move_clock(hours=1)
    counts = LazarusCounts(found=1, resurrected=1) if is_rescued else NOTHING
    await rescue(world, counts)
    assert world.state(run_id) == ("Scheduled" if is_rescued else "Running")


@pytest.mark.parametrize("state", ["Success", "Failed", "Pending", "Scheduled", "Cancelling", "Paused", "Queued"])
async def test_flow_runs_in_other_states_are_left_alone(world: World, state: str) -> None:
    run_id = world.start()
    set_state(world.backend, run_id, state)
    world.backend.move_clock(hours=1)
    await rescue(world)
    assert world.state(run_id) == state


@pytest.mark.parametrize("state", ["Running", "Retrying", "Resume", "Paused", "Scheduled", "Cancelling"])
async def test_a_task_run_in_progress_keeps_its_flow_run(world: World, state: str) -> None:
    run_id = world.start(task_states=("Success", state))
    world.backend.move_clock(hours=1)
    await rescue(world)
    assert world.state(run_id) == "Running"


async def test_a_task_run_that_an_agent_has_just_taken_keeps_its_flow_run(world: World) -> None:
    run_id = world.start(task_states=("Retrying",))
    world.backend.move_clock(hours=2)
    set_task_state(world.backend, world.task_runs(run_id)[0], "Submitted")
    world.backend.move_clock(minutes=9)
    await rescue(world)
    world.backend.move_clock(minutes=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))


async def test_a_flow_run_that_had_its_chances_fails(world: World) -> None:
    run_id = world.start()
    for attempt in (1, 2, 3):
        world.backend.move_clock(minutes=10)
        await rescue(world, LazarusCounts(found=1, resurrected=1))
        assert world.backend.row(flow_run, run_id)["times_resurrected"] == attempt
        set_state(world.backend, run_id, "Submitted")
    world.backend.move_clock(minutes=10)
    await rescue(world, LazarusCounts(found=1, failed=1))
    run = world.backend.row(flow_run, run_id)
    assert (run["state"], run["times_resurrected"], run["end_time"]) == ("Failed", 3, world.backend.now)
    line = world.backend.rows(log)[-1]
    assert (line["name"], line["level"]) == ("prefect-server.Lazarus.FlowRun", "ERROR")
    assert "3 times, which is the limit; it is marked as failed." in line["message"]


@pytest.mark.parametrize("sign", ["beat", "beat_task", "state", "task_state", "settings"])
async def test_what_happens_between_look_and_leap_is_seen(world: World, sign: str) -> None:
    run_id = world.start(task_states=("Success",))
    signs = {
        "beat": lambda: world.beat(run_id),
        "beat_task": lambda: world.beat_task(world.task_runs(run_id)[0]),
        "state": lambda: set_state(world.backend, run_id, "Success"),
        "task_state": lambda: set_task_state(world.backend, world.task_runs(run_id)[1], "Running"),
        "settings": lambda: world.settings(lazarus_enabled=False),
    }
    world.before_change = signs[sign]
    world.backend.move_clock(hours=1)
    await rescue(world, LazarusCounts(found=1))
    assert world.state(run_id) == ("Success" if sign == "state" else "Running")
    assert not world.backend.rows(log)


async def test_two_that_look_at_once_act_once(world: World) -> None:
    run_id = world.start()
    world.backend.move_clock(hours=1)

    def other_first() -> None:
        world.before_change = lambda: None
        with world.backend.transaction() as tx:
            assert resurrect(tx, [run_id], world.backend.now, RULES).resurrected == 1

    world.before_change = other_first
    await rescue(world, LazarusCounts(found=1))
    assert world.backend.row(flow_run, run_id)["times_resurrected"] == 1
    assert world.backend.count(flow_run_state, state="Scheduled") == 2
    assert world.backend.count(log) == 1


async def test_a_run_that_somebody_holds_is_left_to_the_next_pass(world: World) -> None:
    if world.backend.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer")
    beating, changing, first_beat, lost = (world.start() for _ in range(4))
    with world.backend.transaction() as tx:
        tx.execute(flow_run_heartbeat.delete().where(flow_run_heartbeat.c.flow_run_id == first_beat))
    world.backend.move_clock(hours=1)
    now = world.backend.now
    with world.backend.transaction() as other:
        mine = flow_run_heartbeat.c.flow_run_id == beating
        other.execute(flow_run_heartbeat.update().where(mine).values(heartbeat=now))
        other.execute(flow_run.update().where(flow_run.c.id == changing).values(name="new"))
        other.execute(flow_run_heartbeat.insert().values(flow_run_id=first_beat, heartbeat=now))
        await rescue(world, LazarusCounts(found=4, resurrected=1))
    assert [world.state(run_id) for run_id in (beating, changing, first_beat)] == ["Running"] * 3
    assert world.state(lost) == "Scheduled"
    await rescue(world, LazarusCounts(found=1, resurrected=1))


async def test_many_are_rescued_a_few_at_a_time_and_tenants_stay_apart(world: World) -> None:
    runs = [world.start() for _ in range(5)]
    with world.backend.transaction() as tx:
        for table in (flow_run, flow_run_state):
            key = table.c.id if table is flow_run else table.c.flow_run_id
            tx.execute(table.update().where(key == runs[0]).values(tenant_id=OTHER_TENANT))
    world.backend.move_clock(hours=1)
    world.lazarus = world.make_lazarus(read_max=4, changed_max=2)
    await rescue(world, LazarusCounts(found=4, resurrected=4))
    assert (world.reads, world.changes) == (1, 2)
    await rescue(world, LazarusCounts(found=1, resurrected=1))
    assert [world.state(run_id) for run_id in runs] == ["Scheduled"] * 5
    assert world.backend.count(log, tenant_id=OTHER_TENANT) == 1


async def test_a_run_that_cannot_be_rescued_stops_no_others(world: World) -> None:
    first, second = world.start(), world.start()
    set_state(world.backend, first, "Running", cached_inputs={"x": {"value": "x" * 999_900}})
    # The next state inherits the inputs, and its message no longer fits
    world.backend.move_clock(hours=1)
    await rescue(world, LazarusCounts(found=2, resurrected=1, stuck=1))
    assert (world.state(first), world.state(second)) == ("Running", "Scheduled")
    assert world.backend.row(flow_run, first)["times_resurrected"] == 0
    assert world.backend.count(task_run_state, state="Running") == 0


# ---- leases ----


async def test_a_flow_run_that_said_how_often_it_beats_is_missed_a_minute_after_its_last_beat(world: World) -> None:
    leased, other = world.start(), world.start()
    for _ in range(3):
        world.backend.move_clock(seconds=59)
        world.beat(leased, 10)
        world.beat(other)
        await rescue(world)
    world.backend.move_clock(seconds=59)
    await rescue(world)
    world.backend.move_clock(seconds=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))
    assert (world.state(leased), world.state(other)) == ("Scheduled", "Running")
    world.backend.move_clock(minutes=9)
    # Who takes it up, and has yet to beat, has the long time.
    set_state(world.backend, leased, "Submitted")
    await rescue(world, LazarusCounts(found=1, resurrected=1))
    world.backend.move_clock(minutes=9, seconds=59)
    await rescue(world)
    assert (world.state(leased), world.state(other)) == ("Submitted", "Scheduled")
    world.backend.move_clock(seconds=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))


async def test_a_lease_outlives_the_state_that_a_process_sets_but_not_the_agent_that_takes_the_run(
    world: World,
) -> None:
    lost, taken = world.start(state="Submitted"), world.start(state="Submitted")
    for run_id in (lost, taken):
        world.beat(run_id, 10)
        set_state(world.backend, run_id, "Running")
    world.backend.move_clock(seconds=30)
    set_state(world.backend, lost, "Running")
    set_state(world.backend, taken, "Scheduled")
    set_state(world.backend, taken, "Submitted")
    world.backend.move_clock(seconds=59)
    await rescue(world)
    world.backend.move_clock(seconds=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))
    assert (world.state(lost), world.state(taken)) == ("Scheduled", "Submitted")


@pytest.mark.parametrize(("interval_s", "patience_s"), [(0.5, 60), (30, 60), (31, 62), (400, 800)])
async def test_two_beats_are_missed_first(world: World, interval_s: float, patience_s: int) -> None:
    run_id = world.start()
    world.backend.move_clock(seconds=1)
    world.beat(run_id, interval_s)
    world.backend.move_clock(seconds=patience_s - 1)
    await rescue(world)
    world.backend.move_clock(seconds=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))


async def test_a_client_that_no_longer_says_how_often_it_beats_has_the_long_time(world: World) -> None:
    run_id = world.start()
    world.beat(run_id, 10)
    world.beat(run_id)
    world.backend.move_clock(minutes=9, seconds=59)
    await rescue(world)
    world.backend.move_clock(seconds=1)
    await rescue(world, LazarusCounts(found=1, resurrected=1))


async def test_a_lease_that_is_renewed_between_look_and_leap_is_seen(world: World) -> None:
    run_id = world.start()
    world.beat(run_id, 10)
    world.backend.move_clock(minutes=2)
    world.before_change = lambda: world.beat(run_id, 10)
    await rescue(world, LazarusCounts(found=1))
    assert world.state(run_id) == "Running"


@pytest.mark.parametrize("interval_s", [0.0, -1.0, 3600.1, 1e300])
def test_an_interval_that_makes_no_sense_is_an_error(world: World, interval_s: float) -> None:
    run_id = world.start()
    before = world.backend.rows(flow_run_heartbeat)
    world.backend.move_clock(seconds=1)
    for kind in (world.beat, world.beat_task):
        with pytest.raises(BadInput, match="interval_s is"):
            kind(run_id, interval_s)
    assert world.backend.rows(flow_run_heartbeat) == before
