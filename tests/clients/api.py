"""In charge of asking a server over HTTP what a client has done to it; not in charge of being such a client.

The tests read and steer through this; what an unmodified client sends is sent by that client (guest.py, agent.py) or
replayed from captures (test_wire_samples.py).
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import httpx

from tests.waiting import wait_until

# The states after which a run does not go on by itself.
FINISHED = {"Success", "Cancelled", "Failed", "TimedOut", "TriggerFailed", "ValidationFailed", "Skipped", "Finished"}

# A row as the API returns it.
Row = dict[str, Any]


class Api:
    """The GraphQL endpoint of one server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=30)

    def close(self) -> None:
        self._client.close()

    def send(self, method: str, path: str, headers: Mapping[str, str], body: str) -> httpx.Response:
        """Send a request as it is, on a connection of its own, and return the answer, whatever it is."""
        return httpx.request(method, self.url + path, headers=headers, content=body.encode(), timeout=30)

    def post_body(self, body: object) -> httpx.Response:
        """Send any JSON and return the answer, whatever it is."""
        return self._client.post("/", json=body)

    def post(self, document: str, variables: Row | None = None) -> httpx.Response:
        """Send one operation and return the answer, whatever it is."""
        return self.post_body({"query": document, "variables": variables})

    def ask(self, document: str, /, **variables: Any) -> Any:
        """Return the value of the only root field of `document`.

        Raises:
            AssertionError: the server answered with errors.
        """
        response = self.post(document, variables)
        answer = response.json()
        assert response.status_code == 200, f"{response.status_code}: {answer}"
        assert "errors" not in answer, answer["errors"]
        (value,) = answer["data"].values()
        return value

    def mutate(self, name: str, selection: str, /, **fields: Any) -> Any:
        """Return what the mutation `name` answers for the input `fields`."""
        return self.ask(f"mutation($input: {name}_input!) {{ {name}(input: $input) {{ {selection} }} }}", input=fields)

    def create_flow_run(self, flow_id: str, **fields: Any) -> str:
        """Return the id of a new flow run."""
        created: str = self.mutate("create_flow_run", "id", flow_id=flow_id, **fields)["id"]
        return created

    def set_flow_run_state(self, flow_run_id: str, state: Row) -> None:
        self.mutate("set_flow_run_states", "states { status }", states=[{"flow_run_id": flow_run_id, "state": state}])

    def set_task_run_state(self, task_run_id: str, state: Row) -> None:
        self.mutate("set_task_run_states", "states { status }", states=[{"task_run_id": task_run_id, "state": state}])

    def flow_run(self, flow_run_id: str, selection: str) -> Row:
        """Return the selected fields of one flow run, which must exist."""
        row = self.ask(f"query($id: uuid!) {{ flow_run_by_pk(id: $id) {{ {selection} }} }}", id=flow_run_id)
        assert row is not None, f"there is no flow run {flow_run_id}"
        found: Row = row
        return found

    def states(self, flow_run_id: str) -> list[str]:
        """Return the types of all states of a flow run, oldest first."""
        rows = self.flow_run(flow_run_id, "states(order_by: {version: asc}) { state }")["states"]
        return [row["state"] for row in rows]

    def task_runs(self, flow_run_id: str, slug: str | None = None) -> list[Row]:
        """Return the task runs of a flow run in the order of task and map index, each with its states oldest first."""
        return list(
            self.ask(
                """query($id: uuid!, $slug: String) {
                    task_run(
                        where: {flow_run_id: {_eq: $id}, task: {slug: {_eq: $slug}}}
                        order_by: [{task: {slug: asc}}, {map_index: asc}]
                    ) {
                        id name state map_index state_start_time start_time end_time serialized_state task { slug }
                        states(order_by: {version: asc}) { state start_time serialized_state }
                    }
                }""",
                id=flow_run_id,
                slug=slug,
            )
        )

    def task_run(self, flow_run_id: str, slug: str) -> Row:
        """Return the only task run of the task with this slug."""
        (row,) = self.task_runs(flow_run_id, slug)
        return row

    def result(self, flow_run_id: str, slug: str) -> Any:
        """Return the JSON text in which a task with a PrefectResult left its value."""
        return self.task_run(flow_run_id, slug)["serialized_state"]["_result"]["location"]

    def logs(self, flow_run_id: str) -> list[Row]:
        """Return the log lines of a flow run by time."""
        selection = "logs(order_by: {timestamp: asc}) { timestamp name level message task_run_id }"
        return list(self.flow_run(flow_run_id, selection)["logs"])

    def wait_for_log(self, flow_run_id: str, text: str) -> list[Row]:
        """Return the log of a run once a line contains `text`: the client sends the last lines after the last state."""

        def logs() -> list[Row]:
            lines = self.logs(flow_run_id)
            return lines if any(text in line["message"] for line in lines) else []

        return wait_until(logs, f"{text!r} in the log of {flow_run_id}")

    def wait_for_state(self, flow_run_id: str, wanted: str | Collection[str], deadline_s: float = 90.0) -> str:
        """Return the state of a flow run once it is one of `wanted`.

        Raises:
            AssertionError: the run finished in another state; the message has its log.
            TimeoutError: it did not get there in time; the message has its log too.
        """
        states = {wanted} if isinstance(wanted, str) else set(wanted)

        def reached() -> str | None:
            state = str(self.flow_run(flow_run_id, "state")["state"])
            if state in states:
                return state
            if state in FINISHED:
                raise AssertionError(f"the run became {state} instead of {states}:\n{self.describe(flow_run_id)}")
            return None

        try:
            reached_state = wait_until(reached, f"flow run {flow_run_id} in {states}", deadline_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.describe(flow_run_id)}") from None
        assert reached_state is not None
        return reached_state

    def describe(self, flow_run_id: str) -> str:
        """Return the states and the log of a run, for a message."""
        lines = [f"states: {self.states(flow_run_id)}"]
        lines += [f"{run['task']['slug']}[{run['map_index']}]: {run['state']}" for run in self.task_runs(flow_run_id)]
        lines += [f"{line['level']} {line['name']}: {line['message']}" for line in self.logs(flow_run_id)]
        return "\n".join(lines)


def instant(text: str) -> datetime:
    """Return the aware instant that a timestamp of the API denotes."""
    value = datetime.fromisoformat(text)
    assert value.tzinfo is not None, f"{text} has no offset"
    return value


def state_types(run: Row) -> list[str]:
    """Return the types of a run's states in the order in which they were read."""
    return [state["state"] for state in run["states"]]


def by_slug(runs: Iterable[Row]) -> dict[str, str]:
    """Return the state of each unmapped task run under the slug of its task."""
    return {run["task"]["slug"]: run["state"] for run in runs if run["map_index"] == -1}
