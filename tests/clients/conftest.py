"""In charge of one server per database, with one client and one agent, for all tests in this folder.

They are shared because each costs seconds; tests keep apart by runs, flows and projects of their own.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.agent import AgentProcess
from tests.clients.api import Api
from tests.clients.guest import ENVIRONMENT, Guest
from tests.databases import Databases, SQLiteDatabases
from tests.server_process import ServerProcess

PROJECT = "guest"


# Under xdist, all that shares a server runs in one worker.
_DIALECTS = [pytest.param(name, marks=pytest.mark.xdist_group(f"clients-{name}")) for name in ("sqlite", "postgresql")]


@pytest.fixture(scope="session", params=_DIALECTS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run_folder: Path
) -> Iterator[ServerProcess]:
    """A server on each database in turn, which must end well at the end: `-k sqlite` chooses one."""
    yield from run_server(request, tmp_path_factory.mktemp(f"server-{request.param}"), run_folder)


@pytest.fixture(scope="module", params=_DIALECTS)
def quiet_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run_folder: Path
) -> Iterator[ServerProcess]:
    """As `server`, without an agent that would take the runs away."""
    yield from run_server(request, tmp_path_factory.mktemp(f"quiet-{request.param}"), run_folder)


@pytest.fixture(scope="session")
def api(server: ServerProcess) -> Iterator[Api]:
    api = Api(server.url)
    yield api
    api.close()


@pytest.fixture(scope="session")
def guest_environment() -> Path:
    """The virtual environment of the published client."""
    if not (ENVIRONMENT / "bin" / "prefect").exists():
        # A skip would let the promise to existing clients go unproved without anyone noticing.
        pytest.fail(f"there is no published client in {ENVIRONMENT}; run: make guest", pytrace=False)
    return ENVIRONMENT


@pytest.fixture(scope="session")
def guest(server: ServerProcess, guest_environment: Path, tmp_path_factory: pytest.TempPathFactory) -> Guest:
    return Guest(server.url, tmp_path_factory.mktemp("guest"))


@pytest.fixture(scope="session")
def cloud_guest(
    server: ServerProcess, api: Api, guest_environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Guest:
    """The client as it speaks to its vendor's cloud, to the same server."""
    tenant_id = api.ask("query { tenant { id } }")[0]["id"]
    return Guest(server.url, tmp_path_factory.mktemp("cloud-guest"), tenant_id=tenant_id)


@pytest.fixture(scope="session")
def flows(guest: Guest) -> dict[str, str]:
    """All flows of flows/, registered by the client in the project "guest": {name: id}."""
    return guest.register(PROJECT)


@pytest.fixture(scope="session")
def agent(guest: Guest) -> Iterator[AgentProcess]:
    """An agent without labels."""
    agent = AgentProcess(guest, "plain")
    try:
        yield agent.wait_ready()
    finally:
        agent.stop()


@pytest.fixture
def start(api: Api, flows: dict[str, str], agent: AgentProcess) -> Callable[..., str]:
    """Start a run of a flow by name, with the input of create_flow_run, and return its id."""

    def start_flow_run(flow: str, **fields: Any) -> str:
        flow_run_id = api.create_flow_run(flows[flow], **fields)
        agent.poke()
        return flow_run_id

    return start_flow_run


@pytest.fixture
def execute(api: Api, start: Callable[..., str]) -> Callable[..., str]:
    """As `start`, and wait until the run has the state `expected`, by default Success."""

    def execute_flow_run(flow: str, expected: str = "Success", **fields: Any) -> str:
        flow_run_id = start(flow, **fields)
        api.wait_for_state(flow_run_id, expected)
        return flow_run_id

    return execute_flow_run


def run_server(request: pytest.FixtureRequest, folder: Path, run_folder: Path) -> Iterator[ServerProcess]:
    """Run a server on a fresh database of the dialect `request.param`; it must end well when the fixture ends."""
    databases: Databases = (
        SQLiteDatabases(folder, run_folder)
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql_databases")
    )
    with databases.fresh() as url:
        server = ServerProcess(url, folder)
        try:
            server.wait_ready()
        except BaseException:
            server.kill()
            raise
        yield server
        server.stop()
