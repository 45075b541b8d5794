"""What adjustments do to the times of events, and to their order and number."""

import pytest

from eparch.core.schedules import ScheduleError, parse_schedule
from tests.unit.core.schedules.documents import (
    DAY_S,
    HOUR_S,
    NEW_YORK,
    adjust,
    cron,
    date,
    dates,
    interval,
    keep,
    schedule,
    starts,
)

AFTER = "2019-01-01T00:00:00+00:00"


def test_adjustments_come_after_filters_and_in_order() -> None:
    document = schedule(
        interval(HOUR_S),
        filters=[keep("at_time", t="//time:22:00:00")],
        adjustments=[adjust("add", interval="//timedelta:10800.0"), adjust("next_weekday")],
    )
    # Friday 22:00 becomes Saturday 01:00, then Monday 01:00.
    assert starts(document, AFTER, 4) == [
        "2019-01-02 01:00",
        "2019-01-03 01:00",
        "2019-01-04 01:00",
        "2019-01-07 01:00",
    ]


def test_an_added_day_is_24_hours_also_when_the_clocks_change() -> None:
    clock = interval(DAY_S, "2018-03-01T09:00:00", NEW_YORK)
    document = schedule(clock, adjustments=[adjust("add", interval="//timedelta:86400.0")])
    assert starts(document, "2018-03-09T00:00:00+00:00", 3) == [
        "2018-03-10 14:00",
        "2018-03-11 14:00",
        "2018-03-12 13:00",
    ]


def test_the_next_weekday_keeps_the_wall_clock_time_in_the_clocks_zone() -> None:
    # Sunday 03:00 UTC is Saturday evening in New York; its Monday is after the change to summer time.
    clock = dates(date("2018-03-10T22:00:00", NEW_YORK))
    document = schedule(clock, adjustments=[adjust("next_weekday")])
    assert starts(document, "2018-03-01T00:00:00+00:00", 1) == ["2018-03-13 02:00"]


def test_the_next_weekday_of_a_time_skipped_on_sunday_is_not_put_off() -> None:
    clock = dates(date("2018-03-10T02:30:00", NEW_YORK))
    document = schedule(clock, adjustments=[adjust("next_weekday")])
    assert starts(document, "2018-03-01T00:00:00+00:00", 1) == ["2018-03-12 06:30"]


def test_adjusted_times_are_not_sorted_again() -> None:
    document = schedule(
        dates(date("2019-01-05T12:00:00"), date("2019-01-07T06:00:00")), adjustments=[adjust("next_weekday")]
    )
    assert starts(document, AFTER, 9) == ["2019-01-07 12:00", "2019-01-07 06:00"]


def test_events_that_an_adjustment_makes_equal_are_one() -> None:
    daily = schedule(interval(DAY_S), adjustments=[adjust("next_weekday")])
    assert [start[8:10] for start in starts(daily, "2019-01-03T00:00:00+00:00", 4)] == ["04", "07", "08", "09"]


def test_events_with_different_labels_stay_apart_when_an_adjustment_makes_their_times_equal() -> None:
    clocks = [interval(DAY_S, labels=["a"]), interval(DAY_S, "2019-01-05T00:00:00", labels=["b"])]
    document = schedule(*clocks, adjustments=[adjust("next_weekday")])
    assert [start[8:10] for start in starts(document, "2019-01-04T00:00:00+00:00", 4)] == ["07", "07", "08", "08"]


def test_an_event_moved_into_the_past_is_left_out() -> None:
    document = schedule(cron("0 9 * * *"), adjustments=[adjust("add", interval="//timedelta:-3600")])
    assert starts(document, "2019-01-01T08:00:00+00:00", 1) == ["2019-01-02 08:00"]
    assert starts(document, "2019-01-01T07:59:59+00:00", 1) == ["2019-01-01 08:00"]


def test_an_event_moved_beyond_the_calendar_is_left_out() -> None:
    document = schedule(dates(date("9999-12-31T00:00:00")), adjustments=[adjust("add", interval="//timedelta:1e6")])
    assert starts(document, AFTER, 1) == []


@pytest.mark.parametrize("given", ["3600", "//timedelta:an hour", "//timedelta:nan", "//timedelta:1e20", 3600])
def test_a_duration_is_refused(given: object) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(schedule(interval(HOUR_S), adjustments=[adjust("add", interval=given)]))
    assert caught.value.part == "adjustments[0].kwargs.interval"
