"""In what environment an agent starts a run of a flow. See `eparch.sdk.run_configs`."""

from eparch.sdk.run_configs import DockerRun as DockerRun
from eparch.sdk.run_configs import ECSRun as ECSRun
from eparch.sdk.run_configs import KubernetesRun as KubernetesRun
from eparch.sdk.run_configs import LocalRun as LocalRun
from eparch.sdk.run_configs import RunConfig as RunConfig
from eparch.sdk.run_configs import UniversalRun as UniversalRun
from eparch.sdk.run_configs import VertexRun as VertexRun
