"""A flow that runs every minute, first a few seconds from now, with another parameter than by default."""

from datetime import UTC, datetime, timedelta

from eparch import flow, task
from eparch.schedules import Interval

every_minute = Interval(
    timedelta(minutes=1),
    start=datetime.now(UTC) + timedelta(seconds=5),
    parameter_defaults={"who": "scheduled world"},
)


@task
def greet(who: str) -> None:
    """Greet, in the log of the run."""
    print(f"hello, {who}")


@flow(schedule=every_minute, log_prints=True)
def scheduled(who: str = "world") -> None:
    """Greet once a minute."""
    greet(who)
