"""The Kubernetes agent: runs become jobs of a cluster.

In charge of making jobs; not in charge of their documents (`job_documents`), of what becomes of them (`jobs`) nor of
what runs in them (`containers`).
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from eparch.agents.agent import Agent, Claimed
from eparch.agents.containers import command_of, environment_of, image_of
from eparch.agents.job_documents import (
    AGENT_LABEL,
    DEFAULT_TEMPLATE,
    FLOW_LABEL,
    RUN_LABEL,
    Wanted,
    image_in,
    job_document,
    job_name,
    slug,
)
from eparch.agents.jobs import LOOK_S, Cluster, JobHandle
from eparch.agents.supervision import STEP_S
from eparch.client.client import Client
from eparch.core.errors import ConfigurationError


class KubernetesAgent(Agent):
    """Start runs as jobs of a Kubernetes cluster.

    Args:
        image: for flows that name none.
        namespace: of the jobs; by default the agent's own in a cluster, else `default`.
        job_template: path of a job in YAML or JSON, for flows that bring none.
        service_account_name: of the pods, for flows that name none.
        kube_context: which cluster of the kubeconfig file, where the agent does not run in a cluster itself.
        api_url: where the server is, as seen from a pod; by default as seen from here.
        keeps: whether jobs are kept after their end.

    Raises:
        ConfigurationError: no cluster is configured, it does not answer, or the kubernetes package is missing.
    """

    kind = "KubernetesAgent"
    run_configs: ClassVar[frozenset[str]] = frozenset({"UniversalRun", "KubernetesRun"})
    look_s = LOOK_S

    def __init__(
        self,
        name: str = "agent",
        labels: Iterable[str] = (),
        *,
        limit: int | None = None,
        env: Mapping[str, str] | None = None,
        image: str | None = None,
        namespace: str | None = None,
        job_template: str | None = None,
        service_account_name: str | None = None,
        kube_context: str | None = None,
        api_url: str | None = None,
        keeps: bool = False,
        grace_s: float = STEP_S,
        client: Client | None = None,
    ) -> None:
        super().__init__(name, labels, limit=limit, env=env, grace_s=grace_s, client=client)
        self.image = image
        self.service_account_name = service_account_name
        self.api_url = api_url or self.client.api_url
        self.keeps = keeps
        self._template = DEFAULT_TEMPLATE if job_template is None else read_template(job_template)
        self._mark = uuid4().hex[:12]
        batch, core = _cluster_apis(kube_context)
        self._cluster = Cluster(batch, core, namespace or _own_namespace(), f"{AGENT_LABEL}={self._mark}")

    def start(self, run: Claimed) -> JobHandle:
        """Make a job.

        Raises:
            ValueError: no image is named, or the template cannot be used.
            kubernetes.client.ApiException: the cluster refuses, in its words.
        """
        config = {"service_account_name": self.service_account_name} | {
            name: value for name, value in run.run_config.items() if value is not None
        }
        template = self._template_of(run)
        wanted = Wanted(
            name=job_name(run.name, run.id, run.version),
            image=image_of(run, image_in(template) or self.image),
            command=command_of(run),
            environment=environment_of(self, run, self.api_url),
            labels={RUN_LABEL: run.id, AGENT_LABEL: self._mark, FLOW_LABEL: slug(run.flow_name)},
        )
        document = job_document(template, config, wanted)
        self._create(document)
        return JobHandle(
            self._cluster,
            wanted.name,
            is_own=run.is_own,
            is_kept=self.keeps,
            say=lambda message: self.say(run, message),
        )

    def _template_of(self, run: Claimed) -> Mapping[str, Any]:
        if template := run.run_config.get("job_template"):
            return dict(template)
        if path := run.run_config.get("job_template_path"):
            return read_template(str(path))
        return self._template

    def _create(self, document: dict[str, Any]) -> None:
        from kubernetes.client import ApiException

        try:
            self._cluster.batch.create_namespaced_job(self._cluster.namespace, document)
        except ApiException as error:
            # A call whose answer was lost has been repeated: the name says that it is this very start of the run.
            if error.status != 409:
                raise ValueError(f"Kubernetes refuses the job: {error.reason}. {error.body or ''}") from error


def read_template(path: str) -> dict[str, Any]:
    """Return the job in a file of YAML or JSON; the path may be any that fsspec knows, such as `s3://bucket/job.yaml`.

    Raises:
        ValueError: it cannot be read, or is no document.
    """
    import yaml

    try:
        if "://" in path:
            import fsspec

            with fsspec.open(path, "rt", encoding="utf-8") as file:
                text = file.read()
        else:
            text = Path(path).read_text(encoding="utf-8")
        found = yaml.safe_load(text)
    except (OSError, ImportError, yaml.YAMLError) as error:
        raise ValueError(f"The job template {path} cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"The job template {path} is no document.")
    return found


def _cluster_apis(kube_context: str | None) -> tuple[Any, Any]:
    try:
        import kubernetes
    except ImportError:
        raise ConfigurationError(
            "The Kubernetes agent needs a package.", hint="pip install 'eparch[kubernetes]'"
        ) from None
    client: Any = kubernetes.client
    config: Any = kubernetes.config
    try:
        if kube_context is None:
            config.load_config()
        else:
            config.load_kube_config(context=kube_context)
        client.VersionApi().get_code()
    except config.ConfigException as error:
        raise ConfigurationError(
            f"No Kubernetes cluster is configured: {error}", hint="set KUBECONFIG, or run the agent in the cluster"
        ) from None
    except Exception as error:
        raise ConfigurationError(
            f"The Kubernetes cluster does not answer: {error}", hint="try `kubectl version` with the same KUBECONFIG"
        ) from None
    return client.BatchV1Api(), client.CoreV1Api()


def _own_namespace() -> str:
    path = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
    return path.read_text(encoding="utf-8").strip() if path.exists() else "default"
