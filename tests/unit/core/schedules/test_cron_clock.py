"""Cron clocks: wall-clock times in a zone, and what daylight-saving changes do to them."""

from datetime import datetime

import pytest

from eparch.core.schedules import parse_schedule
from tests.unit.core.schedules.documents import NEW_YORK, cron, date, hours, schedule, starts


def test_without_a_start_date_expressions_are_read_in_utc() -> None:
    hourly = schedule(cron("0 * * * *"))
    assert hours(hourly, "2018-03-11T00:00:00-05:00", 4) == [6, 7, 8, 9]
    assert hours(hourly, "2018-11-04T00:00:00-04:00", 4) == [5, 6, 7, 8]


def test_the_zone_of_the_start_date_is_the_zone_of_the_expression() -> None:
    nine = cron("0 9 * * *", "2018-01-01T00:00:00", NEW_YORK)
    assert starts(schedule(nine), "2018-03-10T12:00:00+00:00", 2) == ["2018-03-10 14:00", "2018-03-11 13:00"]


def test_offsets_are_zones_too() -> None:
    nine = cron("0 9 * * *", "2018-01-01T00:00:00", "+02:00")
    assert starts(schedule(nine), "2018-07-01T00:00:00+00:00", 1) == ["2018-07-01 07:00"]


def test_the_start_date_itself_ticks_and_nothing_before_it() -> None:
    midnight = schedule(cron("0 0 * * *", "2050-01-01T00:00:00"))
    assert starts(midnight, "2018-01-01T00:00:00+00:00", 2) == ["2050-01-01 00:00", "2050-01-02 00:00"]
    assert starts(midnight, "2050-01-01T00:00:00+00:00", 1) == ["2050-01-02 00:00"]
    morning = schedule(cron("0 0 * * *", "2050-01-01T06:00:00"))
    assert starts(morning, "2018-01-01T00:00:00+00:00", 1) == ["2050-01-02 00:00"]


def test_a_microsecond_after_a_tick_is_after_it() -> None:
    clock = schedule(cron("0 0 * * *", "2050-01-01T00:00:00.000001"))
    assert starts(clock, "2018-01-01T00:00:00+00:00", 1) == ["2050-01-02 00:00"]
    midnight = schedule(cron("0 0 * * *"))
    assert starts(midnight, "2020-01-01T00:00:00.000001+00:00", 1) == ["2020-01-02 00:00"]
    assert starts(midnight, "2020-01-01T23:59:59.999999+00:00", 1) == ["2020-01-02 00:00"]


def test_the_end_date_itself_ticks_and_nothing_after_it() -> None:
    until_two = schedule(cron("0 * * * *", end_date=date("2020-01-01T02:00:00")))
    assert starts(until_two, "2020-01-01T00:00:00+00:00", 9) == ["2020-01-01 01:00", "2020-01-01 02:00"]


def test_day_of_month_or_weekday_and_day_of_month_and_weekday() -> None:
    friday_or_13 = schedule(cron("0 0 13 * 5"))
    assert starts(friday_or_13, "2018-11-04T00:00:00+00:00", 3) == [
        "2018-11-09 00:00",
        "2018-11-13 00:00",
        "2018-11-16 00:00",
    ]
    friday_13 = schedule(cron("0 0 13 * 5", day_or=False))
    assert starts(friday_13, "2018-11-04T00:00:00+00:00", 2) == ["2019-09-13 00:00", "2019-12-13 00:00"]


def test_clocks_in_different_zones_interleave_by_instant() -> None:
    london, new_york = (
        cron("0 9 * * *", "2018-01-01T00:00:00", zone, parameter_defaults={"zone": zone})
        for zone in ("Europe/London", NEW_YORK)
    )
    assert hours(schedule(london, new_york), "2018-06-01T00:00:00+00:00", 4) == [8, 13, 8, 13]


# ---- Daylight saving, rule `compatible` ----


def test_in_autumn_an_hourly_clock_pauses_for_two_hours() -> None:
    # 01:00 comes twice and ticks once, at its second passing: local 0, 1, 2, 3.
    hourly = schedule(cron("0 * * * *", "2018-11-03T23:00:00", NEW_YORK))
    assert hours(hourly, "2018-11-03T23:00:00-04:00", 4) == [4, 6, 7, 8]


def test_in_spring_an_hourly_clock_skips_the_hour_that_does_not_exist() -> None:
    hourly = schedule(cron("0 * * * *", "2018-03-01T00:00:00", NEW_YORK))
    assert hours(hourly, "2018-03-10T23:00:00-05:00", 4) == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 2 * * *", ["2018-03-10 07:00", "2018-03-11 07:00", "2018-03-12 06:00"]),
        ("30 2 * * *", ["2018-03-10 07:30", "2018-03-11 07:30", "2018-03-12 06:30"]),
        # What the gap puts off falls between what comes behind it, in order and once.
        ("15,45 2,3 11 3 *", ["2018-03-11 07:15", "2018-03-11 07:45", "2019-03-11 06:15"]),
        ("50 2,3 11 3 *", ["2018-03-11 07:50", "2019-03-11 06:50", "2019-03-11 07:50"]),
        ("*/20 2 11 3 *", ["2018-03-11 07:00", "2018-03-11 07:20", "2018-03-11 07:40"]),
    ],
)
def test_a_skipped_time_runs_later_by_the_length_of_the_gap(expression: str, expected: list[str]) -> None:
    clock = cron(expression, "2018-01-01T00:00:00", NEW_YORK)
    assert starts(schedule(clock), "2018-03-10T00:00:00+00:00", 3) == expected


def test_a_time_put_off_into_other_ticks_is_found_from_between_them() -> None:
    clock = schedule(cron("50 2 * * *", "2018-01-01T00:00:00", NEW_YORK))
    assert starts(clock, "2018-03-11T07:49:59+00:00", 1) == ["2018-03-11 07:50"]
    assert starts(clock, "2018-03-11T07:50:00+00:00", 1) == ["2018-03-12 06:50"]


def test_a_gap_of_half_an_hour_puts_off_by_half_an_hour() -> None:
    clock = cron("*/20 * * * *", "2018-01-01T00:00:00", "Australia/Lord_Howe")
    assert starts(schedule(clock), "2018-10-06T15:00:00+00:00", 5) == [
        "2018-10-06 15:10",  # 01:40
        "2018-10-06 15:30",  # 02:00, put off to 02:30
        "2018-10-06 15:40",  # 02:40
        "2018-10-06 15:50",  # 02:20, put off to 02:50
        "2018-10-06 16:00",  # 03:00
    ]


def test_a_time_that_comes_twice_is_found_from_its_first_passing() -> None:
    clock = schedule(cron("*/20 * * * *", "2018-01-01T00:00:00", NEW_YORK))
    # 05:30 UTC is the first 01:30.
    assert starts(clock, "2018-11-04T05:30:00+00:00", 4) == [
        "2018-11-04 06:00",
        "2018-11-04 06:20",
        "2018-11-04 06:40",
        "2018-11-04 07:00",
    ]


@pytest.mark.parametrize("start", ["2022-08-01T00:00:00", "2022-08-21T10:00:00"])
def test_a_midnight_that_does_not_exist_runs_at_the_first_instant_of_the_day(start: str) -> None:
    sundays = schedule(cron("0 0 * * 0", start, "America/Santiago"))
    found = starts(sundays, "2022-08-21T14:00:00+00:00", 4)
    assert [start[8:10] for start in found] == ["28", "04", "11", "18"]
    beirut = schedule(cron("0 0 * * *", "2018-01-01T00:00:00", "Asia/Beirut"))
    assert starts(beirut, "2018-03-24T00:00:00+00:00", 2) == ["2018-03-24 22:00", "2018-03-25 21:00"]


def test_a_day_that_a_zone_leaves_out_falls_on_the_next_one() -> None:
    # Samoa went from 29 to 31 December 2011.
    nine = schedule(cron("0 9 * * *", "2011-01-01T00:00:00", "Pacific/Apia"))
    assert starts(nine, "2011-12-28T20:00:00+00:00", 3) == [
        "2011-12-29 19:00",
        "2011-12-30 19:00",
        "2011-12-31 19:00",
    ]
    only_then = schedule(cron("0 9 30 12 *", "2011-01-01T00:00:00", "Pacific/Apia"))
    assert starts(only_then, "2011-12-30T18:59:00+00:00", 1) == ["2011-12-30 19:00"]


# ---- Daylight saving, rule `strict` ----


def test_strictly_an_hourly_clock_never_pauses() -> None:
    hourly = schedule(cron("0 * * * *", "2018-01-01T00:00:00", NEW_YORK))
    assert hours(hourly, "2018-11-04T03:00:00+00:00", 4, "strict") == [4, 5, 6, 7]
    assert hours(hourly, "2018-03-11T04:00:00+00:00", 4, "strict") == [5, 6, 7, 8]


def test_strictly_a_repeated_time_runs_twice_in_order_and_a_skipped_one_never() -> None:
    autumn = schedule(cron("0,30 1 * * *", "2018-01-01T00:00:00", NEW_YORK))
    assert starts(autumn, "2018-11-04T00:00:00+00:00", 5, "strict") == [
        "2018-11-04 05:00",
        "2018-11-04 05:30",
        "2018-11-04 06:00",
        "2018-11-04 06:30",
        "2018-11-05 06:00",
    ]
    spring = schedule(cron("30 2 * * *", "2018-01-01T00:00:00", NEW_YORK))
    assert starts(spring, "2018-03-10T00:00:00+00:00", 2, "strict") == ["2018-03-10 07:30", "2018-03-12 06:30"]


# ---- Limits ----


def test_rare_days_are_found() -> None:
    leap_monday = schedule(cron("0 0 29 2 1", day_or=False))
    assert starts(leap_monday, "2018-01-01T00:00:00+00:00", 2) == ["2044-02-29 00:00", "2072-02-29 00:00"]


def test_ticks_end_with_the_calendar() -> None:
    yearly = schedule(cron("0 0 1 1 *", "2018-01-01T00:00:00", NEW_YORK))
    assert starts(yearly, "9996-06-01T00:00:00+00:00", 9) == ["9997-01-01 05:00", "9998-01-01 05:00"]
    assert starts(yearly, "9999-12-31T23:59:59.999999+00:00", 9) == []
    skipped = schedule(cron("30 2 8 3 *", "2018-01-01T00:00:00", NEW_YORK))
    assert starts(skipped, "9998-01-01T00:00:00+00:00", 9) == ["9998-03-08 07:30"]


def test_equal_expressions_are_parsed_once() -> None:
    first, second = (
        parse_schedule(schedule(cron("7 7 7 7 *", "2018-01-01T00:00:00", zone))) for zone in ("UTC", NEW_YORK)
    )
    assert first.clocks[0].pattern is second.clocks[0].pattern  # type: ignore[attr-defined]
    assert first.start_date is not None
    assert first.start_date.instant == datetime.fromisoformat("2018-01-01T00:00:00+00:00")
