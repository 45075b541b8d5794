"""When a Running flow run is offered to agents again because one of its task runs waits.

In charge of that instant alone; not in charge of the queue (`operations.queue`).
"""

from datetime import datetime, timedelta
from typing import Final

RETRY_GRACE: Final = timedelta(seconds=15)
"""How long after the instant of a retry its flow run is offered.

A process that still lives wakes at that very instant and makes the retry itself; were the flow run offered at the same
time, a second process would carry it out beside the first. Nothing that takes a live process this long passes unseen.
"""


def offered_at(state: str, start_time: datetime) -> datetime:
    """Return the instant from which a Running flow run is offered for a task run that waits until `start_time`.

    Only a process makes a task run wait in Retrying; whoever approves or schedules one wants it taken up at once.
    """
    return start_time + RETRY_GRACE if state == "Retrying" else start_time
