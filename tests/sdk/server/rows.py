"""In charge of reading back what a run has left on the server."""

from typing import Any

from eparch.testing import TemporaryServer

_RUN = """query($id: uuid!) { flow_run_by_pk(id: $id) {
  state serialized_state version start_time end_time name
  states(order_by: [{version: asc}]) { state message }
  logs(order_by: [{timestamp: asc}]) { level name message task_run_id }
  task_runs(order_by: [{map_index: asc}]) {
    id state serialized_state map_index version name task { slug } states(order_by: [{version: asc}]) { state message }
  }
} }"""


def flow_run(server: TemporaryServer, flow_run_id: str) -> dict[str, Any]:
    row: dict[str, Any] = server.client.ask(_RUN, {"id": flow_run_id})["flow_run_by_pk"]
    return row


def task_runs(row: dict[str, Any], slug: str) -> list[dict[str, Any]]:
    return [one for one in row["task_runs"] if one["task"]["slug"] == slug]


def history(one: dict[str, Any]) -> list[str]:
    return [entry["state"] for entry in one["states"]]
