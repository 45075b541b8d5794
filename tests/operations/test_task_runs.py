"""Task runs: made with their flow run, found or made on demand."""

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import task_run, task_run_state
from tests.operations.backend import OTHER_TENANT, UNKNOWN, Backend
from tests.operations.small_flow import make_flow


@pytest.fixture
def made(backend: Backend) -> dict[str, str]:
    flow = make_flow(backend)
    run_id = backend.run("create_flow_run", flow_id=flow["id"])["id"]
    return {"run": run_id, "task": flow["tasks"][0], "other_task": flow["tasks"][1]}


def info(backend: Backend, made: dict[str, str], map_index: int | None = None) -> dict[str, object]:
    return backend.run(
        "get_or_create_task_run_info", flow_run_id=made["run"], task_id=made["task"], map_index=map_index
    )


def test_a_flow_run_has_one_pending_task_run_for_each_task_at_once(backend: Backend, made: dict[str, str]) -> None:
    rows = backend.rows(task_run, flow_run_id=made["run"])
    assert {row["task_id"] for row in rows} == {made["task"], made["other_task"]}
    assert {(row["map_index"], row["state"], row["version"]) for row in rows} == {(-1, "Pending", 1)}
    assert sorted(row["cache_key"] for row in rows) == ["key-0", "key-1"]
    assert backend.count(task_run_state) == 2


def test_an_existing_task_run_is_returned_as_it_is(backend: Backend, made: dict[str, str]) -> None:
    (row,) = backend.rows(task_run, task_id=made["task"])
    expected = {key: row[key] for key in ("id", "version", "state", "serialized_state")}
    assert info(backend, made) == info(backend, made, -1) == expected


def test_a_mapped_child_is_made_once_and_is_pending_at_version_one(backend: Backend, made: dict[str, str]) -> None:
    child = info(backend, made, 7)
    assert (child["state"], child["version"]) == ("Pending", 1)
    assert info(backend, made, 7) == child
    assert backend.row(task_run, str(child["id"]))["cache_key"] == "key-0"
    assert backend.count(task_run_state, task_run_id=child["id"]) == 1


def test_calls_that_waited_together_make_each_task_run_once(backend: Backend, made: dict[str, str]) -> None:
    place = {"flow_run_id": made["run"], "task_id": made["task"]}
    calls = [{**place, "map_index": index} for index in (0, 1, 0, 2, -1, 1)]
    calls.insert(3, {**place, "task_id": UNKNOWN, "map_index": 0})
    outcomes = backend.run_together("get_or_create_task_run_info", calls)
    assert isinstance(outcomes.pop(3), NotFound)
    ids = [outcome["id"] for outcome in outcomes]
    assert ids[0] == ids[2]
    assert ids[1] == ids[5]
    assert len(set(ids)) == 4


@pytest.mark.parametrize("part", ["flow_run_id", "task_id"])
def test_an_unknown_place_is_an_error(backend: Backend, made: dict[str, str], part: str) -> None:
    place = {"flow_run_id": made["run"], "task_id": made["task"], part: UNKNOWN}
    for name in ("get_or_create_task_run_info", "get_or_create_task_run"):
        with pytest.raises(NotFound, match="Invalid ID"):
            backend.run(name, **place)


def test_a_task_of_another_flow_is_an_unknown_place(backend: Backend, made: dict[str, str]) -> None:
    other = make_flow(backend)
    with pytest.raises(NotFound):
        backend.run("get_or_create_task_run_info", flow_run_id=made["run"], task_id=other["tasks"][0])


def test_a_map_index_counts_from_zero(backend: Backend, made: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="map index -2"):
        info(backend, made, -2)


def test_another_tenant_can_neither_see_nor_make_task_runs(backend: Backend, made: dict[str, str]) -> None:
    principal = Principal(OTHER_TENANT)
    place = {"flow_run_id": made["run"], "task_id": made["task"]}
    for map_index in (-1, 3):
        with pytest.raises(NotFound):
            backend.run("get_or_create_task_run_info", _principal=principal, **place, map_index=map_index)


def test_a_task_run_can_be_named_but_not_nothing(backend: Backend, made: dict[str, str]) -> None:
    task_run_id = str(info(backend, made)["id"])
    assert backend.run("set_task_run_name", task_run_id=task_run_id, name="mine") == {"success": True}
    assert backend.row(task_run, task_run_id)["name"] == "mine"
    assert backend.run("set_task_run_name", task_run_id=UNKNOWN, name="mine") == {"success": False}
    with pytest.raises(BadInput, match="Invalid name"):
        backend.run("set_task_run_name", task_run_id=task_run_id, name="")


def test_the_info_of_an_unknown_task_run_is_an_error(backend: Backend) -> None:
    with pytest.raises(NotFound, match="Invalid task run ID"):
        backend.run("get_task_run_info", task_run_id=UNKNOWN)
