"""In what environment an agent starts a run of a flow.

In charge of what each kind takes and of its document; not in charge of starting anything (`eparch.agents`).
"""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from eparch.sdk.errors import FlowError
from eparch.sdk.format import FORMAT_VERSION


class RunConfig:
    """What all kinds have. Use one of them.

    Attributes:
        env: environment variables of the run.
        labels: labels that an agent must have to take the run.

    Example:
        >>> isinstance(LocalRun(), RunConfig)
        True
    """

    # The keys of its document besides those that all have, in order.
    fields: ClassVar[tuple[str, ...]] = ()

    def __init__(self, env: Mapping[str, str] | None = None, labels: Iterable[str] | None = None) -> None:
        if isinstance(labels, str):
            raise FlowError(f"The labels of a run config are the text {labels!r}.", hint=f"write labels=[{labels!r}]")
        self.env = None if env is None else {name: str(value) for name, value in env.items()}
        self.labels = set(labels or ())

    def serialize(self) -> dict[str, Any]:
        """Return the run config as the JSON document that is registered.

        Example:
            >>> LocalRun(working_dir="/work", labels=["gpu"]).serialize()["labels"]
            ['gpu']
        """
        return {
            "env": self.env,
            "labels": sorted(self.labels),
            **{name: getattr(self, name) for name in self.fields},
            "__version__": FORMAT_VERSION,
            "type": type(self).__name__,
        }

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RunConfig) and self.serialize() == other.serialize()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: labels={sorted(self.labels)}>"


class UniversalRun(RunConfig):
    """Start the run in whatever environment the agent makes.

    Example:
        >>> UniversalRun(env={"STAGE": "test"}).env
        {'STAGE': 'test'}
    """


class LocalRun(RunConfig):
    """Start the run as a process on the agent's machine.

    Attributes:
        working_dir: the folder it is started in.

    Example:
        >>> LocalRun(working_dir="/work").working_dir
        '/work'
    """

    fields = ("working_dir",)

    def __init__(
        self,
        *,
        env: Mapping[str, str] | None = None,
        working_dir: str | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(env, labels)
        self.working_dir = None if working_dir is None else str(working_dir)


class DockerRun(RunConfig):
    """Start the run as a container.

    Attributes:
        image: the image; by default one with the library's version.
        host_config: further settings of the container, as the Docker API has them.
        ports: ports to open.

    Example:
        >>> DockerRun(image="flows:2026-01").image
        'flows:2026-01'
    """

    fields = ("ports", "image", "host_config")

    def __init__(
        self,
        *,
        image: str | None = None,
        env: Mapping[str, str] | None = None,
        labels: Iterable[str] | None = None,
        ports: Iterable[int] | None = None,
        host_config: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(env, labels)
        self.image = image
        self.ports = None if ports is None else list(ports)
        self.host_config = None if host_config is None else dict(host_config)


class KubernetesRun(RunConfig):
    """Start the run as a Kubernetes job.

    Attributes:
        job_template: a whole job to start from, as a dictionary or as YAML text; or `job_template_path`, where it is.
        cpu_limit: and the other limits and requests: as Kubernetes writes them, such as "500m" or "2Gi".

    Example:
        >>> KubernetesRun(image="flows:2026-01", memory_request="2Gi").serialize()["memory_request"]
        '2Gi'
    """

    fields = (
        "job_template_path",
        "job_template",
        "image",
        "cpu_limit",
        "cpu_request",
        "memory_limit",
        "memory_request",
        "service_account_name",
        "image_pull_secrets",
        "image_pull_policy",
    )

    def __init__(
        self,
        *,
        job_template_path: str | None = None,
        job_template: str | Mapping[str, Any] | None = None,
        image: str | None = None,
        env: Mapping[str, str] | None = None,
        cpu_limit: float | str | None = None,
        cpu_request: float | str | None = None,
        memory_limit: str | None = None,
        memory_request: str | None = None,
        service_account_name: str | None = None,
        image_pull_secrets: Iterable[str] | None = None,
        labels: Iterable[str] | None = None,
        image_pull_policy: str | None = None,
    ) -> None:
        super().__init__(env, labels)
        if job_template is not None and job_template_path is not None:
            raise FlowError("A Kubernetes run has both a job template and a path to one.", hint="give one of them")
        if image_pull_policy not in (None, "Always", "IfNotPresent", "Never"):
            raise FlowError(
                f"The image pull policy is {image_pull_policy!r}.", hint="one of Always, IfNotPresent and Never"
            )
        self.job_template_path = job_template_path
        self.job_template = _parsed(job_template)
        self.image = image
        self.cpu_limit = None if cpu_limit is None else str(cpu_limit)
        self.cpu_request = None if cpu_request is None else str(cpu_request)
        self.memory_limit = memory_limit
        self.memory_request = memory_request
        self.service_account_name = service_account_name
        self.image_pull_secrets = None if image_pull_secrets is None else list(image_pull_secrets)
        self.image_pull_policy = image_pull_policy


class ECSRun(RunConfig):
    """Start the run as a task on Amazon ECS; for agents of Prefect 1.x, which read the same document.

    Example:
        >>> ECSRun(cpu="1 vcpu", memory="2 GB").serialize()["cpu"]
        '1 vcpu'
    """

    fields = (
        "task_definition_path",
        "task_definition",
        "task_definition_arn",
        "image",
        "cpu",
        "memory",
        "task_role_arn",
        "execution_role_arn",
        "run_task_kwargs",
    )

    def __init__(
        self,
        *,
        task_definition: Mapping[str, Any] | None = None,
        task_definition_path: str | None = None,
        task_definition_arn: str | None = None,
        image: str | None = None,
        env: Mapping[str, str] | None = None,
        cpu: int | str | None = None,
        memory: int | str | None = None,
        task_role_arn: str | None = None,
        execution_role_arn: str | None = None,
        run_task_kwargs: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
    ) -> None:
        super().__init__(env, labels)
        self.task_definition = None if task_definition is None else dict(task_definition)
        self.task_definition_path = task_definition_path
        self.task_definition_arn = task_definition_arn
        self.image = image
        self.cpu = None if cpu is None else str(cpu)
        self.memory = None if memory is None else str(memory)
        self.task_role_arn = task_role_arn
        self.execution_role_arn = execution_role_arn
        self.run_task_kwargs = None if run_task_kwargs is None else dict(run_task_kwargs)


class VertexRun(RunConfig):
    """Start the run on Google Vertex AI; for agents of Prefect 1.x, which read the same document.

    Example:
        >>> VertexRun(image="flows:2026-01").machine_type
        'e2-standard-4'
    """

    fields = ("image", "machine_type", "scheduling", "service_account", "network", "worker_pool_specs")

    def __init__(
        self,
        *,
        env: Mapping[str, str] | None = None,
        labels: Iterable[str] | None = None,
        image: str | None = None,
        machine_type: str = "e2-standard-4",
        scheduling: Mapping[str, Any] | None = None,
        service_account: str | None = None,
        network: str | None = None,
        worker_pool_specs: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(env, labels)
        self.image = image
        self.machine_type = machine_type
        self.scheduling = None if scheduling is None else dict(scheduling)
        self.service_account = service_account
        self.network = network
        self.worker_pool_specs = worker_pool_specs


def _parsed(template: str | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if template is None or isinstance(template, Mapping):
        return None if template is None else dict(template)
    try:
        import yaml
    except ImportError:
        raise FlowError(
            "A job template as text needs the package pyyaml.", hint="pip install pyyaml, or give a dictionary"
        ) from None
    parsed = yaml.safe_load(template)
    if not isinstance(parsed, dict):
        raise FlowError(f"The job template is {type(parsed).__name__}; it must be a Kubernetes job.")
    return parsed
