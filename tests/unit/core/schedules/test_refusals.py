"""Documents that are refused, and what is said about them."""

import pytest

from eparch.core.schedules import ScheduleError, parse_schedule
from tests.unit.core.schedules.documents import DAY_S, HOUR_S, Document, cron, date, dates, interval, schedule

HOURLY = interval(HOUR_S)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "clocks: there is no clock; give at least one"),
        ({"clocks": []}, "clocks: there is no clock; give at least one"),
        ({"clocks": None}, "clocks: there is no clock; give at least one"),
        ({"clocks": {}}, "clocks: {} is not a list; give a JSON list or null"),
        ({"clocks": ["x"]}, "clocks[0]: 'x' is not an object; give a JSON object"),
        ({"type": "Calendar", "clocks": [HOURLY]}, "type: 'Calendar' is not a kind of schedule; give 'Schedule'"),
        (
            schedule(HOURLY, {"type": "SunClock"}),
            "clocks[1].type: 'SunClock' is not a kind of clock; give IntervalClock, CronClock, DatesClock, RRuleClock",
        ),
        (schedule({}), "clocks[0].type: None is not a kind of clock"),
        (schedule({"type": ["CronClock"]}), "clocks[0].type: ['CronClock'] is not a kind of clock"),
        (schedule(interval(59)), "clocks[0].interval: 59 s is too short an interval; give at least 60 s"),
        (schedule(interval(59.999999)), "clocks[0].interval: 60 s is too short an interval"),
        (schedule(interval(-DAY_S)), "clocks[0].interval: -86400 s is too short an interval"),
        (schedule({"type": "IntervalClock"}), "clocks[0].interval: nothing is not a whole number"),
        (schedule({"type": "IntervalClock", "interval": "1h"}), "clocks[0].interval: '1h' is not a whole number"),
        (schedule({"type": "IntervalClock", "interval": 6e7 + 0.5}), "is not a whole number; give an integer"),
        (schedule({"type": "IntervalClock", "interval": True}), "clocks[0].interval: True is not a whole number"),
        (schedule(interval(1e15)), "clocks[0].interval: 1000000000000000000000 us is too long an interval"),
        (schedule({"type": "CronClock"}), "clocks[0].cron: nothing is not a string"),
        (schedule(cron("0 0 * * *", day_or="no")), "clocks[0].day_or: 'no' is not a boolean"),
        (schedule(dates()), "clocks[0].dates: there is no date; give at least one {dt, tz}"),
        (schedule({"type": "DatesClock", "dates": [None]}), "clocks[0].dates[0]: nothing is not an object"),
        (schedule(interval(DAY_S, "today")), "clocks[0].start_date.dt: 'today' is not a date and time"),
        (schedule({**HOURLY, "start_date": {"dt": None, "tz": "UTC"}}), "clocks[0].start_date.dt: nothing is not"),
        (schedule({**HOURLY, "start_date": {"dt": "2020-01-01T00:00:00"}}), "clocks[0].start_date.tz: nothing is not"),
        (schedule({**HOURLY, "end_date": "2020-01-01"}), "clocks[0].end_date: '2020-01-01' is not an object"),
        (
            schedule({**HOURLY, "end_date": date("9999-12-31T23:00:00", "-08:00")}),
            "clocks[0].end_date.dt: '9999-12-31T23:00:00' is out of range; give a date in the years 1 to 9999",
        ),
        (schedule({**HOURLY, "labels": "a"}), "clocks[0].labels: 'a' is not a list"),
        (schedule({**HOURLY, "labels": ["a", 1]}), "clocks[0].labels[1]: 1 is not a string"),
        (schedule({**HOURLY, "parameter_defaults": [1]}), "clocks[0].parameter_defaults: [1] is not an object"),
    ],
)
def test_a_document_is_refused(document: Document, said: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(document)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "America", "../etc/passwd", "+25:00", "UTC+2", "localtime", "a\0b"]
)
def test_a_time_zone_is_refused(zone: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(schedule(cron("0 0 * * *", "2020-01-01T00:00:00", zone)))
    assert str(caught.value) == (
        f"clocks[0].start_date.tz: {zone!r} is not a time zone; "
        "give an IANA name such as 'Europe/Paris' or an offset such as '+02:00'"
    )


@pytest.mark.parametrize(
    "zone", ["UTC", "Z", "GMT", "US/Pacific", "America/Argentina/Buenos_Aires", "-0330", "+05:45:30"]
)
def test_a_time_zone_is_accepted(zone: str) -> None:
    parse_schedule(schedule(cron("0 0 * * *", "2020-01-01T00:00:00", zone)))


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule({"clocks": "x" * 1000})
    assert len(str(caught.value)) < 150


def test_what_is_not_known_is_ignored() -> None:
    clock = {**HOURLY, "__version__": "1.4.1", "colour": "red"}
    parsed = parse_schedule({"clocks": [clock], "__version__": "1.4.1", "colour": "red"})
    assert len(parsed.clocks) == 1


def test_a_refusal_is_a_value_error_with_its_three_parts() -> None:
    with pytest.raises(ValueError, match="there is no clock") as caught:
        parse_schedule({})
    assert isinstance(caught.value, ScheduleError)
    assert (caught.value.part, caught.value.problem, caught.value.hint) == (
        "clocks",
        "there is no clock",
        "give at least one",
    )
