"""Making runs ahead of time, pass after pass and across downtime, against the plain list of all instants."""

from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eparch.core.schedules import (
    AHEAD_MAX,
    DaylightRule,
    Span,
    events_ahead,
    events_between,
    last_events,
    next_events,
    next_look,
    parse_schedule,
)
from tests.properties.schedule_documents import clocks, moments, schedule, zones

rules = st.sampled_from(DaylightRule)


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    given_clocks=st.lists(clocks(), min_size=1, max_size=2),
    rule=rules,
    events_min=st.integers(1, 12),
    steps_s=st.lists(st.integers(1, 100_000), min_size=1, max_size=4),
)
def test_no_instant_comes_without_a_run_while_there_is_a_scheduler(
    data: st.DataObject, given_clocks: list[dict[str, Any]], rule: DaylightRule, events_min: int, steps_s: list[int]
) -> None:
    """A scheduler that looks when it said it would, or later but within half a span, has every run made in time."""
    parsed, span = parse_schedule(schedule(*given_clocks)), Span(events_min)
    start = now = data.draw(moments(data.draw(zones)))
    made: set[datetime] = set()
    for step_s in steps_s:
        events = events_ahead(parsed, now, span, rule)
        assert len(events) <= max(AHEAD_MAX, events_min)
        made |= {event.start_time for event in events}
        look = next_look(events, now, span)
        assert look > now
        now = look + min(timedelta(seconds=step_s), span.length / 2 - timedelta(seconds=1))
        assert {event.start_time for event in events_between(parsed, start, now, rule)} <= made


@settings(max_examples=60, deadline=None)
@given(
    data=st.data(),
    given_clocks=st.lists(clocks(), min_size=1, max_size=2),
    rule=rules,
    hours=st.integers(0, 24 * 20),
    events_max=st.integers(1, 30),
)
def test_the_last_events_of_a_downtime_are_those_of_the_whole_list(
    data: st.DataObject, given_clocks: list[dict[str, Any]], rule: DaylightRule, hours: int, events_max: int
) -> None:
    parsed = parse_schedule(schedule(*given_clocks))
    after = data.draw(moments(data.draw(zones)))
    until = after + timedelta(hours=hours)
    whole = [event for event in next_events(parsed, after, 10_000, rule) if event.start_time <= until]
    assert events_between(parsed, after, until, rule) == whole
    if len(whole) < 9_000:
        assert last_events(parsed, after, until, events_max, rule) == whole[-events_max:]
