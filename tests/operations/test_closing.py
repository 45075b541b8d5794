"""Task runs that a finished flow run has left are closed at once when somebody asks for it who knows."""

from collections.abc import Iterator

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import log
from tests.operations.backend import OTHER_TENANT, UNKNOWN, Backend
from tests.operations.rescue_world import World, opened_world
from tests.operations.small_flow import set_state


@pytest.fixture
def world(backend: Backend) -> Iterator[World]:
    with opened_world(backend) as made:
        yield made


def close(world: World, run_id: str) -> int:
    return int(world.backend.run("close_task_runs", flow_run_id=run_id)["closed_count"])


def test_what_had_begun_fails_and_what_had_not_waits_for_a_restart(world: World) -> None:
    run_id = world.start(task_states=("Running",))
    begun, waiting = world.task_runs(run_id)
    set_state(world.backend, run_id, "Failed")
    assert close(world, run_id) == 1
    assert (world.task_state(begun), world.task_state(waiting)) == ("Failed", "Pending")
    (line,) = world.backend.rows(log)
    assert (line["flow_run_id"], line["task_run_id"], line["level"]) == (run_id, begun, "WARNING")
    assert line["message"] == "Left Running when its flow run ended Failed; it is marked as failed."
    assert close(world, run_id) == 0


def test_what_has_ended_stays_as_it_is(world: World) -> None:
    run_id = world.start(task_states=("Success", "Retrying"))
    set_state(world.backend, run_id, "Failed")
    assert close(world, run_id) == 1
    assert [world.task_state(one) for one in world.task_runs(run_id)] == ["Success", "Failed"]


def test_a_run_that_goes_on_or_is_nobodys_is_refused(world: World) -> None:
    run_id = world.start(task_states=("Running",))
    with pytest.raises(BadInput, match=f"Flow run {run_id} is Running"):
        close(world, run_id)
    set_state(world.backend, run_id, "Failed")
    with pytest.raises(NotFound):
        close(world, UNKNOWN)
    with pytest.raises(NotFound):
        world.backend.run("close_task_runs", Principal(OTHER_TENANT), flow_run_id=run_id)
    assert world.task_state(world.task_runs(run_id)[0]) == "Running"
