"""Whether an agent is there, judged by when it last asked for runs.

In charge of the rule; not in charge of noting when an agent asked (`operations.queue`).

Agents that poll ask every 10 s, those that wait for the answer every 60 s at the least (a long-poll is that long). So
one that has asked within `HEALTHY_S` is there, and who has not for `GONE_S` will hardly come back by itself.
"""

from datetime import datetime, timedelta
from typing import Final, Literal

Health = Literal["healthy", "late", "gone"]

HEALTHY_S: Final = 90.0
GONE_S: Final = 600.0


def health_of(last_queried: datetime | None, now: datetime) -> Health:
    """Return how an agent is; one that has never asked is gone."""
    if last_queried is None or now - last_queried > timedelta(seconds=GONE_S):
        return "gone"
    return "late" if now - last_queried > timedelta(seconds=HEALTHY_S) else "healthy"


def lacking(run_labels: frozenset[str], agent_labels: frozenset[str]) -> frozenset[str]:
    """Return the labels of a run that an agent does not have; where there are none the agent may still be picky."""
    return run_labels - agent_labels


def takes(agent_labels: frozenset[str], run_labels: frozenset[str]) -> bool:
    """Return whether an agent is offered a run: it has all labels of the run, and none if the run has none."""
    return run_labels <= agent_labels and bool(run_labels) == bool(agent_labels)
