"""The document that the API stores for the schedule of a flow group."""

from datetime import UTC, datetime

import pytest

from eparch.core.schedules import GivenSchedule, ScheduleError, next_events, parse_schedule, schedule_document

NOW = datetime(2026, 11, 22, 17, 30, 1, 5, tzinfo=UTC)


def test_cron_clocks_come_first_and_keep_their_keys_and_intervals_become_microseconds() -> None:
    document = schedule_document(
        GivenSchedule(
            [{"cron": "42 0 0 * * *"}, {"cron": "0 9 * * *", "parameter_defaults": {"x": 1}}],
            [{"interval": 420, "parameter_defaults": {"x": 2}}],
        ),
        NOW,
    )
    assert document == {
        "type": "Schedule",
        "clocks": [
            {"type": "CronClock", "cron": "42 0 0 * * *", "start_date": None},
            {"type": "CronClock", "cron": "0 9 * * *", "parameter_defaults": {"x": 1}, "start_date": None},
            {"type": "IntervalClock", "interval": 420_000_000, "parameter_defaults": {"x": 2}, "start_date": None},
        ],
    }


@pytest.mark.parametrize(
    ("zone", "dt"), [("US/Pacific", "2026-11-22T09:30:01.000005"), ("+05:45", "2026-11-22T23:15:01.000005")]
)
def test_with_a_zone_all_clocks_start_now_in_it(zone: str, dt: str) -> None:
    document = schedule_document(GivenSchedule([{"cron": "0 9 * * *"}], [{"interval": 60}], timezone=zone), NOW)
    clocks = document["clocks"]
    assert isinstance(clocks, list)
    assert [clock["start_date"] for clock in clocks] == [{"dt": dt, "tz": zone}] * 2


def test_the_document_can_be_read_back() -> None:
    document = schedule_document(GivenSchedule([{"cron": "0 9 * * *"}], timezone="America/New_York"), NOW)
    event = next_events(parse_schedule(document), NOW, 1)[0]
    assert event.start_time == datetime(2026, 11, 23, 14, tzinfo=UTC)


def test_a_repeated_hour_does_not_start_a_clock_in_the_past() -> None:
    first_passing = datetime(2018, 11, 4, 5, 30, tzinfo=UTC)
    document = schedule_document(
        GivenSchedule(interval_clocks=[{"interval": 3600}], timezone="America/New_York"), first_passing
    )
    events = next_events(parse_schedule(document), first_passing, 2)
    assert [event.start_time.hour for event in events] == [6, 7]


@pytest.mark.parametrize("zone", ["Mars/Olympus", ""])
def test_a_bad_zone_is_named(zone: str) -> None:
    with pytest.raises(ScheduleError, match="Invalid timezone"):
        schedule_document(GivenSchedule([{"cron": "0 9 * * *"}], timezone=zone), NOW)


@pytest.mark.parametrize(
    ("cron_clocks", "interval_clocks", "part"),
    [
        ([{"cron": "0 9 * *"}], None, "clocks[0].cron"),
        ([{"cron": "0 9 * * *"}], [{"interval": 59}], "clocks[1].interval"),
        (None, [{"interval": "60"}], "interval_clocks[0].interval"),
        (None, [{"interval": 60}, {}], "interval_clocks[1].interval"),
        ([{}], [], "clocks[0].cron"),
        ([{"cron": "0 9 * * *", "parameter_defaults": 5}], None, "clocks[0].parameter_defaults"),
        (None, None, "clocks"),
        ([], [], "clocks"),
    ],
)
def test_a_bad_clock_is_named(
    cron_clocks: list[dict[str, object]] | None, interval_clocks: list[dict[str, object]] | None, part: str
) -> None:
    with pytest.raises(ScheduleError, match="Invalid clock provided for schedule") as caught:
        schedule_document(GivenSchedule(cron_clocks, interval_clocks), NOW)
    assert caught.value.part == part


def test_labels_and_the_day_rule_of_a_clock_are_kept() -> None:
    given = GivenSchedule([{"cron": "0 9 1 * mon", "day_or": False, "labels": ["a"]}], [{"interval": 60, "labels": []}])
    events = next_events(parse_schedule(schedule_document(given, NOW)), NOW, 1)
    assert [event.labels for event in events] == [()]
    cron = parse_schedule(schedule_document(GivenSchedule(given.cron_clocks), NOW))
    assert [(event.start_time.isoformat(), event.labels) for event in next_events(cron, NOW, 1)] == [
        ("2027-02-01T09:00:00+00:00", ("a",))
    ]


def test_a_rule_follows_the_daylight_saving_of_its_zone() -> None:
    given = GivenSchedule(
        rrule_clocks=[{"rrule": "FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0", "parameter_defaults": {"x": 1}}],
        timezone="Europe/Paris",
    )
    march = datetime(2026, 3, 27, 12, tzinfo=UTC)
    events = next_events(parse_schedule(schedule_document(given, march)), march, 3)
    assert [event.start_time.hour for event in events] == [8, 7, 7]
    assert events[0].parameter_defaults == {"x": 1}


def test_a_rule_without_a_start_begins_now_and_one_with_a_start_keeps_it() -> None:
    now_on = schedule_document(GivenSchedule(rrule_clocks=[{"rrule": "FREQ=HOURLY"}]), NOW)
    assert [event.start_time.isoformat() for event in next_events(parse_schedule(now_on), NOW, 1)] == [
        "2026-11-22T18:30:01+00:00"
    ]
    text = "DTSTART:20260101T000000\nRRULE:FREQ=HOURLY"
    given = GivenSchedule(rrule_clocks=[{"rrule": text}], timezone="America/New_York")
    kept = next_events(parse_schedule(schedule_document(given, NOW)), NOW, 1)
    assert [event.start_time.isoformat() for event in kept] == ["2026-11-22T18:00:00+00:00"]


def test_a_whole_document_is_taken_as_it_is_and_checked() -> None:
    document = {"clocks": [{"type": "CronClock", "cron": "0 9 * * *"}], "filters": [], "mine": 1}
    assert schedule_document(GivenSchedule(document=document), NOW) == document
    with pytest.raises(ScheduleError, match="Invalid schedule"):
        schedule_document(GivenSchedule(document={"clocks": []}), NOW)
    with pytest.raises(ScheduleError, match="timezone besides"):
        schedule_document(GivenSchedule(document=document, timezone="UTC"), NOW)
