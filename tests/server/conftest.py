"""In charge of real server processes for the tests in this folder: one to share, and others to harm.

Tests that share a server keep apart by projects of their own, and leave it able to work: `server` and `each_server`
check that its health is good and its log holds no traceback when all have used it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.databases import Databases, PostgreSQLDatabases, SQLiteDatabases
from tests.server_process import ServerProcess

# Under xdist, all that shares a server runs in one worker.
_DIALECTS = [pytest.param(name, marks=pytest.mark.xdist_group(f"server-{name}")) for name in ("sqlite", "postgresql")]

StartServer = Callable[..., AbstractContextManager[ServerProcess]]


@pytest.fixture(scope="session")
def sqlite_server(tmp_path_factory: pytest.TempPathFactory, run_folder: Path) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("sqlite-server")
    yield from _shared(SQLiteDatabases(folder, run_folder), folder)


@pytest.fixture(scope="session")
def postgresql_server_process(
    tmp_path_factory: pytest.TempPathFactory, postgresql_databases: PostgreSQLDatabases
) -> Iterator[ServerProcess]:
    yield from _shared(postgresql_databases, tmp_path_factory.mktemp("postgresql-server"))


@pytest.fixture(params=_DIALECTS)
def each_server(request: pytest.FixtureRequest) -> ServerProcess:
    """A server on each database in turn: `-k sqlite` chooses one."""
    name = "sqlite_server" if request.param == "sqlite" else "postgresql_server_process"
    server: ServerProcess = request.getfixturevalue(name)
    return server


@pytest.fixture(params=_DIALECTS[:1])
def server(sqlite_server: ServerProcess) -> ServerProcess:
    """A server on SQLite, for what has nothing to do with the database."""
    return sqlite_server


@pytest.fixture
def start_server(tmp_path: Path, sqlite_databases: SQLiteDatabases) -> StartServer:
    """Start a server of a test's own: `with start_server("--body-bytes-max", "2048") as server`.

    The keyword `url` names another database than a fresh one of SQLite. A server that still runs at the end must end
    well.
    """

    @contextmanager
    def start(*options: str, url: str | None = None) -> Iterator[ServerProcess]:
        if url is not None:
            with running(url, tmp_path, *options) as server:
                yield server
        else:
            with sqlite_databases.fresh() as fresh, running(fresh, tmp_path, *options) as server:
                yield server

    return start


def _shared(databases: Databases, folder: Path) -> Iterator[ServerProcess]:
    with databases.fresh() as url, running(url, folder) as server:
        yield server
        assert httpx.get(f"{server.url}/health").status_code == 200


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    """What a test enters here is left at its end."""
    with ExitStack() as stack:
        yield stack


@contextmanager
def running(url: str, folder: Path, *options: str) -> Iterator[ServerProcess]:
    """Run a server; it must end well, unless it has been ended before."""
    server = ServerProcess(url, folder, *options)
    try:
        yield server.wait_ready()
        if server.is_running:
            server.stop()
    finally:
        server.kill()
