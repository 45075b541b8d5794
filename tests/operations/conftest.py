"""In charge of the fixtures of the tests of operations: a database with tables, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from eparch.database.engines import parse_url, writing_engine
from tests.databases import Databases, Seed
from tests.operations.backend import Backend, check_invariants, make_tables


@pytest.fixture
def backend(databases: Databases) -> Iterator[Backend]:
    """A database with the tables and two tenants, of each dialect in turn."""
    with opened(databases) as made:
        yield made


@contextmanager
def opened(databases: Databases, seed: Seed = make_tables) -> Iterator[Backend]:
    """Give a fresh database with what `seed` makes; in the end, what must always hold is checked."""
    with databases.fresh(seed) as url:
        engine = writing_engine(parse_url(url))
        made = Backend(engine)
        try:
            yield made
            check_invariants(made)
        finally:
            engine.dispose()
