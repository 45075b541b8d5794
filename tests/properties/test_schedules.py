"""Laws that hold for every schedule: order, number, repeatability, filters, and documents of any shape."""

# ruff: noqa: DTZ001 - what clocks on the wall show has no zone

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eparch.core.schedules import DaylightRule, Event, ScheduleError, next_events, parse_schedule
from tests.properties.schedule_documents import ask, clocks, moments, schedule, zones
from tests.properties.walls import DAY


def identity(event: Event) -> tuple[datetime, str]:
    labels = None if event.labels is None else sorted(event.labels)
    return event.start_time, f"{event.parameter_defaults} {labels}"


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
    document = deepcopy(document)  # Strategies give out the same objects again.
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
