"""Points in time as text.

In charge of the one form that Eparch writes and of the many that it reads; not in charge of the clock.
"""

import re
from datetime import UTC, datetime
from typing import Final

# Python's own parser wants exactly three or six digits of a fraction; PostgreSQL and clients write one to nine.
_FRACTION: Final = re.compile(r"[.,](\d{1,9})(?=\D|$)")


def timestamp_text(instant: datetime) -> str:
    """Return an aware instant in the one form that the API shows: UTC, six fraction digits, `+00:00`.

    One form, because clients compare instants as strings.
    """
    # isoformat is three times as fast as strftime, and strftime does not pad years before 1000.
    return instant.astimezone(UTC).isoformat(timespec="microseconds")


def parse_instant(text: str) -> datetime | None:
    """Return an ISO 8601 date or instant in UTC, None where `text` is not one.

    A text without an offset is UTC. Digits of a second beyond the sixth are cut off.
    """
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        try:
            instant = datetime.fromisoformat(_FRACTION.sub(lambda match: f".{match[1]:0<6.6}", text.strip()))
        except ValueError:
            return None
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        return None
