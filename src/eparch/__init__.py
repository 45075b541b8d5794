"""Eparch: self-hosted workflow orchestration.

In charge of the names that a flow file imports; not in charge of any of them: they live in `eparch.sdk` and are loaded
when they are first used, so that `import eparch` costs next to nothing.

    from eparch import flow, task, unmapped
    from eparch.schedules import Cron

Whole themes are modules: `eparch.schedules`, `eparch.executors`, `eparch.results`, `eparch.run_configs`,
`eparch.storage`, `eparch.states`, `eparch.signals`, `eparch.triggers`, `eparch.cache_validators`, `eparch.artifacts`,
`eparch.key_values`, `eparch.flow_runs`, `eparch.testing`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from eparch.version import __version__ as __version__

if TYPE_CHECKING:
    from eparch import artifacts as artifacts
    from eparch import cache_validators as cache_validators
    from eparch import executors as executors
    from eparch import flow_runs as flow_runs
    from eparch import key_values as key_values
    from eparch import results as results
    from eparch import run_configs as run_configs
    from eparch import schedules as schedules
    from eparch import signals as signals
    from eparch import states as states
    from eparch import storage as storage
    from eparch import triggers as triggers
    from eparch.sdk.building import tags as tags
    from eparch.sdk.conditions import FilterTask as FilterTask
    from eparch.sdk.conditions import case as case
    from eparch.sdk.conditions import ifelse as ifelse
    from eparch.sdk.conditions import merge as merge
    from eparch.sdk.conditions import switch as switch
    from eparch.sdk.context import context as context
    from eparch.sdk.edges import Edge as Edge
    from eparch.sdk.edges import flatten as flatten
    from eparch.sdk.edges import mapped as mapped
    from eparch.sdk.edges import unmapped as unmapped
    from eparch.sdk.errors import FlowError as FlowError
    from eparch.sdk.flows import Flow as Flow
    from eparch.sdk.functions import task as task
    from eparch.sdk.logs import get_logger as get_logger
    from eparch.sdk.parameter_types import DateTimeParameter as DateTimeParameter
    from eparch.sdk.parameter_types import Parameter as Parameter
    from eparch.sdk.resource_managers import resource_manager as resource_manager
    from eparch.sdk.retries import exponential_backoff as exponential_backoff
    from eparch.sdk.secrets import EnvVarSecret as EnvVarSecret
    from eparch.sdk.secrets import PrefectSecret as PrefectSecret
    from eparch.sdk.secrets import Secret as Secret
    from eparch.sdk.tasks import Task as Task
    from eparch.sdk.tasks import defaults_from_attrs as defaults_from_attrs
    from eparch.sdk.tracing import flow as flow

_MODULES = frozenset(
    {
        "artifacts",
        "cache_validators",
        "executors",
        "flow_runs",
        "key_values",
        "results",
        "run_configs",
        "schedules",
        "signals",
        "states",
        "storage",
        "testing",
        "triggers",
    }
)
_HOMES = {
    "DateTimeParameter": "parameters",
    "Edge": "edges",
    "EnvVarSecret": "secrets",
    "FilterTask": "conditions",
    "Flow": "flows",
    "FlowError": "errors",
    "Parameter": "parameters",
    "PrefectSecret": "secrets",
    "Secret": "secrets",
    "Task": "tasks",
    "case": "conditions",
    "context": "context",
    "defaults_from_attrs": "tasks",
    "exponential_backoff": "retries",
    "flatten": "edges",
    "flow": "tracing",
    "get_logger": "logs",
    "ifelse": "conditions",
    "mapped": "edges",
    "merge": "conditions",
    "resource_manager": "resource_managers",
    "switch": "conditions",
    "tags": "building",
    "task": "functions",
    "unmapped": "edges",
}


def __getattr__(name: str) -> Any:
    """Load a name of the SDK on its first use."""
    if name in _HOMES:
        value = getattr(import_module(f"eparch.sdk.{_HOMES[name]}"), name)
        globals()[name] = value
        return value
    if name in _MODULES:
        return import_module(f"eparch.{name}")
    raise AttributeError(f"module 'eparch' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
