"""Clients that wait for a slot of a concurrency limit: each freed slot wakes one, and nobody waits for the dead."""

from typing import Any
from uuid import uuid4

from tests.server.making import make_flow, make_run, mutate
from tests.server.wire import Wire, ask, operation
from tests.server_process import ServerProcess
from tests.waiting import wait_until

SET = (
    "mutation ($i: set_task_run_states_input!) "
    "{ set_task_run_states(input: $i) { states { id status message version } } }"
)


class Tagged:
    """Task runs of one Running flow run, under a limit of their own."""

    def __init__(self, server: ServerProcess, limit: int) -> None:
        self.server = server
        self.tag = str(uuid4())
        self.flow_run_id = make_run(server, make_flow(server))
        mutate(
            server,
            "set_flow_run_states",
            "states { status }",
            states=[{"flow_run_id": self.flow_run_id, "state": {"type": "Running"}}],
        )
        find = "query ($r: uuid) { task_run(where: {flow_run_id: {_eq: $r}}, order_by: {id: asc}) { id } }"
        rows = ask(server.port, find, {"r": self.flow_run_id}).json()["data"]["task_run"]
        self.first, self.second = (row["id"] for row in rows)
        self.limit(limit)

    def limit(self, limit: int) -> str:
        return str(mutate(self.server, "update_task_concurrency_limit", "id", name=self.tag, limit=limit)["id"])

    def given(self, run_id: str, name: str = "Running", **more: Any) -> dict[str, Any]:
        state = {"type": name, "context": {"tags": [self.tag]}}
        return {"states": [{"task_run_id": run_id, "state": state}], **more}

    def enter(self, run_id: str, name: str) -> str:
        (answer,) = mutate(self.server, "set_task_run_states", "states { status }", **self.given(run_id, name))[
            "states"
        ]
        return str(answer["status"])

    def wait(self, run_id: str, wait_s: float = 60.0) -> Wire:
        """Ask for a run and wait; return the connection when the server has put the run into the line."""
        wire = Wire(self.server.port, timeout_s=70)
        wire.send(operation(SET, {"i": self.given(run_id, wait_s=wait_s)}))
        wait_until(lambda: self.line().get(run_id), "the run stands in the line, and listens")
        return wire

    def line(self) -> dict[str, bool]:
        """Return which runs wait, and whether each of them listens."""
        find = (
            "query ($t: String) { task_concurrency_limit(where: {name: {_eq: $t}}) "
            "{ waiters { task_run_id listens_until } } }"
        )
        (row,) = ask(self.server.port, find, {"t": self.tag}).json()["data"]["task_concurrency_limit"]
        return {one["task_run_id"]: one["listens_until"] is not None for one in row["waiters"]}


def received(wire: Wire) -> dict[str, Any]:
    answer = wire.receive().json()
    wire.close()
    assert "errors" not in answer, answer["errors"]
    (state,) = answer["data"]["set_task_run_states"]["states"]
    found: dict[str, Any] = state
    return found


def test_a_freed_slot_wakes_who_waits_for_it(each_server: ServerProcess) -> None:
    tagged = Tagged(each_server, 1)
    assert tagged.enter(tagged.first, "Running") == "SUCCESS"
    wire = tagged.wait(tagged.second)
    tagged.enter(tagged.first, "Success")
    answer = received(wire)
    assert (answer["id"], answer["status"], answer["version"]) == (tagged.second, "SUCCESS", 3)
    assert tagged.line() == {}


def test_a_raised_limit_wakes_too_and_so_does_a_deleted_one(each_server: ServerProcess) -> None:
    tagged = Tagged(each_server, 0)
    wire = tagged.wait(tagged.first)
    limit_id = tagged.limit(1)
    assert received(wire)["status"] == "SUCCESS"
    wire = tagged.wait(tagged.second)
    mutate(each_server, "delete_task_concurrency_limit", "success", limit_id=limit_id)
    assert received(wire)["status"] == "SUCCESS"


def test_at_the_end_of_the_time_the_answer_is_queued(each_server: ServerProcess) -> None:
    tagged = Tagged(each_server, 0)
    with Wire(each_server.port) as wire:
        wire.send(operation(SET, {"i": tagged.given(tagged.first, wait_s=0.2)}))
        answer = received(wire)
    assert (answer["status"], answer["version"]) == ("QUEUED", 2)
    assert "0 of 0 slots are taken" in answer["message"]
    # It polls now, as far as the server knows.
    assert tagged.line() == {tagged.first: False}


def test_who_waits_learns_that_somebody_has_cancelled_the_run(each_server: ServerProcess) -> None:
    tagged = Tagged(each_server, 0)
    wire = tagged.wait(tagged.first)
    mutate(
        each_server,
        "set_flow_run_states",
        "states { status }",
        states=[{"flow_run_id": tagged.flow_run_id, "state": {"type": "Cancelled"}}],
    )
    response = wire.receive()
    wire.close()
    assert response.codes == ["STATE_UPDATE_FAILED"]
    assert "moved on while it waited for a slot: it is Cancelled now" in response.json()["errors"][0]["message"]


def test_the_turn_of_a_client_that_has_gone_passes_to_the_next(each_server: ServerProcess) -> None:
    tagged = Tagged(each_server, 0)
    gone = tagged.wait(tagged.first)
    next_in_line = tagged.wait(tagged.second)
    gone.close()
    wait_until(lambda: tagged.line()[tagged.first] is False, "the server has noticed that the first has gone")
    tagged.limit(1)
    assert received(next_in_line)["status"] == "SUCCESS"


def test_waiting_is_for_one_run_and_has_bounds(server: ServerProcess) -> None:
    tagged = Tagged(server, 1)
    both = [*tagged.given(tagged.first)["states"], *tagged.given(tagged.second)["states"]]
    for given in ({"states": both, "wait_s": 1}, tagged.given(tagged.first, wait_s=61)):
        answer = ask(server.port, SET, {"i": given})
        assert answer.codes == ["BAD_USER_INPUT"]
    assert tagged.line() == {}
    # The version at which a waiting call may go on is the server's own affair.
    wrong = tagged.given(tagged.first)
    wrong["states"][0]["only_at"] = 1
    assert "only_at" in ask(server.port, SET, {"i": wrong}).json()["errors"][0]["message"]
