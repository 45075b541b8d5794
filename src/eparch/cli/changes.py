"""In charge of `eparch cancel` and `eparch restart`; not in charge of what the server makes of them."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli import references
from eparch.cli.connection import Api, with_api
from eparch.cli.following import Follower, exit_code, follow
from eparch.cli.output import say
from eparch.core.errors import BadInput, EparchError
from eparch.core.states import FINISHED, SUCCESSFUL

_PAGE: Final = 5000
_EDGES: Final = "upstream_task_id downstream_task_id"

FlowRuns = Annotated[list[str], Parameter(name="FLOW-RUN", help="Flow runs, by id or name.", negative="")]


@with_api
def cancel(api: Api, flow_runs: FlowRuns, /) -> int | None:
    """Cancel flow runs: at once if they have not started; else they are told to stop and end a little later."""
    failures = 0
    for text in flow_runs:
        try:
            run = references.flow_run(api, text)
            if run["state"] in FINISHED:
                raise BadInput(f"Flow run {run['name']} has ended already: {run['state']}.")
            state = api.change("cancel_flow_run", "state", flow_run_id=run["id"])["state"]
        except EparchError as error:
            # One that cannot be cancelled does not keep the others going.
            failures += 1
            say(f"error: {error.message}" + (f"\nhint: {error.hint}" if error.hint else ""))
            continue
        say(f"Flow run {run['name']} is {state}.")
    return 1 if failures else None


@with_api
def restart(
    api: Api,
    flow_run: Annotated[str, Parameter(help="A flow run that has failed or was cancelled, by its id or name.")],
    /,
    *,
    watch: Annotated[bool, Parameter(help="Show its states and logs until it ends.", negative="")] = False,
) -> int | None:
    """Run what failed in a flow run once more, and what comes after it; what succeeded is not run again.

    With --watch the exit code tells how it ended: 0 success, 3 failed, 4 cancelled.
    """
    run = references.flow_run(api, flow_run, f"{references.FLOW_RUN} flow_id")
    if run["state"] not in FINISHED:
        raise BadInput(f"Flow run {run['name']} has not ended: {run['state']}.", hint=f"eparch cancel {run['id']}")
    if run["state"] in SUCCESSFUL:
        hint = f"make another run: eparch run -n {run['flow']['name']!r}"
        raise BadInput(f"Flow run {run['name']} has succeeded; there is nothing to restart.", hint=hint)
    follower = Follower(api, run["id"])
    if watch:
        follower.skip()
    again = _to_run_again(api, run)
    api.set_task_run_states(again, {"type": "Pending", "message": "Restarted."})
    message = "Restarted from the command line."
    api.change("set_flow_run_state", "id", flow_run_id=run["id"], state={"type": "Scheduled", "message": message})
    say(f"Flow run {run['name']} is scheduled anew; {len(again)} task runs will run again.")
    return exit_code(follow(follower)) if watch else None


def _to_run_again(api: Api, run: dict[str, Any]) -> list[str]:
    """Return the ids of the task runs that did not succeed, and of whole tasks that come after such."""
    task_runs = _task_runs(api, run["id"])
    failed = [one for one in task_runs if one["state"] not in SUCCESSFUL]
    edges = api.rows("edge", _EDGES, {"flow_id": {"_eq": run["flow_id"]}})
    after = _downstream({one["task_id"] for one in failed}, edges)
    # Of the children of a mapped task those that succeeded have had all they needed; and their parent leads to them.
    later = [
        one
        for one in task_runs
        if one["state"] in SUCCESSFUL - {"Mapped"} and one["map_index"] < 0 and one["task_id"] in after
    ]
    return [one["id"] for one in (*failed, *later)]


def _task_runs(api: Api, flow_run_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, Any] = {}
    while True:
        where = {"flow_run_id": {"_eq": flow_run_id}, **after}
        rows = api.rows("task_run", "id task_id map_index state", where, order="{id: asc}", limit=_PAGE)
        found += rows
        if len(rows) < _PAGE:
            return found
        after = {"id": {"_gt": rows[-1]["id"]}}


def _downstream(tasks: set[str], edges: Sequence[dict[str, Any]]) -> set[str]:
    """Return the tasks that come after any of these, however far."""
    following: dict[str, list[str]] = {}
    for edge in edges:
        following.setdefault(edge["upstream_task_id"], []).append(edge["downstream_task_id"])
    found: set[str] = set()
    waiting = list(tasks)
    while waiting:
        for task in following.get(waiting.pop(), ()):
            if task not in found:
                found.add(task)
                waiting.append(task)
    return found
