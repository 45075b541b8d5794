"""What retention would delete now, counted and not deleted.

In charge of counting, table by table; not in charge of deleting (`retention`). It reads all runs that have ended before
the cutoffs: it is for people who ask, not for a server under load.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, Table, bindparam, func, select

from eparch.core.retention import Group, Kind
from eparch.core.states import FINISHED
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import (
    flow,
    flow_run,
    flow_run_heartbeat,
    flow_run_state,
    log,
    task_run,
    task_run_artifact,
    task_run_heartbeat,
    task_run_state,
)
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.retention import groups_now


def expired_rows(tx: Transaction, now: datetime) -> dict[str, int]:
    """Return how many rows of each table the rules, as they are now, would delete; tables without any are left out."""
    found = groups_now(tx)
    counts: dict[str, int] = {}
    for table, kinds, statement in _COUNTED:
        for days, projects in _shortest(found, kinds).items():
            bound = {"projects": listed(sorted(projects)), "cutoff": now - timedelta(days=days)}
            if count := tx.scalar(statement, bound):
                counts[table.name] = counts.get(table.name, 0) + count
    return counts


def _shortest(found: Iterable[Group], kinds: frozenset[Kind]) -> dict[int, set[str]]:
    """Return the projects by the shortest of their times for some kinds: log lines go with their runs at the latest."""
    days_of: dict[str, int] = {}
    for group in found:
        if group.kind in kinds:
            for project_id in group.project_ids:
                days_of[project_id] = min(group.keep_days, days_of.get(project_id, group.keep_days))
    projects: dict[int, set[str]] = defaultdict(set)
    for project_id, days in days_of.items():
        projects[days].add(project_id)
    return projects


_ENDED: Final = (
    select(flow_run.c.id)
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .where(
        in_states(flow_run, FINISHED),
        flow_run.c.end_time <= bindparam("cutoff", type_=Timestamp()),
        is_one_of(flow.c.project_id, "projects"),
    )
)
_THEIR_TASK_RUNS: Final = select(task_run.c.id).where(task_run.c.flow_run_id.in_(_ENDED))


def _count(table: Table, column: str, among: Select[Any]) -> Select[Any]:
    return select(func.count()).select_from(table).where(table.c[column].in_(among))


_WITH_RUNS: Final[frozenset[Kind]] = frozenset({"runs"})
_COUNTED: Final[tuple[tuple[Table, frozenset[Kind], Select[Any]], ...]] = (
    (flow_run, _WITH_RUNS, _count(flow_run, "id", _ENDED)),
    (flow_run_state, _WITH_RUNS, _count(flow_run_state, "flow_run_id", _ENDED)),
    (flow_run_heartbeat, _WITH_RUNS, _count(flow_run_heartbeat, "flow_run_id", _ENDED)),
    (task_run, _WITH_RUNS, _count(task_run, "flow_run_id", _ENDED)),
    (task_run_state, _WITH_RUNS, _count(task_run_state, "task_run_id", _THEIR_TASK_RUNS)),
    (task_run_heartbeat, _WITH_RUNS, _count(task_run_heartbeat, "task_run_id", _THEIR_TASK_RUNS)),
    (log, _WITH_RUNS | {"logs"}, _count(log, "flow_run_id", _ENDED)),
    (task_run_artifact, _WITH_RUNS | {"artifacts"}, _count(task_run_artifact, "task_run_id", _THEIR_TASK_RUNS)),
)
