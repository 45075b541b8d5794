"""In charge of what is switched on and off: flows that are archived, schedules, the work queue.

Not in charge of what follows on the server, nor of deletion (`delete`).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli import references
from eparch.cli.connection import Api, with_api
from eparch.cli.output import Output, print_json, say
from eparch.core.errors import BadInput, EparchError
from eparch.core.instants import timestamp_text

Flows = Annotated[list[str], Parameter(name="FLOW", help="Flows, by id, name, or project/name.", negative="")]
Project = Annotated[str | None, Parameter(help="The project to look in.")]

_VERSION: Final = f"{references.FLOW} archived is_schedule_active flow_group {{ schedule }} schedule"
_DUE: Final = """query($now: timestamptz!) {
  tenant { id name settings }
  waiting: flow_run_aggregate(where: {state: {_eq: "Scheduled"}}) { aggregate { count } }
  due: flow_run_aggregate(where: {state: {_eq: "Scheduled"}, scheduled_start_time: {_lte: $now}}) {
    aggregate { count }
  }
}"""


@with_api
def archive(api: Api, flows: Flows, /, *, project: Project = None) -> int | None:
    """Archive flows: they cannot be run, and their waiting runs go. What runs goes on, what has run stays."""
    return _each(api, flows, project, _archive)


@with_api
def unarchive(api: Api, flows: Flows, /, *, project: Project = None) -> int | None:
    """Take flows out of the archive: the newest version of each is current again, and its schedule goes on.

    An id brings back that very version, in place of the one that is current.
    """
    return _each(api, flows, project, _unarchive)


@with_api
def schedule_on(api: Api, flows: Flows, /, *, project: Project = None) -> int | None:
    """Switch the schedules of flows on: their next runs are made."""
    return _each(api, flows, project, _schedule_on)


@with_api
def schedule_off(api: Api, flows: Flows, /, *, project: Project = None) -> int | None:
    """Switch the schedules of flows off: the runs that they have made and nobody has taken are deleted."""
    return _each(api, flows, project, _schedule_off)


@with_api
def pause(api: Api) -> None:
    """Offer no runs to agents until the queue is resumed; what runs goes on, and schedules make runs."""
    api.change("pause_tenant_work_queue")
    say("The work queue is paused: agents are given no runs. Let it go on: eparch queue resume")


@with_api
def resume(api: Api) -> None:
    """Offer runs to agents again, late ones first."""
    api.change("resume_tenant_work_queue")
    say(f"The work queue goes on; {_due_shown(_queue(api))}.")


@with_api
def show(api: Api, *, output: Output = "table") -> None:
    """Show whether the work queue is paused, and how many runs wait in it."""
    queue = _queue(api)
    if output == "json":
        print_json(queue)
        return
    print("paused" if queue["is_paused"] else "open")
    say(f"{_runs(queue['scheduled_count'])} scheduled, {_due_shown(queue)}.")


def _each(
    api: Api, flows: list[str], project: str | None, change: Callable[[Api, str, str | None], None]
) -> int | None:
    failures = 0
    for text in flows:
        try:
            change(api, text, project)
        except EparchError as error:
            # One that cannot be changed does not keep the others from it.
            failures += 1
            say(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
    return 1 if failures else None


def _archive(api: Api, text: str, project: str | None) -> None:
    flow = references.flow(api, text, project)
    api.change("archive_flow", flow_id=flow["id"])
    say(f"Flow {flow['name']}, version {flow['version']}, is archived. Take it back: eparch unarchive {flow['id']}")


def _unarchive(api: Api, text: str, project: str | None) -> None:
    flow = references.archived_flow(api, text, project)
    api.change("unarchive_flow", flow_id=flow["id"])
    say(f"Flow {flow['name']}, version {flow['version']}, is current{_schedule_shown(_version(api, flow))}.")


def _schedule_on(api: Api, text: str, project: str | None) -> None:
    flow = references.flow(api, text, project)
    if not api.change("set_schedule_active", flow_id=flow["id"])["success"]:
        raise BadInput(
            f"Flow {flow['name']!r} has no schedule.",
            hint="give it one in its code, @flow(schedule=...), and register it; or in the web UI",
        )
    shown = "it is archived and makes no runs" if _version(api, flow)["archived"] else "its next runs are made"
    say(f"The schedule of flow {flow['name']} is on; {shown}.")


def _schedule_off(api: Api, text: str, project: str | None) -> None:
    flow = references.flow(api, text, project)
    had = _version(api, flow)["is_schedule_active"]
    api.change("set_schedule_inactive", flow_id=flow["id"])
    say(f"The schedule of flow {flow['name']} {'is' if had else 'was'} off{'' if had else ' already'}.")


def _version(api: Api, flow: dict[str, Any]) -> dict[str, Any]:
    return api.rows("flow", _VERSION, {"id": {"_eq": flow["id"]}})[0]


def _schedule_shown(flow: dict[str, Any]) -> str:
    if not (flow["schedule"] or (flow["flow_group"] or {}).get("schedule")):
        return ""
    return "; its schedule is on" if flow["is_schedule_active"] else "; its schedule is off"


def _queue(api: Api) -> dict[str, Any]:
    found = api.ask(_DUE, now=timestamp_text(datetime.now(UTC)))
    own = [row for row in found["tenant"] if api.client.tenant_id in (None, "", row["id"])]
    return {
        "is_paused": any((row["settings"] or {}).get("work_queue_paused") is True for row in own),
        "scheduled_count": found["waiting"]["aggregate"]["count"],
        "due_count": found["due"]["aggregate"]["count"],
    }


def _due_shown(queue: dict[str, Any]) -> str:
    return f"{_runs(queue['due_count'])} due now"


def _runs(count: int) -> str:
    return "1 run is" if count == 1 else f"{count or 'no'} runs are"
