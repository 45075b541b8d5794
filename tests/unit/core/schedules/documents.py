"""Short ways to write schedule documents in tests, and to ask them for their next starts."""

from datetime import datetime

from eparch.core.schedules import DaylightRule, next_events, parse_schedule

Document = dict[str, object]

NEW_YORK = "America/New_York"
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400


def date(dt: str, tz: str = "UTC") -> Document:
    return {"dt": dt, "tz": tz}


def interval(seconds: float, start: str | None = None, tz: str = "UTC", **fields: object) -> Document:
    start_date = None if start is None else date(start, tz)
    return {"type": "IntervalClock", "interval": round(seconds * 1_000_000), "start_date": start_date, **fields}


def cron(expression: str, start: str | None = None, tz: str = "UTC", **fields: object) -> Document:
    start_date = None if start is None else date(start, tz)
    return {"type": "CronClock", "cron": expression, "start_date": start_date, **fields}


def dates(*given: Document, **fields: object) -> Document:
    return {"type": "DatesClock", "dates": list(given), **fields}


def rule(text: str, start: str, until: str | None = None) -> Document:
    return {"rr": f"RRULE:{text}", "_dtstart": start, "_until": until}


def rrule(text: str, start: str, until: str | None = None, **fields: object) -> Document:
    return {"type": "RRuleClock", "rrule_obj": {"type": "rrule", **rule(text, start, until)}, **fields}


def rrule_set(
    rules: list[Document] | None = None,
    *,
    rdate: list[str] | None = None,
    exrule: list[Document] | None = None,
    exdate: list[str] | None = None,
    **fields: object,
) -> Document:
    members = {"_rrule": rules or [], "_rdate": rdate or [], "_exrule": exrule or [], "_exdate": exdate or []}
    return {"type": "RRuleClock", "rrule_obj": {"type": "rruleset", **members}, **fields}


def keep(name: str, **kwargs: object) -> Document:
    return {"fn": f"prefect.schedules.filters.{name}", "kwargs": kwargs}


def adjust(name: str, **kwargs: object) -> Document:
    return {"fn": f"prefect.schedules.adjustments.{name}", "kwargs": kwargs}


def schedule(*clocks: Document, **fields: object) -> Document:
    return {"type": "Schedule", "clocks": list(clocks), **fields}


def starts(document: Document, after: str, events_max: int, rule: str = "compatible") -> list[str]:
    """Return the next start times as `YYYY-MM-DD HH:MM[:SS[.ffffff]]` in UTC."""
    events = next_events(parse_schedule(document), datetime.fromisoformat(after), events_max, DaylightRule(rule))
    return [_text(event.start_time) for event in events]


def hours(document: Document, after: str, events_max: int, rule: str = "compatible") -> list[int]:
    """Return the hours in UTC of the next start times."""
    return [int(start[11:13]) for start in starts(document, after, events_max, rule)]


def _text(start: datetime) -> str:
    return start.replace(tzinfo=None).isoformat(sep=" ").removesuffix(":00")
