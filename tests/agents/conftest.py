"""In charge of one server for the tests in this folder, on each database in turn."""

from collections.abc import Iterator

import pytest

from eparch.testing import TemporaryServer
from tests.throwaway_servers import serving


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[TemporaryServer]:
    with serving(request) as started:
        yield started


@pytest.fixture(params=["sqlite", "postgresql"])
def own_server(request: pytest.FixtureRequest) -> Iterator[TemporaryServer]:
    """A server that a test may stop and kill."""
    with serving(request) as started:
        yield started
