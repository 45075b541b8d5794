"""The document that the API stores for the schedule of a flow group."""

from datetime import UTC, datetime

import pytest

from eparch.core.schedules import ScheduleError, next_events, parse_schedule, schedule_document

NOW = datetime(2026, 11, 22, 17, 30, 1, 5, tzinfo=UTC)


def test_cron_clocks_come_first_and_keep_their_keys_and_intervals_become_microseconds() -> None:
    document = schedule_document(
        [{"cron": "42 0 0 * * *"}, {"cron": "0 9 * * *", "parameter_defaults": {"x": 1}}],
        [{"interval": 420, "parameter_defaults": {"x": 2}}],
        None,
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
    document = schedule_document([{"cron": "0 9 * * *"}], [{"interval": 60}], zone, NOW)
    clocks = document["clocks"]
    assert isinstance(clocks, list)
    assert [clock["start_date"] for clock in clocks] == [{"dt": dt, "tz": zone}] * 2


def test_the_document_can_be_read_back() -> None:
    document = schedule_document([{"cron": "0 9 * * *"}], None, "America/New_York", NOW)
    event = next_events(parse_schedule(document), NOW, 1)[0]
    assert event.start_time == datetime(2026, 11, 23, 14, tzinfo=UTC)


def test_a_repeated_hour_does_not_start_a_clock_in_the_past() -> None:
    first_passing = datetime(2018, 11, 4, 5, 30, tzinfo=UTC)
    document = schedule_document(None, [{"interval": 3600}], "America/New_York", first_passing)
    events = next_events(parse_schedule(document), first_passing, 2)
    assert [event.start_time.hour for event in events] == [6, 7]


@pytest.mark.parametrize("zone", ["Mars/Olympus", ""])
def test_a_bad_zone_is_named(zone: str) -> None:
    with pytest.raises(ScheduleError, match="Invalid timezone"):
        schedule_document([{"cron": "0 9 * * *"}], None, zone, NOW)


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
        schedule_document(cron_clocks, interval_clocks, None, NOW)
    assert caught.value.part == part
