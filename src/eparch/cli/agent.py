"""In charge of `eparch agent start`: the options; not in charge of what agents do (`eparch.agents`)."""

import logging
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from eparch.cli.connection import Api, with_api
from eparch.cli.dispatch import UsageError
from eparch.core.errors import ConfigurationError

if TYPE_CHECKING:
    from eparch.agents.agent import Agent


_Labels = Annotated[
    list[str] | None,
    Parameter(name=("--label", "-l"), help="Take runs with this label; may be given several times.", negative=""),
]
_Name = Annotated[str, Parameter(name=("--name", "-n"), help="What to call the agent.")]
_Limit = Annotated[int | None, Parameter(help="How many runs at once.")]
_Env = Annotated[
    list[str] | None,
    Parameter(help="NAME=VALUE, a variable for all runs; may be given several times.", negative=""),
]
_Grace = Annotated[
    float | None, Parameter(help="Seconds between telling a cancelled run to end, terminating and killing it.")
]
_Image = Annotated[str | None, Parameter(help="The image of runs whose flow names none; it must have Eparch in it.")]


@with_api
def start_local(
    api: Api,
    *,
    label: _Labels = None,
    name: _Name = "agent",
    limit: _Limit = None,
    env: _Env = None,
    cold: Annotated[
        bool, Parameter(help="Start each run in a fresh interpreter, not from a warm process.", negative="")
    ] = False,
    hostname_label: Annotated[bool, Parameter(help="Whether the name of this machine is a label too.")] = True,
    prefect_python: Annotated[
        str | None, Parameter(help="The interpreter that has Prefect 1.x, to start flows registered by it.")
    ] = None,
    grace: _Grace = None,
) -> None:
    """Start an agent that runs flows as processes of this machine, until it is stopped by SIGINT or SIGTERM.

    It takes runs whose labels are all among its own. When it is stopped, it takes nothing new and lets runs finish.
    """
    from eparch.agents.local import LocalAgent

    common = _common(api, name, label, limit, env, grace)
    _run(LocalAgent(**common, is_warm=not cold, hostname_label=hostname_label, prefect_python=prefect_python))


@with_api
def start_docker(
    api: Api,
    *,
    label: _Labels = None,
    name: _Name = "agent",
    limit: _Limit = None,
    env: _Env = None,
    image: _Image = None,
    docker_host: Annotated[
        str | None, Parameter(help="The engine, such as unix:///var/run/docker.sock; else what DOCKER_HOST says.")
    ] = None,
    volume: Annotated[
        list[str] | None,
        Parameter(help="A folder for all containers, /here:/there[:ro]; may be given several times.", negative=""),
    ] = None,
    network: Annotated[
        list[str] | None, Parameter(help="A network of all containers; may be given several times.", negative="")
    ] = None,
    pull: Annotated[bool, Parameter(help="Whether to pull an image before each run.")] = True,
    keep: Annotated[bool, Parameter(help="Keep containers after their end.", negative="")] = False,
    grace: _Grace = None,
) -> None:
    """Start an agent that runs flows as Docker containers, until it is stopped by SIGINT or SIGTERM.

    It takes runs whose labels are all among its own. When it is stopped, it takes nothing new and lets runs finish. A
    server on this machine is called host.docker.internal in containers: let it listen there as well.
    """
    from eparch.agents.docker import DockerAgent

    _run(
        DockerAgent(
            **_common(api, name, label, limit, env, grace),
            image=image,
            base_url=docker_host,
            volumes=volume or (),
            networks=network or (),
            pulls=pull,
            keeps=keep,
        )
    )


@with_api
def start_kubernetes(
    api: Api,
    *,
    label: _Labels = None,
    name: _Name = "agent",
    limit: _Limit = None,
    env: _Env = None,
    image: _Image = None,
    namespace: Annotated[str | None, Parameter(help="Of the jobs; else the agent's own, or default.")] = None,
    job_template: Annotated[
        str | None,
        Parameter(help="A file with a job in YAML, which all jobs are made from; may be s3://... and so on."),
    ] = None,
    service_account: Annotated[str | None, Parameter(help="Of the pods of flows that name none.")] = None,
    kube_context: Annotated[str | None, Parameter(help="Which cluster of the kubeconfig file.")] = None,
    pod_api_url: Annotated[
        str | None, Parameter(help="Where the server is, as seen from a pod; else as from here.")
    ] = None,
    keep: Annotated[bool, Parameter(help="Keep jobs after their end.", negative="")] = False,
    grace: _Grace = None,
) -> None:
    """Start an agent that runs flows as Kubernetes jobs, until it is stopped by SIGINT or SIGTERM.

    It takes runs whose labels are all among its own. When it is stopped, it takes nothing new and lets runs finish. In
    a cluster it needs to create, list and delete jobs, and to list pods and read their logs.
    """
    from eparch.agents.kubernetes import KubernetesAgent

    _run(
        KubernetesAgent(
            **_common(api, name, label, limit, env, grace),
            image=image,
            namespace=namespace,
            job_template=job_template,
            service_account_name=service_account,
            kube_context=kube_context,
            api_url=pod_api_url,
            keeps=keep,
        )
    )


def _common(
    api: Api, name: str, label: list[str] | None, limit: int | None, env: list[str] | None, grace: float | None
) -> dict[str, Any]:
    """Return the options that all kinds of agents have."""
    if limit is not None and limit < 1:
        raise UsageError(f"--limit is {limit}, but must be 1 or more.", hint="leave it out for no limit")
    if grace is not None and grace < 0:
        raise UsageError(f"--grace is {grace:g}, but must not be negative.", hint="such as --grace 10")
    found = {"name": name, "labels": label or (), "limit": limit, "env": _variables(env or []), "client": api.client}
    return found if grace is None else {**found, "grace_s": grace}


def _run(agent: "Agent") -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(name)s | %(message)s")
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
