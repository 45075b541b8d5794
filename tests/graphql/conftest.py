"""In charge of seeded databases that tests only read, so that one for each dialect is enough."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from eparch.database.engines import parse_url, reading_engine
from tests.databases import Databases, SQLiteDatabases
from tests.graphql.dataset import seed
from tests.graphql.world import World


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, run_folder: Path) -> Iterator[World]:
    """The world of tests/graphql/dataset.py, on each database in turn, asked by tenant 1."""
    if request.param == "sqlite":
        folder = request.getfixturevalue("tmp_path_factory").mktemp("world")
        databases: Databases = SQLiteDatabases(folder, run_folder)
    else:
        databases = request.getfixturevalue("postgresql_databases")
    with databases.fresh(seed) as url:
        engine = reading_engine(parse_url(url))
        yield World(engine)
        engine.dispose()
