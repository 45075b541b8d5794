"""What a preview shows, above all around daylight-saving changes."""

from datetime import UTC, datetime

import pytest

from eparch.core.schedules import (
    DaylightRule,
    GivenSchedule,
    NoteKind,
    Preview,
    parse_schedule,
    preview,
    schedule_document,
)

SPRING = datetime(2018, 3, 10, 12, tzinfo=UTC)
AUTUMN = datetime(2018, 11, 3, 12, tzinfo=UTC)
ZONE = "America/New_York"


def shown(given: GivenSchedule, after: datetime, count: int, rule: DaylightRule = DaylightRule.COMPATIBLE) -> Preview:
    return preview(parse_schedule(schedule_document(given, after)), after, count, rule)


def cron(expression: str, zone: str | None = ZONE) -> GivenSchedule:
    return GivenSchedule([{"cron": expression}], timezone=zone)


def test_events_have_the_time_on_the_wall_and_what_their_clock_gives() -> None:
    given = GivenSchedule(
        [{"cron": "0 9 * * *", "parameter_defaults": {"x": 1}, "labels": ["b", "a"]}],
        [{"interval": 86400}],
        timezone=ZONE,
    )
    first, second = shown(given, SPRING, 2).events
    assert (first.local_time.isoformat(), first.timezone, first.clock) == ("2018-03-10T09:00:00-05:00", ZONE, 0)
    assert (first.parameter_defaults, first.labels) == ({"x": 1}, ("b", "a"))
    assert (second.local_time.isoformat(), second.clock, second.labels) == ("2018-03-11T07:00:00-04:00", 1, None)
    assert first.note is second.note is None


def test_a_skipped_time_is_told_to_be_moved() -> None:
    found = shown(cron("30 2 * * *"), SPRING, 2)
    moved, ordinary = found.events
    assert moved.note is not None
    assert (moved.note.kind, moved.note.wall.isoformat()) == (NoteKind.MOVED, "2018-03-11T02:30:00")
    assert moved.note.text == (
        "02:30 does not exist on 2018-03-11 in America/New_York, as the clocks go forward; it runs at 03:30."
    )
    assert ordinary.note is None
    assert found.notes == [moved.note]


def test_a_skipped_time_has_no_event_under_strict_and_is_told_all_the_same() -> None:
    found = shown(cron("30 2 * * *"), SPRING, 2, DaylightRule.STRICT)
    assert [event.local_time.day for event in found.events] == [12, 13]
    assert [(note.kind, note.instants) for note in found.notes] == [(NoteKind.SKIPPED, ())]


@pytest.mark.parametrize(("rule", "count"), [(DaylightRule.COMPATIBLE, 1), (DaylightRule.STRICT, 2)])
def test_a_repeated_time_is_told(rule: DaylightRule, count: int) -> None:
    found = shown(cron("30 1 * * *"), AUTUMN, 3, rule)
    noted = [event for event in found.events if event.note is not None]
    assert len(noted) == count
    assert {event.local_time.strftime("%d %H:%M") for event in noted} == {"04 01:30"}
    (note,) = found.notes
    assert note.kind is NoteKind.REPEATED
    assert note.instants == tuple(event.start_time for event in noted)


def test_clocks_of_whole_days_and_rules_of_a_zone_are_told_of_too_and_hours_are_not() -> None:
    start = {"dt": "2018-03-01T02:30:00", "tz": ZONE}
    daily = GivenSchedule(
        document={"clocks": [{"type": "IntervalClock", "interval": 86_400_000_000, "start_date": start}]}
    )
    rule = GivenSchedule(rrule_clocks=[{"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0"}], timezone=ZONE)
    for given in (daily, rule):
        assert [note.kind for note in shown(given, SPRING, 2).notes] == [NoteKind.MOVED]
    # A clock of days means the same under both rules.
    assert [note.kind for note in shown(daily, SPRING, 2, DaylightRule.STRICT).notes] == [NoteKind.MOVED]
    assert [note.kind for note in shown(rule, SPRING, 2, DaylightRule.STRICT).notes] == [NoteKind.SKIPPED]
    hourly = GivenSchedule(interval_clocks=[{"interval": 3600}], timezone=ZONE)
    assert shown(hourly, SPRING, 30).notes == []


def test_events_that_filters_refuse_are_not_spoken_of() -> None:
    document = schedule_document(cron("30 2 * * *"), SPRING)
    weekdays = {**document, "filters": [{"fn": "prefect.schedules.filters.is_weekday", "kwargs": {}}]}
    assert shown(GivenSchedule(document=weekdays), SPRING, 3).notes == []


def test_whether_more_follows_is_told() -> None:
    dates = [{"dt": f"2018-03-{day}T00:00:00", "tz": "UTC"} for day in (11, 12, 13)]
    given = GivenSchedule(document={"clocks": [{"type": "DatesClock", "dates": dates}]})
    assert [shown(given, SPRING, count).has_more for count in (2, 3, 4)] == [True, False, False]
    assert shown(given, datetime(2019, 1, 1, tzinfo=UTC), 3).events == []
