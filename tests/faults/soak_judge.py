"""What a soak must have left behind: every promise kept, and nothing done twice.

In charge of comparing journals of agents and clients with the database; not in charge of making them.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from eparch.database.tables import flow_run, flow_run_state, log, task_run, task_run_state
from tests.faults.soak_agent import FINISHED

_RUNS = {"flow_run": (flow_run, flow_run_state), "task_run": (task_run, task_run_state)}


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a journal; the last may be half written, as its writer was killed."""
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    found = []
    for line in lines:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            assert line == lines[-1], f"a line in the middle of {path} is broken"
    return found


def faults_in(connection: Connection, journal: Iterable[Mapping[str, Any]], created: Mapping[str, str]) -> list[str]:
    """Return a sentence for each promise that is broken; none if all is well.

    Args:
        journal: the lines of all agents.
        created: the ids of flow runs that a server has acknowledged, by idempotency key.
    """
    lines = list(journal)
    return [
        *_broken_histories(connection),
        *_lost_states(connection, lines),
        *_lost_lines(connection, lines),
        *_done_twice(lines),
        *_lost_or_doubled_runs(connection, created),
        *_doubled_schedules(connection),
    ]


def unfinished(connection: Connection) -> list[str]:
    """Return what is known of flow runs that ought to have ended: all made by hand, and all that have begun."""
    statement = select(
        flow_run.c.id, flow_run.c.state, flow_run.c.version, flow_run.c.updated, flow_run.c.auto_scheduled
    ).where(
        flow_run.c.state.not_in(sorted(FINISHED)),
        (flow_run.c.state != "Scheduled") | ~flow_run.c.auto_scheduled,
    )
    return [str(row) for row in connection.execute(statement)]


def _broken_histories(connection: Connection) -> list[str]:
    found = []
    for kind, (runs, states) in _RUNS.items():
        histories: dict[str, list[int]] = defaultdict(list)
        key = states.c[f"{kind}_id"]
        for run_id, version in connection.execute(select(key, states.c.version).order_by(states.c.version)).tuples():
            histories[run_id].append(version)
        for run_id, version in connection.execute(select(runs.c.id, runs.c.version)).tuples():
            history = histories[run_id]
            if history != list(range(history[0] if history else 1, version + 1)):
                found.append(f"{kind} {run_id} is at version {version}, but its history is {history}")
    return found


def _lost_states(connection: Connection, lines: list[Mapping[str, Any]]) -> list[str]:
    found = []
    for kind, (_, states) in _RUNS.items():
        rows = connection.execute(select(states.c[f"{kind}_id"], states.c.version, states.c.state, states.c.message))
        stored = {(row[0], row.version): (row.state, row.message) for row in rows}
        for line in lines:
            if line["what"] == "state" and line["kind"] == kind:
                there = stored.get((line["id"], line["version"] + 1))
                if there != (line["state"], line["mark"]):
                    found.append(f"{line} was acknowledged, but there is {there}")
    return found


def _lost_lines(connection: Connection, lines: list[Mapping[str, Any]]) -> list[str]:
    stored = set(connection.scalars(select(log.c.message).where(log.c.name == "soak")))
    return [
        f"{line} was acknowledged and is lost" for line in lines if line["what"] == "log" and line["mark"] not in stored
    ]


def _done_twice(lines: list[Mapping[str, Any]]) -> list[str]:
    entered = Counter((line["id"], line["version"]) for line in lines if line["what"] == "state")
    effects = Counter((line["id"], line["version"]) for line in lines if line["what"] == "effect")
    successes = Counter(line["id"] for line in lines if line["what"] == "state" and line["state"] == "Success")
    return [
        *(f"{place} was entered {count} times" for place, count in entered.items() if count > 1),
        *(f"the work of {place} was done {count} times" for place, count in effects.items() if count > 1),
        *(f"{run_id} has succeeded {count} times" for run_id, count in successes.items() if count > 1),
    ]


def _lost_or_doubled_runs(connection: Connection, created: Mapping[str, str]) -> list[str]:
    rows = connection.execute(
        select(flow_run.c.id, flow_run.c.idempotency_key).where(flow_run.c.idempotency_key.is_not(None))
    ).all()
    by_key: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_key[row.idempotency_key].append(row.id)
    found = [f"the key {key} has the runs {ids}" for key, ids in by_key.items() if len(ids) > 1 and key in created]
    return found + [
        f"run {run_id} of {key} was acknowledged, but there is {by_key.get(key)}"
        for key, run_id in created.items()
        if by_key.get(key) != [run_id]
    ]


def _doubled_schedules(connection: Connection) -> list[str]:
    place = (flow_run.c.flow_id, flow_run.c.scheduled_start_time)
    statement = (
        select(*place, func.count().label("count"))
        .where(flow_run.c.auto_scheduled)
        .group_by(*place)
        .having(func.count() > 1)
    )
    return [f"{row.count} runs of {row.flow_id} at {row.scheduled_start_time}" for row in connection.execute(statement)]
