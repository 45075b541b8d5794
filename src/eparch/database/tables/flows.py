"""Flows as registered: groups, versions, tasks and edges."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, UniqueConstraint, func, text

from eparch.core.schedule_policies import MisfirePolicy, OverlapPolicy
from eparch.core.schedules import DaylightRule
from eparch.database.tables._columns import METADATA, choice, document, entity, instant, reference, words
from eparch.database.types import Uuid

flow_group: Final = entity(
    "flow_group",
    words("name", nullable=False),
    document("labels", nullable=True),
    document("schedule", nullable=True),
    document("settings"),
    document("default_parameters"),
    document("run_config", nullable=True),
    words("description"),
    choice("misfire_policy", MisfirePolicy, MisfirePolicy.SKIP),
    choice("overlap_policy", OverlapPolicy, OverlapPolicy.ALLOW),
    choice("daylight_rule", DaylightRule, DaylightRule.COMPATIBLE),
    UniqueConstraint("tenant_id", "name"),
)

flow: Final = entity(
    "flow",
    reference("project_id", "project"),
    reference("flow_group_id", "flow_group"),
    words("name", nullable=False),
    words("description"),
    Column("version", Integer, nullable=False),
    words("version_group_id", nullable=False),
    Column("archived", Boolean, nullable=False),
    words("core_version"),
    document("environment", nullable=True),
    document("run_config", nullable=True),
    document("storage", nullable=True),
    document("parameters", nullable=True),
    document("schedule", nullable=True),
    Column("is_schedule_active", Boolean, nullable=False),
    document("serialized_flow", nullable=True),
    document("settings"),
    UniqueConstraint("flow_group_id", "version"),
    Index(None, "project_id"),
    Index(None, "tenant_id", "name"),
)

# What the scheduler walks: few rows, however many versions have been archived.
Index(
    "ix_flow_scheduled",
    flow.c.flow_group_id,
    postgresql_where=flow.c.is_schedule_active & ~flow.c.archived,
    sqlite_where=text("is_schedule_active = 1 AND archived = 0"),
)

# How far the runs of an active schedule have been made, and when it must be looked at again. Apart from the flow, whose
# row has its documents: an index over what is due lets the scheduler read no more than that.
flow_schedule: Final = Table(
    "flow_schedule",
    METADATA,
    Column("flow_id", Uuid, ForeignKey("flow.id", ondelete="CASCADE"), primary_key=True),
    instant("made_until", nullable=False),
    instant("due", nullable=False),
    Index(None, "due"),
)

# `retry_delay` holds seconds; the API shows it as an interval.
task: Final = entity(
    "task",
    reference("flow_id", "flow"),
    words("name"),
    words("slug", nullable=False),
    words("description"),
    words("type"),
    words("trigger"),
    words("cache_key"),
    Column("max_retries", Integer, nullable=True),
    Column("retry_delay", BigInteger, nullable=True),
    document("tags"),
    Column("mapped", Boolean, nullable=False),
    Column("auto_generated", Boolean, nullable=False),
    Column("is_root_task", Boolean, nullable=False),
    Column("is_terminal_task", Boolean, nullable=False),
    Column("is_reference_task", Boolean, nullable=False),
    UniqueConstraint("flow_id", "slug", name="task_flow_id_slug_key"),
)

edge: Final = entity(
    "edge",
    reference("flow_id", "flow"),
    reference("upstream_task_id", "task"),
    reference("downstream_task_id", "task"),
    words("key"),
    Column("mapped", Boolean, nullable=False),
    Index(None, "upstream_task_id"),
    Index(None, "downstream_task_id"),
)

# Two tasks may be joined by several edges, one for each argument; an edge without a key counts as one more argument.
Index(
    "edge_flow_id_task_ids_key",
    edge.c.flow_id,
    edge.c.downstream_task_id,
    edge.c.upstream_task_id,
    func.coalesce(edge.c.key, text("''")),
    unique=True,
)
