"""The parts of the Kubernetes API that the Kubernetes agent uses; pods are processes of this machine.

In charge of the API, as https://kubernetes.io/docs/reference/kubernetes-api/ has it, and of what a cluster refuses; not
in charge of processes (`simulated`).
"""

import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.agents.simulated import Process, Simulation

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_VERSION = (
    *("buildDate", "compiler", "gitCommit", "gitTreeState", "gitVersion", "goVersion", "major", "minor", "platform"),
)
_LABEL = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]|")


@dataclass(slots=True)
class Job:
    """A job, and the pod that it has."""

    document: dict[str, Any]
    process: Process | None = None
    # Why the pod has no process: a reason of the scheduler or of the node.
    unschedulable: str | None = None
    waiting: tuple[str, str] | None = None
    terminated_reason: str | None = None
    evicted: str | None = None
    is_ending: bool = False

    @property
    def name(self) -> str:
        return str(self.document["metadata"]["name"])

    @property
    def labels(self) -> dict[str, str]:
        return {**self.document["spec"]["template"]["metadata"]["labels"], "job-name": self.name}

    @property
    def container(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["spec"]["template"]["spec"]["containers"][0]
        return found


class Kubernetes(Simulation):
    """A cluster.

    Attributes:
        images: that nodes can pull.
        has_room: whether the scheduler finds a node.
        jobs: by name; those that were deleted stay in `deleted`.
    """

    raw_kind = "text/plain"

    def __init__(self, folder: Path) -> None:
        self.images = {"flows:1"}
        self.has_room = True
        self.jobs: dict[str, Job] = {}
        self.deleted: list[Job] = []
        super().__init__(folder)

    def kubeconfig(self) -> Path:
        """Write the file by which clients find the cluster, and return its path."""
        path = self.folder / "kubeconfig"
        path.write_text(f"""apiVersion: v1
kind: Config
current-context: simulated
clusters: [{{name: simulated, cluster: {{server: "http://127.0.0.1:{self.port}"}}}}]
contexts: [{{name: simulated, context: {{cluster: simulated, user: nobody}}}}]
users: [{{name: nobody, user: {{}}}}]
""")
        return path

    def processes(self) -> list[Process]:
        return [job.process for job in (*self.jobs.values(), *self.deleted) if job.process is not None]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        selected = self._selected(query.get("labelSelector"))
        match method, path.strip("/").split("/"):
            case "GET", ["version"]:
                return 200, dict.fromkeys(_VERSION, "1")
            case "POST", ["apis", "batch", "v1", "namespaces", "flows", "jobs"]:
                return self._create(body)
            case "GET", ["apis", "batch", "v1", "namespaces", "flows", "jobs"]:
                return 200, {"items": [self._shown(job) for job in selected]}
            case "DELETE", ["apis", "batch", "v1", "namespaces", "flows", "jobs", name]:
                if name not in self.jobs:
                    return 404, {"message": "not found", "reason": "NotFound"}
                assert body["propagationPolicy"] == "Background", "pods would be left behind"
                self._delete(name, body.get("gracePeriodSeconds"))
                return 200, {"kind": "Status"}
            case "GET", ["api", "v1", "namespaces", "flows", "pods"]:
                return 200, {"items": [self._pod(job) for job in selected]}
            case "GET", ["api", "v1", "namespaces", "flows", "pods", name, "log"]:
                job = self.jobs.get(name.removesuffix("-pod"))
                if job is None or job.process is None:
                    return 404, {"message": "not found", "reason": "NotFound"}
                return 200, b"".join(job.process.log.read_bytes().splitlines(keepends=True)[-int(query["tailLines"]) :])
        raise AssertionError(f"the agent asks for {method} {path}")

    def _selected(self, selector: str | None) -> list[Job]:
        if selector is None:
            return []
        name, value = selector.split("=")
        return [job for job in self.jobs.values() if job.labels.get(name) == value]

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        job = Job(body)
        if job.name in self.jobs:
            return 409, {"message": "already exists", "reason": "AlreadyExists"}
        labels = {**body["metadata"]["labels"], **job.labels}
        if not _NAME.fullmatch(job.name) or len(job.name) > 63:
            return 422, {"message": f"the name {job.name!r} is invalid", "reason": "Invalid"}
        for value in labels.values():
            if not _LABEL.fullmatch(value) or len(value) > 63:
                return 422, {"message": f"the label {value!r} is invalid", "reason": "Invalid"}
        assert body["spec"]["template"]["spec"]["restartPolicy"] == "Never"
        self.jobs[job.name] = job
        if not self.has_room:
            job.unschedulable = "0/3 nodes are available: 3 Insufficient memory."
        elif job.container["image"] not in self.images:
            job.waiting = ("ImagePullBackOff", f'Back-off pulling image "{job.container["image"]}"')
        else:
            self._start(job)
        return 201, body

    def _start(self, job: Job) -> None:
        container = job.container
        environment = {entry["name"]: entry["value"] for entry in container["env"]}
        command = [*container.get("command", ()), *container.get("args", ())]
        job.process = Process(command, environment, self.folder / f"{uuid4().hex}.log")

    def _delete(self, name: str, grace_s: int | None) -> None:
        job = self.jobs.pop(name)
        self.deleted.append(job)
        if job.process is not None:
            job.process.send(signal.SIGKILL if grace_s == 0 else signal.SIGTERM)

    def _shown(self, job: Job) -> dict[str, Any]:
        code = None if job.process is None else job.process.code()
        status: dict[str, Any] = {"active": 1}
        if code == 0:
            status = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
        elif code is not None or job.evicted:
            failure = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "It failed."}
            status = {"failed": 1, "conditions": [failure]}
        return {**job.document, "status": status}

    def _pod(self, job: Job) -> dict[str, Any]:
        code = None if job.process is None else job.process.code()
        state: dict[str, Any] = {"running": {}}
        status: dict[str, Any] = {"phase": "Running"}
        if job.unschedulable:
            condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
            status = {"phase": "Pending", "conditions": [{**condition, "message": job.unschedulable}]}
        elif job.evicted:
            status = {"phase": "Failed", "reason": "Evicted", "message": job.evicted}
        elif job.waiting:
            status, state = {"phase": "Pending"}, {"waiting": {"reason": job.waiting[0], "message": job.waiting[1]}}
        elif code is not None:
            reason = job.terminated_reason or ("Completed" if code == 0 else "Error")
            status = {"phase": "Succeeded" if code == 0 else "Failed"}
            state = {"terminated": {"exitCode": code, "reason": reason}}
        shown = {"name": "flow", "image": "i", "imageID": "i", "ready": False, "restartCount": 0, "state": state}
        if not job.unschedulable:
            status["containerStatuses"] = [shown]
        metadata = {"name": f"{job.name}-pod", "labels": job.labels, "creationTimestamp": "2026-01-31T06:00:00Z"}
        return {"metadata": metadata, "spec": job.document["spec"]["template"]["spec"], "status": status}
