"""In charge of `eparch get`: lists of what is on the server; not in charge of one thing in full (`describe`)."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli.connection import Api, with_api
from eparch.cli.dispatch import UsageError
from eparch.cli.output import Column, Output, lasted, moment, print_rows
from eparch.cli.references import close_to, flow_run, is_id
from eparch.core.agent_health import health_of
from eparch.core.instants import parse_instant, timestamp_text
from eparch.core.states import STATES, descendants

Limit = Annotated[int, Parameter(help="Print at most so many, 1 to 10000.")]
States = Annotated[
    list[str] | None, Parameter(help="Only in this state or a kind of it; may be given several times.", negative="")
]
Flows = Annotated[list[str] | None, Parameter(name="--flow", help="Only of this flow; may repeat.", negative="")]
Project = Annotated[str | None, Parameter(help="Only in this project.")]
Name = Annotated[str | None, Parameter(help="Only with this name; % stands for any characters.")]

_LIMIT_MAX: Final = 10_000
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_ID: Final = Column("ID", lambda row: row["id"], is_whole=True)
_NAME: Final = Column("NAME", lambda row: row["name"] or "")
_STATE: Final = Column("STATE", lambda row: row["state"] or "", is_state=True, is_whole=True)
_STARTED: Final = Column("STARTED", lambda row: moment(row["start_time"]), is_whole=True)
_LASTED: Final = Column("TOOK", lasted, is_whole=True)
_CREATED: Final = Column("CREATED", lambda row: moment(row["created"]), is_whole=True)


@with_api
def flows(
    api: Api,
    *,
    name: Name = None,
    project: Project = None,
    archived: Annotated[bool, Parameter(help="Archived versions too.", negative="")] = False,
    limit: Limit = 100,
    output: Output = "table",
) -> None:
    """List flows, by project and name."""
    where = {**_named(name), **_in_project(project)} | ({} if archived else {"archived": {"_eq": False}})
    fields = "id name version archived is_schedule_active created project { name } flow_group { id labels schedule }"
    rows = api.rows("flow", fields, where, order="{name: asc}, {version: desc}", limit=within(limit))
    columns = (
        Column("PROJECT", lambda row: _name_of(row["project"])),
        _NAME,
        Column("VERSION", lambda row: f"{row['version']}" + (" archived" if row["archived"] else "")),
        Column("SCHEDULE", lambda row: "active" if row["is_schedule_active"] else "", is_whole=True),
        _ID,
        _CREATED,
    )
    rows.sort(key=lambda row: (_name_of(row["project"]), row["name"]))
    print_rows(rows, columns, output, nothing="There are no flows; register some: eparch register PATH --project NAME")


@with_api
def flow_runs(
    api: Api,
    *,
    state: States = None,
    flow: Flows = None,
    project: Project = None,
    name: Name = None,
    label: Annotated[
        list[str] | None, Parameter(help="Only with this label; may be given several times.", negative="")
    ] = None,
    limit: Limit = 20,
    output: Output = "table",
) -> None:
    """List flow runs, the newest first. Runs that a schedule has made for later are shown with --state Scheduled."""
    where: dict[str, Any] = _named(name) | _in_states(state)
    of_flow = _in_project(project) | ({"name": {"_in": flow}} if flow else {})
    if of_flow:
        where["flow"] = of_flow
    if label:
        where["labels"] = {"_contains": label}
    if not state:
        now = timestamp_text(datetime.now(UTC))
        where["_or"] = [{"state": {"_neq": "Scheduled"}}, {"auto_scheduled": {"_eq": False}}]
        where["_or"].append({"scheduled_start_time": {"_lte": now}})
    fields = (
        "id name state state_message scheduled_start_time start_time end_time created labels "
        "flow { name version project { name } }"
    )
    rows = api.rows("flow_run", fields, where, order="{scheduled_start_time: desc}", limit=within(limit))
    columns = (
        _ID,
        _NAME,
        Column("FLOW", lambda row: row["flow"]["name"]),
        _STATE,
        Column("DUE", lambda row: moment(row["scheduled_start_time"]), is_whole=True),
        _STARTED,
        _LASTED,
    )
    print_rows(rows, columns, output, nothing="There are no such flow runs; make one: eparch run -n FLOW")


@with_api
def task_runs(
    api: Api,
    *,
    flow_run_: Annotated[
        str | None, Parameter(name="--flow-run", help="Only of this flow run, by its id or name.")
    ] = None,
    state: States = None,
    task: Annotated[str | None, Parameter(help="Only of tasks with this name.")] = None,
    limit: Limit = 100,
    output: Output = "table",
) -> None:
    """List task runs, the newest first; those of one flow run in the order of their start."""
    where: dict[str, Any] = _in_states(state)
    if flow_run_ is not None:
        where["flow_run_id"] = {"_eq": flow_run(api, flow_run_)["id"]}
    if task is not None:
        where["task"] = {"name": {"_eq": task}}
    fields = "id name map_index state state_message start_time end_time created task { name slug } flow_run { id name }"
    order = "{created: desc}" if flow_run_ is None else "{start_time: asc_nulls_last}"
    rows = api.rows("task_run", fields, where, order=order, limit=within(limit))
    columns = (
        _ID,
        Column("TASK", _task_shown),
        _STATE,
        Column("FLOW RUN", lambda row: row["flow_run"]["name"] or row["flow_run"]["id"]),
        _STARTED,
        _LASTED,
        Column("MESSAGE", lambda row: row["state_message"] or ""),
    )
    print_rows(rows, columns, output, nothing="There are no such task runs.")


@with_api
def agents(api: Api, *, limit: Limit = 100, output: Output = "table") -> None:
    """List agents, the one that has asked for work last first."""
    fields = "id name type labels core_version last_queried created"
    rows = api.rows("agent", fields, order="{last_queried: desc_nulls_last}", limit=within(limit))
    columns = (
        _NAME,
        Column("KIND", lambda row: row["type"] or ""),
        Column("ALIVE", lambda row: "yes" if is_alive(row) else "no", is_whole=True),
        Column("LAST SEEN", lambda row: moment(row["last_queried"]), is_whole=True),
        Column("LABELS", lambda row: ", ".join(row["labels"] or ()) or "none"),
        _ID,
    )
    print_rows(rows, columns, output, nothing="There are no agents; start one: eparch agent start local")


@with_api
def projects(api: Api, *, limit: Limit = 100, output: Output = "table") -> None:
    """List projects, by name."""
    fields = "id name description created flows_aggregate(where: {archived: {_eq: false}}) { aggregate { count } }"
    rows = api.rows("project", fields, order="{name: asc}", limit=within(limit))
    for row in rows:
        row["flow_count"] = row.pop("flows_aggregate")["aggregate"]["count"]
    columns = (
        _NAME,
        Column("FLOWS", lambda row: str(row["flow_count"])),
        _CREATED,
        Column("DESCRIPTION", lambda row: row["description"] or ""),
        _ID,
    )
    print_rows(rows, columns, output, nothing="There are no projects; make one: eparch project create NAME")


@with_api
def logs(
    api: Api,
    *,
    level: Annotated[str, Parameter(help=f"Only this level and above: {', '.join(_LEVELS)}.")] = "DEBUG",
    flow_run_: Annotated[
        str | None, Parameter(name="--flow-run", help="Only of this flow run, by its id or name.")
    ] = None,
    contains: Annotated[str | None, Parameter(help="Only with this text in the message.")] = None,
    limit: Limit = 100,
    output: Output = "table",
) -> None:
    """List log lines of all runs, the newest last; eparch logs RUN shows those of one run in full."""
    where: dict[str, Any] = {"level": {"_in": levels_from(level)}}
    if flow_run_ is not None:
        where["flow_run_id"] = {"_eq": flow_run(api, flow_run_)["id"]}
    if contains is not None:
        where["message"] = {"_ilike": f"%{contains}%"}
    fields = "id timestamp level name message flow_run_id task_run_id"
    rows = api.rows("log", fields, where, order="{timestamp: desc}", limit=within(limit))[::-1]
    columns = (
        Column("TIME", lambda row: moment(row["timestamp"]), is_whole=True),
        Column("LEVEL", lambda row: row["level"] or "", is_whole=True),
        Column("FLOW RUN", lambda row: row["flow_run_id"] or "", is_whole=flow_run_ is None),
        Column("LOGGER", lambda row: row["name"] or ""),
        Column("MESSAGE", lambda row: row["message"] or ""),
    )
    print_rows(rows, columns, output, nothing="There are no such log lines.")


@with_api
def artifacts(
    api: Api,
    *,
    flow_run_: Annotated[
        str | None, Parameter(name="--flow-run", help="Only of this flow run, by its id or name.")
    ] = None,
    limit: Limit = 100,
    output: Output = "table",
) -> None:
    """List artifacts that tasks have left, the newest first."""
    where = {} if flow_run_ is None else {"task_run": {"flow_run_id": {"_eq": flow_run(api, flow_run_)["id"]}}}
    fields = "id kind data created task_run { id task { name } flow_run { id name } }"
    rows = api.rows("task_run_artifact", fields, where, order="{created: desc}", limit=within(limit))
    columns = (
        Column("KIND", lambda row: row["kind"]),
        Column("FLOW RUN", lambda row: row["task_run"]["flow_run"]["name"] or ""),
        Column("TASK", lambda row: row["task_run"]["task"]["name"] or ""),
        _CREATED,
        Column("CONTENT", lambda row: ", ".join(str(value) for value in (row["data"] or {}).values())),
    )
    print_rows(rows, columns, output, nothing="There are no such artifacts.")


def is_alive(agent: Mapping[str, Any]) -> bool:
    """Return whether an agent has asked for work lately."""
    return health_of(parse_instant(agent["last_queried"] or ""), datetime.now(UTC)) == "healthy"


def levels_from(least: str) -> list[str]:
    """Return a level of logs and those above it.

    Raises:
        UsageError: there is no such level.
    """
    name = least.upper()
    if name not in _LEVELS:
        raise UsageError(f"There is no level {least!r}.", hint=close_to(name, _LEVELS, f"use {', '.join(_LEVELS)}"))
    return list(_LEVELS[_LEVELS.index(name) :])


def _named(name: str | None) -> dict[str, Any]:
    if name is None:
        return {}
    return {"id": {"_eq": name}} if is_id(name) else {"name": {"_ilike": name}}


def _in_project(name: str | None) -> dict[str, Any]:
    return {} if name is None else {"project": {"name": {"_eq": name}}}


def _in_states(names: list[str] | None) -> dict[str, Any]:
    """Return a condition for any of some states and their kinds.

    Raises:
        UsageError: there is no such state.
    """
    if not names:
        return {}
    known = {name.lower(): name for name, state in STATES.items() if not state.is_abstract}
    for name in names:
        if name.lower() not in known:
            hint = close_to(name.capitalize(), known.values(), f"states are {', '.join(known.values())}")
            raise UsageError(f"There is no state {name!r}.", hint=hint)
    return {"state": {"_in": sorted({kind for name in names for kind in descendants(known[name.lower()])})}}


def within(limit: int) -> int:
    """Return how many rows are wanted.

    Raises:
        UsageError: that is too many, or none.
    """
    if not 1 <= limit <= _LIMIT_MAX:
        raise UsageError(f"--limit is {limit}, but must be from 1 to {_LIMIT_MAX}.", hint="use filters to find more")
    return limit


def _task_shown(row: Mapping[str, Any]) -> str:
    name = row["task"]["name"] or row["task"]["slug"]
    return name if row["map_index"] < 0 else f"{name}[{row['map_index']}]"


def _name_of(row: Mapping[str, Any] | None) -> str:
    return (row or {}).get("name") or ""
