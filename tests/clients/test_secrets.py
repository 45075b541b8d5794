"""Flows of the published client read secrets from the server, and nothing but the answer to that question has them."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.agent import AgentProcess
from tests.clients.api import Api
from tests.clients.guest import Guest
from tests.clients.recorder import Recorder
from tests.server.test_secrets import stored
from tests.server_process import ServerProcess

PROJECT = "kept by the server"
LABEL = "cloud"


@pytest.fixture(scope="module")
def recorder(server: ServerProcess) -> Iterator[Recorder]:
    with Recorder(server.url) as recorder:
        yield recorder


@pytest.fixture(scope="module")
def recorded_guest(
    recorder: Recorder, api: Api, guest_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Guest:
    """The client as it speaks to its vendor's cloud, through the recorder."""
    tenant_id = api.ask("query { tenant { id } }")[0]["id"]
    return Guest(recorder.url, tmp_path_factory.mktemp("recorded-guest"), tenant_id=tenant_id)


@pytest.fixture(scope="module")
def flow_ids(recorded_guest: Guest) -> dict[str, str]:
    return recorded_guest.register(PROJECT, "keeping")


@pytest.fixture(scope="module")
def cloud_agent(recorded_guest: Guest) -> Iterator[AgentProcess]:
    agent = AgentProcess(recorded_guest, "cloud", (LABEL,))
    try:
        yield agent.wait_ready()
    finally:
        agent.stop()


def execute(api: Api, agent: AgentProcess, flow_id: str) -> str:
    run = api.create_flow_run(flow_id, labels=[LABEL])
    agent.poke()
    api.wait_for_state(run, "Success")
    return run


def test_a_run_reads_secrets_that_are_found_nowhere_else(
    server: ServerProcess,
    api: Api,
    cloud_guest: Guest,
    recorder: Recorder,
    recorded_guest: Guest,
    flow_ids: dict[str, str],
    cloud_agent: AgentProcess,
) -> None:
    token, password = f"token-{uuid4()}", f"password-{uuid4()}"
    got = cloud_guest.run("secrets_of_cloud.py", token, password)
    assert (got["token"], got["login"], got["exists"]) == (True, True, [True, False])
    assert "GUEST_MISSING" in got["missing"]

    run = execute(api, cloud_agent, flow_ids["secrets"])
    assert api.result(run, "length-1") == str(len(token))
    assert api.result(run, "user-1") == '"guest"'
    api.wait_for_log(run, "Flow run SUCCESS")

    assert len(recorder.exchanges) > 10
    for secret in (token, password):
        assert not [exchange.request for exchange in recorder.exchanges if secret in exchange.request]
        (told,) = [exchange for exchange in recorder.exchanges if secret in exchange.answer]
        assert "secret_value" in told.request
        assert secret not in stored(server.database_url)
        assert secret not in server.log.read_text()
        assert secret not in cloud_agent.output()
    if server.database_url.startswith("sqlite:"):
        path = Path(server.database_url.removeprefix("sqlite:///"))
        files = [file for file in path.parent.iterdir() if file.name.startswith(path.name)]
        assert path in files
        for file in files:
            assert token.encode() not in file.read_bytes()
            assert password.encode() not in file.read_bytes()


def test_runs_hand_on_a_value_by_its_key(
    api: Api, cloud_guest: Guest, flow_ids: dict[str, str], cloud_agent: AgentProcess
) -> None:
    api.mutate("set_key_value", "id", key="guest count", value=0)
    for expected in (1, 2):
        assert api.result(execute(api, cloud_agent, flow_ids["counting"]), "count-1") == str(expected)
