"""In charge of one iCalendar recurrence rule (RFC 5545, section 3.3.10): from its document to its instants.

Not in charge of sets of rules, nor of the bounds of a clock (`rrule_clock`), nor of refusing rules that would keep
dateutil, which expands them, busy for ever (`recurrence_days`).

A document says `{rr: "DTSTART:...\\nRRULE:FREQ=...", _dtstart: <ISO>, _until: <ISO or null>}`. The text has lost the
offsets of DTSTART and UNTIL; the two other fields keep them and win. A time without offset is UTC.

Clients of Prefect write rules with a fixed offset. A document of the API may have `_tz` besides, a time zone: then all
times without offset are wall-clock times of that zone, and the rule follows its daylight saving.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final

from eparch.core.schedules.moments import read_iso_datetime
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.recurrence_days import has_a_day
from eparch.core.schedules.zones import DaylightRule, earliest_wall, instants_of_walls, parse_zone

if TYPE_CHECKING:
    from dateutil.rrule import rrule

COUNT_MAX: Final = 100_000
"""Largest COUNT of a rule whose end can only be found by walking there: 0.3 s with dateutil at 3 us an event."""

_UNITS: Final[Mapping[str, timedelta]] = {
    "WEEKLY": timedelta(weeks=1),
    "DAILY": timedelta(days=1),
    "HOURLY": timedelta(hours=1),
    "MINUTELY": timedelta(minutes=1),
    "SECONDLY": timedelta(seconds=1),
}
_ALLOWED: Final = "give an iCalendar rule such as 'RRULE:FREQ=DAILY;BYHOUR=9'"


@dataclass(frozen=True, slots=True)
class RecurrenceRule:
    """A rule in wall-clock time of a zone.

    Attributes:
        zone: the fixed offset of the rule's start, UTC for a naive rule; or the zone that the document names.
        is_naive: whether the document gave the start without offset or zone.
        start: naive wall-clock time of the start.
        until: naive wall-clock time after which there are no events, or None.
        expansion: dateutil's rule, naive and without UNTIL.
        period: the rule looks the same when its start moves by a multiple of this; None when it does not.
    """

    zone: tzinfo
    is_naive: bool
    start: datetime
    until: datetime | None
    expansion: rrule
    period: timedelta | None

    def instants(self, earliest: datetime, rule: DaylightRule = DaylightRule.COMPATIBLE) -> Iterator[datetime]:
        """Yield the UTC instants of the rule at or after `earliest`, ascending."""
        for instant in instants_of_walls(self.walls(earliest), self.zone, rule):
            if instant >= earliest:
                yield instant

    def walls(self, earliest: datetime) -> Iterator[datetime]:
        """Yield the wall-clock times of the rule from those on that can stand for `earliest`, ascending."""
        first_wall = earliest_wall(earliest, self.zone)
        expansion = self.expansion
        if self.period is not None:
            # Two whole periods back: the first one is incomplete, which matters to BYSETPOS.
            periods_count = (first_wall - self.start) // self.period - 2
            if periods_count > 0:
                expansion = expansion.replace(dtstart=self.start + periods_count * self.period)
        for wall in expansion:
            if self.until is not None and wall > self.until:
                return
            if wall >= first_wall:
                yield wall


def read_recurrence_rule(node: Node) -> RecurrenceRule:
    """Read one rule.

    Raises:
        ScheduleError: the text is no rule, has no start, counts beyond COUNT_MAX, or never occurs.
    """
    text = node.key("rr")
    fields, text_start = _split(text)
    start = _read_start(node, text_start)
    zone_node = node.key("_tz")
    is_zoned = zone_node.value is not None
    zone: tzinfo = UTC if start.tzinfo is None else timezone(start.utcoffset() or timedelta())
    try:
        if is_zoned:
            zone = parse_zone(zone_node)
            start = start if start.tzinfo is None else start.astimezone(zone)
        wall = start.replace(tzinfo=None, microsecond=0)
        until = _read_until(node, fields.pop("UNTIL", None), zone, is_zoned=is_zoned)
        period = _period(text, fields)
        until, period = _end_of_count(text, fields, wall, until, period)
        expansion = _expansion(text, fields, wall)
    except OverflowError:
        raise text.error(f"{text.value!r} goes beyond the year 9999", _ALLOWED) from None
    return RecurrenceRule(
        zone=zone,
        is_naive=start.tzinfo is None and not is_zoned,
        start=wall,
        until=until,
        expansion=expansion,
        period=period,
    )


def _split(text: Node) -> tuple[dict[str, str], str | None]:
    """Return the parts of the RRULE line in upper case, and the value of the DTSTART line."""
    start: str | None = None
    rules: list[str] = []
    for line in text.text().upper().split():
        name, colon, value = line.partition(":")
        if name.partition(";")[0] == "DTSTART":
            start = value
        elif name == "RRULE" or not colon:
            rules.append(value if colon else line)
        else:
            raise text.error(f"{name!r} is not a line of a single rule", _ALLOWED)
    if len(rules) != 1:
        raise text.error(f"{text.value!r} has {len(rules)} rules", _ALLOWED)
    fields: dict[str, str] = {}
    for pair in rules[0].split(";"):
        name, equals, value = pair.partition("=")
        if not equals or name in fields:
            raise text.error(f"{pair!r} is malformed or repeated", _ALLOWED)
        fields[name] = value
    return fields, start


def _read_start(node: Node, text_start: str | None) -> datetime:
    start = node.key("_dtstart")
    if start.value is not None:
        return read_iso_datetime(start)
    if text_start is None:
        raise start.error("the rule has no start", "give _dtstart as ISO 8601")
    return read_iso_datetime(Node(text_start, f"{node.part}.rr DTSTART"))


def _read_until(node: Node, text_until: str | None, zone: tzinfo, *, is_zoned: bool) -> datetime | None:
    until_node = node.key("_until")
    if until_node.value is None:
        if text_until is None:
            return None
        until_node = Node(text_until, f"{node.part}.rr UNTIL")
    until = read_iso_datetime(until_node)
    if until.tzinfo is None and is_zoned:
        return until
    return (until if until.tzinfo else until.replace(tzinfo=UTC)).astimezone(zone).replace(tzinfo=None)


def _period(text: Node, fields: Mapping[str, str]) -> timedelta | None:
    unit = _UNITS.get(fields.get("FREQ", ""))
    interval = _positive(text, fields, "INTERVAL") or 1
    return None if unit is None else interval * unit


def _end_of_count(
    text: Node, fields: dict[str, str], start: datetime, until: datetime | None, period: timedelta | None
) -> tuple[datetime | None, timedelta | None]:
    """Return UNTIL and the period with COUNT considered; takes COUNT out of the fields where UNTIL can say the same."""
    count = _positive(text, fields, "COUNT")
    if count is None:
        return until, period
    if period is not None and not any(name.startswith("BY") for name in fields):
        del fields["COUNT"]
        try:
            last = start + (count - 1) * period
        except OverflowError:
            return until, period  # It ends with the calendar.
        return (last if until is None else min(last, until)), period
    if count > COUNT_MAX:
        raise text.error(f"COUNT={count} is too large for such a rule", f"give at most {COUNT_MAX}, or UNTIL")
    return until, None


def _expansion(text: Node, fields: Mapping[str, str], start: datetime) -> rrule:
    from dateutil.rrule import rrule, rrulestr  # Imported late: it takes 30 ms, and few schedules have rules.

    try:
        expansion = rrulestr(";".join(f"{name}={value}" for name, value in fields.items()), dtstart=start)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise text.error(f"{text.value!r} is not a recurrence rule ({error})", _ALLOWED) from error
    assert isinstance(expansion, rrule), "one RRULE line is never a set"
    try:
        is_empty = not has_a_day(fields, start, _period(text, fields)) or next(iter(expansion), None) is None
    except ValueError:  # dateutil's way to say that interval and BY parts leave nothing.
        is_empty = True
    if is_empty:
        raise text.error(f"{text.value!r} never occurs", "give a rule with at least one occurrence")
    return expansion


def _positive(text: Node, fields: Mapping[str, str], name: str) -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise text.error(f"{name}={value} is not a positive number", _ALLOWED)
    return int(value)
