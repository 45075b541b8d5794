"""Telling the server about a flow.

In charge of what has to be right before a flow is registered, and of the one call that registers it; not in charge of
the flow's document (`flow_document`) nor of putting its code in place (`storage`).
"""

import base64
import gzip
import hashlib
import inspect
import json
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eparch.client.client import Client
from eparch.core.agent_health import health_of, takes
from eparch.core.instants import parse_instant
from eparch.sdk.errors import FlowError
from eparch.sdk.executors.dask import DaskExecutor
from eparch.sdk.executors.processes import ProcessExecutor
from eparch.sdk.pickling import pickled
from eparch.sdk.run_configs import UniversalRun
from eparch.sdk.storage.loading import is_loading
from eparch.sdk.storage.local import Local

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow

_PROJECT: Final = "query($name: String!) { project(where: {name: {_eq: $name}}) { id } }"
_PROJECTS: Final = "query { project(order_by: [{name: asc}], limit: 200) { name } }"
_AGENTS: Final = "query { agent { labels last_queried } }"

_logger: Final = logging.getLogger("eparch.registration")


def register(
    flow: "Flow",
    project: str,
    *,
    client: Client | None = None,
    labels: Iterable[str] | None = None,
    set_schedule_active: bool = True,
    version_group_id: str | None = None,
    idempotency_key: str | None = None,
    description: str | None = None,
) -> str:
    """Tell the server about a flow and return the id of this version of it; see `Flow.register`."""
    if is_loading.get():
        # The file is being executed for its flows, by an agent or by the command line.
        _logger.warning("Flow %r is not registered while its file is loaded; put it under `__main__`.", flow.name)
        return ""
    _check(flow)
    asked = client or Client()
    project_id = _project_id(asked, project)
    _complete(flow, labels)
    document = flow.serialize()
    given: dict[str, Any] = {
        "project_id": project_id,
        "serialized_flow": compressed(document),
        "set_schedule_active": set_schedule_active,
        "idempotency_key": idempotency_key or digest(document),
    }
    if version_group_id is not None:
        given["version_group_id"] = version_group_id
    if description is not None:
        given["description"] = description
    flow_id: str = asked.change("create_flow_from_compressed_string", given, "id")["id"]
    assert flow.run_config is not None
    _warn_of_unserved(asked, flow.name, sorted(flow.run_config.labels))
    return flow_id


def compressed(document: Any) -> str:
    """Return a document as the text that servers take for it.

    Example:
        >>> compressed({}) == compressed({})
        True
    """
    return base64.b64encode(gzip.compress(json.dumps(document).encode(), mtime=0)).decode()


def digest(document: Any) -> str:
    """Return a digest of a document that is the same for the same flow, whichever release of the library wrote it.

    Example:
        >>> digest({"name": "etl", "__version__": "1"}) == digest({"__version__": "2", "name": "etl"})
        True
    """
    return hashlib.sha256(json.dumps(_unversioned(document), sort_keys=True).encode()).hexdigest()


def _check(flow: "Flow") -> None:
    """Do nothing, or say why the flow could not be run once it is registered."""
    flow.validate()
    for task in flow.graph.tasks:
        if inspect.isgeneratorfunction(task.run) and task.checkpoint is not False:
            raise FlowError(
                f"Task {task.name!r} is a generator, whose values cannot be kept for the tasks after it.",
                hint="return a list of them; or @task(checkpoint=False), if nothing is ever to be restarted from it",
            )
    if flow.schedule is not None:
        required = {parameter.name for parameter in flow.parameters() if parameter.required}
        for clock in flow.schedule.clocks:
            missing = sorted(required - clock.parameter_defaults.keys())
            if missing:
                raise FlowError(
                    f"The schedule of flow {flow.name!r} gives no value to the required parameter {missing[0]!r}.",
                    hint="give the parameter a default, or the clock `parameter_defaults`",
                )
    if isinstance(flow.executor, ProcessExecutor | DaskExecutor):
        pickled(list(flow.graph.tasks), f"Flow {flow.name!r}", flow.graph.tasks)


def _complete(flow: "Flow", labels: Iterable[str] | None) -> None:
    """Fill in storage and run config where the flow names none; join labels."""
    if flow.storage is None:
        path = flow.source_path
        # The file itself, where there is one: what a pickle holds is what the code was, not what it is.
        flow.storage = Local(path=Path(path)) if path is not None else Local()
    flow.storage.add_flow(flow)
    if flow.run_config is None:
        flow.run_config = UniversalRun()
    flow.run_config.labels |= {*flow.storage.labels, *(labels or ())}


def _project_id(client: Client, name: str) -> str:
    rows = client.ask(_PROJECT, {"name": name})["project"]
    if rows:
        found: str = rows[0]["id"]
        return found
    names = [row["name"] for row in client.ask(_PROJECTS)["project"]]
    close = get_close_matches(name, names, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"make it: eparch project create {name!r}"
    raise FlowError(f"There is no project {name!r} at {client.api_url}.", hint=hint)


def _warn_of_unserved(client: Client, flow_name: str, labels: list[str]) -> None:
    """Say so when no agent would take the flow's runs: nothing else would, until somebody wonders why none starts."""
    now = datetime.now(UTC)
    alive = [
        frozenset(agent["labels"] or ())
        for agent in client.ask(_AGENTS)["agent"]
        if health_of(parse_instant(agent["last_queried"] or ""), now) == "healthy"
    ]
    if alive and not any(takes(agent, frozenset(labels)) for agent in alive):
        shown = ", ".join(labels) or "none"
        _logger.warning(
            "No agent takes runs of flow %r: its labels are %s, and those of the agents are %s.",
            flow_name,
            shown,
            "; ".join(", ".join(sorted(agent)) or "none" for agent in alive),
        )


def _unversioned(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _unversioned(value) for key, value in document.items() if key != "__version__"}
    return [_unversioned(member) for member in document] if isinstance(document, list) else document
