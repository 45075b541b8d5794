"""Every table of the database, as SQLAlchemy Core metadata: the truth that migrations must reach.

In charge of columns, keys and indexes; not in charge of what the API calls them (`graphql.catalog`).
"""

from eparch.database.tables._columns import METADATA
from eparch.database.tables.backfills import backfill, backfill_instant
from eparch.database.tables.flows import edge, flow, flow_group, flow_schedule, task
from eparch.database.tables.limits import (
    flow_concurrency_limit,
    flow_run_slot,
    flow_run_waiter,
    task_concurrency_limit,
    task_run_slot,
    task_run_waiter,
)
from eparch.database.tables.retention import retention_rule
from eparch.database.tables.runs import (
    SEVERE,
    flow_run,
    flow_run_heartbeat,
    flow_run_state,
    log,
    task_run,
    task_run_artifact,
    task_run_heartbeat,
    task_run_state,
)
from eparch.database.tables.services import service_lease
from eparch.database.tables.tenancy import agent, agent_config, cloud_hook, key_value, message, project, secret, tenant

__all__ = [
    "METADATA",
    "SEVERE",
    "agent",
    "agent_config",
    "backfill",
    "backfill_instant",
    "cloud_hook",
    "edge",
    "flow",
    "flow_concurrency_limit",
    "flow_group",
    "flow_run",
    "flow_run_heartbeat",
    "flow_run_slot",
    "flow_run_state",
    "flow_run_waiter",
    "flow_schedule",
    "key_value",
    "log",
    "message",
    "project",
    "retention_rule",
    "secret",
    "service_lease",
    "task",
    "task_concurrency_limit",
    "task_run",
    "task_run_artifact",
    "task_run_heartbeat",
    "task_run_slot",
    "task_run_state",
    "task_run_waiter",
    "tenant",
]
