"""In charge of `eparch agent start`: the options; not in charge of what agents do (`eparch.agents`)."""

import logging
from typing import Annotated

from cyclopts import Parameter

from eparch.cli.connection import Api, with_api
from eparch.cli.dispatch import UsageError
from eparch.core.errors import ConfigurationError


@with_api
def start_local(
    api: Api,
    *,
    label: Annotated[
        list[str] | None,
        Parameter(name=("--label", "-l"), help="Take runs with this label; may be given several times.", negative=""),
    ] = None,
    name: Annotated[str, Parameter(name=("--name", "-n"), help="What to call the agent.")] = "agent",
    limit: Annotated[int | None, Parameter(help="How many runs at once.")] = None,
    env: Annotated[
        list[str] | None,
        Parameter(help="NAME=VALUE, a variable for all runs; may be given several times.", negative=""),
    ] = None,
    cold: Annotated[
        bool, Parameter(help="Start each run in a fresh interpreter, not from a warm process.", negative="")
    ] = False,
    hostname_label: Annotated[bool, Parameter(help="Whether the name of this machine is a label too.")] = True,
    prefect_python: Annotated[
        str | None, Parameter(help="The interpreter that has Prefect 1.x, to start flows registered by it.")
    ] = None,
    grace: Annotated[
        float | None, Parameter(help="Seconds between telling a cancelled run to end, terminating and killing it.")
    ] = None,
) -> None:
    """Start an agent that runs flows as processes of this machine, until it is stopped by SIGINT or SIGTERM.

    It takes runs whose labels are all among its own. When it is stopped, it takes nothing new and lets runs finish.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"--limit is {limit}, but must be 1 or more.", hint="leave it out for no limit")
    if grace is not None and grace < 0:
        raise UsageError(f"--grace is {grace:g}, but must not be negative.", hint="such as --grace 10")
    from eparch.agents.local import LocalAgent
    from eparch.agents.supervision import STEP_S

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s | %(message)s")
    agent = LocalAgent(
        name,
        label or (),
        limit=limit,
        env=_variables(env or []),
        is_warm=not cold,
        hostname_label=hostname_label,
        prefect_python=prefect_python,
        grace_s=STEP_S if grace is None else grace,
        client=api.client,
    )
    agent.stop_on_signals()
    agent.run()


def _variables(pairs: list[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        name, is_pair, value = pair.partition("=")
        if not is_pair or not name:
            raise UsageError(f"--env is {pair!r}, but must be NAME=VALUE.", hint="such as --env TZ=UTC")
        found[name] = value
    if "EPARCH_FLOW_RUN_ID" in found:
        raise ConfigurationError("EPARCH_FLOW_RUN_ID is set by the agent, for each run.", hint="leave it out")
    return found
