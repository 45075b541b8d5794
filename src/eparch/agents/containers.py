"""Runs in containers: what image, what command, what variables.

In charge of what Docker and Kubernetes have in common; not in charge of either (`docker`, `kubernetes`).

A run in a container watches over itself: it beats, and looks whether it is to be cancelled. The agent only sees to it
that an end is known which the run could not tell.
"""

from typing import Final
from urllib.parse import urlsplit, urlunsplit

from eparch.agents.agent import Agent, Claimed, run_environment
from eparch.agents.guests import COMMAND, prefect_environment

HOST_OF_CONTAINERS: Final = "host.docker.internal"
"""The name by which a container reaches the machine it runs on."""

# Folders of the agent's machine mean nothing in a container.
_OF_THE_MACHINE: Final = ("EPARCH_HOME",)


def image_of(run: Claimed, default: str | None) -> str:
    """Return the image of a run: of its run config, else of its storage, else the agent's.

    Raises:
        ValueError: there is none.
    """
    if image := run.run_config.get("image"):
        return str(image)
    storage = run.storage
    if storage.get("type") == "Docker" and storage.get("image_name"):
        name = "/".join(part for part in (storage.get("registry_url"), storage["image_name"]) if part)
        return f"{name}:{storage.get('image_tag') or 'latest'}"
    if default:
        return default
    raise ValueError(
        f"Flow {run.flow_name!r} names no image; give its run config one, or start the agent with --image NAME, "
        "an image that has Eparch and what the flow imports."
    )


def command_of(run: Claimed) -> list[str]:
    """Return what is to be run in the container."""
    if run.is_own:
        return ["python", "-m", "eparch.agents.flow_run", run.id]
    return ["python", *COMMAND]


def environment_of(agent: Agent, run: Claimed, api_url: str) -> dict[str, str]:
    """Return the variables of a run in a container.

    Args:
        api_url: where the server is, as seen from the container.
    """
    found = run_environment(agent, run)
    for name in _OF_THE_MACHINE:
        if name not in agent.env and name not in run.env:
            found.pop(name, None)
    found["EPARCH_API_URL"] = api_url
    if not run.is_own:
        found = prefect_environment(agent, run, api_url) | found
    return found


def seen_from_container(api_url: str) -> str:
    """Return an address of this machine as a container on it must write it; any other as it is.

    Example:
        >>> seen_from_container("http://127.0.0.1:4200")
        'http://host.docker.internal:4200'
    """
    parts = urlsplit(api_url)
    if parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        return api_url
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=HOST_OF_CONTAINERS + port))
