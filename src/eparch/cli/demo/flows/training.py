"""A flow that needs a machine with a GPU: no agent of the demo has one, so its runs are late."""

from eparch import flow, task
from eparch.run_configs import UniversalRun


@task
def train() -> None:
    """Train, were there a GPU."""


@flow(run_config=UniversalRun(labels=["gpu"]))
def training() -> None:
    """Train a model."""
    train()
