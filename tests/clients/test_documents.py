"""Documents of the published client come back word for word: states, flows, run configs, storages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.api import Api, Row
from tests.clients.wire_world import World
from tests.server_process import ServerProcess

DOCUMENTS = Path(__file__).parent / "documents"
STATES: dict[str, Row] = json.loads((DOCUMENTS / "states.json").read_text())
RUN_CONFIGS: list[Row] = json.loads((DOCUMENTS / "run_configs.json").read_text())
STORAGES: list[Row] = json.loads((DOCUMENTS / "storages.json").read_text())
FLOW: Row = json.loads((DOCUMENTS / "flow_full.json").read_text())


@pytest.fixture(scope="module")
def api(quiet_server: ServerProcess) -> Iterator[Api]:
    api = Api(quiet_server.url)
    yield api
    api.close()


@pytest.fixture(scope="module")
def world(api: Api) -> Iterator[World]:
    world = World(api)
    yield world
    world.close()


@pytest.fixture(scope="module")
def project(api: Api) -> Iterator[str]:
    project = api.mutate("create_project", "id", name="documents")["id"]
    yield project
    api.mutate("delete_project", "success", project_id=project)


@pytest.mark.parametrize("name", STATES)
def test_a_state_of_a_task_run_is_returned_as_it_was_sent(api: Api, world: World, name: str) -> None:
    flow_run_id = world.api.create_flow_run(world.ids["tagged flow"], labels=["no agent"])
    world.ids["a run of its own"] = flow_run_id
    world.set_running("a run of its own")
    task_run = api.task_run(flow_run_id, "one-db-1")
    sent = STATES[name]
    api.set_task_run_state(task_run["id"], sent)
    row = api.task_run(flow_run_id, "one-db-1")
    assert row["serialized_state"] == sent
    assert row["state"] == sent["type"]
    assert row["states"][-1]["serialized_state"] == sent


def test_columns_follow_from_the_state_and_a_start_time_does_not_outlive_its_state(api: Api, world: World) -> None:
    flow_run_id = world.api.create_flow_run(world.ids["tagged flow"], labels=["no agent"])
    world.ids["a run of its own"] = flow_run_id
    world.set_running("a run of its own")
    task_run = api.task_run(flow_run_id, "one-db-1")["id"]
    api.set_task_run_state(task_run, STATES["Retrying"])
    row = api.task_run(flow_run_id, "one-db-1")
    assert row["state_start_time"] == "2022-01-01T05:00:00.000000+00:00"
    api.set_task_run_state(task_run, STATES["Running"])
    row = api.task_run(flow_run_id, "one-db-1")
    assert row["state_start_time"] is None
    assert row["start_time"] is not None


def test_a_flow_with_every_kind_of_clock_and_filter_is_returned_as_it_was_sent(api: Api, project: str) -> None:
    flow_id = api.mutate("create_flow", "id", project_id=project, serialized_flow=FLOW, set_schedule_active=False)["id"]
    selection = "serialized_flow schedule storage run_config parameters core_version name"
    row = api.ask(f"query($id: uuid!) {{ flow_by_pk(id: $id) {{ {selection} }} }}", id=flow_id)
    assert row["serialized_flow"] == FLOW
    for column in ("schedule", "storage", "run_config", "parameters", "name"):
        assert row[column] == FLOW[column]
    assert row["core_version"] == "1.4.1"


@pytest.mark.parametrize("storage", STORAGES, ids=lambda storage: storage["type"])
def test_a_storage_is_returned_as_it_was_sent(api: Api, project: str, storage: Row) -> None:
    flow = FLOW | {"name": f"stored in {storage['type']}", "storage": storage, "schedule": None}
    flow_id = api.mutate("create_flow", "id", project_id=project, serialized_flow=flow)["id"]
    assert _flow_column(api, flow_id, "storage") == storage


@pytest.mark.parametrize("run_config", RUN_CONFIGS, ids=lambda run_config: run_config["type"])
def test_a_run_config_is_returned_as_it_was_sent_and_passed_on_to_runs(api: Api, project: str, run_config: Row) -> None:
    flow = FLOW | {"name": f"run as {run_config['type']}", "run_config": run_config, "schedule": None}
    flow_id = api.mutate("create_flow", "id", project_id=project, serialized_flow=flow)["id"]
    assert _flow_column(api, flow_id, "run_config") == run_config
    assert api.flow_run(api.create_flow_run(flow_id), "run_config")["run_config"] == run_config


def _flow_column(api: Api, flow_id: str, column: str) -> Any:
    return api.ask(f"query($id: uuid!) {{ flow_by_pk(id: $id) {{ {column} }} }}", id=flow_id)[column]
