"""Kubernetes jobs that carry out flow runs, as an agent sees them.

In charge of asking the cluster how they are and of what that means; not in charge of making them (`kubernetes`).
"""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from eparch.agents.handle import Handle, described

LOOK_S: Final = 3.0
_LINES_MAX: Final = 50
_GONE: Final = 137
_UNKNOWN: Final = 1
# A registry may be away for a moment; the cluster tries again by itself.
PATIENCE_S: Final = 120.0
_HOPELESS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"}
)

_logger: Final = logging.getLogger("eparch.agent")


class Cluster:
    """What a cluster says of the jobs of one agent.

    Args:
        batch, core: of the kubernetes client.
        selector: the label that all the agent's jobs and pods have.
        look_s: for how long an answer holds.
    """

    def __init__(
        self,
        batch: Any,
        core: Any,
        namespace: str,
        selector: str,
        *,
        look_s: float = LOOK_S,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.batch, self.core, self.namespace = batch, core, namespace
        self._selector = selector
        self._look_s = look_s
        self._monotonic_s = monotonic_s
        self._asked_s = -look_s
        self._jobs: dict[str, Any] = {}
        self._pods: dict[str, Any] = {}

    def look(self) -> None:
        """Ask for all jobs and pods, unless that was done a moment ago.

        Raises:
            kubernetes.client.ApiException, urllib3.exceptions.HTTPError: the cluster does not answer.
        """
        if self._monotonic_s() - self._asked_s < self._look_s:
            return
        asked_s = self._monotonic_s()
        jobs = self.batch.list_namespaced_job(self.namespace, label_selector=self._selector).items
        pods = self.core.list_namespaced_pod(self.namespace, label_selector=self._selector).items
        self._jobs = {job.metadata.name: job for job in jobs}
        # The newest pod of a job: an evicted one may have been replaced.
        ordered = sorted(pods, key=lambda pod: str(pod.metadata.creation_timestamp))
        self._pods = {(pod.metadata.labels or {}).get("job-name", ""): pod for pod in ordered}
        self._asked_s = asked_s

    def is_newer(self, instant_s: float) -> bool:
        """Return whether the last answer was asked for after an instant of the same clock."""
        return self._asked_s > instant_s

    def now_s(self) -> float:
        """Return the present."""
        return self._monotonic_s()

    def job(self, name: str) -> Any:
        """Return a job as last seen; None if there was none."""
        return self._jobs.get(name)

    def pod(self, job: str) -> Any:
        """Return the pod of a job as last seen; None if there was none."""
        return self._pods.get(job)


class JobHandle(Handle):
    """A run in a job.

    Args:
        say: writes a line to the log of the run.
    """

    beats_itself = True

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        *,
        is_own: bool,
        is_kept: bool,
        say: Callable[[str], None],
        patience_s: float = PATIENCE_S,
    ) -> None:
        self.is_own = is_own
        self.name = name
        self._cluster = cluster
        self._is_kept = is_kept
        self._say = say
        self._patience_s = patience_s
        self._started_s = cluster.now_s()
        self._waits_since_s: float | None = None
        self._has_said = False
        self._ending: str | None = None

    def poll(self) -> int | None:
        """Return the exit code of the job; None while it runs.

        Raises:
            kubernetes.client.ApiException, urllib3.exceptions.HTTPError: the cluster does not answer.
        """
        self._cluster.look()
        job, pod = self._cluster.job(self.name), self._cluster.pod(self.name)
        if job is None:
            if not self._cluster.is_newer(self._started_s):
                return None
            self._ending = "ended as somebody deleted its job"
            return _GONE
        if job.status.succeeded:
            return 0
        conditions = {each.type: each for each in job.status.conditions or () if each.status == "True"}
        if failure := conditions.get("Failed"):
            return self._failed(failure, pod)
        if job.status.failed:
            return self._failed(None, pod)
        return self._waiting(pod)

    def terminate(self) -> None:
        """Delete the job; what runs in it gets SIGTERM."""
        self._delete(None)

    def kill(self) -> None:
        """Delete the job at once."""
        self._delete(0)

    def last_lines(self) -> list[str]:
        """Return the end of the log of the pod."""
        from kubernetes.client import ApiException

        pod = self._cluster.pod(self.name)
        if pod is None:
            return []
        try:
            text = self._cluster.core.read_namespaced_pod_log(
                pod.metadata.name, self._cluster.namespace, tail_lines=_LINES_MAX
            )
        except ApiException as error:
            _logger.info("The log of pod %s cannot be read: %s", pod.metadata.name, error.reason)
            return []
        return str(text).splitlines()

    def ending(self, code: int) -> str:
        """Return how it ended, in words."""
        return self._ending or described(128 - code if 128 < code < 160 else code)

    def close(self) -> None:
        """Delete the job, unless it is to be kept."""
        if not self._is_kept:
            self._delete(None)

    def _failed(self, failure: Any, pod: Any) -> int:
        ended = _terminated(pod)
        if ended is not None and ended.reason == "OOMKilled":
            self._ending = "was killed, as it needed more memory than its container has"
        elif pod is not None and pod.status.reason:
            self._ending = f"ended as its pod was ended: {pod.status.reason}. {pod.status.message or ''}".strip()
        elif ended is None and failure is not None:
            self._ending = f"ended as its job failed: {failure.reason}. {failure.message or ''}".strip()
        return _UNKNOWN if ended is None or not ended.exit_code else int(ended.exit_code)

    def _waiting(self, pod: Any) -> int | None:
        """Look why the pod does not run; give up what cannot become right by itself, such as a wrong image."""
        reason, message = _obstacle(pod)
        if reason is None:
            self._waits_since_s = None
            return None
        if self._waits_since_s is None:
            self._waits_since_s = self._cluster.now_s()
        if reason in _HOPELESS and self._cluster.now_s() - self._waits_since_s >= self._patience_s:
            self._ending = f"could not be started: {reason}. {message}".strip()
            self._delete(0)
            return _UNKNOWN
        if not self._has_said:
            self._has_said = True
            self._say(f"The pod of the flow run waits: {reason}. {message}".strip())
        return None

    def _delete(self, grace_s: int | None) -> None:
        from kubernetes.client import ApiException, V1DeleteOptions

        options = V1DeleteOptions(propagation_policy="Background", grace_period_seconds=grace_s)
        try:
            self._cluster.batch.delete_namespaced_job(self.name, self._cluster.namespace, body=options)
        except ApiException as error:
            if error.status != 404:
                _logger.warning("Job %s cannot be deleted: %s", self.name, error.reason)


def _obstacle(pod: Any) -> tuple[str | None, str]:
    """Return why a pod does not run yet, and the cluster's words; None where it runs or nothing is known."""
    if pod is None or pod.status.phase != "Pending":
        return None, ""
    for status in (*(pod.status.init_container_statuses or ()), *(pod.status.container_statuses or ())):
        waiting = status.state and status.state.waiting
        if waiting and waiting.reason not in (None, "ContainerCreating", "PodInitializing"):
            return waiting.reason, waiting.message or ""
    for condition in pod.status.conditions or ():
        if condition.type == "PodScheduled" and condition.status == "False":
            return condition.reason or "Unschedulable", condition.message or ""
    return None, ""


def _terminated(pod: Any) -> Any:
    for status in (pod.status.container_statuses or ()) if pod is not None else ():
        if status.state and status.state.terminated:
            return status.state.terminated
    return None
