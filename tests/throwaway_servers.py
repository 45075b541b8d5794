"""In charge of servers from `eparch.testing` on either database, as users' tests have them on SQLite."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from eparch.testing import TemporaryServer, temporary_server


@contextmanager
def serving(request: pytest.FixtureRequest, *options: str) -> Iterator[TemporaryServer]:
    """Start a server on the database that the fixture's parameter names; `options` are flags of the server."""
    if request.param == "sqlite":
        with temporary_server(options=options) as started:
            yield started
    else:
        with request.getfixturevalue("postgresql_databases").fresh() as url, temporary_server(url, options) as started:
            yield started
