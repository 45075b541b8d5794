"""Register the flow "names" with a schedule: register_scheduled.py PROJECT FILE SCHEDULE.

Prints {flow_id, events}: the next ten events as the client itself computes them. Runs in the guest's environment.
"""

import json
import runpy
import sys
from datetime import timedelta

import pendulum
from dateutil import rrule
from prefect import Client
from prefect.schedules import Schedule, adjustments, filters
from prefect.schedules.clocks import CronClock, DatesClock, IntervalClock, RRuleClock
from prefect.storage import Local

now = pendulum.now("UTC")
SCHEDULES = {
    "soon": lambda: Schedule(
        clocks=[
            IntervalClock(timedelta(days=1), start_date=now.add(seconds=4), parameter_defaults={"number": 8}, labels=[])
        ]
    ),
    "cron in a zone with summer time": lambda: Schedule(
        clocks=[CronClock("30 2 * * *", start_date=pendulum.datetime(2022, 1, 1, tz="America/New_York"))]
    ),
    "interval of a day in local time": lambda: Schedule(
        clocks=[IntervalClock(timedelta(days=1), start_date=pendulum.datetime(2022, 3, 1, 9, tz="Europe/Paris"))]
    ),
    "interval of seven hours": lambda: Schedule(clocks=[IntervalClock(timedelta(hours=7))]),
    "dates": lambda: Schedule(clocks=[DatesClock([now.add(days=n, microseconds=n) for n in range(-1, 5)])]),
    "rrule": lambda: Schedule(
        clocks=[RRuleClock(rrule.rrule(rrule.MONTHLY, dtstart=pendulum.datetime(2022, 1, 31), bymonthday=-1))]
    ),
    "weekdays, between times, adjusted": lambda: Schedule(
        clocks=[IntervalClock(timedelta(hours=5), start_date=pendulum.datetime(2022, 1, 1, tz="Asia/Tokyo"))],
        filters=[filters.between_times(pendulum.time(8), pendulum.time(20))],
        or_filters=[filters.is_weekday, filters.is_month_end],
        not_filters=[filters.on_date(12, 25)],
        adjustments=[adjustments.add(timedelta(minutes=15)), adjustments.next_weekday],
    ),
    "two clocks with values of their own": lambda: Schedule(
        clocks=[
            CronClock("0 */12 * * *", parameter_defaults={"number": 12}, labels=["b", "a"]),
            CronClock("0 */12 * * *", parameter_defaults={"number": 21}),
        ]
    ),
}

project, path, name = sys.argv[1:]
flow = runpy.run_path(path)["names"]
flow.storage = Local(path=path, stored_as_script=True, add_default_labels=False)
flow.schedule = SCHEDULES[name]()
Client().create_project(project)
flow_id = flow.register(project, no_url=True)
events = [
    {
        "start": event.start_time.in_timezone("UTC").isoformat(),
        "parameters": event.parameter_defaults,
        "labels": event.labels,
    }
    for event in flow.schedule.next(10, return_events=True)
]
print(json.dumps({"flow_id": flow_id, "events": events}))
