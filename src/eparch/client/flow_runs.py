"""What a program that carries out a flow run asks of the server.

In charge of the questions and of what is needed of their answers; not in charge of carrying anything out
(`eparch.sdk.engine`) nor of telling what happens (`reporter`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from eparch.client.client import Client, change_question
from eparch.client.errors import ClientError, OlderServer, Refused
from eparch.core.instants import parse_instant

_INFO: Final = """query($id: uuid!) {
  flow_run_by_pk(id: $id) {
    id name version state serialized_state parameters context scheduled_start_time flow_id
    flow { id name storage run_config core_version settings project { id name } flow_group { id settings } }
    task_runs(where: {map_index: {_eq: -1}}) { id version serialized_state task { id slug } }
  }
}"""
_CHILDREN: Final = """query($id: uuid!, $tasks: [uuid!], $after: Int) {
  task_run(where: {flow_run_id: {_eq: $id}, task_id: {_in: $tasks}, map_index: {_gte: $after}},
           order_by: [{map_index: asc}], limit: 1000) { id task_id map_index version serialized_state }
}"""
_TASK_RUN: Final = "query($id: UUID!) { get_task_run_info(task_run_id: $id) { version serialized_state } }"
_LIMITS: Final = "query { task_tag_limit { tag } }"
_INTERVAL: Final = "interval_s"
# As many as a server closes in one call.
_CLOSED_MAX: Final = 1_000
_STATE: Final = "query($id: uuid!) { flow_run_by_pk(id: $id) { state version } }"


@dataclass(frozen=True, slots=True)
class TaskRunInfo:
    """A task run as the server has it.

    Attributes:
        map_index: which child; -1 for a task that is not mapped.
        state: its state's document, None where there is none yet.
    """

    id: str
    task_id: str
    map_index: int
    version: int
    state: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class TaskRunNow:
    """What a task run has become by now: its version, and its state's document."""

    version: int
    state: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class FlowRunInfo:
    """A flow run as the server has it.

    Attributes:
        state_name: the type of its state.
        storage: where its flow's code is.
        slugs: the id of each of its tasks, by slug.
        task_runs: its task runs, children of mapped ones left out.
        is_version_locked: whether only one program may carry it out, and the server sees to it.
    """

    id: str
    name: str
    version: int
    state_name: str | None
    state: dict[str, Any] | None
    parameters: dict[str, Any]
    context: dict[str, Any]
    scheduled_start_time: datetime | None
    flow_id: str
    flow_name: str
    project_name: str | None
    core_version: str | None
    storage: dict[str, Any] | None
    slugs: dict[str, str]
    task_runs: tuple[TaskRunInfo, ...]
    is_version_locked: bool


def flow_run_info(client: Client, flow_run_id: str) -> FlowRunInfo:
    """Return what is needed to carry out a flow run.

    Raises:
        Refused: there is no such flow run.
    """
    row = client.ask(_INFO, {"id": flow_run_id})["flow_run_by_pk"]
    if row is None:
        raise Refused(f"There is no flow run {flow_run_id}.", code="NOT_FOUND")
    flow = row["flow"]
    settings = {**(flow.get("settings") or {}), **((flow.get("flow_group") or {}).get("settings") or {})}
    return FlowRunInfo(
        id=row["id"],
        name=row["name"] or row["id"],
        version=row["version"],
        state_name=row["state"],
        state=row["serialized_state"],
        parameters=row["parameters"] or {},
        context=row["context"] or {},
        scheduled_start_time=parse_instant(row["scheduled_start_time"] or ""),
        flow_id=row["flow_id"],
        flow_name=flow["name"],
        project_name=(flow.get("project") or {}).get("name"),
        core_version=flow.get("core_version"),
        storage=flow.get("storage"),
        slugs={task_run["task"]["slug"]: task_run["task"]["id"] for task_run in row["task_runs"]},
        task_runs=tuple(
            TaskRunInfo(one["id"], one["task"]["id"], -1, one["version"], one["serialized_state"])
            for one in row["task_runs"]
        ),
        is_version_locked=bool(settings.get("version_locking_enabled")),
    )


def child_task_runs(client: Client, flow_run_id: str, task_id: str) -> list[TaskRunInfo]:
    """Return the children of a mapped task run, in order."""
    found: list[TaskRunInfo] = []
    while True:
        after = found[-1].map_index + 1 if found else 0
        given = {"id": flow_run_id, "tasks": [task_id], "after": after}
        rows = client.ask(_CHILDREN, given)["task_run"]
        if not rows:
            return found
        found += [
            TaskRunInfo(row["id"], row["task_id"], row["map_index"], row["version"], row["serialized_state"])
            for row in rows
        ]


def limited_tags(client: Client) -> set[str]:
    """Return the tags of which only so many task runs may be in progress at once."""
    return {row["tag"] for row in client.ask(_LIMITS)["task_tag_limit"]}


def set_flow_run_state(
    client: Client,
    flow_run_id: str,
    document: Mapping[str, Any],
    version: int | None = None,
    *,
    wait_s: float = 0.0,
) -> dict[str, Any]:
    """Let a flow run enter a state; return `status`, `message`, `version`: QUEUED where it has to wait for a slot.

    Args:
        wait_s: how long the server may wait for a slot before it says so.
    Raises:
        VersionConflict: it has moved on since `version`.
        Refused: it may not enter the state.
    """
    given: dict[str, Any] = {"states": [{"flow_run_id": flow_run_id, "version": version, "state": document}]}
    if wait_s:
        given["wait_s"] = wait_s
    answer = client.change("set_flow_run_states", given, "states { id status message version }", timeout_s=wait_s + 15)
    status: dict[str, Any] = answer["states"][0]
    return status


def close_task_runs(client: Client, flow_run_id: str) -> int:
    """Close the task runs that a finished flow run has left behind, and return how many there were.

    An older server closes them by itself, some time later.
    """
    closed = 0
    while True:
        try:
            answer = client.change("close_task_runs", {"flow_run_id": flow_run_id}, "closed_count")
        except OlderServer:
            return closed
        closed += int(answer["closed_count"])
        if answer["closed_count"] < _CLOSED_MAX:
            return closed


def start_task_runs(
    client: Client, wanted: list[tuple[str, int | None, Mapping[str, Any]]]
) -> list[dict[str, Any] | ClientError]:
    """Let task runs enter Running, each with the server's own answer: a status, or why not.

    Args:
        wanted: id, version (None where it does not matter) and state of each.
    """
    answers = client.ask_all(
        [
            change_question(
                "set_task_run_states",
                {"states": [{"task_run_id": task_run_id, "version": version, "state": document}]},
                "states { id status message }",
            )
            for task_run_id, version, document in wanted
        ]
    )
    return [
        answer if isinstance(answer, ClientError) else answer["set_task_run_states"]["states"][0] for answer in answers
    ]


def task_runs_now(client: Client, task_run_ids: list[str]) -> list[TaskRunNow]:
    """Return what task runs have become, in one call.

    Raises:
        ClientError: one of them cannot be asked for.
    """
    found = []
    for answer in client.ask_all([(_TASK_RUN, {"id": task_run_id}) for task_run_id in task_run_ids]):
        if isinstance(answer, ClientError):
            raise answer
        row = answer["get_task_run_info"]
        found.append(TaskRunNow(row["version"], row["serialized_state"]))
    return found


def flow_run_state(client: Client, flow_run_id: str) -> str | None:
    """Return the name of a flow run's state, None where the run is gone."""
    row = client.ask(_STATE, {"id": flow_run_id}, tries=1)["flow_run_by_pk"]
    return None if row is None else row["state"]


def beat(client: Client, flow_run_ids: Mapping[str, bool], interval_s: float) -> dict[str, str | None]:
    """Send heartbeats for flow runs, and return the state of each: one call, however many they are.

    Args:
        flow_run_ids: for each whether a heartbeat is wanted, or only its state.
        interval_s: how often heartbeats are sent; the server misses the run the sooner. An older server is not told.
    """
    said_s = None if _INTERVAL in client.lacks else interval_s
    found, is_older = _beaten(client, flow_run_ids, said_s)
    if is_older and said_s is not None:
        # Then it misses a run after ten minutes, as it does those of other clients.
        client.lacks.add(_INTERVAL)
        found, _ = _beaten(client, flow_run_ids, None)
    return found


def _beaten(
    client: Client, flow_run_ids: Mapping[str, bool], interval_s: float | None
) -> tuple[dict[str, str | None], bool]:
    """Return the state of each run, and whether the server does not understand its heartbeat."""
    questions = [
        question
        for run_id, is_beaten in flow_run_ids.items()
        for question in (
            (_STATE, {"id": run_id}),
            *([_heartbeat(run_id, interval_s)] if is_beaten else []),
        )
    ]
    answers = iter(client.ask_all(questions))
    found: dict[str, str | None] = {}
    is_older = False
    for run_id, is_beaten in flow_run_ids.items():
        answer = next(answers)
        if is_beaten:
            is_older |= isinstance(next(answers), OlderServer)
        if not isinstance(answer, ClientError):
            row = answer["flow_run_by_pk"]
            found[run_id] = None if row is None else row["state"]
    return found, is_older


def _heartbeat(flow_run_id: str, interval_s: float | None) -> tuple[str, Mapping[str, Any] | None]:
    given = {"flow_run_id": flow_run_id, **({} if interval_s is None else {_INTERVAL: interval_s})}
    return change_question("update_flow_run_heartbeat", given, "success")
