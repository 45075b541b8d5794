"""In charge of `eparch approve`; not in charge of what the server makes of it."""

from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli import references
from eparch.cli.connection import Api, with_api
from eparch.cli.output import say
from eparch.cli.references import close_to
from eparch.core.errors import BadInput, NotFound

_APPROVED: Final = {"type": "Resume", "message": "Approved from the command line."}
_TASK_RUN: Final = "id map_index task { name slug }"
_PAGE: Final = 10_000


@with_api
def approve(
    api: Api,
    flow_run: Annotated[str, Parameter(help="A flow run that waits for somebody, by its id or name.")],
    /,
    *,
    task: Annotated[
        list[str] | None, Parameter(help="Only task runs of this task; may be given several times.", negative="")
    ] = None,
) -> None:
    """Let a flow run go on that waits for approval: the run itself if it is paused, and its paused task runs."""
    run = references.flow_run(api, flow_run)
    where = {"flow_run_id": {"_eq": run["id"]}, "state": {"_eq": "Paused"}}
    paused = api.rows("task_run", _TASK_RUN, where, order="{id: asc}", limit=_PAGE)
    chosen = _chosen(paused, task) if task else paused
    is_paused = run["state"] == "Paused" and not task
    if not chosen and not is_paused:
        raise BadInput(
            f"Nothing in flow run {run['name']} waits for approval: it is {run['state']}.",
            hint=f"see eparch describe flow-run {run['id']}",
        )
    api.set_task_run_states([one["id"] for one in chosen], _APPROVED)
    if is_paused:
        api.change("set_flow_run_states", "states { id }", states=[{"flow_run_id": run["id"], "state": _APPROVED}])
        say(f"Flow run {run['name']} goes on.")
    for one in chosen:
        child = "" if one["map_index"] < 0 else f" [{one['map_index']}]"
        say(f"{one['task']['name']}{child} is approved.")


def _chosen(paused: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    """Return the task runs of these tasks, by name or slug.

    Raises:
        NotFound: none of a task waits.
    """
    for name in names:
        if not any(name in (one["task"]["name"], one["task"]["slug"]) for one in paused):
            waiting = sorted({one["task"]["name"] for one in paused})
            otherwise = f"these wait: {', '.join(waiting)}" if waiting else "nothing in it waits"
            raise NotFound(f"No task {name!r} waits for approval.", hint=close_to(name, waiting, otherwise))
    return [one for one in paused if one["task"]["name"] in names or one["task"]["slug"] in names]
