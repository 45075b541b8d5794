"""The demo shows what it promises and leaves nothing behind. It always uses SQLite, so it runs once."""

import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.cli.program import Program
from tests.waiting import wait_until

_RUN_S_MAX = 240.0


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program; its temporary files go to a folder of the test."""
    (tmp_path / "temporary").mkdir()
    return Program(tmp_path, TMPDIR=str(tmp_path / "temporary"))


def start_demo(program: Program, *options: str) -> subprocess.Popen[str]:
    """Start the demo without a terminal."""
    return subprocess.Popen(
        [*program.command, "demo", *options],
        env=program.environment,
        cwd=program.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that work in `folder` or below."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(folder):
                found.append(" ".join(process.cmdline()))
        except psutil.Error:
            continue
    return found


def left_behind(program: Program) -> list[object]:
    folder = program.folder / "temporary"
    return [*folder.iterdir(), *processes_in(folder)]


def test_the_demo_ends_well_and_leaves_nothing_behind(program: Program) -> None:
    done = program("demo", "--once")
    assert done.code == 0, done
    for words in ("etl", "at the third attempt", "Failed", " 304 ", "waits for approval", "late: no agent", "upcoming"):
        assert words in done.out
    assert "no: " not in done.out
    assert left_behind(program) == []


def test_the_demo_goes_on_until_it_is_interrupted(program: Program) -> None:
    demo = start_demo(program)
    try:
        assert demo.stdout is not None
        assert demo.stdout.readline().startswith("The server listens on http://127.0.0.1:")
        wait_until(lambda: "one every minute" in (demo.stdout.readline() if demo.stdout else ""), "the table")
    finally:
        demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=_RUN_S_MAX)
    assert demo.returncode == 130, err
    assert out == ""
    assert "The server and the agent have been stopped." in err
    assert left_behind(program) == []


def test_an_interrupted_start_leaves_nothing_behind(program: Program) -> None:
    demo = start_demo(program)
    try:
        wait_until(lambda: any("agent start" in one for one in processes_in(program.folder)), "the demo's agent")
    finally:
        demo.send_signal(signal.SIGTERM)
    _, err = demo.communicate(timeout=_RUN_S_MAX)
    assert demo.returncode == 130, err
    assert left_behind(program) == []


def test_a_home_of_its_own_is_kept(program: Program) -> None:
    done = program("demo", "--once", "--home", "kept")
    assert done.code == 0, done
    assert f"The database and the logs are in {program.folder / 'kept'}." in done.err
    assert (program.folder / "kept" / "eparch.sqlite").exists()


def test_a_port_that_is_none_is_told(program: Program) -> None:
    done = program("demo", EPARCH_PORT="soon")
    assert done.code == 2
    assert done.error == "error: EPARCH_PORT is 'soon', but must be a whole number from 0 to 65535."


def test_a_port_that_is_taken_is_told(program: Program) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = program("demo", "--once", "--home", "kept", "--port", port)
        by_variable = program("demo", "--once", "--home", "kept", EPARCH_PORT=port)
    assert (by_variable.code, by_variable.error) == (done.code, done.error)
    assert done.code == 1
    assert done.error.startswith("error: The server ended with code ")
    assert "server.log" in done.hint
