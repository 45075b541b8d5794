"""What flows leave behind to show that they were executed: a line in a file for each call.

Runs in the guest's environment; the files are read by the tests.
"""

import os
import time
from pathlib import Path

import prefect


def mark(name: str, line: str = "") -> int:
    """Add a line to the file of this flow run and `name`; return how many it has now."""
    path = Path(os.environ["MARKS"]) / f"{prefect.context.flow_run_id}.{name}"
    with path.open("a") as file:
        file.write(f"{line or os.getpid()}\n")
    return len(path.read_text().splitlines())


def shared_mark(name: str) -> int:
    """As `mark`, with one file for all flow runs."""
    path = Path(os.environ["MARKS"]) / f"all.{name}"
    with path.open("a") as file:
        file.write(f"{os.getpid()}\n")
    return len(path.read_text().splitlines())


def has_file(name: str) -> bool:
    """Tell whether a test has put the file `name` beside the marks of this flow run."""
    return (Path(os.environ["MARKS"]) / f"{prefect.context.flow_run_id}.{name}").exists()


def meet(name: str, count: int = 2, deadline_s: float = 60.0) -> None:
    """Leave a mark and wait until `count` processes have left it: what follows, they do at the same time."""
    deadline = time.monotonic() + deadline_s
    met = mark(name)
    path = Path(os.environ["MARKS"]) / f"{prefect.context.flow_run_id}.{name}"
    while met < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"nobody else came to {name}")
        time.sleep(0.02)
        met = len(path.read_text().splitlines())
