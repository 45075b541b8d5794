"""Runs and everything that a run leaves behind: states, heartbeats, logs, artifacts.

The columns from `state` to `serialized_state` repeat the newest state row, so that a list of runs is one look-up.
They and the heartbeats change often, so what changes is indexed only where few rows match (partial indexes), and a
heartbeat is a row of its own: a beat rewrites 60 bytes instead of a row with its documents.
"""

from typing import Any, Final

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, text
from sqlalchemy.sql.schema import SchemaItem

from eparch.core.states import FINISHED, QUEUEABLE, RUNNING
from eparch.database.tables._columns import (
    METADATA,
    document,
    entity,
    instant,
    known_state,
    quoted,
    reference,
    words,
)
from eparch.database.types import Uuid

SEVERE: Final = frozenset({"WARNING", "ERROR", "CRITICAL"})
"""The levels of log lines that people look for."""


def _newest_state() -> list[SchemaItem]:
    return [
        Column("version", Integer, nullable=False),
        instant("start_time"),
        instant("end_time"),
        words("state"),
        instant("state_timestamp"),
        instant("state_start_time"),
        words("state_message"),
        document("state_result", nullable=True),
        document("serialized_state", nullable=True),
        known_state(),
    ]


def _has_slots() -> Column[Any]:
    """Return the mark of a run that may hold slots of concurrency limits or wait for one; NULL is a run that never has.

    It stands with the run, since whoever waits for the lock of the run then reads the run anew, and no other table.
    """
    return Column("has_slots", Boolean, nullable=True)


def _history(run: str) -> Table:
    """Return the table of all states of a kind of run: one row for each state that it ever had."""
    table = entity(
        f"{run}_state",
        reference(f"{run}_id", run),
        instant("timestamp", nullable=False),
        words("state", nullable=False),
        words("message"),
        document("result", nullable=True),
        instant("start_time"),
        document("serialized_state"),
        Column("version", Integer, nullable=False),
        known_state(),
    )
    Index(None, table.c[f"{run}_id"], table.c.version, unique=True)
    return table


def _heartbeat(run: str) -> Table:
    return Table(
        f"{run}_heartbeat",
        METADATA,
        Column(f"{run}_id", Uuid, ForeignKey(f"{run}.id", ondelete="CASCADE"), primary_key=True),
        instant("heartbeat", nullable=False),
        # When two beats will have been missed; null where the client does not say how often it beats.
        instant("missed_at", nullable=True),
    )


def _where(table: Table, name: str, condition: str, *columns: str) -> Index:
    """Add an index over the rows that meet `condition`, on both databases."""
    return Index(
        name,
        *(table.c[column] for column in columns),
        postgresql_where=text(condition),
        sqlite_where=text(condition),
    )


flow_run: Final = entity(
    "flow_run",
    reference("flow_id", "flow"),
    reference("agent_id", "agent", nullable=True, ondelete="SET NULL"),
    words("name"),
    document("parameters", nullable=True),
    document("labels"),
    document("run_config", nullable=True),
    document("context", nullable=True),
    instant("scheduled_start_time", nullable=False),
    Column("auto_scheduled", Boolean, nullable=False),
    words("idempotency_key"),
    Column("times_resurrected", Integer, nullable=False),
    *_newest_state(),
    Column("has_task_runs", Boolean, nullable=False),
    words("held_by"),
    # Not a foreign key: backfills go with their flow group only, and so do the runs.
    Column("backfill_id", Uuid, nullable=True),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    _has_slots(),
    UniqueConstraint("flow_id", "idempotency_key", name="ix_flow_run_idempotency_key_unique"),
    Index(None, "flow_id", "scheduled_start_time"),
    # With the state, so that runs are counted by state over a month without a look at any of them.
    Index(None, "tenant_id", "scheduled_start_time", "state"),
    Index(None, "tenant_id", "start_time"),
    Index(None, "tenant_id", "name"),
    Index(None, "agent_id"),
)
# A run that something holds is offered to nobody, whatever its state; `held_by` says what.
_where(
    *(flow_run, "ix_flow_run_queue", f"state IN ({quoted(QUEUEABLE)}) AND held_by IS NULL"),
    *("tenant_id", "state_start_time"),
)
Index(
    "ix_flow_run_queue_labels",
    flow_run.c.tenant_id,
    text("CAST(labels AS TEXT)"),
    flow_run.c.state_start_time,
    postgresql_where=text(f"state IN ({quoted(QUEUEABLE)}) AND held_by IS NULL"),
    sqlite_where=text(f"state IN ({quoted(QUEUEABLE)}) AND held_by IS NULL"),
)
_where(flow_run, "ix_flow_run_held", "state = 'Scheduled' AND held_by IS NOT NULL", "state_start_time")
_where(flow_run, "ix_flow_run_backfill", "backfill_id IS NOT NULL", "backfill_id", "end_time")
_where(flow_run, "ix_flow_run_unfinished", "end_time IS NULL", "flow_id", "scheduled_start_time")
_where(flow_run, "ix_flow_run_active", f"state IN ({quoted(RUNNING | {'Submitted'})})", "tenant_id", "state")
_where(flow_run, "ix_flow_run_ended", f"state IN ({quoted(FINISHED)})", "end_time")

task_run: Final = entity(
    "task_run",
    reference("flow_run_id", "flow_run"),
    reference("task_id", "task"),
    Column("map_index", Integer, nullable=False),
    words("name"),
    words("cache_key"),
    *_newest_state(),
    _has_slots(),
    UniqueConstraint("flow_run_id", "task_id", "map_index", name="task_run_unique_identifier_key"),
    Index(None, "task_id"),
)
_where(task_run, "ix_task_run_queue", f"state IN ({quoted(QUEUEABLE)})", "state_start_time")
_where(task_run, "ix_task_run_active", f"state IN ({quoted(RUNNING)})", "flow_run_id")
_where(task_run, "ix_task_run_cached_key", "state = 'Cached'", "cache_key", "state_timestamp")
_where(task_run, "ix_task_run_cached_task", "state = 'Cached'", "task_id", "state_timestamp")

flow_run_state: Final = _history("flow_run")
task_run_state: Final = _history("task_run")

flow_run_heartbeat: Final = _heartbeat("flow_run")
task_run_heartbeat: Final = _heartbeat("task_run")

# Logs have no primary key: nobody asks for one line by its id, and the index would be the largest in the database.
log: Final = Table(
    "log",
    METADATA,
    Column("id", Uuid, nullable=False),
    instant("created", nullable=False),
    instant("updated", nullable=False),
    reference("tenant_id", "tenant"),
    reference("flow_run_id", "flow_run", nullable=True),
    reference("task_run_id", "task_run", nullable=True),
    instant("timestamp", nullable=False),
    words("name"),
    words("level"),
    words("message"),
    document("info", nullable=True),
    Column("is_loaded_from_archive", Boolean, nullable=True),
    Index(None, "flow_run_id", "timestamp"),
)
# A few errors among a million lines are found in the order of time, where a walk over all lines took a second. Warnings
# are in it for who wants them too, and the level so that no line is looked up for it. Most lines are not severe: for
# them nothing is written.
_where(log, "ix_log_severe", f"level IN ({quoted(SEVERE)})", "flow_run_id", "timestamp", "level")
_where(log, "ix_log_task_run_id_timestamp", "task_run_id IS NOT NULL", "task_run_id", "timestamp")

task_run_artifact: Final = entity(
    "task_run_artifact",
    reference("task_run_id", "task_run"),
    words("kind", nullable=False),
    document("data"),
    Index(None, "task_run_id"),
)
