"""A run that waits, without a process, until somebody says that it may go on."""

from eparch import flow, get_logger, task
from eparch.triggers import manual_only


@task
def prepare_release() -> str:
    """Return the version that is to be released."""
    return "2.0"


@task(trigger=manual_only)
def release(version: str) -> None:
    """Release it, once that is approved."""
    get_logger().info("released %s", version)


@flow
def approval() -> None:
    """Release what is approved."""
    release(prepare_release())
