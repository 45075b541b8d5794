"""In charge of servers from `eparch.testing` on either database, as users' tests have them on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from eparch.testing import TemporaryServer, temporary_server


@contextmanager
def serving(request: pytest.FixtureRequest) -> Iterator[TemporaryServer]:
    """Start a server on the database that the fixture's parameter names."""
    if request.param == "sqlite":
        with temporary_server() as started:
            yield started
    else:
        with request.getfixturevalue("postgresql_databases").fresh() as url, temporary_server(url) as started:
            yield started
