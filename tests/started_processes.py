"""In charge of ending what a test has started through others: flow runs outlive their agent, by design."""

import contextlib
from pathlib import Path

import psutil


def end_processes_of(folder: Path) -> list[str]:
    """Kill every process that has this folder of a test in its environment; return their command lines.

    Flow runs go on when their agent is killed, and an endless one for ever.
    """
    ended = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != psutil.Process().pid and _is_of(process, str(folder)):
                ended.append(" ".join(process.cmdline()))
                process.kill()
    return ended


def _is_of(process: psutil.Process, folder: str) -> bool:
    return any(value == folder or value.startswith(f"{folder}/") for value in process.environ().values())
