"""In charge of `eparch delete`: what goes, and whether it is meant; not in charge of deleting."""

import sys
from typing import Annotated, Any

from cyclopts import Parameter

from eparch.cli import references
from eparch.cli.connection import Api, with_api
from eparch.cli.dispatch import UsageError
from eparch.cli.output import say
from eparch.core.errors import EparchError

Yes = Annotated[bool, Parameter(name=("--yes", "-y"), help="Do not ask.", negative="")]


class NotConfirmed(EparchError):
    """Somebody was asked, and said no."""


@with_api
def flow(
    api: Api,
    flow: Annotated[str, Parameter(help="Its id, its name, or project/name.")],
    /,
    *,
    project: Annotated[str | None, Parameter(help="The project to look in.")] = None,
    yes: Yes = False,
) -> None:
    """Delete a flow: all its versions, their runs and logs."""
    found = references.flow(api, flow, project)
    group = {"flow_group_id": {"_eq": found["flow_group_id"]}}
    versions, runs = _count(api, "flow", **group), _count(api, "flow_run", flow=group)
    confirm(f"Delete flow {found['name']!r} with {_many(versions, 'version')} and {_many(runs, 'run')}?", yes=yes)
    api.change("delete_flow_group", flow_group_id=found["flow_group_id"])
    say(f"Flow {found['name']} is deleted.")


@with_api
def flow_run(api: Api, flow_run: Annotated[str, Parameter(help="Its id or its name.")], /, *, yes: Yes = False) -> None:
    """Delete a flow run with its task runs, states, logs and artifacts."""
    found = references.flow_run(api, flow_run)
    confirm(f"Delete flow run {found['name']!r} of flow {found['flow']['name']!r} ({found['state']})?", yes=yes)
    api.change("delete_flow_run", flow_run_id=found["id"])
    say(f"Flow run {found['name']} is deleted.")


@with_api
def project(api: Api, project: Annotated[str, Parameter(help="Its name or its id.")], /, *, yes: Yes = False) -> None:
    """Delete a project with all its flows, their runs and logs."""
    found = references.project(api, project)
    inside = {"project_id": {"_eq": found["id"]}}
    flows, runs = _count(api, "flow", **inside), _count(api, "flow_run", flow=inside)
    confirm(
        f"Delete project {found['name']!r} with {_many(flows, 'version')} of flows and {_many(runs, 'run')}?", yes=yes
    )
    api.change("delete_project", project_id=found["id"])
    say(f"Project {found['name']} is deleted.")


@with_api
def agent(api: Api, agent: Annotated[str, Parameter(help="Its id or its name.")], /, *, yes: Yes = False) -> None:
    """Forget an agent; one that still runs registers anew when it is started again."""
    found = references.agent(api, agent)
    confirm(f"Delete agent {found['name']!r}?", yes=yes)
    api.change("delete_agent", agent_id=found["id"])
    say(f"Agent {found['name']} is deleted.")


def confirm(question: str, *, yes: bool) -> None:
    """Ask whether something is meant.

    Raises:
        UsageError: there is nobody to ask.
        NotConfirmed: the answer is no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} There is no terminal to ask at.", hint="add --yes if it is meant")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise NotConfirmed("Nothing was deleted.")


def _count(api: Api, table: str, **where: Any) -> int:
    document = f"query($where: {table}_bool_exp) {{ {table}_aggregate(where: $where) {{ aggregate {{ count }} }} }}"
    count: int = api.ask(document, where=where)[f"{table}_aggregate"]["aggregate"]["count"]
    return count


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + ("" if count == 1 else "s")
