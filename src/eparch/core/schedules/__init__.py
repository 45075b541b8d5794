"""In charge of schedules: from a serialized schedule document to the instants at which runs are due.

Not in charge of the present time, of which schedules are active, nor of creating runs: callers pass `after` in and
create what comes out. Nothing here reads a clock or writes anything; time zone data comes from zoneinfo.

    document --parse_schedule--> Schedule --next_events--> [Event, ...] --auto_schedule_key--> one key per run

The rules in plain words are in docs/schedules.md. dateutil and croniter are imported here only, and late.
"""

from eparch.core.schedules.clock import CANDIDATES_MAX
from eparch.core.schedules.errors import ScheduleError
from eparch.core.schedules.events import Event, events_between, has_more_ticks, next_events
from eparch.core.schedules.group_schedule import GivenSchedule, schedule_document
from eparch.core.schedules.preview import DaylightNote, NoteKind, Preview, PreviewEvent, preview
from eparch.core.schedules.run_identity import auto_schedule_key, canonical_payload
from eparch.core.schedules.schedule import Schedule, parse_schedule
from eparch.core.schedules.spans import AHEAD_MAX, Span, events_ahead, last_events, next_look
from eparch.core.schedules.zones import DaylightRule

__all__ = [
    "AHEAD_MAX",
    "CANDIDATES_MAX",
    "DaylightNote",
    "DaylightRule",
    "Event",
    "GivenSchedule",
    "NoteKind",
    "Preview",
    "PreviewEvent",
    "Schedule",
    "ScheduleError",
    "Span",
    "auto_schedule_key",
    "canonical_payload",
    "events_ahead",
    "events_between",
    "has_more_ticks",
    "last_events",
    "next_events",
    "next_look",
    "parse_schedule",
    "preview",
    "schedule_document",
]
