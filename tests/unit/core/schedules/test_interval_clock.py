"""Interval clocks: counted from their anchor, in calendar days and elapsed time."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.unit.core.schedules.documents import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    NEW_YORK,
    date,
    hours,
    interval,
    schedule,
    starts,
)


def test_without_a_start_date_intervals_count_from_2019() -> None:
    assert starts(schedule(interval(7 * HOUR_S)), "2018-12-25T00:00:00+00:00", 3) == [
        "2019-01-01 00:00",
        "2019-01-01 07:00",
        "2019-01-01 14:00",
    ]


def test_a_tick_is_strictly_after_the_asked_instant() -> None:
    every_hour = schedule(interval(HOUR_S))
    assert starts(every_hour, "2020-01-01T05:00:00+00:00", 1) == ["2020-01-01 06:00"]
    assert starts(every_hour, "2020-01-01T04:59:59.999999+00:00", 1) == ["2020-01-01 05:00"]


def test_the_start_date_itself_ticks_and_nothing_before_it() -> None:
    daily = schedule(interval(DAY_S, "2030-01-01T00:00:00"))
    assert starts(daily, "2020-01-01T00:00:00+00:00", 2) == ["2030-01-01 00:00", "2030-01-02 00:00"]
    assert starts(daily, "2030-01-01T00:00:00+00:00", 1) == ["2030-01-02 00:00"]


def test_the_end_date_itself_ticks_and_nothing_after_it() -> None:
    until_two = schedule(interval(HOUR_S, end_date=date("2020-01-01T02:00:00")))
    assert starts(until_two, "2020-01-01T00:00:00+00:00", 9) == ["2020-01-01 01:00", "2020-01-01 02:00"]
    assert starts(until_two, "2020-01-01T02:00:00+00:00", 9) == []


def test_microseconds_of_the_interval_count() -> None:
    clock = interval(60.000001, "2020-01-01T00:00:00")
    assert starts(schedule(clock), "2020-01-01T00:00:00+00:00", 2) == [
        "2020-01-01 00:01:00.000001",
        "2020-01-01 00:02:00.000002",
    ]


def test_an_old_anchor_gives_only_future_ticks() -> None:
    clock = interval(75, "2020-02-18T05:15:00", "US/Pacific")
    assert starts(schedule(clock), "2020-07-01T22:39:00+00:00", 3) == [
        "2020-07-01 22:40",
        "2020-07-01 22:41:15",
        "2020-07-01 22:42:30",
    ]


@pytest.mark.parametrize(
    ("start", "expected"),
    [("2018-03-10T23:00:00", [5, 6, 7, 8]), ("2018-11-03T23:00:00", [4, 5, 6, 7])],
)
def test_an_hourly_clock_ticks_every_hour_of_utc_when_the_clocks_change(start: str, expected: list[int]) -> None:
    after = f"{start}-{'05' if '-03-' in start else '04'}:00"
    assert hours(schedule(interval(HOUR_S, start, NEW_YORK)), after, 4) == expected


@pytest.mark.parametrize("anchor", ["2018-01-03T23:00:00", "2018-07-03T12:30:00", "2018-11-03T23:00:00"])
@pytest.mark.parametrize("day", ["2018-03-10", "2018-11-03"])
@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60])
def test_clocks_that_divide_an_hour_tick_evenly_whatever_their_anchor(anchor: str, day: str, minutes: int) -> None:
    clock = interval(minutes * MINUTE_S, anchor, NEW_YORK)
    found = starts(schedule(clock), f"{day}T12:00:00+00:00", 48 * 60 // minutes)
    instants = [datetime.fromisoformat(start) for start in found]
    assert {later - earlier for earlier, later in pairwise(instants)} == {timedelta(minutes=minutes)}


@pytest.mark.parametrize(
    ("start", "expected"),
    [("2018-03-08T09:00:00", [14, 14, 13, 13]), ("2018-11-01T09:00:00", [13, 13, 14, 14])],
)
def test_a_daily_clock_keeps_its_wall_clock_time(start: str, expected: list[int]) -> None:
    after = f"{start}-{'05' if '-03-' in start else '04'}:00"
    assert hours(schedule(interval(DAY_S, start, NEW_YORK)), after, 4) == expected


def test_a_clock_of_twelve_hours_keeps_both_of_its_wall_clock_times() -> None:
    clock = interval(12 * HOUR_S, "2018-01-01T09:00:00", NEW_YORK)
    assert starts(schedule(clock), "2018-03-10T00:00:00+00:00", 5) == [
        "2018-03-10 02:00",
        "2018-03-10 14:00",
        "2018-03-11 02:00",
        "2018-03-11 13:00",
        "2018-03-12 01:00",
    ]


def test_no_tick_is_added_to_a_longer_day_where_a_whole_interval_does_not_fit() -> None:
    clock = interval(6 * HOUR_S, "2018-01-01T00:00:00", NEW_YORK)
    assert hours(schedule(clock), "2018-11-04T03:59:00+00:00", 6) == [4, 10, 16, 22, 5, 11]


def test_ticks_behind_the_end_of_a_shorter_day_are_left_out() -> None:
    # The day ends after 23 hours: the tick due after 23:20 hours would come behind the next day's first.
    clock = interval(40 * MINUTE_S, "2018-01-01T00:00:00", NEW_YORK)
    assert starts(schedule(clock), "2018-03-12T03:00:00+00:00", 3) == [
        "2018-03-12 03:40",
        "2018-03-12 04:00",
        "2018-03-12 04:40",
    ]


def test_whole_days_of_a_longer_interval_are_calendar_days_and_the_rest_is_elapsed_time() -> None:
    clock = interval(36 * HOUR_S, "2018-03-09T09:00:00", NEW_YORK)
    assert starts(schedule(clock), "2018-03-09T14:00:00+00:00", 4) == [
        "2018-03-11 02:00",  # a day and 12 hours
        "2018-03-12 13:00",  # three days: nine o'clock
        "2018-03-14 01:00",
        "2018-03-15 13:00",
    ]
    # A change within the rest: 18:00 and 12 hours of which the wall clock skips one.
    evening = interval(36 * HOUR_S, "2018-03-09T18:00:00", NEW_YORK)
    assert starts(schedule(evening), "2018-03-10T00:00:00+00:00", 2) == ["2018-03-11 11:00", "2018-03-12 22:00"]


def test_a_daily_tick_in_a_gap_comes_behind_it_and_one_in_a_repeat_at_the_second_passing() -> None:
    spring = interval(DAY_S, "2018-03-08T02:30:00", NEW_YORK)
    assert starts(schedule(spring), "2018-03-10T12:00:00+00:00", 2) == ["2018-03-11 07:30", "2018-03-12 06:30"]
    autumn = interval(DAY_S, "2018-11-01T01:30:00", NEW_YORK)
    assert starts(schedule(autumn), "2018-11-03T12:00:00+00:00", 2) == ["2018-11-04 06:30", "2018-11-05 06:30"]


def test_an_anchor_in_a_gap_is_moved_behind_it_once_for_all() -> None:
    clock = interval(DAY_S, "2018-03-11T02:30:00", NEW_YORK)
    assert hours(schedule(clock), "2018-03-01T00:00:00+00:00", 3) == [7, 7, 7]


def test_a_day_that_a_zone_leaves_out_gives_no_second_tick() -> None:
    # Samoa went from 29 to 31 December 2011.
    clock = interval(DAY_S, "2011-12-01T09:00:00", "Pacific/Apia")
    assert starts(schedule(clock), "2011-12-28T20:00:00+00:00", 3) == [
        "2011-12-29 19:00",
        "2011-12-30 19:00",
        "2011-12-31 19:00",
    ]


def test_ticks_end_with_the_calendar() -> None:
    yearly = schedule(interval(365 * DAY_S, "9997-06-01T00:00:00", NEW_YORK))
    assert starts(yearly, "9997-01-01T00:00:00+00:00", 9)[-1] == "9999-06-01 04:00"
    hourly = schedule(interval(HOUR_S, "9999-12-31T22:30:00"))
    assert starts(hourly, "9999-01-01T00:00:00+00:00", 9) == ["9999-12-31 22:30", "9999-12-31 23:30"]
