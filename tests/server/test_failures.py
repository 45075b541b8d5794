"""The database is away, or too much waits: clients are told to come again, and nothing needs a restart."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.faults.outages import Outage
from tests.server.agents import CLAIM, Agent
from tests.server.conftest import StartServer, running
from tests.server.holding import writers_held_up
from tests.server.making import make_flow, make_project, make_run
from tests.server.socket_client import SocketClient
from tests.server.wire import Response, Wire, ask, operation, request
from tests.server_process import ServerProcess
from tests.waiting import wait_until

CREATE = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"
PROJECTS = "{ project { name } }"


@pytest.fixture(scope="module")
def outage() -> Iterator[Outage]:
    made = Outage()
    yield made
    made.close()


@pytest.fixture
def shaky(outage: Outage, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose PostgreSQL a test may stop; it runs again at the end."""
    with running(outage.fresh_url(), tmp_path) as server:
        yield server


def check_put_off(response: Response) -> None:
    """Assert that an answer tells Prefect's clients to ask again: by its status, and by the word they look for."""
    assert response.status == 503
    assert response.headers["retry-after"] == "1"
    assert set(response.codes) == {"API_ERROR"}


@pytest.mark.xdist_group("server-outage")
class TestOutage:
    def test_every_kind_of_request_is_put_off_and_served_afterwards(self, outage: Outage, shaky: ServerProcess) -> None:
        make_project(shaky, "before")
        create = '{0}: create_project(input: {{name: "{0}"}}) {{ id }}'
        outage.stop()
        for document in (
            PROJECTS,
            "{ a: project { name } b: flow { name } }",
            "{ hello project { name } }",
            '{ project_by_pk(id: "00000000-0000-4000-8000-0000000000ff") { name } }',
            'mutation { create_project(input: {name: "meanwhile"}) { id } }',
            f"mutation {{ __typename {create.format('a')} {create.format('b')} }}",
            "mutation { claim_flow_runs(input: {wait_s: 5}) { flow_runs { id } } }",
            '{ mapped_children(task_run_id: "00000000-0000-4000-8000-0000000000ff") { state_counts } }',
        ):
            check_put_off(ask(shaky.port, document))
        # What needs no database is answered.
        for document in ("{ hello }", "{ api { version } }", "{ __schema { queryType { name } } }"):
            assert ask(shaky.port, document).status == 200
        health = httpx.get(f"{shaky.url}/health", timeout=30)
        assert (health.status_code, health.json()["database"]["status"]) == (503, "failing")
        assert health.headers["retry-after"]
        assert httpx.get(f"{shaky.url}/health/ready", timeout=30).status_code == 503
        assert httpx.get(f"{shaky.url}/health/live", timeout=30).status_code == 200
        outage.start()
        assert ask(shaky.port, PROJECTS).json() == {"data": {"project": [{"name": "before"}]}}
        assert make_project(shaky, "after")
        wait_until(lambda: httpx.get(f"{shaky.url}/health").status_code == 200, "good health")

    def test_a_list_is_put_off_as_a_whole_only_if_none_of_it_was_done(
        self, outage: Outage, shaky: ServerProcess
    ) -> None:
        outage.stop()
        try:
            both = [{"query": PROJECTS}, {"query": CREATE, "variables": {"name": "x"}}]
            with Wire(shaky.port) as wire:
                wire.send(request("POST", "/", json.dumps(both).encode()))
                response = wire.receive()
                assert (response.status, response.headers["retry-after"]) == (503, "1")
                wire.send(request("POST", "/", json.dumps([*both, {"query": "{ hello }"}]).encode()))
                response = wire.receive()
                assert response.status == 200
                assert [answer.get("data") for answer in response.json()] == [
                    None,
                    {"create_project": None},
                    {"hello": "👋"},
                ]
        finally:
            outage.start()

    def test_a_subscription_outlives_it(self, outage: Outage, shaky: ServerProcess) -> None:
        with SocketClient(shaky.port) as client, SocketClient(shaky.port) as other:
            client.subscribe("s", "subscription { project { name } }")
            assert client.receive_next("s") == {"data": {"project": []}}
            outage.stop()
            other.subscribe("o", "subscription { project { name } }")
            answer = other.receive_next("o")
            assert [error["extensions"]["code"] for error in answer["errors"]] == ["API_ERROR"]
            outage.start()
            # Nothing changes, and it hears of the end of the outage all the same.
            assert other.receive_next("o") == {"data": {"project": []}}
            make_project(shaky, "after")
            assert client.receive_next("s") == {"data": {"project": [{"name": "after"}]}}
            assert other.receive_next("o") == {"data": {"project": [{"name": "after"}]}}

    def test_an_agent_that_waits_outlives_it(self, outage: Outage, shaky: ServerProcess, opened: ExitStack) -> None:
        flow_id, agent = make_flow(shaky), opened.enter_context(closing(Agent(shaky)))
        agent.wait(60)
        outage.stop()
        check_put_off(ask(shaky.port, CLAIM, {"i": {"wait_s": 60}}))
        outage.start()
        run_id = make_run(shaky, flow_id, labels=agent.labels)
        assert agent.receive() == [run_id]

    def test_a_tenant_made_before_it_is_known_after_it(self, outage: Outage, shaky: ServerProcess) -> None:
        create = 'mutation { create_tenant(input: {name: "x", slug: "x"}) { id } }'
        tenant_id = ask(shaky.port, create).json()["data"]["create_tenant"]["id"]
        outage.stop()
        outage.start()
        answer = ask(shaky.port, "{ tenant { slug } }", x_prefect_tenant_id=tenant_id)
        assert answer.json() == {"data": {"tenant": [{"slug": "x"}]}}

    def test_one_that_hangs_without_a_word_holds_nobody_up(self, outage: Outage, tmp_path: Path) -> None:
        options = ("--database-answer-timeout-s", "1", "--no-services-enabled")
        with running(outage.fresh_url(), tmp_path, *options) as server:
            make_project(server, "before")
            with ExitStack() as opened, outage.paused():
                wires = [opened.enter_context(Wire(server.port, timeout_s=60)) for _ in range(3)]
                for wire, document in zip(wires, (CREATE, PROJECTS, CREATE), strict=True):
                    wire.send(operation(document, {"name": "meanwhile"} if document == CREATE else None))
                for wire in wires:
                    check_put_off(wire.receive())
            wait_until(lambda: ask(server.port, PROJECTS).status == 200, "answers")
            assert {"name": "before"} in ask(server.port, PROJECTS).json()["data"]["project"]
            make_project(server, "after")
            assert "does not answer" in server.log.read_text()

    def test_one_that_only_takes_long_is_waited_for(self, outage: Outage, tmp_path: Path) -> None:
        options = ("--database-answer-timeout-s", "0.2", "--no-services-enabled")
        with running(outage.fresh_url(), tmp_path, *options) as server, Wire(server.port) as wire:
            with psycopg.connect(server.database_url) as connection:
                connection.execute("LOCK TABLE project IN ACCESS EXCLUSIVE MODE")
                wire.send(operation(CREATE, {"name": "slow"}))
                # As long as several looks of the watch: it asks, and is answered.
                connection.execute("SELECT pg_sleep(1.5)")
            assert wire.receive().json()["data"]["create_project"]["id"]

    def test_a_statement_that_takes_too_long_is_given_up(self, outage: Outage, tmp_path: Path) -> None:
        options = ("--database-statement-timeout-s", "0.5", "--no-services-enabled")
        with running(outage.fresh_url(), tmp_path, *options) as server:
            with psycopg.connect(server.database_url) as connection:
                connection.execute("LOCK TABLE project IN ACCESS EXCLUSIVE MODE")
                for document in (CREATE, PROJECTS):
                    response = ask(server.port, document, {"name": "slow"} if document == CREATE else None)
                    check_put_off(response)
                    assert "gave up a statement" in response.json()["errors"][0]["message"]
            make_project(server, "after")


def test_a_file_that_another_process_holds_is_said_and_waited_for(start_server: StartServer) -> None:
    with start_server() as server, Wire(server.port) as wire:
        with writers_held_up(server.database_url):
            wire.send(operation(CREATE, {"name": "held up"}))
            # Reads go on meanwhile.
            assert ask(server.port, PROJECTS).json() == {"data": {"project": []}}
            assert httpx.get(f"{server.url}/health").status_code == 200
        assert wire.receive().json()["data"]["create_project"]["id"]


def test_when_too_much_waits_further_changes_are_put_off(start_server: StartServer, opened: ExitStack) -> None:
    each = json.dumps([{"query": CREATE, "variables": {"name": f"waiting {index}"}} for index in range(100)])
    # What services write would wait in the same queue.
    with start_server("--no-services-enabled") as server:
        wires = [opened.enter_context(Wire(server.port, timeout_s=120)) for _ in range(210)]
        with writers_held_up(server.database_url):
            for index, wire in enumerate(wires):
                wire.send(request("POST", "/", each.replace("waiting", f"waiting {index}").encode()))
            refused = wires[-1].receive()
            assert (refused.status, refused.headers["retry-after"]) == (503, "1")
            codes = {answer["errors"][0]["extensions"]["code"] for answer in refused.json()}
            assert codes == {"OVERLOADED"}
            # Queries are served, and the server says that it is well.
            assert ask(server.port, PROJECTS).status == 200
            assert httpx.get(f"{server.url}/health").status_code == 200
        answers = [wire.receive() for wire in wires[:-1]]
        made = sum("errors" not in answer for response in answers for answer in response.json())
        count = ask(server.port, "{ project_aggregate { aggregate { count } } }").json()
        assert count["data"]["project_aggregate"]["aggregate"]["count"] == made
        assert made >= 20_000
