"""In charge of what all clocks share: bounds, parameters, labels, and the promise of `occurrences`.

Not in charge of any kind of clock; `interval_clock`, `cron_clock`, `dates_clock` and `rrule_clock` are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import ClassVar, Final, TypeAlias

from eparch.core.schedules.moments import ZonedInstant, read_optional_zoned_instant
from eparch.core.schedules.nodes import Node
from eparch.core.schedules.zones import DaylightRule

CANDIDATES_MAX: Final = 10_000
"""How many events of the clocks one call looks at before it gives up on filters; the clients' limit too."""

Occurrence: TypeAlias = tuple[datetime, tzinfo]
"""An aware UTC instant, and the zone in which filters and adjustments look at it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock(ABC):
    """A source of instants, with the parameters and labels that runs started by it get.

    Attributes:
        parameter_defaults: parameters of the runs; may be empty.
        labels: labels of the runs, in the order of the document; None means that the clock has no opinion, () means
            that the runs have no labels.
        start_date: no event before it (inclusive), or None.
        end_date: no event after it (inclusive), or None.
    """

    follows_daylight_rule: ClassVar[bool] = False
    """Whether the two daylight rules can give different events."""

    parameter_defaults: Mapping[str, object]
    labels: tuple[str, ...] | None
    start_date: ZonedInstant | None
    end_date: ZonedInstant | None

    @abstractmethod
    def occurrences(self, earliest: datetime, rule: DaylightRule) -> Iterator[Occurrence]:
        """Yield the events at or after `earliest` (aware UTC), ascending and without duplicates.

        The work done before the first one does not grow with the distance between `earliest` and the start date.

        Raises:
            OverflowError: an event is near or beyond the year 9999; there are no further ones.
        """

    def walls(self, earliest: datetime) -> Iterator[tuple[datetime, tzinfo]]:
        """Yield the wall-clock times that the clock aims at, with their zone, from a little before `earliest` on.

        None for clocks that count elapsed time or name instants: no daylight-saving change moves their events.

        Raises:
            OverflowError: the calendar ends.
        """
        return iter(())


@dataclass(frozen=True, slots=True)
class SharedFields:
    """The fields that every clock document has."""

    parameter_defaults: Mapping[str, object]
    labels: tuple[str, ...] | None
    start_date: ZonedInstant | None
    end_date: ZonedInstant | None


def read_shared_fields(node: Node) -> SharedFields:
    """Read the fields that every clock document has; all of them may be absent.

    Raises:
        ScheduleError: one of them is malformed.
    """
    parameters = node.key("parameter_defaults")
    labels = node.key("labels")
    return SharedFields(
        parameter_defaults={} if parameters.value is None else dict(parameters.mapping()),
        labels=None if labels.value is None else tuple(label.text() for label in labels.items()),
        start_date=read_optional_zoned_instant(node.key("start_date")),
        end_date=read_optional_zoned_instant(node.key("end_date")),
    )
