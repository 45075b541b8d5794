"""A schedule: clocks together, filtered and adjusted.

In charge of the whole and of its document; not in charge of its parts (`clocks`, `filters`, `adjustments`).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from eparch.core import schedules
from eparch.sdk.errors import FlowError
from eparch.sdk.format import FORMAT_VERSION
from eparch.sdk.schedules.clocks import Clock, CronClock, IntervalClock
from eparch.sdk.schedules.functions import ScheduleAdjustment, ScheduleFilter


class Schedule:
    """Clocks, of whose instants those count that pass the filters, after which they are adjusted.

    Args:
        clocks: one or several; see `Cron`, `Interval`, `Dates`, `RRule`.
        filters: all must accept an instant.
        or_filters: if there are any, one at least must.
        not_filters: none may.
        adjustments: done in order.

    Example:
        >>> from datetime import UTC, datetime, timedelta
        >>> from eparch.schedules import Interval, Schedule, adjustments, filters
        >>> schedule = Schedule(Interval(timedelta(days=1)), not_filters=[filters.is_weekend])
        >>> [instant.day for instant in schedule.next(3, after=datetime(2026, 1, 1, tzinfo=UTC))]
        [2, 5, 6]
    """

    def __init__(
        self,
        clocks: Clock | Sequence[Clock],
        filters: Iterable[ScheduleFilter] | None = None,
        or_filters: Iterable[ScheduleFilter] | None = None,
        not_filters: Iterable[ScheduleFilter] | None = None,
        adjustments: Iterable[ScheduleAdjustment] | None = None,
    ) -> None:
        self.clocks = [clocks] if isinstance(clocks, Clock) else list(clocks)
        self.filters = _members("filters", ScheduleFilter, filters)
        self.or_filters = _members("or_filters", ScheduleFilter, or_filters)
        self.not_filters = _members("not_filters", ScheduleFilter, not_filters)
        self.adjustments = _members("adjustments", ScheduleAdjustment, adjustments)
        for clock in self.clocks:
            if not isinstance(clock, Clock):
                raise FlowError(
                    f"A schedule is made of clocks, not of {clock!r}.", hint="use eparch.schedules.Cron or others"
                )
        # What cannot be carried out is said here and not by the server.
        self._parsed  # noqa: B018 - reading it checks it

    def next(self, n: int, after: datetime | None = None) -> list[datetime]:
        """Return the next n instants, in UTC; fewer where there are no more.

        Args:
            after: they are strictly later than this; by default than now.
        """
        return [event.start_time for event in self.next_events(n, after)]

    def next_events(self, n: int, after: datetime | None = None) -> list[schedules.Event]:
        """Return the next n runs, each with its instant, parameters and labels."""
        start = after if after is not None else datetime.now(UTC)
        return schedules.next_events(self._parsed, start.replace(tzinfo=start.tzinfo or UTC), n)

    @property
    def start_date(self) -> datetime | None:
        """The earliest start of its clocks, None where one has none."""
        starts = [clock.start_date for clock in self.clocks]
        return None if None in starts else min(start for start in starts if start is not None)

    @property
    def end_date(self) -> datetime | None:
        """The latest end of its clocks, None where one has none."""
        ends = [clock.end_date for clock in self.clocks]
        return None if None in ends else max(end for end in ends if end is not None)

    def serialize(self) -> dict[str, Any]:
        """Return the schedule as the JSON document that is registered."""
        return {
            "clocks": [clock.document() for clock in self.clocks],
            "filters": [member.document() for member in self.filters],
            "or_filters": [member.document() for member in self.or_filters],
            "not_filters": [member.document() for member in self.not_filters],
            "adjustments": [member.document() for member in self.adjustments],
            "__version__": FORMAT_VERSION,
        }

    @cached_property
    def _parsed(self) -> schedules.Schedule:
        try:
            return schedules.parse_schedule(self.serialize())
        except schedules.ScheduleError as error:
            raise FlowError(
                f"The schedule cannot be carried out: {error.part or 'schedule'}: {error.problem}.", hint=error.hint
            ) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self.serialize() == other.serialize()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<Schedule: {len(self.clocks)} clocks>"


def as_schedule(given: "Schedule | Clock | None", flow_name: str) -> "Schedule | None":
    """Return what a flow was given as its schedule, a clock alone included.

    Raises:
        FlowError: it is neither a schedule nor a clock.
    """
    if isinstance(given, Clock):
        return Schedule(given)
    if given is not None and not isinstance(given, Schedule):
        raise FlowError(f"The schedule of flow {flow_name!r} is {given!r}.", hint='write schedule=Cron("0 6 * * *")')
    return given


def CronSchedule(  # noqa: N802 - it stands for a class
    cron: str, start_date: datetime | None = None, end_date: datetime | None = None, day_or: bool | None = None
) -> Schedule:
    """Return a schedule of one cron clock; `Cron` is shorter.

    Example:
        >>> CronSchedule("0 6 * * *") == Schedule(CronClock("0 6 * * *"))
        True
    """
    return Schedule(CronClock(cron, start_date, end_date, day_or=day_or))


def IntervalSchedule(  # noqa: N802
    start_date: datetime | None = None, interval: timedelta | None = None, end_date: datetime | None = None
) -> Schedule:
    """Return a schedule of one interval clock; `Interval` is shorter.

    Example:
        >>> IntervalSchedule(interval=timedelta(hours=1)) == Schedule(IntervalClock(timedelta(hours=1)))
        True
    """
    if interval is None:
        raise FlowError("An interval schedule needs an interval.", hint="write interval=timedelta(hours=1)")
    return Schedule(IntervalClock(interval, start_date, end_date))


def _members(name: str, kind: type[Any], given: Iterable[Any] | None) -> list[Any]:
    found = list(given or ())
    for member in found:
        if not isinstance(member, kind):
            raise FlowError(
                f"{name} of a schedule contain {member!r}.",
                hint="the server can call only those in eparch.schedules.filters and eparch.schedules.adjustments; "
                "for rules of your own use several clocks, or let the flow skip itself",
            )
    return found
