"""In charge of the fixtures of the tests of operations: a database with tables, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest

from eparch.database.engines import parse_url, writing_engine
from tests.databases import Databases
from tests.operations.backend import Backend, check_invariants, make_tables


@pytest.fixture
def backend(databases: Databases) -> Iterator[Backend]:
    """A database with the tables and two tenants, of each dialect in turn."""
    with databases.fresh(make_tables) as url:
        engine = writing_engine(parse_url(url))
        made = Backend(engine)
        try:
            yield made
            check_invariants(made)
        finally:
            engine.dispose()
