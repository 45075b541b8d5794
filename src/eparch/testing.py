"""What tests of flows need.

In charge of a clock that tests can move, and of a server that a test may throw away; not in charge of running tests.

    from eparch.testing import eparch_server  # a fixture of pytest

    def test_the_flow_loads_everything(eparch_server):
        state = eparch_server.run(etl, day="2026-01-01")
        assert state.is_successful()
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from eparch.client.client import Client
from eparch.client.errors import ClientError
from eparch.client.profiles import Profile
from eparch.core.errors import ConfigurationError
from eparch.sdk.engine.clock import clock
from eparch.sdk.executors.executor import Event, Events

if TYPE_CHECKING:
    from eparch.sdk.flows import Flow
    from eparch.sdk.states import State

_START_S_MAX: Final = 60.0
_PROJECT: Final = "tests"
_CLIENT_VARIABLES: Final = ("EPARCH_API_URL", "EPARCH_API_KEY", "EPARCH_TENANT_ID", "EPARCH_PROFILE")
# The command line of this very installation, whether or not its script is on the path.
_COMMAND: Final = "import sys; from eparch.cli.main import main; sys.exit(main())"


class MovableClock:
    """A clock that stands still, but for the code that runs, and jumps to what is waited for.

    Example:
        >>> from datetime import timedelta
        >>> from eparch import Flow, context, task
        >>> @task(max_retries=2, retry_delay=timedelta(days=1))
        ... def patient() -> str:
        ...     if context.task_run_count < 3:
        ...         raise ConnectionError("not yet")
        ...     return "at last"
        >>> with Flow("patience") as f:
        ...     waited = patient()
        >>> with movable_clock() as moved:
        ...     before = moved.now()
        ...     f.run().result[waited].result, (moved.now() - before).days
        ('at last', 2)
    """

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        """Return the present instant of this clock."""
        return datetime.now(UTC) + self._ahead

    def move(self, time: timedelta) -> None:
        """Move the clock ahead."""
        self._ahead += time

    def move_to(self, instant: datetime) -> None:
        """Move the clock to an instant, unless that has passed."""
        self._ahead += max(timedelta(0), instant - self.now())

    def wait(self, events: Events, until: datetime | None, *, is_busy: bool) -> Event | None:
        """Return the next event; when nothing runs that could make one, jump to `until` instead."""
        if until is None or is_busy or not events.empty():
            return events.get()
        self.move_to(until)
        return None

    def ahead_s(self) -> float:
        """Return how many seconds this clock is ahead of the machine's."""
        return self._ahead.total_seconds()


@contextmanager
def movable_clock() -> Iterator[MovableClock]:
    """Let flows that are run inside the block go by a clock that jumps instead of waiting. See `MovableClock`.

    Example:
        >>> with movable_clock() as moved:
        ...     moved.move(timedelta(hours=1))
        ...     round(moved.ahead_s())
        3600
    """
    moved = MovableClock()
    token = clock.set(moved)
    try:
        yield moved
    finally:
        clock.reset(token)


class TemporaryServer:
    """A server with a database of its own. Made by `temporary_server`.

    Attributes:
        url: its address.
        client: asks it.

    Example:
        >>> with temporary_server() as server:
        ...     server.client.ask("query { hello }")["hello"] != ""
        True
    """

    def __init__(self, folder: Path, database_url: str | None = None, options: Sequence[str] = ()) -> None:
        self._folder = folder
        self._options = options
        self._database_url = database_url or f"sqlite:///{folder / 'eparch.sqlite'}"
        self._process: subprocess.Popen[str] | None = None
        self._port = 0
        self.url = ""
        self.start()

    @property
    def client(self) -> Client:
        """A client of this server, whatever the environment says."""
        return Client(profile=Profile(None, self.url))

    def start(self) -> None:
        """Start it, at the address it had before if it had one.

        Raises:
            ConfigurationError: it does not start; the message is what it said.
        """
        log = self._folder / "server.log"
        words = [sys.executable, "-c", _COMMAND, "server", "start", "--port", str(self._port)]
        words += ["--database-url", self._database_url, *self._options]
        with log.open("w") as output:
            environment = {name: value for name, value in os.environ.items() if not name.startswith("EPARCH_")}
            environment["EPARCH_HOME"] = str(self._folder)
            self._process = subprocess.Popen(  # noqa: S603 - the words are ours
                words, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True
            )
        until = time.monotonic() + _START_S_MAX
        while time.monotonic() < until and self._process.poll() is None:
            address = _address(log)
            if address is not None:
                self.url, self._port = address, int(address.rpartition(":")[2])
                return
            time.sleep(0.02)
        self.stop()
        raise ConfigurationError(
            f"The server for tests does not start: {log.read_text()[-2000:]}", hint="pip install 'eparch[server]'"
        )

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, and wait until it has; SIGKILL is what a crash of its machine looks like."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait()
            self._process = None

    def register(self, flow: "Flow") -> str:
        """Register a flow in a project for tests, and return the id of its version."""
        from eparch.sdk.registration import register

        try:
            self.client.change("create_project", {"name": _PROJECT}, "id")
        except ClientError as error:
            if "Uniqueness" not in error.message:
                raise
        return register(flow, _PROJECT, client=self.client)

    def create_run(self, flow: "Flow", **parameters: Any) -> str:
        """Register a flow if need be, make a run of it that nobody carries out yet, and return its id."""
        given = {"flow_id": self.register(flow), "parameters": parameters}
        made: str = self.client.change("create_flow_run", given, "id")["id"]
        return made

    @contextmanager
    def in_effect(self) -> Iterator[None]:
        """Let this server be the one that flows, agents and commands of this process speak to, inside the block.

        Example:
            >>> import os
            >>> with temporary_server() as server, server.in_effect():
            ...     os.environ["EPARCH_API_URL"] == server.url
            True
        """
        before = {name: os.environ.pop(name, None) for name in _CLIENT_VARIABLES}
        os.environ["EPARCH_API_URL"] = self.url
        try:
            yield
        finally:
            os.environ.pop("EPARCH_API_URL")
            os.environ.update({name: value for name, value in before.items() if value is not None})

    def run(self, flow: "Flow", **parameters: Any) -> "State":
        """Register a flow and run it in this process as an agent would have it run; return its final state.

        Example:
            >>> from eparch import Flow, Parameter
            >>> with Flow("double") as f:
            ...     doubled = Parameter("x") * 2
            >>> with temporary_server() as server:
            ...     server.run(f, x=4).result[doubled].result
            8
        """
        return self.carry_out(self.create_run(flow, **parameters), flow)

    def carry_out(self, flow_run_id: str, flow: "Flow") -> "State":
        """Carry out a run that was made, in this process; return the state it is in then.

        Example:
            >>> from eparch import Flow, Parameter
            >>> with Flow("double") as f:
            ...     doubled = Parameter("x") * 2
            >>> with temporary_server() as server:
            ...     server.carry_out(server.create_run(f, x=4), f)
            <Success: "All reference tasks succeeded.">
        """
        from eparch.sdk.engine.server_run import run_flow_run

        return run_flow_run(flow_run_id, client=self.client, flow=flow)


@contextmanager
def temporary_server(database_url: str | None = None, options: Sequence[str] = ()) -> Iterator[TemporaryServer]:
    """Start a server with an empty database, and throw both away at the end. Needs `eparch[server]`.

    Args:
        database_url: a database to use instead; it is left as it is then.
        options: flags of `eparch server start`.

    Example:
        >>> with temporary_server() as server:
        ...     server.client.ask("query { api { version } }")["api"]["version"] != ""
        True
    """
    with tempfile.TemporaryDirectory(prefix="eparch-test-") as folder:
        server = TemporaryServer(Path(folder), database_url, options)
        try:
            yield server
        finally:
            server.stop()


def _address(log: Path) -> str | None:
    for line in log.read_text().splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if isinstance(said, dict) and "address" in said:
            return str(said["address"])
    return None


def __getattr__(name: str) -> Any:
    if name != "eparch_server":
        raise AttributeError(f"module 'eparch.testing' has no attribute {name!r}")
    # Made when it is asked for: this module is of use without pytest too.
    import pytest

    @pytest.fixture(scope="session", name="eparch_server")
    def eparch_server() -> Iterator[TemporaryServer]:
        """A server with an empty database, one for all tests of a session."""
        with temporary_server() as server:
            yield server

    globals()["eparch_server"] = eparch_server
    return eparch_server
