"""Concurrency limits, who holds their slots, and who waits for one.

A slot is a row that names its holder; nothing counts them but the database. A limit of flow runs bears the name of a
label, one of task runs that of a tag.
"""

from typing import Final

from sqlalchemy import Boolean, Column, Index, Integer, Table, UniqueConstraint, text

from eparch.database.tables._columns import entity, instant, reference, words

flow_concurrency_limit: Final = entity(
    "flow_concurrency_limit",
    words("name", nullable=False),
    Column("limit", Integer, nullable=False),
    Column("counts_submitted", Boolean, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)

task_concurrency_limit: Final = entity(
    "task_concurrency_limit",
    words("name", nullable=False),
    Column("limit", Integer, nullable=False),
    UniqueConstraint("tenant_id", "name"),
)


def _slot(run: str, limit: Table) -> Table:
    """Return the table of slots that runs hold: one row for each run and each limit that applies to it."""
    return entity(
        f"{run}_slot",
        reference("limit_id", limit.name),
        reference(f"{run}_id", run),
        UniqueConstraint(f"{run}_id", "limit_id"),
        Index(None, "limit_id"),
    )


def _waiter(run: str, limit: Table) -> Table:
    """Return the table of runs that have asked for a slot and were turned down.

    A run waits in one line, that of the first limit that was full. `created` is since when it waits. Until
    `listens_until` its client waits for an answer and can start at once; NULL is a client that polls.
    """
    table = entity(
        f"{run}_waiter",
        reference("limit_id", limit.name),
        reference(f"{run}_id", run),
        Column("priority", Integer, nullable=False),
        instant("listens_until"),
        UniqueConstraint(f"{run}_id"),
        Index(None, "limit_id"),
    )
    # What is looked through when a slot becomes free: in the order of the line, those who can start at once.
    Index(
        f"ix_{run}_waiter_line",
        table.c.limit_id,
        table.c.priority.desc(),
        table.c.created,
        table.c[f"{run}_id"],
        postgresql_where=text("listens_until IS NOT NULL"),
        sqlite_where=text("listens_until IS NOT NULL"),
    )
    return table


flow_run_slot: Final = _slot("flow_run", flow_concurrency_limit)
task_run_slot: Final = _slot("task_run", task_concurrency_limit)
flow_run_waiter: Final = _waiter("flow_run", flow_concurrency_limit)
task_run_waiter: Final = _waiter("task_run", task_concurrency_limit)
