"""In charge of Hypothesis strategies for schedules, and for the instants to ask them at; not in charge of any law."""

# ruff: noqa: DTZ001 - what clocks on the wall show has no zone

from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from eparch.core.schedules import DaylightRule, next_events, parse_schedule
from tests.properties.walls import MINUTE, ZONES, changes

zones = st.sampled_from(ZONES)


@st.composite
def moments(draw: st.DrawFn, zone: str) -> datetime:
    """Instants near a change of the zone's offset, to the minute or the microsecond."""
    return draw(moments_near(draw(st.sampled_from(changes(zone)))))


@st.composite
def moments_near(draw: st.DrawFn, change: datetime) -> datetime:
    moment = change + draw(st.integers(-30 * 60, 6 * 60)) * MINUTE
    return moment + draw(st.sampled_from([timedelta(), timedelta(microseconds=1), timedelta(seconds=59.999999)]))


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
