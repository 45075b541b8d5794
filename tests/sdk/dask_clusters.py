"""In charge of real Dask clusters: a scheduler and workers as processes of this machine."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def dask_cluster(port: int, workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A Dask scheduler and workers as processes of this machine."""
    address = f"tcp://127.0.0.1:{port}"
    commands = [["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
    commands += [
        ["distributed.cli.dask_worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard"]
        for _ in range(workers)
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = [subprocess.Popen([sys.executable, "-m", *words], **quiet) for words in commands]  # type: ignore[call-overload]
    try:
        yield processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
