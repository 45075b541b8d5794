"""Runs as the server has them, for code that asks about other runs.

In charge of reading; not in charge of changing anything. A view may be a task's result, so it holds no connection.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from eparch.core.instants import parse_instant
from eparch.sdk.errors import FlowError
from eparch.sdk.run_server import client_at, run_client
from eparch.sdk.state_documents import state_of_document
from eparch.sdk.states import State

_RUN: Final = """query($id: uuid!) { flow_run_by_pk(id: $id) {
  id name flow_id serialized_state labels parameters context run_config updated flow { name }
} }"""
_STATE: Final = "query($id: uuid!) { flow_run_by_pk(id: $id) { serialized_state } }"
_TASK_RUN: Final = """query($where: task_run_bool_exp!) {
  task_run(where: $where, order_by: [{map_index: asc}]) { id name map_index serialized_state task { id name slug } }
}"""
_SLUGS: Final = (
    "query($id: uuid!) { task_run(where: {flow_run_id: {_eq: $id}, map_index: {_eq: -1}}) { task { slug } } }"
)
_LOGS: Final = """query($where: log_bool_exp!) {
  log(where: $where, order_by: [{timestamp: asc}, {id: asc}]) { timestamp level name message task_run_id }
}"""


@dataclass(frozen=True, slots=True)
class FlowRunLog:
    """A log line of a flow run.

    Attributes:
        task_run_id: whose line it is; None for the flow run's own.

    Example:
        >>> FlowRunLog(None, "INFO", "eparch", "hello", None).message
        'hello'
    """

    timestamp: datetime | None
    level: str
    name: str
    message: str
    task_run_id: str | None


@dataclass(frozen=True, slots=True)
class TaskRunView:
    """A task run as the server had it when it was asked.

    Attributes:
        map_index: which child; -1 for a task that is not mapped, and for a mapped one as a whole.

    Example:
        >>> from eparch import Flow, Parameter
        >>> from eparch.testing import temporary_server
        >>> with Flow("double") as f:
        ...     doubled = Parameter("x") * 2
        >>> with temporary_server() as server, server.in_effect():
        ...     run_id = server.create_run(f, x=21)
        ...     done = server.carry_out(run_id, f)
        ...     FlowRunView.from_flow_run_id(run_id).get_task_run(f.slugs[doubled]).get_result()
        42
    """

    task_run_id: str
    flow_run_id: str
    name: str | None
    task_slug: str
    map_index: int
    state: State
    _api_url: str = field(repr=False, compare=False)

    def get_result(self) -> Any:
        """Return what the task run has left, read from where it is kept; of a mapped task a list, one for each child.

        Raises:
            FlowError: it has not come to its end.
            ResultError: the result cannot be read from here.
        """
        if not self.state.is_finished():
            raise FlowError(
                f"Task run {self.task_slug!r} has no result yet: it is {type(self.state).__name__}.",
                hint="wait for its flow run: wait_for_flow_run",
            )
        if not self.state.is_mapped():
            return self.state.result
        where = {
            "flow_run_id": {"_eq": self.flow_run_id},
            "task": {"slug": {"_eq": self.task_slug}},
            "map_index": {"_gte": 0},
        }
        rows = client_at(self._api_url).ask(_TASK_RUN, {"where": where})["task_run"]
        return [_state(row).result for row in rows]


@dataclass(frozen=True, slots=True)
class FlowRunView:
    """A flow run as the server had it when it was asked.

    Example:
        >>> from eparch import Flow, Parameter
        >>> from eparch.testing import temporary_server
        >>> with Flow("double") as f:
        ...     doubled = Parameter("x") * 2
        >>> with temporary_server() as server, server.in_effect():
        ...     FlowRunView.from_flow_run_id(server.create_run(f, x=4)).parameters
        {'x': 4}
    """

    flow_run_id: str
    name: str
    flow_id: str
    flow_name: str
    state: State
    labels: list[str]
    parameters: dict[str, Any]
    context: dict[str, Any]
    run_config: dict[str, Any] | None
    updated_at: datetime | None
    _api_url: str = field(repr=False, compare=False)

    @classmethod
    def from_flow_run_id(cls, flow_run_id: str, *, api_url: str | None = None) -> Self:
        """Ask the server about a flow run.

        Raises:
            FlowError: there is none with this id.
        """
        asked = run_client() if api_url is None else client_at(api_url)
        row = asked.ask(_RUN, {"id": flow_run_id})["flow_run_by_pk"]
        if row is None:
            raise FlowError(f"There is no flow run {flow_run_id}.")
        return cls(
            flow_run_id=row["id"],
            name=row["name"] or row["id"],
            flow_id=row["flow_id"],
            flow_name=row["flow"]["name"],
            state=_state(row),
            labels=row["labels"] or [],
            parameters=row["parameters"] or {},
            context=row["context"] or {},
            run_config=row["run_config"],
            updated_at=parse_instant(row["updated"]),
            _api_url=asked.api_url,
        )

    def get_latest(self) -> Self:
        """Ask the server again."""
        return type(self).from_flow_run_id(self.flow_run_id, api_url=self._api_url)

    def get_task_run(self, task_slug: str, map_index: int = -1) -> TaskRunView:
        """Return a task run of this flow run.

        Args:
            task_slug: as in `flow.slugs`, such as `extract-1`.
        Raises:
            FlowError: there is none.
        """
        where = {
            "flow_run_id": {"_eq": self.flow_run_id},
            "task": {"slug": {"_eq": task_slug}},
            "map_index": {"_eq": map_index},
        }
        client = client_at(self._api_url)
        rows = client.ask(_TASK_RUN, {"where": where})["task_run"]
        if rows:
            return TaskRunView(
                rows[0]["id"], self.flow_run_id, rows[0]["name"], task_slug, map_index, _state(rows[0]), self._api_url
            )
        known = sorted(row["task"]["slug"] for row in client.ask(_SLUGS, {"id": self.flow_run_id})["task_run"])
        which = f"task {task_slug!r}" if map_index < 0 else f"child {map_index} of task {task_slug!r}"
        raise FlowError(f"Flow run {self.name} has no {which}.", hint=f"its tasks are {', '.join(known)}")

    def get_logs(self) -> list[FlowRunLog]:
        """Return the log lines of the run and of its tasks, in order."""
        where = {"flow_run_id": {"_eq": self.flow_run_id}}
        return [
            FlowRunLog(
                parse_instant(row["timestamp"] or ""), row["level"], row["name"], row["message"], row["task_run_id"]
            )
            for row in client_at(self._api_url).ask(_LOGS, {"where": where})["log"]
        ]


def latest_state(flow_run_id: str) -> State:
    """Return the state of a flow run, asked with as little as possible.

    Raises:
        FlowError: there is no such run.
    """
    row = run_client().ask(_STATE, {"id": flow_run_id})["flow_run_by_pk"]
    if row is None:
        raise FlowError(f"There is no flow run {flow_run_id}.", hint="was it deleted?")
    return _state(row)


def _state(row: dict[str, Any]) -> State:
    return state_of_document(row["serialized_state"] or {"type": "Pending"})
