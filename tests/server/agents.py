"""In charge of agents that ask for runs, and wait; not in charge of making runs."""

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from tests.server.making import mutate
from tests.server.wire import Wire, ask, operation
from tests.server_process import ServerProcess
from tests.waiting import wait_until

CLAIM = "mutation ($i: claim_flow_runs_input!) { claim_flow_runs(input: $i) { flow_runs { id serialized_state } } }"


class Agent:
    """An agent with a label of its own, so that tests on one server do not take each other's runs."""

    def __init__(self, server: ServerProcess, labels: Sequence[str] | None = None) -> None:
        self._server = server
        self.labels = list(labels or [str(uuid4())])
        self.id = str(mutate(server, "register_agent", "id", type="LocalAgent", labels=[str(uuid4())])["id"])
        self._wire = Wire(server.port, timeout_s=70)

    def wait(self, wait_s: float, **more: Any) -> None:
        """Send a claim, and return when the server has looked in vain for a run."""
        given = {"labels": self.labels, "wait_s": wait_s, **more}
        before = self._last_queried()
        self._wire.send(operation(CLAIM, {"i": given}, x_prefect_agent_id=self.id))
        wait_until(lambda: self._last_queried() != before, "the server has read the claim")

    def receive(self) -> list[str]:
        """Return the ids of the runs that the claim was answered with."""
        answer = self._wire.receive().json()
        assert "errors" not in answer, answer["errors"]
        return [run["id"] for run in answer["data"]["claim_flow_runs"]["flow_runs"]]

    def close(self) -> None:
        self._wire.close()

    def _last_queried(self) -> Any:
        find = "query ($id: uuid) { agent(where: {id: {_eq: $id}}) { last_queried } }"
        return ask(self._server.port, find, {"id": self.id}).json()["data"]["agent"]
