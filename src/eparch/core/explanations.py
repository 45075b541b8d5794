"""Why a flow run does not run: the reasons, in codes and in words.

In charge of the rule, over facts; not in charge of gathering them (`operations.explanations`). Pure: the same facts and
the same instant give the same reasons. The first reason is the one to look at first; the others hold as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from eparch.core.agent_health import Health, health_of, takes
from eparch.core.explanation_facts import AgentFacts, RunFacts, TaskFacts
from eparch.core.instants import timestamp_text
from eparch.core.offers import offered_at
from eparch.core.states import FINISHED, QUEUEABLE, RUNNING

Code = Literal[
    "SCHEDULED_LATER",
    "RETRIES_LATER",
    "WAITS_FOR_APPROVAL",
    "WAITS_FOR_SLOT",
    "WAITS_FOR_TASK",
    "HELD",
    "QUEUE_PAUSED",
    "NO_AGENT",
    "NO_AGENT_WITH_LABELS",
    "AGENTS_GONE",
    "AGENTS_LATE",
    "DUE",
    "NOT_OFFERED",
    "SUBMITTED",
    "RUNNING",
    "SILENT",
    "CANCELLING",
    "FINISHED",
    "FLOW_ARCHIVED",
]

NEAR_MAX: Final = 5
"""How many agents are named."""

TASKS_MAX: Final = 5
"""How many task runs are named."""

# A process of Prefect beats every 30 s; after several of them have stayed away something is wrong. One that says how
# often it beats does so every few seconds.
_QUIET_S: Final = 120.0
_LEASED_QUIET_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    Attributes:
        code: for programs.
        text: one or two sentences for people.
        hint: what can be done about it; empty where nothing need be.
        detail: the values in it, JSON-ready.
    """

    code: Code
    text: str
    hint: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)


def explain(run: RunFacts, agents: Sequence[AgentFacts], now: datetime) -> list[Reason]:
    """Return the reasons why a run does not run, or what it does instead; at least one.

    Args:
        agents: all agents of its tenant.
    """
    if run.state in FINISHED:
        return [_finished(run)]
    if run.state == "Submitted":
        reasons = [*_silent(run, now), _submitted(run, now)]
    elif run.state == "Cancelling":
        reasons = [*_silent(run, now), _cancelling(run, now)]
    elif run.state in RUNNING:
        reasons = list(_running(run, agents, now))
    elif run.state in QUEUEABLE:
        reasons = list(_waiting(run, agents, now))
    else:
        reasons = [_not_offered(run)]
    if run.is_flow_archived:
        reasons.append(Reason("FLOW_ARCHIVED", "Its version of the flow is archived; a run that exists goes on."))
    return reasons


def _finished(run: RunFacts) -> Reason:
    since = timestamp_text(run.state_timestamp)
    told = f": {run.state_message}" if run.state_message else "."
    if run.is_flow_archived and "archived" in (run.state_message or ""):
        return Reason(
            "FLOW_ARCHIVED",
            f"It was cancelled when its flow was archived, at {since}.",
            "unarchive the flow, and schedule the run again by setting its state to Scheduled",
            {"state": run.state, "since": since},
        )
    return Reason(
        "FINISHED", f"It is finished: {run.state}, since {since}{told}", "", {"state": run.state, "since": since}
    )


def _submitted(run: RunFacts, now: datetime) -> Reason:
    who = f"The agent {run.agent!r}" if run.agent else "An agent"
    return Reason(
        "SUBMITTED",
        f"{who} took it {_ago(run.state_timestamp, now)} and is starting its process, which has not reported yet.",
        "the log of the agent, and of the run, says what becomes of the process" if _is_old(run, now) else "",
        {"agent": run.agent, "since": timestamp_text(run.state_timestamp)},
    )


def _cancelling(run: RunFacts, now: datetime) -> Reason:
    return Reason(
        "CANCELLING",
        f"It was asked to stop {_ago(run.state_timestamp, now)}; its process looks every few seconds whether it was.",
        "",
        {"since": timestamp_text(run.state_timestamp)},
    )


def _silent(run: RunFacts, now: datetime) -> Iterator[Reason]:
    last = max(filter(None, (run.heartbeat, run.state_timestamp)))
    is_leased = run.missed_at is not None
    quiet_s = _LEASED_QUIET_S if is_leased else _QUIET_S
    is_late = run.missed_at is None or run.missed_at < now
    if run.are_heartbeats_expected and is_late and (now - last).total_seconds() > quiet_s:
        limit = "heartbeat_lease_s" if is_leased else "heartbeat_timeout_s"
        yield Reason(
            "SILENT",
            f"There has been no sign of life for {_span(now - last)}; if that lasts it is taken for lost, and rescued.",
            f"look after its process and its machine; the server's setting {limit} says when it is rescued",
            {"last_sign_of_life": timestamp_text(last)},
        )


def _running(run: RunFacts, agents: Sequence[AgentFacts], now: datetime) -> Iterator[Reason]:
    active = [task for task in run.tasks if task.state in RUNNING or task.state == "Submitted"]
    if active or not any(task.state in QUEUEABLE - {"Queued"} for task in run.tasks):
        # Otherwise the process may have left, and nobody takes the run for lost.
        yield from _silent(run, now)
    if active:
        yield Reason("RUNNING", f"It is running: {_listed(active)} in progress.", "", _task_runs(active))
    begins = [task for task in run.tasks if task.state == "Pending" and not task.upstream]
    if begins and not active:
        yield Reason("RUNNING", f"It is running: {_listed(begins)} about to begin.", "", _task_runs(begins))
    held_up = list(_held_up(run, agents, now))
    yield from held_up
    if not active and not begins and not held_up:
        yield Reason("RUNNING", "It is running, between tasks.")


def _held_up(run: RunFacts, agents: Sequence[AgentFacts], now: datetime) -> Iterator[Reason]:
    """Yield why task runs of a Running flow run are not in progress."""
    queued = [task for task in run.tasks if task.state == "Queued"]
    if queued:
        yield from _slots(run) or [
            Reason("WAITS_FOR_SLOT", f"{_listed(queued)} waiting for a slot.", "", _task_runs(queued))
        ]
    paused = [task for task in run.tasks if task.state in QUEUEABLE and task.state_start_time is None]
    if paused:
        yield Reason(
            "WAITS_FOR_APPROVAL",
            f"{_listed(paused)} paused until somebody approves.",
            f"eparch approve {run.id}",
            _task_runs(paused),
        )
    timed = [task for task in run.tasks if task.state in QUEUEABLE - {"Queued"} and task.state_start_time is not None]
    later = [task for task in timed if _start_of(task) > now]
    if later:
        first = min(later, key=_start_of)
        yield Reason(
            "RETRIES_LATER",
            f"{_listed(later)} waiting for an instant; the next is {first.name}, in {_span(_start_of(first) - now)}.",
            "",
            {"start_time": timestamp_text(_start_of(first)), **_task_runs(later)},
        )
    overdue = [task for task in timed if task not in later]
    offered = [task for task in overdue if offered_at(task.state, _start_of(task)) <= now]
    if overdue and not offered:
        first_at = min(offered_at(task.state, _start_of(task)) for task in overdue)
        yield Reason(
            "RETRIES_LATER",
            f"{_listed(overdue)} to be tried again now, by the process that runs; if there is none any more, agents are"
            f" offered the flow run in {_span(first_at - now)}.",
            "",
            {"offered_at": timestamp_text(first_at), **_task_runs(overdue)},
        )
    if offered:
        # Such a flow run is offered to agents again, which start a process that takes it up.
        yield from _queued(run, agents, now)
    behind = [task for task in run.tasks if task.upstream]
    if behind:
        name, state = behind[0].upstream[0]
        yield Reason(
            "WAITS_FOR_TASK",
            f"{_listed(behind)} waiting for a task before it: {behind[0].name} waits for {name}, which is {state}.",
            "",
            {
                "task_runs": [
                    {**_shown(task), "waits_for": [{"name": each, "state": of} for each, of in task.upstream]}
                    for task in behind[:TASKS_MAX]
                ]
            },
        )


def _waiting(run: RunFacts, agents: Sequence[AgentFacts], now: datetime) -> Iterator[Reason]:
    start = run.state_start_time
    if run.state == "Queued":
        yield from _slots(run) or [Reason("WAITS_FOR_SLOT", run.state_message or "It waits for a free slot.")]
        return
    if start is None or (run.state == "Paused" and start > now):
        told = "It is paused until somebody approves" + (f", or for {_span(start - now)}." if start else ".")
        yield Reason("WAITS_FOR_APPROVAL", told, f"eparch approve {run.id}")
        return
    if start > now:
        what = "to be tried again" if run.state == "Retrying" else "scheduled"
        yield Reason(
            "RETRIES_LATER" if run.state == "Retrying" else "SCHEDULED_LATER",
            f"It is {what} in {_span(start - now)}, at {timestamp_text(start)}.",
            "",
            {"start_time": timestamp_text(start)},
        )
    yield from _queued(run, agents, now, start)


def _queued(
    run: RunFacts, agents: Sequence[AgentFacts], now: datetime, start: datetime | None = None
) -> Iterator[Reason]:
    """Yield what keeps agents from a run that is, or will be, in the queue; or that nothing does."""
    slots = _slots(run)
    is_free = not slots and run.held_by is None
    if run.held_by is not None and start is not None and start <= now:
        yield Reason(
            "HELD",
            "It is held until its schedule's rules for missed and overlapping runs have judged it.",
            "a service does so when those before it have ended; see its log and the flow group's policies",
            {"held_by": run.held_by},
        )
    yield from slots
    if run.is_queue_paused:
        is_free = False
        yield Reason(
            "QUEUE_PAUSED",
            "The work queue is paused: agents are offered no runs.",
            "let it go on: eparch queue resume",
        )
    fitting = [agent for agent in agents if takes(agent.labels, run.labels)]
    reason = _agents_missing(run, agents, fitting, now)
    if reason is not None:
        is_free = is_free and reason.code == "AGENTS_LATE"
        yield reason
    if is_free and (start is None or start <= now):
        late = f", {_span(now - start)} late" if start is not None and now - start > timedelta(seconds=20) else ""
        yield Reason(
            "DUE",
            f"It is due{late}; the next agent that asks and takes its labels gets it.",
            "an agent may be at its limit of runs: look at its log" if late else "",
            {"agents": [_agent(agent, run, now) for agent in _sorted(fitting, run, now)[:NEAR_MAX]]},
        )


def _agents_missing(
    run: RunFacts, agents: Sequence[AgentFacts], fitting: Sequence[AgentFacts], now: datetime
) -> Reason | None:
    labels = sorted(run.labels)
    start = "start one: eparch agent start local" + "".join(f" --label {label}" for label in labels)
    if not agents:
        return Reason("NO_AGENT", "No agent has ever registered.", start, {"labels": labels})
    if not fitting:
        near = [_agent(agent, run, now) for agent in _sorted(agents, run, now)[:NEAR_MAX]]
        if not labels:
            told = "It has no labels, and every agent has some: such agents take only runs with labels."
        else:
            told = (
                f"No agent has all of its labels, {', '.join(labels)}: the nearest, {near[0]['name']!r},"
                f" lacks {', '.join(near[0]['lacking'])}."
            )
        return Reason("NO_AGENT_WITH_LABELS", told, start, {"labels": labels, "near": near})
    healths: set[Health] = {health_of(agent.last_queried, now) for agent in fitting}
    if "healthy" in healths:
        return None
    shown = [_agent(agent, run, now) for agent in _sorted(fitting, run, now)[:NEAR_MAX]]
    best = _sorted(fitting, run, now)[0]
    asked = "it has never asked" if best.last_queried is None else f"it last asked {_ago(best.last_queried, now)}"
    detail = {"labels": labels, "agents": shown}
    if "late" in healths:
        return Reason("AGENTS_LATE", f"The agent {best.name!r} takes its labels, but {asked}.", "", detail)
    told = (
        f"{len(fitting)} agents take its labels and are not there"
        if len(fitting) > 1
        else "1 agent takes its labels and is not there"
    )
    return Reason("AGENTS_GONE", f"{told}: {best.name!r}, {asked}.", start, detail)


def _slots(run: RunFacts) -> list[Reason]:
    reasons = []
    for slot in run.slots:
        names = ", ".join(name for _, name in slot.holders)
        all_of_them, verb = ("The only slot", "is") if slot.slots == 1 else (f"All {slot.slots} slots", "are")
        held = f", held by {names}" if names else ""
        ahead = f"; {_count(slot.ahead, 'run')} before it" if slot.ahead else ""
        reasons.append(
            Reason(
                "WAITS_FOR_SLOT",
                f"{all_of_them} of {slot.limit!r} {verb} taken{held}{ahead}."
                if slot.slots
                else f"The limit of {slot.limit!r} is 0: nothing may run under it.",
                "raise the limit, or let a holder end",
                {
                    "limit": slot.limit,
                    "slots": slot.slots,
                    "holders": [{"id": each, "name": name} for each, name in slot.holders],
                    "ahead": slot.ahead,
                },
            )
        )
    return reasons


def _not_offered(run: RunFacts) -> Reason:
    return Reason(
        "NOT_OFFERED",
        f"It is {run.state}, and agents are offered runs only that are scheduled.",
        "set its state to Scheduled",
        {"state": run.state},
    )


def _sorted(agents: Sequence[AgentFacts], run: RunFacts, now: datetime) -> list[AgentFacts]:
    """Return agents, those that come nearest to taking the run first, then those that are there."""
    order = {"healthy": 0, "late": 1, "gone": 2}

    def distance(agent: AgentFacts) -> tuple[int, int, float, str]:
        asked_s = 0.0 if agent.last_queried is None else agent.last_queried.timestamp()
        return len(run.labels - agent.labels), order[health_of(agent.last_queried, now)], -asked_s, agent.id

    return sorted(agents, key=distance)


def _agent(agent: AgentFacts, run: RunFacts, now: datetime) -> dict[str, Any]:
    return {
        "id": agent.id,
        "name": agent.name,
        "labels": sorted(agent.labels),
        "lacking": sorted(run.labels - agent.labels),
        "health": health_of(agent.last_queried, now),
        "last_queried": None if agent.last_queried is None else timestamp_text(agent.last_queried),
    }


def _task_runs(tasks: Sequence[TaskFacts]) -> dict[str, Any]:
    return {"task_runs": [_shown(task) for task in tasks[:TASKS_MAX]]}


def _shown(task: TaskFacts) -> dict[str, Any]:
    return {"id": task.id, "name": task.name, "state": task.state}


def _start_of(task: TaskFacts) -> datetime:
    assert task.state_start_time is not None
    return task.state_start_time


def _is_old(run: RunFacts, now: datetime) -> bool:
    return now - run.state_timestamp > timedelta(seconds=60)


def _listed(tasks: Sequence[TaskFacts]) -> str:
    """Return the subject of a sentence: names with their verb."""
    if len(tasks) == 1:
        return f"{tasks[0].name} is"
    more = len(tasks) - TASKS_MAX
    names = ", ".join(task.name for task in tasks[:TASKS_MAX])
    return f"{names} and {more} more are" if more > 0 else f"{names} are"


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _ago(instant: datetime, now: datetime) -> str:
    return f"{_span(now - instant)} ago"


def _span(duration: timedelta) -> str:
    """Return a duration in its two largest units."""
    left = max(0, round(duration.total_seconds()))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
