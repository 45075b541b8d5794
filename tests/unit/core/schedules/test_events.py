"""How the events of several clocks become one list."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from eparch.core.schedules import CANDIDATES_MAX, Event, next_events, parse_schedule
from tests.unit.core.schedules.documents import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    NEW_YORK,
    Document,
    cron,
    date,
    dates,
    interval,
    keep,
    schedule,
    starts,
)

NEW_YEAR = datetime(2019, 1, 1, tzinfo=UTC)


def events(document: Document, events_max: int) -> list[Event]:
    return next_events(parse_schedule(document), NEW_YEAR, events_max)


def test_an_event_carries_what_its_clock_gives() -> None:
    clock = interval(DAY_S, parameter_defaults={"x": [1, None]}, labels=["b", "a"])
    assert events(schedule(clock), 1) == [Event(NEW_YEAR + timedelta(days=1), {"x": [1, None]}, ("b", "a"))]
    bare: Document = {"type": "IntervalClock", "interval": DAY_S * 1_000_000}
    assert events(schedule(bare), 1) == [Event(NEW_YEAR + timedelta(days=1), {}, None)]
    assert events(schedule({**bare, "labels": [], "parameter_defaults": None}), 1)[0].labels == ()


def test_starts_are_in_utc_whatever_the_zones() -> None:
    clock = cron("0 9 * * *", "2018-01-01T00:00:00", NEW_YORK)
    after = NEW_YEAR.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert [event.start_time.tzinfo for event in next_events(parse_schedule(schedule(clock)), after, 2)] == [UTC, UTC]


def test_clocks_are_merged_by_time_and_simultaneous_events_keep_the_order_of_the_clocks() -> None:
    daily, twice = interval(DAY_S, parameter_defaults={"x": 0}), interval(DAY_S / 2, parameter_defaults={"x": 1})
    assert [event.parameter_defaults["x"] for event in events(schedule(daily, twice), 6)] == [1, 0, 1, 1, 0, 1]
    assert [event.parameter_defaults["x"] for event in events(schedule(twice, daily), 6)] == [1, 1, 0, 1, 1, 0]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"parameter_defaults": {"x": 1, "y": 2}}, {"parameter_defaults": {"y": 2, "x": 1}}),
        ({"labels": ["a", "b"]}, {"labels": ["b", "a"]}),
        ({"labels": []}, {"labels": []}),
    ],
)
def test_simultaneous_events_that_mean_the_same_run_are_one(first: Document, second: Document) -> None:
    document = schedule(interval(DAY_S, **first), cron("0 0 * * *", **second))
    assert [event.start_time.day for event in events(document, 3)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"labels": []}, {"labels": None}),
        ({"labels": ["a"]}, {"labels": ["b"]}),
        ({"parameter_defaults": {"x": 12}}, {"parameter_defaults": {"x": 21}}),
        ({"parameter_defaults": {"x": 1}}, {"parameter_defaults": {"x": True}}),
        ({"parameter_defaults": {"x": 1}}, {"parameter_defaults": {"x": "1"}}),
        ({"parameter_defaults": {"x": None}}, {}),
    ],
)
def test_simultaneous_events_that_mean_different_runs_stay_two(first: Document, second: Document) -> None:
    document = schedule(interval(DAY_S, **first), cron("0 0 * * *", **second))
    assert [event.start_time.day for event in events(document, 4)] == [2, 2, 3, 3]


def test_equal_events_are_one_also_with_another_between_them() -> None:
    same, other = interval(DAY_S, parameter_defaults={"x": 0}), interval(DAY_S, parameter_defaults={"x": 1})
    assert [event.parameter_defaults["x"] for event in events(schedule(same, other, same), 4)] == [0, 1, 0, 1]


def test_six_clocks_that_differ_in_parameters_and_labels_give_a_run_each_but_for_equal_ones() -> None:
    clocks = [
        interval(DAY_S, parameter_defaults=parameters, labels=labels)
        for parameters, labels in (
            ({"x": 1}, None),
            ({"x": 1}, ["a"]),
            ({"x": 1}, []),
            ({"x": 2}, None),
            ({}, None),
            ({}, None),
        )
    ]
    found = events(schedule(*clocks), 10)
    assert len({event.start_time for event in found}) == 2
    assert len(found) == 10


def test_never_more_events_than_asked() -> None:
    hourly = schedule(interval(HOUR_S))
    assert [len(events(hourly, events_max)) for events_max in (-1, 0, 1, 7)] == [0, 0, 1, 7]


def test_at_most_so_many_candidates_are_examined() -> None:
    assert CANDIDATES_MAX == 10_000
    minutely = schedule(interval(MINUTE_S))
    assert len(events(minutely, CANDIDATES_MAX + 1)) == CANDIDATES_MAX
    last = NEW_YEAR + timedelta(minutes=CANDIDATES_MAX)
    for distance, count in ((0, 1), (60, 0)):
        wanted = (last + timedelta(seconds=distance)).isoformat()
        assert len(events({**minutely, "filters": [keep("on_datetime", dt=f"//datetime:{wanted}")]}, 1)) == count


def test_a_filtered_weekend_of_minutes_is_bridged() -> None:
    working_hours = [keep("is_weekday"), keep("between_times", start="//time:09:00:00", end="//time:17:00:00")]
    document = schedule(cron("* * * * *", "2018-01-01T00:00:00", NEW_YORK), filters=working_hours)
    assert starts(document, "2019-01-04T22:00:00+00:00", 1) == ["2019-01-07 14:00"]


def test_a_schedule_that_has_ended_has_no_events() -> None:
    assert events(schedule(dates(date("2018-01-01T00:00:00"))), 3) == []


def test_an_instant_without_offset_is_refused() -> None:
    with pytest.raises(ValueError, match="must be an aware datetime"):
        next_events(parse_schedule(schedule(interval(HOUR_S))), datetime(2019, 1, 1), 1)  # noqa: DTZ001


def test_a_schedule_starts_with_its_first_clock_and_ends_with_its_last() -> None:
    early = interval(DAY_S, "2018-01-01T00:00:00", end_date=date("2019-01-01T00:00:00"))
    late = cron("0 0 * * *", "2018-01-01T03:00:00", NEW_YORK, end_date=date("2018-12-31T20:00:00", NEW_YORK))
    parsed = parse_schedule(schedule(late, early))
    assert parsed.start_date is not None
    assert parsed.end_date is not None
    assert parsed.start_date.instant.isoformat() == "2018-01-01T00:00:00+00:00"
    assert parsed.end_date.instant.isoformat() == "2019-01-01T01:00:00+00:00"
    unbounded = parse_schedule(schedule(early, interval(DAY_S)))
    assert (unbounded.start_date, unbounded.end_date) == (None, None)
