"""`/metrics`: what a scrape is told about runs, requests, the database and the services."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from eparch.server.metric_table import METRICS
from tests.databases import Databases
from tests.server.agents import Agent
from tests.server.conftest import StartServer, running
from tests.server.holding import writers_held_up
from tests.server.making import make_flow, make_project, make_run, mutate
from tests.server.socket_client import SocketClient
from tests.server.wire import Wire, ask, exchange, operation, request
from tests.server_process import ServerProcess
from tests.waiting import wait_until


@pytest.fixture
def own_server(databases: Databases, tmp_path: Path) -> Iterator[ServerProcess]:
    """A server on each database in turn, whose figures no other test changes."""
    with databases.fresh() as url, running(url, tmp_path) as server:
        yield server


def samples(server: ServerProcess) -> list[Sample]:
    answer = httpx.get(f"{server.url}/metrics", timeout=30)
    assert answer.status_code == 200
    return [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]


def value(server: ServerProcess, name: str, **labels: str) -> float | None:
    """Return the value of one metric, None where it is not told."""
    found = [sample.value for sample in samples(server) if sample.name == name and sample.labels == labels]
    return found[0] if found else None


def set_state(server: ServerProcess, run_id: str, state: str) -> None:
    states = [{"flow_run_id": run_id, "state": {"type": state}}]
    mutate(server, "set_flow_run_states", "states { status }", states=states)


def test_runs_are_told_by_state_and_the_queue_by_length_and_age(own_server: ServerProcess) -> None:
    flow_id = make_flow(own_server)
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    runs = [make_run(own_server, flow_id, due=hour_ago) for _ in range(3)]
    make_run(own_server, flow_id, due=datetime.now(UTC) + timedelta(hours=1))
    set_state(own_server, runs[0], "Submitted")
    set_state(own_server, runs[0], "Running")
    set_state(own_server, runs[1], "Success")
    told = {(sample.name, *sorted(sample.labels.values())): sample.value for sample in samples(own_server)}
    assert told["eparch_flow_runs", "Scheduled"] == 2
    assert told["eparch_flow_runs", "Running"] == 1
    assert ("eparch_flow_runs", "Success") not in told
    assert told["eparch_queue_due_runs",] == 1
    assert 3600 <= told["eparch_queue_oldest_due_seconds",] < 4200
    assert told["eparch_states_total", "Scheduled", "flow_run"] == 4
    assert told["eparch_states_total", "Success", "flow_run"] == 1
    assert told["eparch_states_total", "Pending", "task_run"] > 0
    # One run was taken, an hour after it was due.
    assert told["eparch_flow_run_start_delay_seconds_count",] == 1
    assert told["eparch_flow_run_start_delay_seconds_sum",] >= 3600
    assert told["eparch_database_up",] == 1
    assert told["eparch_database_size_bytes",] > 100_000
    assert told["process_resident_memory_bytes",] > 10_000_000


def test_what_the_database_says_is_asked_for_rarely(server: ServerProcess) -> None:
    # Of scrapes that come at once, one asks; this would fail by a pause of five seconds between two of them.
    reads = [value(server, "eparch_read_seconds_count") or 0.0 for _ in range(4)]
    assert reads[-1] - reads[0] <= 1


def test_requests_are_told_by_kind_and_outcome(start_server: StartServer) -> None:
    with start_server() as server:
        for _ in range(3):
            ask(server.port, "{ project { name } }")
        ask(server.port, "{ nothing }")
        ask(server.port, "query ($i: Int) { project(limit: $i) { name } }", {"i": -1})
        make_project(server, "one")
        failing = 'mutation { create_project(input: {name: "one"}) { id } }'
        assert ask(server.port, failing).codes == ["CONFLICT"]
        exchange(server.port, request("POST", "/", b'[{"query": "{ hello }"}, {"query": "{ hello }"}]'))
        exchange(server.port, request("POST", "/", b"nonsense"))
        exchange(server.port, request("OPTIONS"))
        httpx.get(f"{server.url}/nowhere")
        told = {
            (sample.labels["kind"], sample.labels["outcome"]): sample.value
            for sample in samples(server)
            if sample.name == "eparch_requests_total"
        }
        assert told["query", "ok"] == 3
        assert told["mutation", "ok"] == 1
        assert told["mutation", "errors"] == 1
        assert told["list", "ok"] == 1
        assert told["unknown", "refused"] >= 2
        assert told["preflight", "ok"] == 1
        assert told["page", "refused"] == 1
        assert told["health", "ok"] >= 1
        assert value(server, "eparch_changes_total", outcome="refused") == 1
        caches = {
            (sample.labels["cache"], sample.labels["result"]): sample.value
            for sample in samples(server)
            if sample.name == "eparch_document_cache_total"
        }
        assert caches["text", "hit"] >= 2
        assert caches["plan", "hit"] >= 2
        assert caches["shape", "miss"] >= 3


def test_what_is_open_is_told(server: ServerProcess, opened: ExitStack) -> None:
    agent = opened.enter_context(closing(Agent(server)))
    agent.wait(60)
    wait_until(lambda: value(server, "eparch_open", what="long_polls") == 1, "the long-poll")
    with SocketClient(server.port) as client:
        client.subscribe("s", "subscription { project { name } }")
        client.receive_next("s")
        assert value(server, "eparch_open", what="subscriptions") == 1
        assert value(server, "eparch_open", what="connections") == 1
    wait_until(lambda: value(server, "eparch_open", what="connections") == 0, "the end of the connection")
    run_id = make_run(server, make_flow(server), labels=agent.labels)
    assert agent.receive() == [run_id]
    assert value(server, "eparch_open", what="long_polls") == 0
    told = {sample.labels.get("kind") for sample in samples(server) if sample.name == "eparch_requests_total"}
    assert "long_poll" in told


def test_changes_that_wait_are_told_and_how_they_were_batched(
    databases: Databases, tmp_path: Path, opened: ExitStack
) -> None:
    create = "mutation ($name: String!) { create_project(input: {name: $name}) { id } }"
    with databases.fresh() as url, running(url, tmp_path, "--no-services-enabled") as server:
        wires = [opened.enter_context(Wire(server.port)) for _ in range(6)]
        batches = value(server, "eparch_write_batch_changes_count") or 0
        writers = 1 if url.startswith("sqlite") else 2
        with writers_held_up(url):
            for index, wire in enumerate(wires):
                wire.send(operation(create, {"name": f"held up {index}"}))
                if index < writers:
                    taken = batches + index + 1
                    wait_until(lambda: value(server, "eparch_write_batch_changes_count") == taken, "a busy writer")  # noqa: B023
            left = len(wires) - writers
            wait_until(lambda: value(server, "eparch_write_queue_changes") == left, "changes to wait")
        for wire in wires:
            wire.receive()
        told = {sample.name: sample.value for sample in samples(server) if not sample.labels}
    assert told["eparch_write_queue_changes"] == 0
    assert told["eparch_write_batch_changes_count"] - batches <= 2 * writers + 1
    assert told["eparch_write_queue_wait_seconds_count"] == told["eparch_write_batch_seconds_count"]


def test_services_are_told(start_server: StartServer) -> None:
    with start_server("--scheduler-interval-s", "0.1") as server:

        def passes() -> float | None:
            return value(server, "eparch_service_passes_total", service="scheduler", outcome="ok")

        wait_until(lambda: (passes() or 0) >= 2, "two passes of the scheduler")
        assert value(server, "eparch_service_is_mine", service="scheduler") == 1
        count = value(server, "eparch_service_pass_seconds_count", service="scheduler")
        assert count is not None
        assert count >= 2
        last = "eparch_service_last_pass_timestamp_seconds"
        # What the database says is up to five seconds old.
        at = wait_until(lambda: value(server, last, service="scheduler"), "the last pass")
        assert abs(at - datetime.now(UTC).timestamp()) < 60


def test_without_the_database_the_rest_is_told(postgresql_outage: Any, tmp_path: Path) -> None:
    with running(postgresql_outage.fresh_url(), tmp_path) as server:
        postgresql_outage.stop()
        try:
            told = {sample.name: sample.value for sample in samples(server) if not sample.labels}
        finally:
            postgresql_outage.start()
    assert told["eparch_database_up"] == 0
    assert "eparch_queue_due_runs" not in told
    assert told["eparch_write_queue_changes"] == 0


@pytest.fixture
def postgresql_outage() -> Iterator[Any]:
    from tests.faults.outages import Outage

    made = Outage()
    yield made
    made.close()


def test_every_metric_of_the_list_is_told_and_no_other(server: ServerProcess) -> None:
    mutate(server, "claim_flow_runs", "flow_runs { id }", labels=["nobody's"], wait_s=0.01)
    answer = httpx.get(f"{server.url}/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    families = {family.name: family for family in openmetrics(answer.text)}
    told = {name for name in families if name.startswith("eparch_")}
    assert told == {metric.name for metric in METRICS}
    for metric in METRICS:
        assert families[metric.name].documentation == metric.purpose
        assert families[metric.name].type == metric.kind
        for sample in families[metric.name].samples:
            assert set(sample.labels) - {"le"} == set(metric.labels)


def test_other_machines_are_refused_unless_allowed(start_server: StartServer) -> None:
    # A program of this machine that asks for the server's address on another of its interfaces comes from there.
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("this machine has no address but loopback")
        address = probe.getsockname()[0]
    options = ("--host", "0.0.0.0", "--allow-unauthenticated")
    with start_server(*options) as server:
        assert httpx.get(f"{server.url}/metrics").status_code == 200
        refused = httpx.get(f"http://{address}:{server.port}/metrics")
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    with start_server(*options, "--metrics-access", "all") as server:
        assert httpx.get(f"http://{address}:{server.port}/metrics").status_code == 200
