"""In charge of the `eparch` program as a process, and of a real server that it speaks to."""

import os
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from eparch.testing import TemporaryServer, temporary_server
from tests.cli.program import Program
from tests.started_processes import end_processes_of

FLOWS = textwrap.dedent(
    """
    import os, pathlib
    from eparch import Flow, Parameter, get_logger, task

    REPAIRED = pathlib.Path(os.environ["MARKS"]) / "repaired"

    def mark(word):
        with open(pathlib.Path(os.environ["MARKS"]) / "marks", "a") as file:
            file.write(word + "\\n")

    @task
    def numbers(n):
        mark("numbers")
        get_logger().info("there are %s numbers", n)
        return list(range(n))

    @task
    def square(x):
        mark(f"square {x}")
        if x == 3 and not REPAIRED.exists():
            raise ValueError("three is broken")
        return x * x

    @task
    def total(xs):
        mark("total")
        return sum(xs)

    @task
    def endless():
        import time
        mark("endless")
        while True:
            time.sleep(0.01)

    print("this is printed while the file is loaded")

    with Flow("squares") as squares:
        total(square.map(numbers(Parameter("n", default=3))))

    with Flow("endless") as forever:
        endless()
    """
)


@pytest.fixture(scope="session")
def server() -> Iterator[TemporaryServer]:
    with temporary_server() as started:
        yield started


@pytest.fixture
def own_server() -> Iterator[TemporaryServer]:
    """A server that nobody else has put anything into."""
    with temporary_server() as started:
        yield started


@pytest.fixture
def eparch(server: TemporaryServer, tmp_path: Path) -> Program:
    """The program, with a home of its own, speaking to the server."""
    return Program(tmp_path, EPARCH_API_URL=server.url, MARKS=str(tmp_path))


@pytest.fixture
def own(own_server: TemporaryServer, tmp_path: Path) -> Program:
    """The program, speaking to a server that nobody else has put anything into."""
    return Program(tmp_path, EPARCH_API_URL=own_server.url, MARKS=str(tmp_path))


@pytest.fixture
def flow_file(tmp_path: Path) -> Path:
    path = tmp_path / "flows.py"
    path.write_text(FLOWS)
    return path


@pytest.fixture
def agent(own: Program) -> Iterator[subprocess.Popen[bytes]]:
    """An agent of the program's, started by its command line."""
    with (own.folder / "agent.log").open("wb") as output:
        process = subprocess.Popen(
            [*own.command, "agent", "start", "local", "--name", "of-tests", "--grace", "1"],
            env=own.environment | {"PATH": os.environ["PATH"]},
            cwd=own.folder,
            stdout=output,
            stderr=output,
        )
    try:
        yield process
        process.terminate()
        assert process.wait(30) == 0, (own.folder / "agent.log").read_text()
    finally:
        process.kill()
        process.wait()
        end_processes_of(own.folder)
