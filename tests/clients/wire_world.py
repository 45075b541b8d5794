"""In charge of captured requests of a published client, and of a world on a server in which they make sense.

Not in charge of what the answers must be (test_wire_samples.py). A capture holds ids of the server that it was made
with; the world knows which of its own objects stands for each of them.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.clients.api import Api, Row

SAMPLES = Path(__file__).parent / "wire_samples"

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Ids that stand for nothing on the server: they are keys or parts of texts.
_KEYS = {"3548d98a-9647-4006-820d-d1e8eab4458f", "0dca916c-9605-46bb-84e4-7e461743bd24"}


@dataclass(frozen=True, slots=True)
class Sample:
    """One captured request: its headers but for host and length, and its body as text."""

    method: str
    path: str
    headers: dict[str, str]
    body: str

    @classmethod
    def load(cls, name: str) -> "Sample":
        return cls(**json.loads((SAMPLES / f"{name}.json").read_text()))

    @property
    def document(self) -> str:
        document: str = json.loads(self.body)["query"]
        return document

    @property
    def variables(self) -> Any:
        """The variables, which the client sends as JSON within JSON."""
        return json.loads(json.loads(self.body)["variables"])

    def with_ids(self, ids: dict[str, str]) -> "Sample":
        """Return the request for another server; every id in it must have a counterpart there.

        Raises:
            KeyError: an id of the capture has none.
        """

        def real(match: re.Match[str]) -> str:
            return match[0] if match[0] in _KEYS and match[0] not in ids else ids[match[0]]

        headers = {name: _UUID.sub(real, value) for name, value in self.headers.items()}
        return Sample(self.method, self.path, headers, _UUID.sub(real, self.body))


class World:
    """The projects, flows, runs and agents of the captures, made anew by public requests."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ids: dict[str, str] = {}
        self._make_tenant_and_projects()
        self._make_flows()
        self._make_agents()
        self._make_runs()

    def close(self) -> None:
        """Delete what was made, so that the names are free again."""
        for name in ("demo", "demo2"):
            for project in self.api.ask("query($n: String) { project(where: {name: {_eq: $n}}) { id } }", n=name):
                self.api.mutate("delete_project", "success", project_id=project["id"])

    def send(self, name: str) -> httpx.Response:
        """Replay a capture as it went over the wire."""
        sample = Sample.load(name).with_ids(self.ids)
        return self.api.send(sample.method, sample.path, sample.headers, sample.body)

    def replay(self, name: str) -> Any:
        """Replay a capture that must succeed; return the value of its root field."""
        answer = self.send(name).json()
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    def set_running(self, captured_flow_run: str) -> None:
        """Bring a run to where its process has told that it has started."""
        flow_run_id = self.ids[captured_flow_run]
        self.api.set_flow_run_state(flow_run_id, {"type": "Submitted", "state": {"type": "Scheduled"}})
        self.api.set_flow_run_state(flow_run_id, {"type": "Running", "message": "Running flow."})

    def _make_tenant_and_projects(self) -> None:
        tenant = self.api.ask("query { tenant { id } }")[0]["id"]
        self._stand_for(tenant, "a16e1444-3c93-4ae5-bc7f-4b0a672ab77c", "b31d34d1-6e7d-4905-a48e-ed3f28f91147")
        project = self.api.mutate("create_project", "id", name="demo", tenant_id=tenant)["id"]
        self._stand_for(project, "7e71528d-ed57-4c71-ad8f-9f9e3a03a74c", "04e23fc1-30e7-4057-954f-8c7fa51ba92e")

    def _make_flows(self) -> None:
        # The way of `flow.register()`: the flow, then its tasks, then its edges, then its schedule.
        flow = self.replay("create_flow_from_compressed_string")["id"]
        self._stand_for(flow, "88fa28bf-6357-4d68-aa07-9beef43152cf")
        for step in ("register_tasks", "register_edges", "set_schedule_active"):
            self.send(step)
        self._stand_for(self.replay("create_flow")["id"], "bc85069a-4c9c-4d78-9306-eb3b397b8da4")
        project = self.ids["7e71528d-ed57-4c71-ad8f-9f9e3a03a74c"]
        for captured, name, slugs in (
            ("3132afa9-239e-4892-a5da-8a71fa225dd2", "child-flow", ["n", "val-1", "val-2"]),
            ("4109ac91-9b8c-48a7-b780-866fcf8006b4", "parent-flow", ["start-1", "start-2", "artifact-1"]),
            ("tagged flow", "tagged-flow", ["one-db-1"]),
        ):
            flow = self.api.mutate("create_flow", "id", project_id=project, serialized_flow=_flow(name, slugs))["id"]
            self._stand_for(flow, captured)

    def _make_agents(self) -> None:
        agent = self.replay("register_agent")["id"]
        self._stand_for(agent, "fd073b08-3c15-46c2-9ad7-edc54119bf09", "23212c14-e76a-46c2-a2df-7486934031af")

    def _make_runs(self) -> None:
        run_one = self.replay("create_flow_run-python_client")["id"]
        self._stand_for(run_one, "90cacc5f-3613-4cd1-ac66-41ff5a728a7e")
        for captured, flow in (
            ("394d6fe4-3dd3-4098-b8db-444ff2dffc5c", "4109ac91-9b8c-48a7-b780-866fcf8006b4"),
            ("4b81be1e-e1c7-4168-805b-54d0de6ac183", "3132afa9-239e-4892-a5da-8a71fa225dd2"),
            ("be3a6085-6ddf-4878-8082-ea7a48986655", "3132afa9-239e-4892-a5da-8a71fa225dd2"),
            ("4f842c92-b5fd-4f20-8648-1d4465c50515", "3132afa9-239e-4892-a5da-8a71fa225dd2"),
            ("70162661-7041-4849-a700-1d825dc27d60", "tagged flow"),
            ("4e800669-7fcc-45a9-9592-649d58f9c590", "tagged flow"),
            ("b941c74e-8b0a-4104-9543-18cfba7581a3", "tagged flow"),
            ("c1f9211c-6a6c-40cd-bec0-b929f9926b8f", "tagged flow"),
            ("e303b742-4457-46b7-8a0f-93b64ec3bbcc", "tagged flow"),
        ):
            # No agent asks for this label, so that only the first run is in the queue.
            run = self.api.create_flow_run(self.ids[flow], labels=["no agent"], parameters={"n": 1})
            self._stand_for(run, captured)
        self._name_task_runs()

    def _name_task_runs(self) -> None:
        by_slug = {run["task"]["slug"]: run for run in self._task_runs("90cacc5f-3613-4cd1-ac66-41ff5a728a7e")}
        self._stand_for(by_slug["[1, 2]-1"]["id"], "b8e3a343-2016-4bf1-8efd-9c065a1d5dab")
        self._stand_for(by_slug["[1, 2]-1"]["task"]["id"], "6ca39ae7-5562-4f58-9242-ff3e3901cbce")
        self._stand_for(by_slug["flaky-1"]["id"], "cef0c83c-8028-43f1-8553-d6115abb4c57")
        self._stand_for(by_slug["named-1"]["id"], "d39d1a7e-cb39-4466-abab-46f65b37ceb5")
        self._stand_for(by_slug["inc-2"]["id"], "7b24675e-65f8-4576-9f84-76d2b65566b0")
        self._stand_for(by_slug["inc-1"]["id"], "98f2d01e-2d64-4131-81d2-9f50e674d00e")
        self._stand_for(by_slug["p"]["id"], "edb7db78-26af-489d-a7b1-6fad754c7466")
        for map_index, captured in enumerate(
            ["0105d941-07c9-4d78-8a84-a80b5deaf888", "367ff47b-6e25-4bb2-bc04-2688f52da635"]
        ):
            child = self._child("90cacc5f-3613-4cd1-ac66-41ff5a728a7e", by_slug["inc-2"]["task"]["id"], map_index)
            self._stand_for(child, captured)
        by_slug = {run["task"]["slug"]: run for run in self._task_runs("be3a6085-6ddf-4878-8082-ea7a48986655")}
        self._stand_for(
            by_slug["val-1"]["id"],
            *["7d62429f-13fa-4ebe-bf4e-ed7b80ffc0b4", "df072896-b76a-4531-a820-349ee4d43146"],
            *["433c2238-e7ba-4b47-8e0c-49f1096c16db", "d51a57f4-d04f-4f4a-8377-cb1fefc7c35e"],
            *["5b932e42-c2bc-44d3-8c7f-f2bd714cea1f", "e3a36d7a-82b0-41a5-91f8-91392627ed68"],
            *["3548d98a-9647-4006-820d-d1e8eab4458f", "c33d8935-b5e0-410b-b102-3d84b2c782c7"],
        )
        self._stand_for(by_slug["val-1"]["task"]["id"], "1b47c6b1-a07c-4cf0-8a12-c903111c0633")
        for map_index in (1, 0):
            self._child("be3a6085-6ddf-4878-8082-ea7a48986655", by_slug["val-2"]["task"]["id"], map_index)

    def _task_runs(self, captured_flow_run: str) -> list[Row]:
        rows = self.api.ask(
            "query($id: uuid!) { task_run(where: {flow_run_id: {_eq: $id}}) { id task { id slug } } }",
            id=self.ids[captured_flow_run],
        )
        return list(rows)

    def _child(self, captured_flow_run: str, task_id: str, map_index: int) -> str:
        return str(
            self.api.mutate(
                "get_or_create_task_run_info",
                "id",
                flow_run_id=self.ids[captured_flow_run],
                task_id=task_id,
                map_index=map_index,
            )["id"]
        )

    def _stand_for(self, real: str, *captured: str) -> None:
        self.ids.update(dict.fromkeys(captured, real))


def _flow(name: str, slugs: list[str]) -> Row:
    """Return the serialized form of a flow with these tasks and, if there is a task "n", a parameter "n"."""
    return {
        "name": name,
        "type": "prefect.core.flow.Flow",
        "schedule": None,
        "parameters": [_parameter("n")] if "n" in slugs else [],
        "tasks": [_task(slug) for slug in slugs],
        "edges": [],
        "reference_tasks": [],
        "run_config": {"env": None, "labels": [], "type": "UniversalRun", "__version__": "1.4.1"},
        "storage": {"type": "Module", "module": "x", "flows": {name: "x"}, "secrets": [], "__version__": "1.4.1"},
        "__version__": "1.4.1",
    }


def _task(slug: str) -> Row:
    return {
        "type": "prefect.tasks.core.function.FunctionTask",
        "name": slug.rsplit("-", 1)[0],
        "slug": slug,
        "tags": ["db"] if "-db-" in slug else [],
        "max_retries": 0,
        "retry_delay": None,
        "inputs": {},
        "outputs": "typing.Any",
        "timeout": None,
        "trigger": {"fn": "prefect.triggers.all_successful", "kwargs": {}},
        "skip_on_upstream_skip": True,
        "cache_for": None,
        "cache_key": None,
        "cache_validator": {"fn": "prefect.engine.cache_validators.never_use", "kwargs": {}},
        "auto_generated": False,
        "__version__": "1.4.1",
    }


def _parameter(name: str) -> Row:
    return {
        "type": "prefect.core.parameter.Parameter",
        "name": name,
        "slug": name,
        "default": 1,
        "required": False,
        "tags": [],
        "outputs": "typing.Any",
        "__version__": "1.4.1",
    }
