"""Each kind of clock against an oracle that computes its events in another way."""

# ruff: noqa: DTZ001 - what clocks on the wall show has no zone

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from eparch.core.schedules import DaylightRule, ScheduleError, next_events, parse_schedule
from tests.properties.schedule_documents import (
    CronFields,
    ask,
    cron_fields,
    expression,
    moments,
    moments_near,
    schedule,
    zoned,
)
from tests.properties.walls import DAY, HOUR, MINUTE, ZONES, changes, instant_of, is_skipped, walls_around

# ---- Cron clocks against every minute ----


def matcher(fields: CronFields, is_day_or: bool) -> Callable[[datetime], bool]:
    """Return whether a wall-clock time matches, by the definition of cron."""
    minutes, hours, days, months, weekdays = fields

    def has(field: Sequence[int] | None, value: int) -> bool:
        return field is None or value in field

    def matches(wall: datetime) -> bool:
        by_day, by_weekday = has(days, wall.day), has(weekdays, (wall.weekday() + 1) % 7)
        is_either = is_day_or and days is not None and weekdays is not None
        is_day = by_day or by_weekday if is_either else by_day and by_weekday
        return has(minutes, wall.minute) and has(hours, wall.hour) and has(months, wall.month) and is_day

    return matches


@pytest.mark.parametrize("rule", DaylightRule)
@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), fields=cron_fields, is_day_or=st.booleans())
def test_a_cron_clock_ticks_at_the_minutes_that_match(
    zone: str, rule: DaylightRule, data: st.DataObject, fields: CronFields, is_day_or: bool
) -> None:
    change = data.draw(st.sampled_from(changes(zone)))
    after, end = data.draw(moments_near(change)), change + 40 * HOUR
    expected = getattr(walls_around(zone, change), rule)(matcher(fields, is_day_or))
    start_date = zoned(datetime(2009, 1, 1), zone)
    clock = {"type": "CronClock", "cron": expression(fields), "day_or": is_day_or, "start_date": start_date}
    found = ask(schedule(clock), after, 71 * 60, rule)
    assert [start for start in found if start < end] == [start for start in expected if after < start < end]


step = st.integers(1, 40).map(lambda n: f"/{n}")


def cron_field(low: int, high: int, *special: str) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    ordered = st.tuples(number, number).filter(lambda pair: pair[0] < pair[1])
    parts = st.one_of(
        number.map(str),
        ordered.map(lambda pair: f"{pair[0]}-{pair[1]}"),
        st.tuples(ordered, step).map(lambda pair: f"{pair[0][0]}-{pair[0][1]}{pair[1]}"),
    )
    lists = st.lists(parts, min_size=1, max_size=3).map(",".join)
    return st.one_of(st.just("*"), st.just("*"), step.map("*{}".format), lists, *map(st.just, special))


cron_expressions = st.tuples(
    cron_field(0, 59),
    cron_field(0, 23),
    cron_field(1, 31, "L", "15W", "1W", "31W", "?"),
    cron_field(1, 12, "jan-mar", "DEC"),
    cron_field(0, 6, "mon-fri", "7", "5-7", "5#2", "1#1,3#5", "L3", "?", "sun,sat"),
    st.just("") | st.just("") | cron_field(0, 59),
).map(" ".join)


@settings(max_examples=300, deadline=None)
@given(cron=cron_expressions, is_day_or=st.booleans(), after=st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)))
@example(cron="0 0 13 * 5#2", is_day_or=True, after=datetime(2018, 11, 4))
@example(cron="0 0 15W * 5", is_day_or=True, after=datetime(2018, 11, 4))
def test_expressions_mean_what_they_mean_to_croniter_where_clocks_never_change(
    cron: str, is_day_or: bool, after: datetime
) -> None:
    from croniter import croniter
    from croniter.croniter import CroniterBadDateError

    try:
        parsed = parse_schedule(schedule({"type": "CronClock", "cron": cron, "day_or": is_day_or}))
    except ScheduleError:
        with pytest.raises(CroniterBadDateError):
            croniter(cron, after, day_or=is_day_or).get_next(datetime)
        return
    iterator = croniter(cron, after, day_or=is_day_or)
    try:
        expected = [iterator.get_next(datetime) for _ in range(6)]
    except CroniterBadDateError:
        assume(False)
    found = [event.start_time.replace(tzinfo=None) for event in next_events(parsed, after.replace(tzinfo=UTC), 6)]
    assert found == expected


@settings(max_examples=300, deadline=None)
@given(cron=st.text("0123456789*/-,#LWhrmonJAN? @dailyx", max_size=25))
def test_any_text_is_an_expression_or_is_refused(cron: str) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        starts = ask(schedule({"type": "CronClock", "cron": cron}), after, 3)
    except ScheduleError as error:
        assert error.part == "clocks[0].cron"  # noqa: PT017 - both ways are right
    else:
        assert len(starts) == 3


# ---- Interval clocks against addition, one step at a time ----


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), days=st.integers(1, 9), minutes=st.integers(0, 24 * 60 - 1))
def test_an_interval_of_days_keeps_its_wall_clock_time(zone: str, data: st.DataObject, days: int, minutes: int) -> None:
    after = data.draw(moments(zone))
    anchor = datetime.combine(after.date() - 12 * DAY, time(minutes // 60, minutes % 60))
    assume(not is_skipped(anchor, zone))
    expected = {instant_of(anchor + n * days * DAY, zone) for n in range(13 // days + 12)}
    clock = {"type": "IntervalClock", "interval": days * 86400 * 1_000_000, "start_date": zoned(anchor, zone)}
    found = ask(schedule(clock), after, 9)
    assert found == sorted(instant for instant in expected if instant > after)[: len(found)]
    assert len(found) == 9


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), minutes=st.sampled_from([1, 2, 3, 5, 6, 10, 15, 30]), anchor_days=st.integers(0, 4000))
def test_an_interval_that_divides_every_change_is_elapsed_time(
    zone: str, data: st.DataObject, minutes: int, anchor_days: int
) -> None:
    after = data.draw(moments(zone))
    anchor = instant_of(datetime.combine(after.date(), time(7, 11)) - min(anchor_days, 365) * DAY, zone)
    wall = anchor.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    interval = minutes * MINUTE
    clock = {"type": "IntervalClock", "interval": minutes * 60_000_000, "start_date": zoned(wall, zone)}
    expected = next(instant for instant in _stepping(anchor, interval) if instant > after)
    for start in ask(schedule(clock), after, 60):
        assert start == expected
        expected += interval


def _stepping(start: datetime, interval: timedelta) -> Iterator[datetime]:
    while True:
        yield start
        start += interval


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), minutes=st.integers(1, 24 * 60 - 1), anchor_minutes=st.integers(0, 24 * 60 - 1))
def test_an_interval_below_a_day_is_counted_from_the_wall_clock_time_of_its_anchor_on_each_day(
    zone: str, data: st.DataObject, minutes: int, anchor_minutes: int
) -> None:
    after = data.draw(moments(zone))
    anchor = datetime.combine(after.date() - 4 * DAY, time(anchor_minutes // 60, anchor_minutes % 60))
    assume(not is_skipped(anchor, zone))
    marks = [instant_of(anchor + n * DAY, zone) for n in range(9)]
    interval = minutes * MINUTE
    # Tick k by the definition, in groups of one calendar day each.
    groups: list[list[datetime]] = [[] for _ in marks]
    for k in range(8 * 24 * 60 // minutes):
        days, rest = divmod(k * interval, DAY)
        groups[days].append(marks[days] + rest)
    expected: list[datetime] = []
    for ticks, following in pairwise(group for group in groups if group):
        kept = [tick for tick in ticks if tick < following[0]]
        while kept and kept[-1] + 2 * interval <= following[0] and len(kept) >= len(ticks):
            kept.append(kept[-1] + interval)
        expected += kept
    clock = {"type": "IntervalClock", "interval": minutes * 60_000_000, "start_date": zoned(anchor, zone)}
    end = marks[6]
    found = [start for start in ask(schedule(clock), after, 5000) if start < end]
    assert found == [start for start in expected if after < start < end]


@pytest.mark.parametrize("zone", ZONES)
@settings(max_examples=25, deadline=None)
@given(data=st.data(), minutes=st.sampled_from([7 * 60, 8 * 60, 12 * 60, 90, 45, 24 * 60]), years=st.integers(1, 200))
def test_an_anchor_long_ago_ticks_as_one_near(zone: str, data: st.DataObject, minutes: int, years: int) -> None:
    after = data.draw(moments(zone))
    near = datetime.combine(after.date() - 7 * DAY, time(12, 5))
    cycle = 7 * DAY  # Divides by each interval.
    far = near - (years * 365 // 7) * cycle
    documents = [
        schedule({"type": "IntervalClock", "interval": minutes * 60_000_000, "start_date": zoned(anchor, zone)})
        for anchor in (near, far)
    ]
    assert ask(documents[0], after, 40) == ask(documents[1], after, 40)


# ---- Recurrence rules against dateutil, followed from their start ----


@st.composite
def recurrence_rules(draw: st.DrawFn) -> str:
    frequency = draw(st.sampled_from(["YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY"]))
    parts = [f"FREQ={frequency}"]
    parts += draw(st.sampled_from([[], [f"INTERVAL={draw(st.integers(1, 50))}"]]))
    parts += draw(st.sampled_from([[], [], [f"COUNT={draw(st.integers(1, 300))}"]]))
    optional = {
        "BYDAY": st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=4),
        "BYMONTH": st.lists(st.integers(1, 12).map(str), min_size=1, max_size=6),
        "BYMONTHDAY": st.lists(st.sampled_from(["1", "13", "28", "31", "-1", "-30"]), min_size=1, max_size=3),
        "BYHOUR": st.lists(st.integers(0, 23).map(str), min_size=1, max_size=3),
        "BYMINUTE": st.lists(st.integers(0, 59).map(str), min_size=1, max_size=3),
        "BYSETPOS": st.sampled_from([["1"], ["-1"], ["2", "-2"]]),
    }
    for name in draw(st.lists(st.sampled_from(sorted(optional)), max_size=3, unique=True)):
        parts.append(f"{name}={','.join(draw(optional[name]))}")
    return ";".join(parts)


@settings(max_examples=100, deadline=None)
@given(
    text=recurrence_rules(),
    start=st.datetimes(datetime(2015, 1, 1), datetime(2016, 12, 31)),
    distance=st.timedeltas(-DAY, 500 * DAY),
)
def test_a_rule_entered_anywhere_ticks_as_one_followed_from_its_start(
    text: str, start: datetime, distance: timedelta
) -> None:
    from dateutil.rrule import rrulestr

    after = start + distance
    source = {"type": "rrule", "rr": f"RRULE:{text}", "_dtstart": start.isoformat(), "_until": None}
    try:
        found = ask(schedule({"type": "RRuleClock", "rrule_obj": source}), after.replace(tzinfo=UTC), 8)
    except ScheduleError as error:
        assert "never occurs" in error.problem or "empty set" in error.problem  # noqa: PT017 - both ways are right
        assume(False)
    followed = rrulestr(text, dtstart=start.replace(microsecond=0))
    expected = islice((wall for wall in followed if wall > after), 8)
    assert [instant.replace(tzinfo=None) for instant in found] == list(expected)
