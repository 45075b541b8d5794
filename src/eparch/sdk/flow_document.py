"""A flow as the JSON document that is registered.

In charge of the keys and of their order; not in charge of the documents of schedules, run configs and storage, which
write themselves, nor of sending it (`eparch.client.registration`). Prefect 1.x reads the same document.
"""

import json
import math
from typing import TYPE_CHECKING, Any

from eparch.sdk.errors import FlowError
from eparch.sdk.format import FLOW, FORMAT_VERSION, qualified_name
from eparch.sdk.parameters import Parameter
from eparch.sdk.retries import delay_s

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow
    from eparch.sdk.tasks import Task


def flow_document(flow: "Flow") -> dict[str, Any]:
    """Return a flow as a JSON-ready document: the same for the same code, so that a digest of it tells versions apart.

    Raises:
        FlowError: something cannot be written as JSON, or the flow is not valid.
    """
    flow.validate()
    slugs = flow.slugs
    by_slug = sorted(flow.graph.tasks, key=slugs.__getitem__)
    edges = sorted(
        flow.graph.edges,
        key=lambda edge: (slugs[edge.upstream_task], slugs[edge.downstream_task], edge.key or ""),
    )
    references = flow.reference_tasks() if flow.has_reference_tasks else set()
    document = {
        "name": flow.name,
        "type": FLOW,
        "schedule": None if flow.schedule is None else flow.schedule.serialize(),
        "parameters": [_parameter(task) for task in by_slug if isinstance(task, Parameter)],
        "tasks": [_task(task, slugs[task]) for task in by_slug],
        "edges": [
            {
                "upstream_task": _reference(slugs[edge.upstream_task]),
                "downstream_task": _reference(slugs[edge.downstream_task]),
                "key": edge.key,
                "mapped": edge.mapped,
                "flattened": edge.flattened,
                "__version__": FORMAT_VERSION,
            }
            for edge in edges
        ],
        "reference_tasks": [_reference(slug) for slug in sorted(slugs[task] for task in references)],
        "run_config": None if flow.run_config is None else flow.run_config.serialize(),
        "__version__": FORMAT_VERSION,
        "storage": None if flow.storage is None else flow.storage.serialize(),
    }
    _check_json(flow, document)
    return document


def _task(task: "Task", slug: str) -> dict[str, Any]:
    return {
        "type": qualified_name(type(task)),
        "name": task.name,
        "slug": slug,
        "tags": sorted(task.tags),
        "max_retries": task.max_retries,
        "retry_delay": math.ceil(delay_s(task.retry_delay, 1)) if task.max_retries else None,
        "inputs": task.inputs(),
        "outputs": task.outputs(),
        "timeout": None if task.timeout is None else math.ceil(task.timeout),
        "trigger": function_document(task.trigger),
        "skip_on_upstream_skip": task.skip_on_upstream_skip,
        "cache_for": None if task.cache_for is None else math.ceil(task.cache_for.total_seconds()),
        "cache_key": task.cache_key,
        "cache_validator": function_document(task.cache_validator),
        "auto_generated": task.auto_generated,
        "__version__": FORMAT_VERSION,
    }


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "type": qualified_name(type(parameter)),
        "name": parameter.name,
        "slug": parameter.name,
        "default": parameter.default,
        "required": parameter.required,
        "tags": sorted(parameter.tags),
        "outputs": parameter.outputs(),
        "__version__": FORMAT_VERSION,
    }


def function_document(function: Any) -> dict[str, Any]:
    """Return a reference to a function: its name, and the arguments of what made it."""
    return {"fn": qualified_name(function), "kwargs": dict(getattr(function, "format_arguments", {}))}


def _reference(slug: str) -> dict[str, Any]:
    return {"slug": slug, "__version__": FORMAT_VERSION}


def _check_json(flow: "Flow", document: dict[str, Any]) -> None:
    for parameter in document["parameters"]:
        try:
            json.dumps(parameter["default"], allow_nan=False)
        except (TypeError, ValueError) as error:
            raise FlowError(
                f"The default of parameter {parameter['name']!r} of flow {flow.name!r} cannot be JSON: {error}.",
                hint="give text, numbers, true or false, None, or lists and dictionaries of them",
            ) from None
    try:
        json.dumps(document, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise FlowError(f"Flow {flow.name!r} cannot be written as JSON: {error}.") from None
