"""What can go wrong between a client and its server."""

import threading

import pytest

from eparch import Flow, task
from eparch.client.client import Client, change_question
from eparch.client.errors import ClientError, OlderServer, Refused, Unreachable, WrongKey, error_of_answer
from eparch.client.flow_runs import beat, flow_run_info, set_flow_run_state
from eparch.client.reporter import Reporter
from eparch.testing import TemporaryServer
from tests.gateways import gateway


def test_an_unreachable_server_is_said_with_what_to_do() -> None:
    slept: list[float] = []
    client = Client("http://127.0.0.1:1", sleep=slept.append)
    with pytest.raises(Unreachable, match=r"No server answers at http://127\.0\.0\.1:1") as error:
        client.ask("query { hello }")
    assert "eparch server start" in error.value.hint
    assert len(slept) == 6
    assert slept == sorted(slept) or max(slept) > slept[0]


def test_something_else_at_the_address_is_noticed(unused_port: int) -> None:
    import http.server

    server = http.server.HTTPServer(("127.0.0.1", unused_port), http.server.SimpleHTTPRequestHandler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        with pytest.raises(Refused, match="is no Eparch server: HTTP 501"):
            Client(f"http://127.0.0.1:{unused_port}", sleep=lambda _: None).ask("query { hello }")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_older_server_and_a_wrong_key_are_told_apart(server: TemporaryServer) -> None:
    with pytest.raises(OlderServer, match="does not know this: Cannot query field 'dance'"):
        server.client.ask("mutation { dance }")
    assert isinstance(error_of_answer("a", [{"message": "m", "extensions": {"code": "UNAUTHENTICATED"}}]), WrongKey)


def test_heartbeats_reach_a_server_that_knows_no_intervals(server: TemporaryServer) -> None:
    with Flow("beats") as flow:
        task(lambda: 1, name="one")()
    run_id = server.create_run(flow)
    with gateway(server.url, renamed=(b"interval_s", b"interval_of_tomorrow")) as address:
        client = Client(address)
        for _ in range(2):
            assert beat(client, {run_id: True}, 2.0) == {run_id: "Scheduled"}
    assert client.lacks == {"interval_s"}
    query = "query($id: uuid!) { flow_run_by_pk(id: $id) { heartbeat } }"
    assert server.client.ask(query, {"id": run_id})["flow_run_by_pk"]["heartbeat"] is not None


def test_many_questions_go_in_one_call_and_fail_one_by_one(server: TemporaryServer) -> None:
    bad = change_question("delete_flow", {"flow_id": "no uuid"}, "success")
    answers = server.client.ask_all([("query { hello }", None)] * 150 + [bad])
    assert len(answers) == 151
    assert isinstance(answers[-1], Refused)
    assert all("hello" in answer for answer in answers[:-1])  # type: ignore[operator]


def test_a_reporter_whose_key_is_refused_keeps_nobody_waiting(unused_port: int) -> None:
    import http.server

    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(401)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
            pass

    server = http.server.HTTPServer(("127.0.0.1", unused_port), Refusing)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        reporter = Reporter(Client(f"http://127.0.0.1:{unused_port}"), "a run")
        reporter.log({"message": "hello", "level": "INFO", "name": "test"})
        assert not reporter.flush()
        assert not reporter.flush(), "not the second time either"
        with pytest.raises(ClientError, match="1 states and log lines of flow run a run have not reached the server"):
            reporter.task_run_id(("a task", -1))
        with pytest.raises(ClientError):
            reporter.close()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_reporter_that_fails_keeps_nobody_waiting(server: TemporaryServer) -> None:
    def fail(place: object, error: object) -> None:
        raise RuntimeError("a fault of ours")

    reporter = Reporter(server.client, "00000000-0000-0000-0000-000000000000", on_refused=fail)
    reporter.task_state(("00000000-0000-0000-0000-000000000001", -1), lambda: {"type": "Running"})
    assert not reporter.flush()
    assert reporter.lost is not None
    assert "a fault of ours" in str(reporter.lost)


def test_a_state_that_is_no_json_is_refused_and_the_others_arrive(server: TemporaryServer) -> None:
    with Flow("two tasks") as flow:
        for name in ("first", "second"):
            task(lambda: 1, name=name)()
    run_id = server.create_run(flow)
    set_flow_run_state(server.client, run_id, {"type": "Running"})
    places = [(run.task_id, -1) for run in flow_run_info(server.client, run_id).task_runs]
    refused: list[object] = []
    reporter = Reporter(server.client, run_id, on_refused=lambda place, error: refused.append((place, str(error))))

    def fail() -> dict[str, object]:
        raise ValueError("a result of a kind of its own")

    reporter.task_state(places[0], fail)
    reporter.task_state(places[1], lambda: {"type": "Running"})
    reporter.close()
    assert refused == [(places[0], "it cannot be written as JSON: ValueError('a result of a kind of its own')")]
    states = {run.task_id: run.state.get("type") for run in flow_run_info(server.client, run_id).task_runs if run.state}
    assert states == {places[0][0]: "Pending", places[1][0]: "Running"}
