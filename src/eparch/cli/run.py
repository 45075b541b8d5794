"""In charge of `eparch run` and `eparch logs`; not in charge of carrying runs out."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from cyclopts import Parameter

from eparch.cli import given, references
from eparch.cli.connection import Api, with_api
from eparch.cli.dispatch import UsageError
from eparch.cli.following import Follower, exit_code, follow, log_line
from eparch.cli.get import is_alive, levels_from
from eparch.cli.output import say
from eparch.core.agent_health import takes
from eparch.core.states import ENDING

_FLOW: Final = "id name version parameters flow_group { default_parameters }"
_MADE: Final = "id name labels scheduled_start_time"
_ASK_S: Final = 1.0


@with_api
def run(
    api: Api,
    flow: Annotated[str | None, Parameter(help="The same as --name.")] = None,
    /,
    *,
    name: Annotated[str | None, Parameter(name=("--name", "-n"), help="The flow's name, or project/name.")] = None,
    id_: Annotated[str | None, Parameter(name="--id", help="The id of a version of a flow.")] = None,
    path: Annotated[
        Path | None, Parameter(help="A flow file, to be run in this process, without a server; --name says which flow.")
    ] = None,
    project: Annotated[str | None, Parameter(help="The project of the flow.")] = None,
    param: Annotated[
        list[str] | None,
        Parameter(help="NAME=VALUE, a parameter; JSON, or else text; may be given several times.", negative=""),
    ] = None,
    label: Annotated[
        list[str] | None, Parameter(help="A label, instead of the flow's; may be given several times.", negative="")
    ] = None,
    run_name: Annotated[str | None, Parameter(help="What to call the run.")] = None,
    at: Annotated[
        str | None, Parameter(help="When to start it, such as 2026-01-01T06:00+01:00; now by default.")
    ] = None,
    watch: Annotated[bool, Parameter(help="Show its states and logs until it ends.", negative="")] = False,
) -> int | None:
    """Make a run of a flow and print its id.

    With --watch, its states and log lines are shown until it ends, and the exit code tells how it did: 0 success,
    3 failed, 4 cancelled; 1 is a failure of the command itself. With --path, the same codes tell of the run here.
    """
    if flow is not None and name is not None:
        raise UsageError(f"The flow is named twice: {flow!r} and --name {name!r}.", hint="leave one out")
    name = name if flow is None else flow
    if [name, id_, path] == [None, None, None] or (id_ and (name or path)):
        raise UsageError("Say which flow: --name, --id or --path.", hint="see eparch get flows")
    parameters = given.parameters(param or [])
    if path is not None:
        _refuse_for_path(project=project, label=label, run_name=run_name, at=at, watch=watch or None)
        return _run_here(path, name, parameters)
    found = references.flow(api, id_ or name or "", project)
    version = api.rows("flow", _FLOW, {"id": {"_eq": found["id"]}})[0]
    given.check_parameters(version, parameters)
    given.check_required(version, {*parameters, *(version["flow_group"]["default_parameters"] or ())})
    wanted: dict[str, Any] = {
        "flow_id": found["id"],
        "parameters": parameters,
        "labels": label,
        "flow_run_name": run_name,
    }
    if at is not None:
        wanted["scheduled_start_time"] = given.instant("--at", at)
    run_id = api.change("create_flow_run", "id", **{key: value for key, value in wanted.items() if value is not None})[
        "id"
    ]
    print(run_id, flush=True)
    made = api.rows("flow_run", _MADE, {"id": {"_eq": run_id}})[0]
    say(f"Flow run {made['name']} of flow {found['name']}, version {found['version']}, is scheduled.")
    _warn_of_unserved(api, made["labels"] or [])
    if not watch:
        say(f"Its logs: eparch logs --follow {run_id}")
        return None
    return exit_code(follow(Follower(api, run_id)))


@with_api
def logs(
    api: Api,
    flow_run: Annotated[str, Parameter(help="A flow run, by its id or name.")],
    /,
    *,
    follow: Annotated[bool, Parameter(name=("--follow", "-f"), help="Go on until the run ends.", negative="")] = False,
    level: Annotated[str | None, Parameter(help="Only this level and above, such as WARNING.")] = None,
    output: Annotated[
        Literal["text", "json"], Parameter(name=("--output", "-o"), help="text, or json: an object a line.")
    ] = "text",
) -> None:
    """Print the log of a flow run, the oldest line first."""
    found = references.flow_run(api, flow_run)
    follower = Follower(api, found["id"], None if level is None else levels_from(level))
    while True:
        run, _ = follower.states()
        for line in follower.lines():
            print(json.dumps(line, ensure_ascii=False) if output == "json" else log_line(line))
        sys.stdout.flush()
        if not follow or run["state"] in ENDING:
            return
        time.sleep(_ASK_S)


def _warn_of_unserved(api: Api, labels: list[str]) -> None:
    """Say so when no agent that is alive would take the run."""
    alive = [agent for agent in api.rows("agent", "name labels last_queried") if is_alive(agent)]
    if any(takes(frozenset(agent["labels"] or ()), frozenset(labels)) for agent in alive):
        return
    wanted = " ".join(f"--label {label}" for label in labels)
    shown = f"labels {', '.join(labels)}" if labels else "no labels"
    start = f"eparch agent start local {wanted}".rstrip()
    say(f"warning: no agent is alive that takes runs with {shown}; start one: {start}")


def _refuse_for_path(**options: Any) -> None:
    for option, value in options.items():
        if value is not None:
            shown = "--" + option.replace("_", "-")
            raise UsageError(f"{shown} is for runs on the server; --path runs the flow here.", hint="leave one out")


def _run_here(path: Path, name: str | None, parameters: dict[str, Any]) -> int:
    from eparch.sdk.storage.loading import UnclearFlow, flow_of_file

    references.check_exists(path, "name a file with a flow")
    try:
        flow = flow_of_file(path, name)
    except UnclearFlow as error:
        raise UsageError(error.message, hint=error.hint) from error
    given.check_parameters(
        {"name": flow.name, "parameters": [{"name": one.name} for one in flow.parameters()]}, parameters
    )
    state = flow.run(parameters)
    say(f"Flow {flow.name} ended: {type(state).__name__}{f', {state.message}' if state.message else ''}")
    return exit_code(type(state).__name__)
