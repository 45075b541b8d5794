"""A flow that runs every minute, first a few seconds from now, with another parameter than by default."""

from datetime import timedelta

import pendulum
from prefect import Flow, Parameter, task
from prefect.schedules import Schedule
from prefect.schedules.clocks import IntervalClock

clock = IntervalClock(
    interval=timedelta(minutes=1),
    start_date=pendulum.now("UTC").add(seconds=15),
    parameter_defaults={"who": "scheduled world"},
)


@task(log_stdout=True)
def greet(who):
    print(f"hello, {who}")


with Flow("scheduled", schedule=Schedule(clocks=[clock])) as flow:
    greet(Parameter("who", default="world"))
