"""Clocks: what gives a schedule its instants.

In charge of what each kind takes and of its document; not in charge of the instants (`eparch.core.schedules`).
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from eparch.sdk.errors import FlowError
from eparch.sdk.format import FORMAT_VERSION
from eparch.sdk.schedules.instants import instant_document, zoned

if TYPE_CHECKING:
    from dateutil.rrule import rrule, rruleset

_INTERVAL_MIN: Final = timedelta(minutes=1)


class Clock(ABC):
    """What all clocks have.

    Attributes:
        start_date: no run before it; None for no start.
        end_date: no run after it; None for no end.
        parameter_defaults: parameters of the runs.
        labels: labels of the runs; None leaves them to the flow.
    """

    def __init__(
        self,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
        timezone: str | None = None,
    ) -> None:
        if isinstance(labels, str):
            raise FlowError(f"The labels of a clock are the text {labels!r}.", hint=f"write labels=[{labels!r}]")
        self.start_date = zoned("start_date", start_date, timezone)
        self.end_date = zoned("end_date", end_date)
        self.parameter_defaults = dict(parameter_defaults or {})
        self.labels = None if labels is None else list(labels)

    def document(self) -> dict[str, Any]:
        """Return the clock as JSON.

        Example:
            >>> Cron("0 6 * * *", timezone="Europe/Paris").document()["cron"]
            '0 6 * * *'
        """
        return {
            **self._own(),
            "parameter_defaults": self.parameter_defaults,
            "labels": self.labels,
            "__version__": FORMAT_VERSION,
            "type": type(self).__name__,
        }

    @abstractmethod
    def _own(self) -> dict[str, Any]:
        """Return what only this kind has."""

    def _bounds(self) -> dict[str, Any]:
        return {"start_date": instant_document(self.start_date), "end_date": instant_document(self.end_date)}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Clock) and self.document() == other.document()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self._own()}>"


class IntervalClock(Clock):
    """A run every so often. Made by `Interval` too.

    An interval of whole days keeps the hour of its zone when the clocks change; a shorter one keeps its length.

    Example:
        >>> IntervalClock(timedelta(hours=1)).document()["interval"]
        3600000000
    """

    def __init__(
        self,
        interval: timedelta,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
        timezone: str | None = None,
    ) -> None:
        if not isinstance(interval, timedelta) or interval < _INTERVAL_MIN:
            raise FlowError(f"The interval of a clock is {interval!r}.", hint="give a timedelta of a minute or more")
        super().__init__(start_date, end_date, parameter_defaults, labels, timezone)
        self.interval = interval

    def _own(self) -> dict[str, Any]:
        # The format counts microseconds.
        return {**self._bounds(), "interval": self.interval // timedelta(microseconds=1)}


class CronClock(Clock):
    """Runs as a cron line says. Made by `Cron` too.

    Attributes:
        day_or: whether a day of the month and a day of the week, both given, mean either (as cron has it) or both.

    Example:
        >>> CronClock("0 6 * * *").day_or
        True
    """

    def __init__(
        self,
        cron: str,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
        day_or: bool | None = None,
        timezone: str | None = None,
    ) -> None:
        super().__init__(start_date, end_date, parameter_defaults, labels, timezone)
        self.cron = cron
        self.day_or = True if day_or is None else day_or

    def _own(self) -> dict[str, Any]:
        return {**self._bounds(), "cron": self.cron, "day_or": self.day_or}


class DatesClock(Clock):
    """A run at each of some instants. Made by `Dates` too.

    Example:
        >>> DatesClock([datetime(2030, 1, 1)]).document()["dates"]
        [{'dt': '2030-01-01T00:00:00', 'tz': 'UTC'}]
    """

    def __init__(
        self,
        dates: Iterable[datetime],
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
        timezone: str | None = None,
    ) -> None:
        found = [zoned("a date", date, timezone) for date in dates]
        if not found or None in found:
            raise FlowError("A clock of dates has no dates.", hint="give at least one datetime")
        self.dates = sorted(date for date in found if date is not None)
        super().__init__(self.dates[0], self.dates[-1], parameter_defaults, labels)

    def _own(self) -> dict[str, Any]:
        return {"dates": [instant_document(date) for date in self.dates]}


class RRuleClock(Clock):
    """Runs as a rule of RFC 5545 says. Made by `RRule` too.

    Attributes:
        rrule_obj: a rule, or a set of rules, of the package dateutil.

    Example:
        >>> from dateutil.rrule import DAILY, rrule
        >>> RRuleClock(rrule(DAILY, dtstart=datetime(2030, 1, 1))).document()["rrule_obj"]["rr"]
        'DTSTART:20300101T000000\\nRRULE:FREQ=DAILY'
    """

    def __init__(
        self,
        rrule_obj: "rrule | rruleset",
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(start_date, end_date, parameter_defaults, labels)
        self.rrule_obj = rrule_obj

    def _own(self) -> dict[str, Any]:
        from eparch.sdk.schedules.recurrence import recurrence_document

        return {"rrule_obj": recurrence_document(self.rrule_obj), **self._bounds()}


def Cron(  # noqa: N802 - it stands for a class
    cron: str,
    *,
    timezone: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    parameter_defaults: Mapping[str, Any] | None = None,
    labels: Iterable[str] | None = None,
    day_or: bool = True,
) -> CronClock:
    """Return a clock that goes by a cron line, read in a time zone (by default UTC).

    Example:
        >>> from datetime import UTC, datetime
        >>> from eparch.schedules import Cron, Schedule
        >>> daily = Schedule(Cron("0 6 * * *", timezone="Europe/Paris"))
        >>> daily.next(1, after=datetime(2026, 7, 1, tzinfo=UTC))[0].isoformat()
        '2026-07-01T04:00:00+00:00'
    """
    return CronClock(cron, start, end, parameter_defaults, labels, day_or, timezone)


def Interval(  # noqa: N802
    interval: timedelta,
    *,
    timezone: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    parameter_defaults: Mapping[str, Any] | None = None,
    labels: Iterable[str] | None = None,
) -> IntervalClock:
    """Return a clock that ticks at `start`, and again after each interval; by default from 2019-01-01 on.

    Example:
        >>> from datetime import UTC, datetime, timedelta
        >>> from eparch.schedules import Interval, Schedule
        >>> hourly = Schedule(Interval(timedelta(hours=1)))
        >>> hourly.next(1, after=datetime(2026, 1, 1, 9, 30, tzinfo=UTC))[0].hour
        10
    """
    return IntervalClock(interval, start, end, parameter_defaults, labels, timezone)


def Dates(  # noqa: N802
    dates: Iterable[datetime],
    *,
    timezone: str | None = None,
    parameter_defaults: Mapping[str, Any] | None = None,
    labels: Iterable[str] | None = None,
) -> DatesClock:
    """Return a clock that ticks at each of the given instants.

    Example:
        >>> from datetime import UTC, datetime
        >>> from eparch.schedules import Dates, Schedule
        >>> Schedule(Dates([datetime(2030, 1, 1, tzinfo=UTC)])).next(3, after=datetime(2026, 1, 1, tzinfo=UTC))
        [datetime.datetime(2030, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)]
    """
    return DatesClock(dates, parameter_defaults, labels, timezone)


def RRule(  # noqa: N802
    rule: str,
    *,
    timezone: str | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    parameter_defaults: Mapping[str, Any] | None = None,
    labels: Iterable[str] | None = None,
) -> RRuleClock:
    """Return a clock that goes by a rule of RFC 5545, such as "FREQ=MONTHLY;BYDAY=-1FR".

    Args:
        start: the rule's DTSTART; by default 2019-01-01 in the zone.

    Example:
        >>> from datetime import UTC, datetime
        >>> from eparch.schedules import RRule, Schedule
        >>> last_friday = Schedule(RRule("FREQ=MONTHLY;BYDAY=-1FR"))
        >>> last_friday.next(1, after=datetime(2026, 1, 1, tzinfo=UTC))[0].date().isoformat()
        '2026-01-30'
    """
    from eparch.sdk.schedules.recurrence import recurrence

    first = zoned("start", start, timezone or "UTC")
    assert first is not None
    return RRuleClock(recurrence(rule, first), first, end, parameter_defaults, labels)
