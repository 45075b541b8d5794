"""Rules of RFC 5545, as objects of dateutil and as documents.

In charge of both ways; not in charge of the instants (`eparch.core.schedules`).
"""

from datetime import datetime
from typing import Any

from dateutil.rrule import rrule, rruleset, rrulestr

from eparch.sdk.errors import FlowError
from eparch.sdk.format import FORMAT_VERSION


def recurrence(text: str, start: datetime) -> rrule | rruleset:
    """Return a rule's text as an object.

    Raises:
        FlowError: it is not a rule.
    """
    try:
        found: rrule | rruleset = rrulestr(text, dtstart=start)
    except (ValueError, KeyError, TypeError) as error:
        raise FlowError(
            f"{text!r} is not a recurrence rule: {error}.", hint="write one such as 'FREQ=WEEKLY;BYDAY=MO,WE'"
        ) from None
    return found


def recurrence_document(rule: rrule | rruleset) -> dict[str, Any]:
    """Return a rule, or a set of rules, as JSON.

    Raises:
        FlowError: it is neither.
    """
    if isinstance(rule, rrule):
        return {**_rule(rule), "type": "rrule"}
    if isinstance(rule, rruleset):
        # dateutil has no public way to ask for the members of a set; the format calls them the same.
        members: Any = rule
        return {
            "_rrule": [_rule(member) for member in members._rrule],
            "_rdate": [date.isoformat() for date in members._rdate],
            "_exrule": [_rule(member) for member in members._exrule],
            "_exdate": [date.isoformat() for date in members._exdate],
            "__version__": FORMAT_VERSION,
            "type": "rruleset",
        }
    raise FlowError(
        f"A recurrence rule is an object of dateutil.rrule, not {rule!r}.", hint="use eparch.schedules.RRule"
    )


def _rule(rule: rrule) -> dict[str, Any]:
    members: Any = rule
    start, until = members._dtstart, members._until
    return {
        # The text has no zone; the two instants beside it have.
        "rr": str(rule),
        "_dtstart": None if start is None else start.isoformat(),
        "_until": None if until is None else until.isoformat(),
        "__version__": FORMAT_VERSION,
    }
