"""In charge of an environment for flows in the tests of the SDK: folders of their own, quiet logs, known secrets."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from eparch.sdk.engine import caches
from tests.sdk.outcomes import ENVIRONMENT


@pytest.fixture(autouse=True)
def flow_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Nothing of a run is left behind, in the home folder or in this process."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("EPARCH_HOME", str(tmp_path / "eparch-home"))
    monkeypatch.setenv("EPARCH_LOGGING_LEVEL", "CRITICAL")
    caches.memory.clear()
    yield
    caches.memory.clear()


@pytest.fixture
def unused_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
