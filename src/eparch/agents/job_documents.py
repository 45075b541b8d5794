"""The Kubernetes job of a run: a template, and what a run changes in it.

In charge of documents; not in charge of the cluster (`kubernetes`).
"""

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

RUN_LABEL: Final = "eparch.io/flow-run-id"
AGENT_LABEL: Final = "eparch.io/agent"
FLOW_LABEL: Final = "eparch.io/flow"
CONTAINER: Final = "flow"

_NAME_CHARACTERS_MAX: Final = 63
# How long a finished job stays for people to look at, where the agent does not remove it.
_TTL_S: Final = 3600

DEFAULT_TEMPLATE: Final[Mapping[str, Any]] = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {},
    "spec": {"ttlSecondsAfterFinished": _TTL_S, "template": {"spec": {"containers": [{"name": CONTAINER}]}}},
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run needs of its job, besides what its run config says.

    Attributes:
        labels: of the job and of its pod.
    """

    name: str
    image: str
    command: Sequence[str]
    environment: Mapping[str, str]
    labels: Mapping[str, str]


def job_document(template: Mapping[str, Any], run_config: Mapping[str, Any], wanted: Wanted) -> dict[str, Any]:
    """Return the job of a run.

    The container is the one called `flow`, else the first. A job is tried once: who runs a flow again is the server.

    Raises:
        ValueError: the template is no job.
    """
    if template.get("kind") != "Job":
        raise ValueError(f"The job template is of the kind {template.get('kind')!r}; it must be a Job.")
    job = copy.deepcopy(dict(template))
    metadata = job.setdefault("metadata", {})
    metadata.pop("generateName", None)
    metadata["name"] = wanted.name
    _add(metadata, "labels", wanted.labels)
    spec = job.setdefault("spec", {})
    spec["backoffLimit"] = 0
    pod = spec.setdefault("template", {})
    _add(pod.setdefault("metadata", {}), "labels", wanted.labels)
    pod_spec = pod.setdefault("spec", {})
    pod_spec.setdefault("restartPolicy", "Never")
    if account := run_config.get("service_account_name"):
        pod_spec["serviceAccountName"] = account
    if names := run_config.get("image_pull_secrets"):
        pod_spec["imagePullSecrets"] = [{"name": name} for name in names]
    _fill_container(_container(pod_spec), run_config, wanted)
    return job


def job_name(run_name: str, flow_run_id: str, attempt: int) -> str:
    """Return a name that Kubernetes takes.

    Args:
        attempt: the version of the run, so that a run that is started again has another job.

    Example:
        >>> job_name("Brave_Otter!", "01a21b78-e889-7207-8c3e-ee33255e0d72", 3)
        'eparch-brave-otter-ee33255e0d72-3'
    """
    ending = f"-{flow_run_id[-12:]}-{attempt}"
    shown = slug(run_name)[: _NAME_CHARACTERS_MAX - len("eparch-") - len(ending)].strip("-")
    return f"eparch-{shown}{ending}" if shown else f"eparch{ending}"


def image_in(template: Mapping[str, Any]) -> str | None:
    """Return the image that a template names for the container of the run; None if it names none."""
    pod_spec = copy.deepcopy(((template.get("spec") or {}).get("template") or {}).get("spec") or {})
    image: str | None = _container(pod_spec).get("image")
    return image


def slug(text: str) -> str:
    """Return a text as Kubernetes takes it in names and labels: small letters, digits and hyphens, 63 at the most."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:_NAME_CHARACTERS_MAX].strip("-")


def _container(pod_spec: dict[str, Any]) -> dict[str, Any]:
    containers: list[dict[str, Any]] = pod_spec.setdefault("containers", [])
    if not containers:
        containers.append({"name": CONTAINER})
    named = [container for container in containers if container.get("name") == CONTAINER]
    container = (named or containers)[0]
    container.setdefault("name", CONTAINER)
    return container


def _fill_container(container: dict[str, Any], run_config: Mapping[str, Any], wanted: Wanted) -> None:
    container["image"] = wanted.image
    if policy := run_config.get("image_pull_policy"):
        container["imagePullPolicy"] = policy
    # A command of the template is an entry point, such as one that prepares the image: it is given ours.
    container["args" if container.get("command") else "command"] = list(wanted.command)
    kept = [entry for entry in container.get("env") or () if entry.get("name") not in wanted.environment]
    container["env"] = [*kept, *({"name": name, "value": value} for name, value in wanted.environment.items())]
    for kind in ("limits", "requests"):
        named = {"cpu": run_config.get(f"cpu_{kind[:-1]}"), "memory": run_config.get(f"memory_{kind[:-1]}")}
        if found := {name: value for name, value in named.items() if value is not None}:
            _add(container.setdefault("resources", {}), kind, found)


def _add(document: dict[str, Any], key: str, values: Mapping[str, Any]) -> None:
    document[key] = {**(document.get(key) or {}), **values}
