"""Laws of schedules, and oracles that know nothing of how the events are computed.

The oracles look at every minute of UTC around a daylight-saving change and ask what clocks on the wall show then.
"""

# ruff: noqa: DTZ001 - what clocks on the wall show has no zone

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from eparch.core.schedules import DaylightRule, Event, ScheduleError, next_events, parse_schedule

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ZONES = [
    "America/New_York",
    "America/Santiago",  # changes at midnight
    "Europe/London",
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kathmandu",  # +05:45, never changes
    "America/St_Johns",  # changed at one minute past midnight
    "Africa/Casablanca",  # goes back for Ramadan
    "Pacific/Apia",  # left out 30 December 2011
    "Asia/Beirut",  # changes at midnight
    "UTC",
]


@cache
def changes(zone: str) -> list[datetime]:
    """Return the instants from 2010 to 2013 at which the offset of a zone changes, to the minute."""
    info, found = ZoneInfo(zone), []
    days = [datetime(2010, 1, 1, tzinfo=UTC) + n * DAY for n in range(4 * 365)]
    for day, next_day in pairwise(days):
        if day.astimezone(info).utcoffset() != next_day.astimezone(info).utcoffset():
            minutes = [day + n * MINUTE for n in range(24 * 60 + 1)]
            found += [
                later
                for earlier, later in pairwise(minutes)
                if earlier.astimezone(info).utcoffset() != later.astimezone(info).utcoffset()
            ]
    return found or days[::365]


class Walls:
    """What clocks on the wall show at every minute around a change."""

    def __init__(self, zone: str, change: datetime) -> None:
        info = ZoneInfo(zone)
        minutes = (change + n * MINUTE for n in range(-60 * 60, 70 * 60))
        self._shown = [(minute, minute.astimezone(info).replace(tzinfo=None)) for minute in minutes]
        self._instants = {wall: instant for instant, wall in self._shown}  # Of two passings the second stays.
        for (_, before), (instant, after) in pairwise(self._shown):
            skipped = before + MINUTE
            while skipped < after:
                self._instants[skipped] = instant + (skipped - before - MINUTE)
                skipped += MINUTE

    def compatible(self, matches: Callable[[datetime], bool]) -> list[datetime]:
        return sorted({instant for wall, instant in self._instants.items() if matches(wall)})

    def strict(self, matches: Callable[[datetime], bool]) -> list[datetime]:
        return [instant for instant, wall in self._shown if matches(wall)]


walls_around = lru_cache(maxsize=8)(Walls)


@lru_cache(maxsize=1000)
def instant_of(wall: datetime, zone: str) -> datetime:
    """Return the last instant that shows a wall-clock time; of a skipped one, as far after the gap as into it."""
    info, about = ZoneInfo(zone), wall.replace(tzinfo=UTC)
    offsets = {(about + n * HOUR).astimezone(info).utcoffset() for n in range(-27, 28)}
    for minutes_back in range(48 * 60):
        shown = about - minutes_back * MINUTE
        instants = [shown - offset for offset in offsets if offset is not None]
        showing = [instant for instant in instants if instant.astimezone(info).replace(tzinfo=UTC) == shown]
        if showing:
            return max(showing) + minutes_back * MINUTE
    raise AssertionError(f"{zone} leaves out two days before {wall}")


def is_skipped(wall: datetime, zone: str) -> bool:
    return instant_of(wall, zone).astimezone(ZoneInfo(zone)).replace(tzinfo=None) != wall


# ---- Strategies ----


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Instants near a change of the zone's offset, to the minute or the microsecond."""
    return draw(moments_near(draw(st.sampled_from(changes(zone)))))


@st.composite
def moments_near(draw: st.DrawFn, change: datetime) -> datetime:
    moment = change + draw(st.integers(-30 * 60, 6 * 60)) * MINUTE
    return moment + draw(st.sampled_from([timedelta(), timedelta(microseconds=1), timedelta(seconds=59.999999)]))


zones = st.sampled_from(ZONES)


def numbers(low: int, high: int, size_max: int) -> st.SearchStrategy[list[int]]:
    return st.lists(st.integers(low, high), min_size=1, max_size=size_max, unique=True).map(sorted)


def some_or_all(low: int, high: int, size_max: int) -> st.SearchStrategy[list[int] | None]:
    return st.none() | numbers(low, high, size_max)


cron_fields = st.tuples(
    some_or_all(0, 59, 4),
    some_or_all(0, 23, 6) | numbers(0, 3, 3),
    st.none() | some_or_all(1, 28, 8),
    st.none() | some_or_all(1, 12, 11),
    st.none() | some_or_all(0, 6, 5),
)
CronFields = tuple[list[int] | None, ...]


def expression(fields: CronFields) -> str:
    return " ".join("*" if field is None else ",".join(map(str, field)) for field in fields)


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


def zoned(wall: datetime, zone: str) -> dict[str, str]:
    return {"dt": wall.isoformat(), "tz": zone}


def schedule(*clocks: dict[str, Any], **fields: object) -> dict[str, Any]:
    return {"type": "Schedule", "clocks": list(clocks), **fields}


def ask(
    document: dict[str, Any], after: datetime, events_max: int, rule: DaylightRule = DaylightRule.COMPATIBLE
) -> list[datetime]:
    return [event.start_time for event in next_events(parse_schedule(document), after, events_max, rule)]


payloads = st.fixed_dictionaries(
    {
        "parameter_defaults": st.sampled_from([{}, {"x": 1}, {"x": 2}]),
        "labels": st.sampled_from([None, [], ["a"], ["a", "b"]]),
    }
)


@st.composite
def clocks(draw: st.DrawFn) -> dict[str, Any]:
    zone = draw(zones)
    start = zoned(draw(st.datetimes(datetime(2005, 1, 1), datetime(2014, 1, 1))), zone)
    shared: dict[str, Any] = {**draw(payloads), "start_date": draw(st.sampled_from([None, start]))}
    if draw(st.integers(0, 3)) == 0:
        shared["end_date"] = zoned(draw(st.datetimes(datetime(2010, 1, 1), datetime(2020, 1, 1))), draw(zones))
    kind = draw(st.sampled_from(["cron", "interval", "dates", "rrule"]))
    if kind == "cron":
        cron = expression(draw(cron_fields))
        return {"type": "CronClock", **shared, "cron": cron, "day_or": draw(st.booleans())}
    if kind == "interval":
        seconds = draw(st.integers(60, 4 * 3600) | st.sampled_from([43200, 86400, 90000, 604800]))
        return {"type": "IntervalClock", **shared, "interval": seconds * 1_000_000 + draw(st.integers(0, 1))}
    if kind == "dates":
        walls = draw(st.lists(st.datetimes(datetime(2010, 1, 1), datetime(2027, 1, 1)), min_size=1, max_size=9))
        return {"type": "DatesClock", **draw(payloads), "dates": [zoned(wall, zone) for wall in walls]}
    offset = draw(st.sampled_from(["", "+00:00", "-03:30"]))
    rule = {"rr": draw(rule_texts), "_dtstart": f"2009-03-31T01:30:00{offset}", "_until": None}
    return {"type": "RRuleClock", **shared, "rrule_obj": {"type": "rrule", **rule}}


rule_texts = st.sampled_from(
    [
        "FREQ=MINUTELY;INTERVAL=45",
        "FREQ=HOURLY;BYMINUTE=0,30",
        "FREQ=DAILY;INTERVAL=3",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,SU",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=YEARLY;BYMONTH=3,11",
    ]
)


def identity(event: Event) -> tuple[datetime, str]:
    labels = None if event.labels is None else sorted(event.labels)
    return event.start_time, f"{event.parameter_defaults} {labels}"


# ---- Laws of all schedules ----


@settings(max_examples=200, deadline=None)
@given(data=st.data(), given_clocks=st.lists(clocks(), min_size=1, max_size=3), events_max=st.integers(0, 12))
def test_events_are_later_than_asked_in_order_once_and_no_more_than_asked(
    data: st.DataObject, given_clocks: list[dict[str, Any]], events_max: int
) -> None:
    after = data.draw(moments(data.draw(zones)))
    rule = data.draw(st.sampled_from(DaylightRule))
    events = next_events(parse_schedule(schedule(*given_clocks)), after, events_max, rule)
    starts = [event.start_time for event in events]
    assert len(events) <= events_max
    assert all(start > after and start.tzinfo is UTC for start in starts)
    assert starts == sorted(starts)
    assert len(set(map(identity, events))) == len(events)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), given_clocks=st.lists(clocks(), min_size=1, max_size=3))
def test_the_same_events_come_when_asked_in_two_steps_as_in_one(
    data: st.DataObject, given_clocks: list[dict[str, Any]]
) -> None:
    parsed = parse_schedule(schedule(*given_clocks))
    after = data.draw(moments(data.draw(zones)))
    rule = data.draw(st.sampled_from(DaylightRule))
    events = next_events(parsed, after, 30, rule)
    cuts = [index for index in range(1, len(events)) if events[index - 1].start_time < events[index].start_time]
    assume(cuts)
    cut = data.draw(st.sampled_from(cuts))
    earlier, later = events[cut - 1].start_time, events[cut].start_time
    assert next_events(parsed, earlier, 30 - cut, rule) == events[cut:]
    assert next_events(parsed, earlier + (later - earlier) / 2, 30 - cut, rule) == events[cut:]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), clock=clocks())
def test_an_event_between_start_and_end(data: st.DataObject, clock: dict[str, Any]) -> None:
    parsed = parse_schedule(schedule(clock))
    is_naive_rule = clock["type"] == "RRuleClock" and len(clock["rrule_obj"]["_dtstart"]) == 19
    for start in ask(schedule(clock), data.draw(moments(data.draw(zones))), 20):
        for bound, sign in ((parsed.start_date, 1), (parsed.end_date, -1)):
            if bound is not None:
                instant = bound.wall.replace(tzinfo=UTC) if is_naive_rule else bound.instant
                assert sign * (start - instant) >= timedelta()


# ---- Cron clocks against every minute ----


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
    cron_field(1, 31, "L", "15W", "1W", "?"),
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


# ---- Filters against their definitions ----


def between(value: object, start: object, end: object) -> bool:
    """Whether a value lies between two others on a circle, both included."""
    return start <= value <= end if start <= end else value >= start or value <= end  # type: ignore[operator]


@st.composite
def filters(draw: st.DrawFn) -> tuple[dict[str, Any], Callable[[datetime], bool]]:
    """A filter and its definition, for wall-clock times."""
    name = draw(
        st.sampled_from(
            [
                "is_weekday",
                "is_weekend",
                "is_month_end",
                "is_month_start",
                "is_day_of_week",
                "at_time",
                "between_times",
                "on_date",
                "between_dates",
                "between_datetimes",
                "on_datetime",
            ]
        )
    )
    number, hours = draw(st.integers(0, 6)), draw(st.tuples(st.integers(0, 23), st.integers(0, 23)))
    days = sorted(draw(st.tuples(st.integers(1, 28), st.integers(1, 28))))
    months = draw(st.tuples(st.integers(1, 12), st.integers(1, 12)))
    instants = sorted(datetime(2019, month, day, hours[0]) for month, day in zip(months, days, strict=True))
    ends = [(month, day) for month, day in zip(months, days, strict=True)]
    calendar: dict[str, tuple[dict[str, Any], Callable[[datetime], bool]]] = {
        "is_weekday": ({}, lambda wall: wall.strftime("%a") not in {"Sat", "Sun"}),
        "is_weekend": ({}, lambda wall: wall.strftime("%a") in {"Sat", "Sun"}),
        "is_month_end": ({}, lambda wall: (wall + DAY).month != wall.month),
        "is_month_start": ({}, lambda wall: (wall - DAY).month != wall.month),
        "is_day_of_week": ({"day_of_week": number}, lambda wall: (wall.date() - date(2024, 1, 1)).days % 7 == number),
        "at_time": (
            {"t": f"//time:{hours[0]:02}:00:00"},
            lambda wall: wall.strftime("%H:%M:%S") == f"{hours[0]:02}:00:00",
        ),
        "between_times": (
            {"start": f"//time:{hours[0]:02}:00:00", "end": f"//time:{hours[1]:02}:00:00"},
            lambda wall: between(wall.hour * 60 + wall.minute, hours[0] * 60, hours[1] * 60),
        ),
        "on_date": (
            {"month": months[0], "day": days[0]},
            lambda wall: wall.strftime("%-m/%-d") == f"{months[0]}/{days[0]}",
        ),
        "between_dates": (
            {"start_month": months[0], "start_day": days[0], "end_month": months[1], "end_day": days[1]},
            lambda wall: between((wall.month, wall.day), *ends),
        ),
        "between_datetimes": (
            {"start": f"//datetime:{instants[0].isoformat()}", "end": f"//datetime:{instants[1].isoformat()}+00:00"},
            lambda wall: between(wall.isoformat(), instants[0].isoformat(), instants[1].isoformat()),
        ),
        "on_datetime": ({"dt": f"//datetime:{instants[0].isoformat()}"}, lambda wall: wall == instants[0]),
    }
    kwargs, definition = calendar[name]
    return {"fn": f"prefect.schedules.filters.{name}", "kwargs": kwargs}, definition


@settings(max_examples=200, deadline=None)
@given(
    hours=st.sampled_from([1, 5, 7, 24]),
    after=st.datetimes(datetime(2019, 1, 1), datetime(2019, 12, 31), timezones=st.just(UTC)),
    every=st.lists(filters(), max_size=2),
    some=st.lists(filters(), max_size=2),
    none=st.lists(filters(), max_size=2),
)
def test_events_pass_all_filters_any_or_filter_and_no_not_filter(
    hours: int,
    after: datetime,
    every: list[Any],
    some: list[Any],
    none: list[Any],
) -> None:
    clock = {"type": "IntervalClock", "interval": hours * 3_600_000_000}
    document = schedule(
        clock,
        filters=[reference for reference, _ in every],
        or_filters=[reference for reference, _ in some],
        not_filters=[reference for reference, _ in none],
    )
    starts = ask(schedule(clock), after, 1000)
    expected = [
        start
        for start in starts
        if all(accepts(start.replace(tzinfo=None)) for _, accepts in every)
        and (not some or any(accepts(start.replace(tzinfo=None)) for _, accepts in some))
        and not any(accepts(start.replace(tzinfo=None)) for _, accepts in none)
    ]
    assert [start for start in ask(document, after, 50) if start <= starts[-1]] == expected[:50]


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


@settings(max_examples=200, deadline=None)
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


# ---- Documents of any shape ----

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A sound document in which one value, anywhere, is replaced."""
    functions = [
        {"fn": "prefect.schedules.filters.between_times", "kwargs": {"start": "//time:01:00", "end": "//time:02:00"}},
        {"fn": "prefect.schedules.filters.on_date", "kwargs": {"month": 1, "day": 2}},
    ]
    adjustments = [{"fn": "prefect.schedules.adjustments.add", "kwargs": {"interval": "//timedelta:5"}}]
    document = schedule(
        draw(clocks()), draw(clocks()), filters=functions, or_filters=functions, adjustments=adjustments
    )
    place: Any = document
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 5)):
            place = place[key]
            continue
        place[key] = draw(anything)
        return document


@settings(max_examples=300, deadline=None)
@given(document=damaged() | st.dictionaries(st.sampled_from(["clocks", "filters", "type"]), anything))
def test_any_document_has_events_or_is_refused_in_words(document: dict[str, Any]) -> None:
    try:
        ask(document, datetime(2026, 1, 1, tzinfo=UTC), 3)
    except ScheduleError as error:
        assert error.problem  # noqa: PT017 - both ways are right
        assert error.hint  # noqa: PT017
