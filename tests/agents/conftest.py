"""In charge of one server for the tests in this folder, on each database in turn."""

import socket
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


@pytest.fixture
def unused_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
