"""In charge of making projects, flows and runs by the API, for the tests beside; not in charge of what they mean."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from tests.server.wire import ask
from tests.server_process import ServerProcess


def mutate(server: ServerProcess, name: str, selection: str, /, **fields: Any) -> Any:
    """Return what the mutation `name` answers for the input `fields`; it must succeed."""
    document = f"mutation ($input: {name}_input!) {{ {name}(input: $input) {{ {selection} }} }}"
    answer = ask(server.port, document, {"input": fields}).json()
    assert "errors" not in answer, answer["errors"]
    return answer["data"][name]


def make_project(server: ServerProcess, name: str | None = None) -> str:
    return str(mutate(server, "create_project", "id", name=name or str(uuid4()))["id"])


def make_flow(server: ServerProcess, *, project_id: str | None = None, name: str | None = None) -> str:
    """Return the id of a new flow of two tasks, without a schedule."""
    flow = {
        "name": name or str(uuid4()),
        "__version__": "1.4.1",
        "tasks": [{"slug": "first", "name": "first"}, {"slug": "second", "name": "second"}],
        "edges": [{"upstream_task": {"slug": "first"}, "downstream_task": {"slug": "second"}}],
        "storage": {"type": "Local"},
    }
    project = project_id or make_project(server)
    return str(mutate(server, "create_flow", "id", project_id=project, serialized_flow=flow)["id"])


def make_run(
    server: ServerProcess, flow_id: str, *, labels: Sequence[str] = (), due: datetime | None = None, **more: Any
) -> str:
    """Return the id of a new run, due at once or at an instant."""
    fields = {"flow_id": flow_id, "labels": list(labels), **more}
    if due is not None:
        fields["scheduled_start_time"] = due.isoformat()
    return str(mutate(server, "create_flow_run", "id", **fields)["id"])
