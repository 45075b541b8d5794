"""A schedule of several clocks, with filters and adjustments."""

import datetime

from eparch import Flow, Parameter, task
from eparch.schedules import CronClock, IntervalClock, Schedule, adjustments, filters

NINE, FIVE = datetime.time(9), datetime.time(17)
START = datetime.datetime(2030, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=2)))

schedule = Schedule(
    clocks=[
        IntervalClock(start_date=START, interval=datetime.timedelta(hours=4), parameter_defaults={"n": 1}),
        CronClock("30 10 * * 1-5", labels=["night"]),
    ],
    filters=[filters.is_weekday, filters.between_times(NINE, FIVE)],
    or_filters=[filters.between_dates(1, 1, 6, 30), filters.is_month_start],
    not_filters=[filters.on_date(month=1, day=2)],
    adjustments=[adjustments.add(datetime.timedelta(minutes=5)), adjustments.next_weekday],
)


@task
def upcoming():
    return [instant.astimezone(datetime.timezone.utc).isoformat()[:16] for instant in schedule.next(6, after=START)]


with Flow("scheduled", schedule=schedule) as flow:
    Parameter("n", default=0) + 1
    upcoming()

RUNS = [{}]
EXPECTED = ["Success"]
RUN_ON_SCHEDULE = False
