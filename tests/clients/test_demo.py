"""The demo shows what it promises and leaves nothing behind. It always uses SQLite, so it runs once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.clients.guest import ROOT
from tests.waiting import wait_until

pytestmark = pytest.mark.xdist_group("clients-sqlite")

_RUN_S_MAX = 240.0


def start_demo(folder: Path) -> subprocess.Popen[str]:
    """Start the demo without a terminal; its temporary files go to `folder`."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "examples" / "demo" / "run.py")],
        env=os.environ | {"TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
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


def test_the_demo_ends_well_and_leaves_nothing_behind(guest_environment: Path, tmp_path: Path) -> None:
    demo = start_demo(tmp_path)
    said, _ = demo.communicate(timeout=_RUN_S_MAX)
    assert demo.returncode == 0, said
    for word in ("etl", "flaky", "broken", "Failed", "mapping", "304", "waits for approval", "upcoming"):
        assert word in said
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []


def test_the_demo_can_be_interrupted_and_then_too_leaves_nothing_behind(
    guest_environment: Path, tmp_path: Path
) -> None:
    demo = start_demo(tmp_path)
    try:
        wait_until(lambda: any("agent local" in command for command in processes_in(tmp_path)), "the demo's agent")
    finally:
        demo.send_signal(signal.SIGINT)
    said, _ = demo.communicate(timeout=_RUN_S_MAX)
    assert demo.returncode == 130, said
    assert list(tmp_path.iterdir()) == []
    assert processes_in(tmp_path) == []
