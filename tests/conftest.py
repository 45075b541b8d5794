"""In charge of the fixtures that every test may use: fresh databases on SQLite and PostgreSQL.

Not in charge of how they are made (tests/databases.py, tests/postgresql.py). One PostgreSQL server serves all xdist
workers; it starts when the first test asks for it.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Databases, PostgreSQLDatabases, SQLiteDatabases, shared_server, stop_servers
from tests.postgresql import MissingPostgreSQL, Server

# ---- One run: a folder shared by all workers, and servers that end with the main pytest process ----

_RUN_FOLDER = pytest.StashKey[Path]()
_OWNER_PID = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    worker_input: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker_input is None:
        config.stash[_RUN_FOLDER] = Path(tempfile.mkdtemp(prefix="eparch-tests-"))
        config.stash[_OWNER_PID] = os.getpid()
    else:
        config.stash[_RUN_FOLDER] = Path(worker_input["eparch_run_folder"])
        config.stash[_OWNER_PID] = worker_input["eparch_owner_pid"]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a new xdist worker where the run's folder is and which process owns the run."""
    node.workerinput["eparch_run_folder"] = str(node.config.stash[_RUN_FOLDER])
    node.workerinput["eparch_owner_pid"] = node.config.stash[_OWNER_PID]


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _RUN_FOLDER in config.stash:
        stop_servers(config.stash[_RUN_FOLDER])
        shutil.rmtree(config.stash[_RUN_FOLDER])


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """The folder that all workers of this test run share."""
    return pytestconfig.stash[_RUN_FOLDER]


# ---- Databases ----


@pytest.fixture(scope="session")
def postgresql_server(pytestconfig: pytest.Config) -> Server:
    """The PostgreSQL server of this run; what it acknowledges may not survive a crash of the machine."""
    return _server(pytestconfig, durable=False)


@pytest.fixture(scope="session")
def durable_postgresql_server(pytestconfig: pytest.Config) -> Server:
    """A PostgreSQL server that commits to the disk as in production, for tests that kill things."""
    return _server(pytestconfig, durable=True)


@pytest.fixture(scope="session")
def postgresql_databases(postgresql_server: Server, run_folder: Path) -> Iterator[PostgreSQLDatabases]:
    databases = PostgreSQLDatabases(postgresql_server, run_folder)
    yield databases
    databases.close()


@pytest.fixture(scope="session")
def durable_postgresql_databases(durable_postgresql_server: Server, run_folder: Path) -> Iterator[PostgreSQLDatabases]:
    databases = PostgreSQLDatabases(durable_postgresql_server, run_folder)
    yield databases
    databases.close()


@pytest.fixture
def sqlite_databases(tmp_path: Path, run_folder: Path) -> SQLiteDatabases:
    return SQLiteDatabases(tmp_path, run_folder)


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest) -> Databases:
    """Makes fresh databases, of each dialect in turn: `-k sqlite` or `-k postgresql` chooses one."""
    made: Databases = request.getfixturevalue(f"{request.param}_databases")
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def durable_databases(request: pytest.FixtureRequest) -> Databases:
    """As `databases`, with a PostgreSQL server that commits to the disk."""
    prefix = "durable_" if request.param == "postgresql" else ""
    made: Databases = request.getfixturevalue(f"{prefix}{request.param}_databases")
    return made


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of a fresh, empty database, of each dialect in turn."""
    with databases.fresh() as url:
        yield url


def _server(config: pytest.Config, *, durable: bool) -> Server:
    try:
        return shared_server(config.stash[_RUN_FOLDER], config.stash[_OWNER_PID], durable=durable)
    except MissingPostgreSQL as error:
        if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
