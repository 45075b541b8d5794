"""Fixtures of the tests of the database: databases that have Eparch's tables."""

from collections.abc import Iterator

import pytest

from eparch.database.migrate import upgrade
from tests.databases import Databases


@pytest.fixture
def eparch_url(databases: Databases) -> Iterator[str]:
    """The URL of a fresh database with this version's tables and no rows, of each dialect in turn."""
    with databases.fresh(upgrade) as url:
        yield url
