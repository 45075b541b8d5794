"""In charge of `eparch describe`: one thing in full; not in charge of lists (`get`)."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli import references
from eparch.cli.connection import Api, with_api
from eparch.cli.get import is_alive
from eparch.cli.output import Output, lasted, moment, print_json, print_pairs, state_text
from eparch.core.states import CONCRETE, FAILED, FINISHED

_FLOW: Final = """id name version description archived created core_version is_schedule_active version_group_id
  parameters schedule run_config storage environment
  project { id name } flow_group { id name labels schedule default_parameters run_config settings }
  tasks(order_by: {name: asc}) { name slug type mapped max_retries trigger tags auto_generated }
  tasks_aggregate { aggregate { count } }
  flow_runs(where: {state: {_neq: "Scheduled"}}, order_by: {scheduled_start_time: desc}, limit: 5) {
    id name state start_time end_time }
  upcoming: flow_runs(where: {state: {_eq: "Scheduled"}}, order_by: {scheduled_start_time: asc}, limit: 5) {
    id name scheduled_start_time }"""
_FLOW_RUN: Final = """id name state state_message version created scheduled_start_time start_time end_time
  auto_scheduled times_resurrected parameters labels context run_config heartbeat idempotency_key
  flow { id name version project { name } } agent { id name }
  states(order_by: {version: asc}) { state message timestamp }
  failed_task_runs: task_runs(where: {state: {_in: ["Failed", "TimedOut", "ValidationFailed"]}},
    order_by: {end_time: asc}, limit: 10) { id name map_index state state_message task { name } }"""
_TASK_RUN: Final = """id name map_index state state_message version created start_time end_time heartbeat cache_key
  task { name slug type max_retries tags } flow_run { id name flow { name } }
  states(order_by: {version: asc}) { state message timestamp }"""
_AGENT: Final = """id name type labels core_version last_queried created
  flow_runs(order_by: {created: desc}, limit: 5) { id name state start_time end_time }"""
_PROJECT: Final = """id name description created
  flows(where: {archived: {_eq: false}}, order_by: {name: asc}) { id name version is_schedule_active }"""

_EXPLANATION: Final = """query($id: UUID!) {
  flow_run_explanation(flow_run_id: $id) { reasons { text hint } }
}"""
_COUNTS: Final = " ".join(
    f'count_{state}: task_runs_aggregate(where: {{state: {{_eq: "{state}"}}}}) {{ aggregate {{ count }} }}'
    for state in sorted(CONCRETE)
)

Reference = Annotated[str, Parameter(help="Its id or its name.")]


@with_api
def flow(
    api: Api,
    flow: Annotated[str, Parameter(help="Its id, its name, or project/name.")],
    /,
    *,
    project: Annotated[str | None, Parameter(help="The project to look in.")] = None,
    output: Output = "table",
) -> None:
    """Show a flow: its parameters, labels, schedule, tasks and last runs."""
    found = api.rows("flow", _FLOW, {"id": {"_eq": references.flow(api, flow, project)["id"]}})[0]
    if output == "json":
        return print_json(found)
    group = found["flow_group"] or {}
    print_pairs(
        ("flow", found["name"]),
        ("project", (found["project"] or {}).get("name")),
        ("version", f"{found['version']}, registered {moment(found['created'])}"),
        ("archived", "yes" if found["archived"] else None),
        ("id", found["id"]),
        ("description", found["description"]),
        ("labels", _labels(group, found)),
        ("runs in", (group.get("run_config") or found["run_config"] or {}).get("type")),
        ("code", _storage(found["storage"])),
        ("schedule", _schedule(group.get("schedule") or found["schedule"], is_active=found["is_schedule_active"])),
    )
    defaults = group.get("default_parameters") or {}
    _print_list("parameters", (_parameter(one, defaults) for one in found["parameters"] or ()))
    own = [task for task in found["tasks"] if not task["auto_generated"]]
    _print_list(f"{found['tasks_aggregate']['aggregate']['count']} tasks", (_task(task) for task in own))
    _print_list("next runs", (f"{moment(run['scheduled_start_time'])}  {run['name']}" for run in found["upcoming"]))
    _print_list("last runs", map(_run_line, found["flow_runs"]))
    return None


@with_api
def flow_run(api: Api, flow_run: Reference, /, *, output: Output = "table") -> None:
    """Show a flow run: its states, parameters and what became of its task runs."""
    found = references.flow_run(api, flow_run, f"{_FLOW_RUN} {_COUNTS}")
    found["task_run_counts"] = _counts(found)
    if output == "json":
        return print_json(found)
    of = found["flow"]
    print_pairs(
        ("flow run", found["name"]),
        ("id", found["id"]),
        ("flow", f"{(of['project'] or {}).get('name', '')}/{of['name']}, version {of['version']}"),
        ("state", f"{state_text(found['state'])}: {found['state_message'] or ''}".rstrip(": ")),
        ("due", moment(found["scheduled_start_time"]) + (", by its schedule" if found["auto_scheduled"] else "")),
        ("started", moment(found["start_time"])),
        ("ended", moment(found["end_time"])),
        ("took", lasted(found)),
        ("parameters", _pairs(found["parameters"])),
        ("labels", ", ".join(found["labels"] or ()) or "none"),
        ("agent", (found["agent"] or {}).get("name")),
        ("rescued", f"{found['times_resurrected']} times" if found["times_resurrected"] else None),
    )
    if found["state"] not in FINISHED:
        _print_list("why it is so", explanation(api, found["id"]))
    counts = sorted(found["task_run_counts"].items(), key=lambda entry: -entry[1])
    _print_list("task runs", (f"{count:>6}  {state_text(state)}" for state, count in counts))
    failed = found["failed_task_runs"]
    shown = [f"{_task_name(run)}: {run['state_message'] or run['state']}" for run in failed]
    more = sum(count for state, count in counts if state in FAILED - {"TriggerFailed"}) - len(failed)
    if more > 0:
        shown.append(f"and {more} more: eparch get task-runs --state Failed --flow-run {found['id']}")
    _print_list("failed", shown)
    _print_list("states", map(_state_line, found["states"]))
    return None


@with_api
def task_run(api: Api, task_run: Reference, /, *, output: Output = "table") -> None:
    """Show a task run and its states."""
    found = references.task_run(api, task_run, _TASK_RUN)
    if output == "json":
        return print_json(found)
    of = found["flow_run"]
    print_pairs(
        ("task run", _task_name(found)),
        ("id", found["id"]),
        ("flow run", f"{of['name']} of flow {of['flow']['name']}, {of['id']}"),
        ("state", f"{state_text(found['state'])}: {found['state_message'] or ''}".rstrip(": ")),
        ("started", moment(found["start_time"])),
        ("ended", moment(found["end_time"])),
        ("took", lasted(found)),
        ("task", f"{found['task']['slug']}, {found['task']['type'] or ''}".rstrip(", ")),
        ("cache key", found["cache_key"]),
    )
    _print_list("states", map(_state_line, found["states"]))
    return None


@with_api
def agent(api: Api, agent: Reference, /, *, output: Output = "table") -> None:
    """Show an agent and the runs that it took last."""
    found = references.agent(api, agent, _AGENT)
    if output == "json":
        return print_json(found)
    print_pairs(
        ("agent", found["name"]),
        ("id", found["id"]),
        ("kind", found["type"]),
        ("alive", "yes" if is_alive(found) else "no"),
        ("last seen", moment(found["last_queried"]) or "never"),
        ("labels", ", ".join(found["labels"] or ()) or "none"),
        ("version", found["core_version"]),
    )
    _print_list("last runs", map(_run_line, found["flow_runs"]))
    return None


@with_api
def project(api: Api, project: Reference, /, *, output: Output = "table") -> None:
    """Show a project and its flows."""
    found = references.project(api, project, _PROJECT)
    if output == "json":
        return print_json(found)
    print_pairs(
        ("project", found["name"]),
        ("id", found["id"]),
        ("description", found["description"]),
        ("created", moment(found["created"])),
    )
    _print_list("flows", (f"{one['name']}, version {one['version']}" for one in found["flows"]))
    return None


def explanation(api: Api, flow_run_id: str) -> list[str]:
    """Return why a flow run does not run, or what it does instead: the reason to look at first, then all others."""
    reasons = api.ask(_EXPLANATION, id=flow_run_id)["flow_run_explanation"]["reasons"]
    return [reason["text"] + (f" Hint: {reason['hint']}" if reason["hint"] else "") for reason in reasons]


def _counts(run: dict[str, Any]) -> dict[str, int]:
    """Take the counts of task runs out of a flow run, and return those that are not zero by state."""
    counts = {state: run.pop(f"count_{state}")["aggregate"]["count"] for state in sorted(CONCRETE)}
    return {state: count for state, count in counts.items() if count}


def _print_list(title: str, lines: Iterable[str]) -> None:
    found = list(lines)
    if found:
        print(f"\n{title}:\n" + "\n".join(f"  {line}" for line in found))


def _labels(group: Mapping[str, Any], flow: Mapping[str, Any]) -> str:
    for labels in (
        group.get("labels"),
        (group.get("run_config") or {}).get("labels"),
        (flow["run_config"] or {}).get("labels"),
        (flow["environment"] or {}).get("labels"),
    ):
        if labels is not None:
            return ", ".join(labels) or "none"
    return "none"


def _storage(storage: Mapping[str, Any] | None) -> str:
    if not storage:
        return ""
    places = [str(storage[key]) for key in ("repo", "bucket", "path", "module", "image_name") if storage.get(key)]
    places = places or [str(place) for place in (storage.get("flows") or {}).values()][:1]
    return f"{storage.get('type', '')} {' '.join(places)}".strip()


def _schedule(schedule: Mapping[str, Any] | None, *, is_active: bool) -> str:
    if not schedule:
        return "none"
    clocks = "; ".join(_clock(clock) for clock in schedule.get("clocks") or ())
    return clocks if is_active else f"{clocks} (not active)"


def _clock(clock: Mapping[str, Any]) -> str:
    if clock.get("cron"):
        zone = (clock.get("start_date") or {}).get("tz")
        return f"cron {clock['cron']}" + (f" {zone}" if zone else "")
    if clock.get("interval"):
        return f"every {clock['interval'] / 1e6:g} s"
    return str(clock.get("type", "clock"))


def _parameter(parameter: Mapping[str, Any], defaults: Mapping[str, Any]) -> str:
    name = parameter["name"]
    if name in defaults:
        return f"{name} = {defaults[name]!r}, set for all versions"
    return f"{name}, required" if parameter.get("required") else f"{name} = {parameter.get('default')!r}"


def _task(task: Mapping[str, Any]) -> str:
    retries = f", {task['max_retries']} retries" if task["max_retries"] else ""
    return f"{task['name']}{', mapped' if task['mapped'] else ''}{retries}"


def _task_name(run: Mapping[str, Any]) -> str:
    return f"{run['task']['name']}" + (f"[{run['map_index']}]" if run["map_index"] >= 0 else "")


def _run_line(run: Mapping[str, Any]) -> str:
    return (
        f"{run['id']}  {state_text(run['state'])}  {run['name']}  {moment(run['start_time'])}  {lasted(run)}".rstrip()
    )


def _state_line(state: Mapping[str, Any]) -> str:
    return f"{moment(state['timestamp'])}  {state_text(state['state'])}  {state['message'] or ''}".rstrip()


def _pairs(values: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in (values or {}).items()) or "none"
