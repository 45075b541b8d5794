"""What must be known of a flow run to say why it does not run.

In charge of the shape of the facts; not in charge of what follows from them (`explanations`) nor of gathering them
(`operations.explanations`).
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """An agent of the tenant."""

    id: str
    name: str | None
    labels: frozenset[str]
    last_queried: datetime | None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """A task run that is not finished.

    Attributes:
        name: of its task, with the index where it is a mapped child.
        upstream: names and states of the task runs before it that are not finished.
    """

    id: str
    name: str
    state: str
    state_start_time: datetime | None
    upstream: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """A limit that is exhausted and that a run waits for.

    Attributes:
        limit: what is limited: a label of flow runs or a tag of task runs.
        slots: how many there are.
        holders: who holds one, as many as are to be named: id and name.
        ahead: how many wait before this run; None where that is not known.
    """

    limit: str
    slots: int
    holders: tuple[tuple[str, str], ...] = ()
    ahead: int | None = None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A flow run.

    Attributes:
        agent: the name of the agent that took it last.
        heartbeat: its last sign of life.
        missed_at: when two beats will have been missed; None where its client does not say how often it beats.
        tasks: its task runs that are not finished, as many as are looked at.
        held_by: what keeps it out of the queue.
        slots: limits without a free slot that it, or a task run of it, needs.
    """

    id: str
    state: str
    state_message: str | None
    state_timestamp: datetime
    state_start_time: datetime | None
    labels: frozenset[str]
    is_queue_paused: bool
    is_flow_archived: bool
    are_heartbeats_expected: bool = True
    agent: str | None = None
    heartbeat: datetime | None = None
    missed_at: datetime | None = None
    tasks: tuple[TaskFacts, ...] = ()
    held_by: str | None = None
    slots: tuple[SlotFacts, ...] = ()
