"""What has been kept long enough: finding it, and deleting it a little at a time.

In charge of single steps, each short, safe to repeat and safe against whoever changes the same runs; not in charge of
when and how many (`services.retention`) nor of the rules (`core.retention`).

Ended flow runs are walked by their end, on an index that holds no others, in pages of bounded length. Each step that
deletes looks again, under lock, whether its runs still are what they were when they were found: a run that was
restarted meanwhile is left alone.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Integer, and_, bindparam, func, or_, select

from eparch.core.retention import Group, Rule, groups
from eparch.core.states import FINISHED
from eparch.database.bulk import is_one_of, listed
from eparch.database.tables import flow, flow_run, project, retention_rule, task_run
from eparch.database.tables._columns import in_states
from eparch.database.transactions import Transaction
from eparch.database.types import Timestamp
from eparch.operations.deletion import delete_flow_runs


@dataclass(frozen=True, slots=True)
class Ended:
    """A flow run that has ended, as found on a page.

    Attributes:
        task_runs: how many task runs it has.
    """

    id: str
    end_time: datetime
    project_id: str
    task_runs: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Some ended runs of a group, in the order of their end.

    Attributes:
        last: the last run that was looked at, of whatever project; None where there are no more before the cutoff.
    """

    runs: Sequence[Ended]
    last: Ended | None


def groups_now(tx: Transaction) -> list[Group]:
    """Return who is to be freed of what, by the rules as they are now."""
    rules = [Rule(row.tenant_id, row.project_id, row.kind, row.keep_days) for row in tx.rows(_RULES)]
    if all(rule.keep_days is None for rule in rules):
        return []
    return groups(rules, {row.id: row.tenant_id for row in tx.rows(_PROJECTS)})


def ended_runs(tx: Transaction, group: Group, cutoff: datetime, after: Ended | None, *, rows_max: int) -> Page:
    """Return the runs of a group among the next `rows_max` runs that ended before `cutoff`."""
    bound: dict[str, Any] = {"cutoff": cutoff, "limit": rows_max}
    if after is not None:
        bound |= {"after": after.end_time, "after_id": after.id}
    rows = [Ended(*row) for row in tx.rows(_FIRST_PAGE if after is None else _NEXT_PAGE, bound)]
    chosen = [row for row in rows if row.project_id in group.project_ids]
    counts = {row.flow_run_id: row.task_runs for row in tx.rows(_SIZES, {"runs": listed(run.id for run in chosen)})}
    sized = [Ended(run.id, run.end_time, run.project_id, counts.get(run.id, 0)) for run in chosen]
    return Page(sized, rows[-1] if rows else None)


def delete_runs(tx: Transaction, run_ids: Collection[str], cutoff: datetime, now: datetime) -> int:
    """Delete those runs that still have ended before `cutoff`; return how many there were.

    A run that somebody is changing at this moment is left, and not waited for.
    """
    bound = {"runs": listed(run_ids), "cutoff": cutoff}
    return delete_flow_runs(tx, [row.id for row in tx.rows(_LOCKED, bound)], now)


def delete_logs(tx: Transaction, run_ids: Collection[str], cutoff: datetime, *, rows_max: int) -> int:
    """Delete at most `rows_max` log lines of those runs; return how many. Fewer than `rows_max` means all."""
    return _delete_some(tx, "log", _LOGS, _still_ended(tx, run_ids, cutoff), rows_max)


def delete_artifacts(tx: Transaction, run_ids: Collection[str], cutoff: datetime, *, rows_max: int) -> int:
    """Do the same for artifacts."""
    return _delete_some(tx, "task_run_artifact", _ARTIFACTS, _still_ended(tx, run_ids, cutoff), rows_max)


def _still_ended(tx: Transaction, run_ids: Collection[str], cutoff: datetime) -> list[str]:
    return [row.id for row in tx.rows(_STILL_ENDED, {"runs": listed(run_ids), "cutoff": cutoff})]


def _delete_some(tx: Transaction, table: str, chosen: str, run_ids: Sequence[str], rows_max: int) -> int:
    if not run_ids:
        return 0
    # By the place of rows: log lines have no key. The array makes PostgreSQL go to those places alone.
    text = (
        f"DELETE FROM {table} WHERE ctid = ANY (ARRAY(SELECT {table}.ctid {chosen} LIMIT %s))"
        if tx.is_postgresql
        else f"DELETE FROM {table} WHERE rowid IN (SELECT {table}.rowid {chosen} LIMIT ?)"
    )
    items = (
        "SELECT item::uuid FROM json_array_elements_text(%s::json) AS item"
        if tx.is_postgresql
        else "SELECT value FROM json_each(?)"
    )
    count = tx.connection.exec_driver_sql(text.replace("RUNS", items), (listed(run_ids), rows_max)).rowcount
    if count:
        tx.touched.add(table)
    return count


_LOGS: Final = "FROM log WHERE log.flow_run_id IN (RUNS)"
_ARTIFACTS: Final = (
    "FROM task_run_artifact JOIN task_run ON task_run.id = task_run_artifact.task_run_id"
    " WHERE task_run.flow_run_id IN (RUNS)"
)

_RULES: Final = select(
    retention_rule.c.tenant_id, retention_rule.c.project_id, retention_rule.c.kind, retention_rule.c.keep_days
)
_PROJECTS: Final = select(project.c.id, project.c.tenant_id)

_CUTOFF: Final = bindparam("cutoff", type_=Timestamp())
_AFTER: Final = bindparam("after", type_=Timestamp())
_HAS_ENDED: Final = and_(in_states(flow_run, FINISHED), flow_run.c.end_time <= _CUTOFF)
_FIRST_PAGE: Final = (
    select(flow_run.c.id, flow_run.c.end_time, flow.c.project_id)
    .join(flow, flow.c.id == flow_run.c.flow_id)
    .where(_HAS_ENDED)
    .order_by(flow_run.c.end_time, flow_run.c.id)
    .limit(bindparam("limit", type_=Integer()))
)
_NEXT_PAGE: Final = _FIRST_PAGE.where(
    flow_run.c.end_time >= _AFTER,
    or_(flow_run.c.end_time > _AFTER, flow_run.c.id > bindparam("after_id")),
)
_SIZES: Final = (
    select(task_run.c.flow_run_id, func.count().label("task_runs"))
    .where(is_one_of(task_run.c.flow_run_id, "runs"))
    .group_by(task_run.c.flow_run_id)
)
_STILL_ENDED: Final = select(flow_run.c.id).where(is_one_of(flow_run.c.id, "runs"), _HAS_ENDED).order_by(flow_run.c.id)
_LOCKED: Final = _STILL_ENDED.with_for_update(skip_locked=True)
