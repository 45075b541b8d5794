"""What flows leave behind to show that they were executed: a line in a file for each call.

Runs in the guest's environment; the files are read by the tests.
"""

import os
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
