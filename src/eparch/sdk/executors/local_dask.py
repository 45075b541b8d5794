"""The executor of Prefect 1.x for one machine, by its old name."""

from eparch.sdk.errors import FlowError
from eparch.sdk.executors.executor import Executor
from eparch.sdk.executors.local import LocalExecutor
from eparch.sdk.executors.processes import ProcessExecutor
from eparch.sdk.executors.threads import ThreadExecutor


def LocalDaskExecutor(scheduler: str = "threads", num_workers: int | None = None) -> Executor:  # noqa: N802
    """Return a `ThreadExecutor` or a `ProcessExecutor`, for flows that were written for Prefect 1.x. Needs no Dask.

    Args:
        scheduler: "threads", "processes" or "synchronous".
        num_workers: how many.

    Example:
        >>> LocalDaskExecutor(num_workers=4)
        <ThreadExecutor: 4 threads>
    """
    match scheduler:
        case "threads":
            return ThreadExecutor(num_workers)
        case "processes" | "multiprocessing":
            return ProcessExecutor(num_workers)
        case "sync" | "synchronous" | "single-threaded":
            return LocalExecutor()
    raise FlowError(
        f"A LocalDaskExecutor has no scheduler {scheduler!r}.", hint="one of threads, processes and synchronous"
    )
