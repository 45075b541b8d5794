"""What clients and dashboards of Prefect 1.x ask is parsed, valid and answered without errors.

The operations are in tests/graphql/corpus, with their variables in comments at the top: "@name" stands for an object of
the world that is made here, and what is named after "empty:" may find nothing.
"""

import base64
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.api import Api, Row
from tests.clients.wire_world import World
from tests.server_process import ServerProcess

CORPUS = Path(__file__).resolve().parents[1] / "graphql" / "corpus"
NAMES = sorted(str(path.relative_to(CORPUS).with_suffix("")) for path in CORPUS.rglob("*.graphql"))

# As many operations as a dashboard sends in one request.
BATCH = 25


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the corpus; `empty` names the keys of the answer that may hold nothing."""

    document: str
    variables: Row
    empty: frozenset[str]

    @classmethod
    def load(cls, name: str, ids: dict[str, str]) -> "Operation":
        text = (CORPUS / f"{name}.graphql").read_text()
        text = re.sub(r"@([a-z_]+)", lambda match: ids.get(match[1], match[0]), text)
        remarks = dict(re.findall(r"^# ([a-z ]+): (.+)$", text, re.MULTILINE))
        empty = remarks.get("empty", "").split() + remarks.get("may fail to do", "").split()
        return cls(text, json.loads(remarks.get("variables", "{}")), frozenset(empty))


@pytest.fixture(scope="module")
def api(quiet_server: ServerProcess) -> Iterator[Api]:
    api = Api(quiet_server.url)
    yield api
    api.close()


@pytest.fixture(scope="module")
def ids(api: Api) -> Iterator[dict[str, str]]:
    """The ids of the objects that the corpus speaks of."""
    world = World(api)
    try:
        yield Names(world).ids
    finally:
        world.close()


class Names:
    """The objects of the corpus: a run at work with tasks in many states, and others to steer, change and delete."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._api = world.api
        self.ids = {"new_name": uuid4().hex, "compressed_flow": _compressed_flow()}
        self._name_standing_objects()
        self._name_run_at_work()
        self._name_spare_objects()

    def _name_standing_objects(self) -> None:
        of = self._world.ids
        flow = of["88fa28bf-6357-4d68-aa07-9beef43152cf"]
        row = self._api.ask("query($id: uuid!) { flow_by_pk(id: $id) { flow_group_id version_group_id } }", id=flow)
        self.ids |= {
            "tenant": of["a16e1444-3c93-4ae5-bc7f-4b0a672ab77c"],
            "project": of["7e71528d-ed57-4c71-ad8f-9f9e3a03a74c"],
            "flow": flow,
            "flow_group": row["flow_group_id"],
            "version_group": row["version_group_id"],
            "scheduled_flow": of["bc85069a-4c9c-4d78-9306-eb3b397b8da4"],
            "agent_config": self._api.mutate("create_agent_config", "id", name="a config", settings={"a": 1})["id"],
        }

    def _name_run_at_work(self) -> None:
        captured = "90cacc5f-3613-4cd1-ac66-41ff5a728a7e"
        run = self._world.ids[captured]
        self._world.set_running(captured)
        task_runs = {(row["task"]["slug"], row["map_index"]): row["id"] for row in self._api.task_runs(run)}
        for slug, map_index, state in (
            ("[1, 2]-1", -1, {"type": "Success"}),
            ("inc-2", -1, {"type": "Mapped", "n_map_states": 2}),
            ("inc-2", 0, {"type": "Running"}),
            ("inc-2", 1, {"type": "Failed", "message": "no"}),
            ("flaky-1", -1, {"type": "Retrying", "start_time": "2026-11-22T05:43:00+00:00", "run_count": 1}),
        ):
            self._api.set_task_run_state(task_runs[slug, map_index], state)
        self._world.replay("write_run_logs-batch")
        error = {"flow_run_id": run, "level": "ERROR", "message": "an error"}
        self._api.mutate("write_run_logs", "success", logs=[error])
        artifact = {"task_run_id": task_runs["flaky-1", -1], "kind": "markdown", "data": {"markdown": "# hi"}}
        rows = self._api.task_runs(run, "inc-2")
        tasks = self._api.ask("query { task { id slug flow { id } } }")
        task_ids = {task["slug"]: task["id"] for task in tasks if task["flow"]["id"] == self.ids["flow"]}
        self.ids |= {
            "flow_run": run,
            "task_run": task_runs["flaky-1", -1],
            "mapped_task_run": rows[0]["id"],
            "task": task_ids["flaky-1"],
            "mapped_task": task_ids["inc-2"],
            "artifact": self._api.mutate("create_task_run_artifact", "id", **artifact)["id"],
            "spare_artifact": self._api.mutate("create_task_run_artifact", "id", **artifact)["id"],
        }

    def _name_spare_objects(self) -> None:
        tagged = self._world.ids["tagged flow"]
        spare = self._world.ids["4109ac91-9b8c-48a7-b780-866fcf8006b4"]
        child_run = "be3a6085-6ddf-4878-8082-ea7a48986655"
        self._world.set_running(child_run)
        self._world.replay("set_task_run_states-Cached")
        group = self._api.ask("query($id: uuid!) { flow_by_pk(id: $id) { flow_group_id } }", id=spare)["flow_group_id"]
        failed = self._run(tagged)
        self._api.set_flow_run_state(failed, {"type": "Failed"})
        failed_task_run = self._api.task_run(failed, "one-db-1")["id"]
        self._api.set_task_run_state(failed_task_run, {"type": "Failed"})
        spare_run = self._run(tagged)
        self.ids |= {
            "cached_task": self._world.ids["1b47c6b1-a07c-4cf0-8a12-c903111c0633"],
            "spare_flow": spare,
            "spare_flow_group": group,
            "spare_project": self._api.mutate("create_project", "id", name="demo2")["id"],
            "spare_flow_run": spare_run,
            "waiting_flow_run": self._run(tagged),
            "late_flow_run": self._run(tagged),
            "doomed_flow_run": self._run(tagged),
            "failed_flow_run": failed,
            "failed_task_run": failed_task_run,
            "spare_task_run": self._api.task_runs(self._world.ids[child_run], "val-2")[0]["id"],
        }

    def _run(self, flow_id: str) -> str:
        return self._api.create_flow_run(flow_id, labels=["no agent"])


def _compressed_flow() -> str:
    flow = {"name": "compressed", "tasks": [], "edges": [], "parameters": [], "__version__": "1.4.1"}
    return base64.b64encode(gzip.compress(json.dumps(flow).encode())).decode()


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_of_the_corpus_is_answered_without_errors(api: Api, ids: dict[str, str], name: str) -> None:
    operation = Operation.load(name, ids)
    assert "@" not in re.sub(r"@(skip|include)", "", operation.document + json.dumps(operation.variables))
    response = api.post(operation.document, operation.variables)
    answer = response.json()
    assert response.status_code == 200, answer
    assert list(answer) == ["data"], answer
    for key, value in answer["data"].items():
        if key not in operation.empty:
            assert value not in (None, [], {}), f"{key} has found nothing"
            assert value != {"success": False}, f"{key} has done nothing"


def test_a_dashboards_batches_are_answered_in_order_as_the_single_operations_are(api: Api, ids: dict[str, str]) -> None:
    operations = [Operation.load(name, ids) for name in NAMES if name.startswith("ui/")]
    reads = [operation for operation in operations if "mutation" not in operation.document]
    assert len(reads) > BATCH
    for start in range(0, len(reads), BATCH):
        batch = reads[start : start + BATCH]
        bodies = [{"query": operation.document, "variables": operation.variables} for operation in batch]
        response = api.post_body(bodies)
        assert response.status_code == 200
        answers: list[Any] = response.json()
        assert answers == [api.post_body(body).json() for body in bodies]


def test_answers_name_the_types_by_which_dashboards_keep_them(api: Api, ids: dict[str, str]) -> None:
    document = """query($id: uuid!) {
        __typename
        flow_run_by_pk(id: $id) {
            __typename
            flow { __typename tasks(limit: 1) { __typename upstream_edges_aggregate { __typename } } }
        }
        flow_run_aggregate { __typename aggregate { __typename } }
        task { flow { flow_runs_aggregate { nodes { __typename } } } }
    }"""
    answer = api.post(document, {"id": ids["flow_run"]}).json()["data"]
    assert answer["flow_run_by_pk"]["__typename"] == "flow_run"
    assert answer["flow_run_by_pk"]["flow"]["__typename"] == "flow"
    assert answer["flow_run_by_pk"]["flow"]["tasks"][0]["__typename"] == "task"
    assert answer["flow_run_aggregate"]["__typename"] == "flow_run_aggregate"
    assert answer["flow_run_aggregate"]["aggregate"]["__typename"] == "flow_run_aggregate_fields"
    # Nothing is computed over the rows here, and still there is one object for all of them.
    counts = {len(task["flow"]["flow_runs_aggregate"]["nodes"]) for task in answer["task"]}
    assert max(counts) > 1
