"""What can go wrong between a client and its server."""

import threading

import pytest

from eparch.client.client import Client, change_question
from eparch.client.errors import OlderServer, Refused, Unreachable, WrongKey, error_of_answer
from eparch.testing import TemporaryServer


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


def test_many_questions_go_in_one_call_and_fail_one_by_one(server: TemporaryServer) -> None:
    bad = change_question("delete_flow", {"flow_id": "no uuid"}, "success")
    answers = server.client.ask_all([("query { hello }", None)] * 150 + [bad])
    assert len(answers) == 151
    assert isinstance(answers[-1], Refused)
    assert all("hello" in answer for answer in answers[:-1])  # type: ignore[operator]
