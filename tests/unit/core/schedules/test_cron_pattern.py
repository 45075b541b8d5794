"""Cron expressions: what they match, and which are refused."""

from datetime import datetime

import pytest

from eparch.core.schedules import ScheduleError, parse_schedule
from tests.unit.core.schedules.documents import cron, schedule, starts

AFTER = "2018-11-04T00:00:00+00:00"


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/25 * * * *", ["11-04 00:25", "11-04 00:50", "11-04 01:00"]),
        ("10-14/2 5 * * *", ["11-04 05:10", "11-04 05:12", "11-04 05:14"]),
        ("0 22-1 * * *", ["11-04 01:00", "11-04 22:00", "11-04 23:00"]),
        ("0 0 * * mon-wed", ["11-05 00:00", "11-06 00:00", "11-07 00:00"]),
        ("0 0 * * 5-7", ["11-09 00:00", "11-10 00:00", "11-11 00:00"]),
        ("0 0 * * 7", ["11-11 00:00", "11-18 00:00", "11-25 00:00"]),
        ("0 0 31 * *", ["12-31 00:00", "01-31 00:00", "03-31 00:00"]),
        ("0 0 L * *", ["11-30 00:00", "12-31 00:00", "01-31 00:00"]),
        ("0 0 10,L * *", ["11-10 00:00", "11-30 00:00", "12-10 00:00"]),
        ("0 0 * * 5#2", ["11-09 00:00", "12-14 00:00", "01-11 00:00"]),
        ("0 0 * * 5#5", ["11-30 00:00", "03-29 00:00", "05-31 00:00"]),
        ("0 0 * * L5", ["11-30 00:00", "12-28 00:00", "01-25 00:00"]),
        ("0 0 15W * *", ["11-15 00:00", "12-14 00:00", "01-15 00:00"]),
        ("0 0 1W 12 *", ["12-03 00:00", "12-02 00:00", "12-01 00:00"]),
        ("0 0 31W * *", ["11-30 00:00", "12-31 00:00", "01-31 00:00"]),
        ("0 0 31W 3 *", ["03-29 00:00", "03-31 00:00", "03-31 00:00"]),
        ("0 0 ? * 1", ["11-05 00:00", "11-12 00:00", "11-19 00:00"]),
        ("0 0 1 jan,JUL *", ["01-01 00:00", "07-01 00:00", "01-01 00:00"]),
        ("@daily", ["11-05 00:00", "11-06 00:00", "11-07 00:00"]),
        ("@HOURLY", ["11-04 01:00", "11-04 02:00", "11-04 03:00"]),
        ("@weekly", ["11-11 00:00", "11-18 00:00", "11-25 00:00"]),
        ("  5   0 *\t* * ", ["11-04 00:05", "11-05 00:05", "11-06 00:05"]),
        # The sixth field is the seconds. Given first by mistake it is a minute, and the hour is day 0, taken for 1.
        ("0 0 * * * 42", ["11-04 00:00:42", "11-05 00:00:42", "11-06 00:00:42"]),
        ("* * * * * */20", ["11-04 00:00:20", "11-04 00:00:40", "11-04 00:01"]),
        ("42 0 0 * * *", ["12-01 00:42", "12-01 00:42:01", "12-01 00:42:02"]),
        ("0 0 0/10 * * 0", ["11-11 00:00", "11-21 00:00", "12-01 00:00"]),
        # From a value to itself is that value, where newer versions of croniter make it every value.
        ("0 9-9 * * *", ["11-04 09:00", "11-05 09:00", "11-06 09:00"]),
        ("5-5/3,50 0 * * *", ["11-04 00:05", "11-04 00:50", "11-05 00:05"]),
        ("0 0 * Dec-dec *", ["12-01 00:00", "12-02 00:00", "12-03 00:00"]),
        ("0 0 * * 0-7", ["11-05 00:00", "11-06 00:00", "11-07 00:00"]),
    ],
)
def test_an_expression_matches(expression: str, expected: list[str]) -> None:
    assert [start[5:] for start in starts(schedule(cron(expression)), AFTER, 3)] == expected


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("", "is not a cron expression"),
        ("* * * *", "is not a cron expression"),
        ("60 * * * *", "is not a cron expression"),
        ("0 24 * * *", "is not a cron expression"),
        ("0 0 0 * *", "is not a cron expression"),
        ("0 0 * 0 * 0", "is not a cron expression"),
        ("*/0 * * * *", "is not a cron expression"),
        ("0-0/0 * * * *", "is not a cron expression"),
        ("0 0 * * someday", "is not a cron expression"),
        ("0 0 * * 1#6", "is not a cron expression"),
        ("@reboot", "is not a cron expression"),
        ("0 0 1 1 * 0 2030", "has 7 fields"),
        ("H * * * *", "has a hashed (H) or random (R) field"),
        ("h/15 * * * *", "has a hashed (H) or random (R) field"),
        ("0 R * * *", "has a hashed (H) or random (R) field"),
        ("0 r(2-5) * * *", "has a hashed (H) or random (R) field"),
        ("0 0 30 2 *", "never matches any date"),
        ("0 0 31 4,6,9,11 *", "never matches any date"),
    ],
)
def test_an_expression_is_refused(expression: str, problem: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(schedule(cron("0 0 * * *"), cron(expression)))
    assert caught.value.part == "clocks[1].cron"
    assert caught.value.problem.startswith(f"{expression!r} {problem}")
    assert caught.value.hint


def test_an_expression_that_is_refused_once_is_refused_again() -> None:
    # Parsed expressions are remembered; the place of a mistake must not be.
    for position in (0, 1):
        with pytest.raises(ScheduleError) as caught:
            parse_schedule(schedule(*[cron("0 0 * * *")] * position, cron("61 * * * *")))
        assert caught.value.part == f"clocks[{position}].cron"


def test_a_search_from_the_middle_of_a_day_starts_there() -> None:
    document = schedule(cron("30 8,9,10 * * * 15,45"))
    found = starts(document, "2018-11-04T09:30:15+00:00", 3)
    assert found == ["2018-11-04 09:30:45", "2018-11-04 10:30:15", "2018-11-04 10:30:45"]
    assert datetime.fromisoformat(starts(document, "2018-11-04T10:30:45+00:00", 1)[0]).day == 5
