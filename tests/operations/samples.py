"""In charge of flows to register in tests, in the form in which clients send them."""

import base64
import gzip
import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from eparch.database.tables import flow_run
from tests.operations.backend import Backend


def task(slug: str, **more: Any) -> dict[str, Any]:
    """Return a serialized task."""
    return {
        "type": "prefect.core.task.Task",
        "name": slug.removesuffix("-1"),
        "slug": slug,
        "tags": [],
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
        **more,
    }


def edge(upstream: str, downstream: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a serialized edge."""
    return {
        "upstream_task": {"slug": upstream, "__version__": "1.4.1"},
        "downstream_task": {"slug": downstream, "__version__": "1.4.1"},
        "key": key,
        "mapped": False,
        "flattened": False,
        "__version__": "1.4.1",
        **more,
    }


def parameter(name: str, default: Any = None, *, required: bool = False) -> dict[str, Any]:
    """Return a serialized parameter."""
    return {
        "type": "prefect.core.parameter.Parameter",
        "name": name,
        "slug": name,
        "tags": [],
        "required": required,
        "default": default,
        "outputs": "typing.Any",
        "__version__": "1.4.1",
    }


def flow_document(
    name: str = "etl", *, tasks: Iterable[dict[str, Any]] = (), edges: Iterable[dict[str, Any]] = (), **more: Any
) -> dict[str, Any]:
    """Return a serialized flow."""
    return {
        "name": name,
        "type": "prefect.core.flow.Flow",
        "schedule": None,
        "parameters": [],
        "tasks": list(tasks),
        "edges": list(edges),
        "reference_tasks": [],
        "run_config": {"type": "UniversalRun", "env": None, "labels": [], "__version__": "1.4.1"},
        "storage": {"type": "Local", "flows": {name: "/srv/flow.py"}, "stored_as_script": True, "secrets": []},
        "__version__": "1.4.1",
        **more,
    }


def diamond() -> dict[str, Any]:
    """Return a flow of four tasks: a, then b and c (mapped), then d, which takes two arguments from c."""
    return flow_document(
        tasks=[
            task("a-1", tags=["blue", "red"], max_retries=3, retry_delay=90, cache_key="key"),
            task("b-1", trigger={"fn": "mine.trigger", "kwargs": {"n": 1}}),
            task("c-1", auto_generated=True),
            task("d-1", unknown={"kept": [1, 2.50]}),
        ],
        edges=[
            edge("a-1", "b-1"),
            edge("a-1", "c-1", "x", mapped=True),
            edge("b-1", "d-1"),
            edge("c-1", "d-1", "x"),
            edge("c-1", "d-1", "y", flattened=True),
        ],
    )


def chain(count: int) -> dict[str, Any]:
    """Return a flow of `count` tasks, one after the other."""
    slugs = [f"task-{index}" for index in range(count)]
    return flow_document(
        tasks=[task(slug) for slug in slugs],
        edges=[edge(one, two, "x") for one, two in pairwise(slugs)],
    )


def compressed(document: Any) -> str:
    """Return a document as clients compress it."""
    return base64.b64encode(gzip.compress(json.dumps(document).encode())).decode()


def interval_clock(minutes: int = 60, **more: Any) -> dict[str, Any]:
    """Return a serialized clock that ticks at whole multiples of `minutes`, UTC."""
    return {
        "type": "IntervalClock",
        "interval": minutes * 60_000_000,
        "start_date": {"dt": "2020-01-01T00:00:00", "tz": "UTC"},
        "end_date": None,
        "parameter_defaults": {},
        "labels": None,
        "__version__": "1.4.1",
        **more,
    }


def schedule(*clocks: dict[str, Any]) -> dict[str, Any]:
    """Return a serialized schedule; hourly without clocks."""
    empty: dict[str, Any] = {"filters": [], "or_filters": [], "not_filters": [], "adjustments": []}
    return {"type": "Schedule", "clocks": list(clocks) or [interval_clock()], **empty, "__version__": "1.4.1"}


def make_project(backend: Backend, name: str = "project", **given: Any) -> str:
    """Make a project and return its id."""
    made: str = backend.run("create_project", name=name, **given)["id"]
    return made


def register(backend: Backend, project_id: str, document: dict[str, Any] | None = None, **given: Any) -> str:
    """Register a flow and return its id; a minute passes, as `created` decides which flow is the last of its name."""
    backend.move_clock(minutes=1)
    made: str = backend.run(
        "create_flow", project_id=project_id, serialized_flow=flow_document() if document is None else document, **given
    )["id"]
    return made


def register_in_parts(
    backend: Backend, project_id: str, document: dict[str, Any], *, batch: int = 500, repeats: int = 1, **given: Any
) -> str:
    """Register a flow as `flow.register()` does: the flow, then tasks, then edges, a batch of each at least."""
    bare = {name: value for name, value in document.items() if name not in ("tasks", "edges")}
    flow_id = register(backend, project_id, bare, set_schedule_active=False, **given)
    for member in ("tasks", "edges"):
        items = document[member]
        for start in range(0, len(items) + 1, batch):
            for _ in range(repeats):
                part = {f"serialized_{member}": items[start : start + batch]}
                assert backend.run(f"register_{member}", flow_id=flow_id, **part) == {"success": True}
    return flow_id


def begun_again(backend: Backend, flow_id: str) -> str:
    """Let the first run that the schedule of a flow has made begin, fail and be restarted; return its id."""
    made = [run for run in backend.rows(flow_run, flow_id=flow_id) if run["auto_scheduled"]]
    run_id: str = min(made, key=lambda run: run["scheduled_start_time"])["id"]
    for name in ("Submitted", "Running", "Failed", "Scheduled"):
        backend.run("set_flow_run_states", states=[{"flow_run_id": run_id, "state": {"type": name}}])
    return run_id
