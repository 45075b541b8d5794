"""Clocks that are a list of dates."""

from eparch.core.schedules import parse_schedule
from tests.unit.core.schedules.documents import NEW_YORK, date, dates, keep, schedule, starts


def test_dates_come_in_order_and_once() -> None:
    clock = dates(
        date("2019-01-03T00:00:00"),
        date("2019-01-02T00:00:00"),
        date("2019-01-01T19:00:00", NEW_YORK),
        date("2018-12-31T23:59:00"),
    )
    assert starts(schedule(clock), "2019-01-01T00:00:00+00:00", 9) == ["2019-01-02 00:00", "2019-01-03 00:00"]


def test_a_date_is_strictly_after_the_asked_instant() -> None:
    clock = schedule(dates(date("2019-01-02T00:00:00.000001")))
    assert starts(clock, "2019-01-02T00:00:00+00:00", 1) == ["2019-01-02 00:00:00.000001"]
    assert starts(clock, "2019-01-02T00:00:00.000001+00:00", 1) == []


def test_filters_see_each_date_in_its_own_zone() -> None:
    clock = dates(date("2019-01-05T23:00:00", NEW_YORK), date("2019-01-06T23:00:00"))
    found = starts(schedule(clock, filters=[keep("is_weekend")]), "2019-01-01T00:00:00+00:00", 9)
    assert found == ["2019-01-06 04:00", "2019-01-06 23:00"]
    assert starts(schedule(clock, filters=[keep("is_day_of_week", day_of_week=5)]), "2019-01-01T00:00:00+00:00", 9) == [
        "2019-01-06 04:00"
    ]


def test_start_and_end_are_the_first_and_the_last_date() -> None:
    parsed = parse_schedule(schedule(dates(date("2019-02-01T00:00:00"), date("2019-01-01T00:00:00"))))
    assert parsed.start_date is not None
    assert parsed.end_date is not None
    assert (parsed.start_date.instant.month, parsed.end_date.instant.month) == (1, 2)
