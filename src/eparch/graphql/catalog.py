"""What the query side of the API shows: objects, columns, relationships, and the permission that each needs.

In charge of which tables and columns are public, how they are called and how they hang together, as data; not in
charge of the text of the schema (`sdl`) nor of SQL (`emit`). The columns come from the database's metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from sqlalchemy import BigInteger, Boolean, Integer, Table
from sqlalchemy import Column as TableColumn

from eparch.core.states import CONCRETE
from eparch.database import tables
from eparch.database.types import Json, Timestamp, Uuid, Words

Scalar = Literal["uuid", "String", "Int", "Boolean", "timestamptz", "jsonb", "interval"]

NUMBERS: Final = frozenset({"Int"})
ORDERED: Final = frozenset({"uuid", "String", "Int", "timestamptz", "interval"})


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column whose value lives in another table: `SELECT value FROM table WHERE key = <this row>.local`."""

    table: Table
    value: str
    key: str
    local: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an object.

    Attributes:
        source: its name in the table, where that is another one.
        known_values: the few values it can hold, where there are few. Operands among them are written into the SQL, so
            that indexes over some of the rows can be used.
        confined: an index over the rows with some of these values.
    """

    name: str
    scalar: Scalar
    is_nullable: bool
    lookup: Lookup | None = None
    known_values: frozenset[str] = frozenset()
    confined: "ConfinedIndex | None" = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class ConfinedIndex:
    """An index over the rows in which a column has one of some values.

    SQLite recognises it only if a condition repeats its words, and without statistics takes it for no better than one
    over all rows. So it is named where rows are asked for by such values and by the column that the index begins with.
    """

    name: str
    values: frozenset[str]
    leading: str


@dataclass(frozen=True, slots=True)
class Relationship:
    """A way from one object to others: rows of `target` whose `remote` column equals this row's `local` column.

    Attributes:
        is_member: the remote column is a JSON list instead, and has the local value among its items.
    """

    name: str
    target: str
    local: str
    remote: str
    is_list: bool
    is_member: bool = False


@dataclass(frozen=True, slots=True)
class Traversal:
    """A function over the edges of flows: from a task to those before or after it.

    Attributes:
        near: the column of `edge` that holds the task one comes from.
        far: the column that holds the task one gets to.
    """

    name: str
    near: str
    far: str


@dataclass(frozen=True, slots=True)
class Object:
    """A kind of row.

    Attributes:
        name: its name in the API, which is that of the table unless a table has two names.
        table: where the rows are; None for rows that only functions make.
        permission: what a principal needs to read it.
        tenant_column: the column by which rows are filtered.
        has_key: whether there is a `_by_pk` field.
        unique: a column that tells any two rows apart; ends every order, so that pages do not shift.
        order: what rows are ordered by where nothing is asked for.
        order_at_root: the same where rows do not hang on others; empty where sorting them all would cost too much.
    """

    name: str
    table: Table | None
    permission: str
    tenant_column: str
    columns: dict[str, Column]
    relationships: dict[str, Relationship]
    has_key: bool
    unique: str
    order: tuple[str, ...]
    order_at_root: tuple[str, ...]


def _one(name: str, target: str, local: str | None = None) -> Relationship:
    return Relationship(name, target, local or f"{name}_id", "id", is_list=False)


def _many(name: str, target: str, remote: str) -> Relationship:
    return Relationship(name, target, "id", remote, is_list=True)


def _object(
    table: Table,
    permission: str,
    *relationships: Relationship,
    hidden: frozenset[str] = frozenset(),
    extra: tuple[Column, ...] = (),
    intervals: frozenset[str] = frozenset(),
    tenant_column: str = "tenant_id",
    order: tuple[str, ...] = ("id",),
    name: str = "",
    renamed: Mapping[str, str] = MappingProxyType({}),
) -> Object:
    columns = {
        renamed.get(column.name, column.name): Column(
            renamed.get(column.name, column.name),
            "interval" if column.name in intervals else _scalar(column.type),
            bool(column.nullable),
            known_values=_known_values(column),
            confined=_SEVERE_LINES if column is tables.log.c.level else None,
            source=column.name,
        )
        for column in table.columns
        if column.name not in hidden
    }
    columns |= {column.name: column for column in extra}
    has_key = bool(table.primary_key.columns)
    return Object(
        name or table.name,
        table,
        permission,
        tenant_column,
        columns,
        {relationship.name: relationship for relationship in relationships},
        has_key=has_key,
        unique="id",
        order=order,
        order_at_root=order if has_key else (),
    )


_SEVERE_LINES: Final = ConfinedIndex("ix_log_severe", tables.SEVERE, "flow_run_id")


def _known_values(column: TableColumn[Any]) -> frozenset[str]:
    if column is tables.log.c.level:
        return tables.SEVERE | {"DEBUG", "INFO"}
    return CONCRETE if column.name == "state" else frozenset()


def _scalar(column_type: object) -> Scalar:
    match column_type:
        case Uuid():
            return "uuid"
        case Words():
            return "String"
        case Timestamp():
            return "timestamptz"
        case Json():
            return "jsonb"
        case Boolean():
            return "Boolean"
        case BigInteger() | Integer():
            return "Int"
    raise TypeError(f"no scalar of the API for {column_type!r}")


def _heartbeat(table: Table, run: str) -> Column:
    return Column("heartbeat", "timestamptz", is_nullable=True, lookup=Lookup(table, "heartbeat", f"{run}_id", "id"))


_OBJECTS: Final = (
    _object(
        tables.tenant,
        "read:tenant",
        _many("projects", "project", "tenant_id"),
        _many("flows", "flow", "tenant_id"),
        _many("flow_groups", "flow_group", "tenant_id"),
        tenant_column="id",
        # Clients without a tenant of their own take the first.
        order=("created", "id"),
    ),
    _object(tables.project, "read:project", _one("tenant", "tenant"), _many("flows", "flow", "project_id")),
    _object(
        tables.flow_group,
        "read:flow",
        _one("tenant", "tenant"),
        _many("flows", "flow", "flow_group_id"),
        _many("backfills", "backfill", "flow_group_id"),
    ),
    _object(
        tables.backfill,
        "read:run",
        _one("tenant", "tenant"),
        _one("flow_group", "flow_group"),
        _many("flow_runs", "flow_run", "backfill_id"),
    ),
    _object(
        tables.flow,
        "read:flow",
        _one("tenant", "tenant"),
        _one("project", "project"),
        _one("flow_group", "flow_group"),
        _many("tasks", "task", "flow_id"),
        _many("edges", "edge", "flow_id"),
        _many("flow_runs", "flow_run", "flow_id"),
        # The settings that count are those of the group; what a version was registered with is history.
        extra=(
            Column(
                "settings",
                "jsonb",
                is_nullable=False,
                lookup=Lookup(tables.flow_group, "settings", "id", "flow_group_id"),
            ),
        ),
    ),
    _object(
        tables.task,
        "read:flow",
        _one("flow", "flow"),
        _many("task_runs", "task_run", "task_id"),
        _many("upstream_edges", "edge", "downstream_task_id"),
        _many("downstream_edges", "edge", "upstream_task_id"),
        intervals=frozenset({"retry_delay"}),
    ),
    _object(
        tables.edge,
        "read:flow",
        _one("flow", "flow"),
        _one("upstream_task", "task"),
        _one("downstream_task", "task"),
    ),
    _object(
        tables.flow_run,
        "read:run",
        _one("tenant", "tenant"),
        _one("flow", "flow"),
        _one("agent", "agent"),
        _one("backfill", "backfill"),
        _many("states", "flow_run_state", "flow_run_id"),
        _many("task_runs", "task_run", "flow_run_id"),
        _many("logs", "log", "flow_run_id"),
        _many("slots", "flow_run_slot", "flow_run_id"),
        _many("waiters", "flow_run_waiter", "flow_run_id"),
        hidden=frozenset({"has_task_runs", "has_slots"}),
        extra=(_heartbeat(tables.flow_run_heartbeat, "flow_run"),),
    ),
    _object(tables.flow_run_state, "read:run", _one("flow_run", "flow_run")),
    _object(
        tables.task_run,
        "read:run",
        _one("tenant", "tenant"),
        _one("flow_run", "flow_run"),
        _one("task", "task"),
        _many("states", "task_run_state", "task_run_id"),
        _many("logs", "log", "task_run_id"),
        _many("slots", "task_run_slot", "task_run_id"),
        _many("waiters", "task_run_waiter", "task_run_id"),
        hidden=frozenset({"has_slots"}),
        extra=(_heartbeat(tables.task_run_heartbeat, "task_run"),),
    ),
    _object(tables.task_run_state, "read:run", _one("task_run", "task_run")),
    _object(tables.task_run_artifact, "read:run", _one("task_run", "task_run")),
    _object(tables.log, "read:log", order=("timestamp", "id")),
    _object(tables.agent_config, "read:agent", _many("agents", "agent", "agent_config_id")),
    _object(
        tables.agent,
        "read:agent",
        _one("agent_config", "agent_config"),
        _many("flow_runs", "flow_run", "agent_id"),
        hidden=frozenset({"fingerprint"}),
    ),
    _object(
        tables.flow_concurrency_limit,
        "read:concurrency-limit",
        _many("slots", "flow_run_slot", "limit_id"),
        _many("waiters", "flow_run_waiter", "limit_id"),
        Relationship("flow_runs", "flow_run", "name", "labels", is_list=True, is_member=True),
        order=("name", "id"),
    ),
    _object(
        tables.task_concurrency_limit,
        "read:concurrency-limit",
        _many("slots", "task_run_slot", "limit_id"),
        _many("waiters", "task_run_waiter", "limit_id"),
        order=("name", "id"),
    ),
    # What Prefect 1.x clients call it.
    _object(
        tables.task_concurrency_limit,
        "read:concurrency-limit",
        _many("slots", "task_run_slot", "limit_id"),
        _many("waiters", "task_run_waiter", "limit_id"),
        name="task_tag_limit",
        renamed={"name": "tag"},
        order=("tag", "id"),
    ),
    *(
        _object(
            table,
            "read:concurrency-limit",
            _one("limit", limit.name),
            _one(run, run),
            order=("created", "id"),
        )
        for run, limit, tables_of_run in (
            ("flow_run", tables.flow_concurrency_limit, (tables.flow_run_slot, tables.flow_run_waiter)),
            ("task_run", tables.task_concurrency_limit, (tables.task_run_slot, tables.task_run_waiter)),
        )
        for table in tables_of_run
    ),
    _object(tables.cloud_hook, "read:cloud-hook"),
    _object(tables.message, "read:message"),
    _object(tables.key_value, "read:key-value"),
    _object(tables.secret, "read:secret", hidden=frozenset({"ciphertext"})),
    _object(tables.retention_rule, "read:project", _one("project", "project")),
    Object(
        "utility_traversal",
        None,
        "read:flow",
        "tenant_id",
        {
            "tenant_id": Column("tenant_id", "uuid", is_nullable=True),
            "task_id": Column("task_id", "uuid", is_nullable=True),
            "depth": Column("depth", "Int", is_nullable=True),
        },
        {"task": _one("task", "task")},
        has_key=False,
        unique="task_id",
        order=("depth", "task_id"),
        order_at_root=("depth", "task_id"),
    ),
)

OBJECTS: Final[dict[str, Object]] = {entry.name: entry for entry in _OBJECTS}

TRAVERSALS: Final[dict[str, Traversal]] = {
    traversal.name: traversal
    for traversal in (
        Traversal("utility_downstream_tasks", "upstream_task_id", "downstream_task_id"),
        Traversal("utility_upstream_tasks", "downstream_task_id", "upstream_task_id"),
    )
}
