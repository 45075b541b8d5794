"""In charge of the import lines that differ between Eparch and Prefect 1.x; docs/migrating.md shows the same table.

Nothing else of a flow file may have to change.
"""

import re

_CONTROL_FLOW = "prefect.tasks.control_flow"

# Where Prefect 1.x has the names that Eparch has at its top.
_TOP = {
    "EnvVarSecret": "prefect.tasks.secrets",
    "FilterTask": _CONTROL_FLOW,
    "Secret": "prefect.client",
    "defaults_from_attrs": "prefect.utilities.tasks",
    "ifelse": _CONTROL_FLOW,
    "merge": _CONTROL_FLOW,
    "signals": "prefect.engine",
    "states": "prefect.engine",
    "switch": _CONTROL_FLOW,
}
_MODULES = {
    "eparch.cache_validators": "prefect.engine.cache_validators",
    "eparch.executors": "prefect.executors",
    "eparch.results": "prefect.engine.results",
    "eparch.run_configs": "prefect.run_configs",
    "eparch.schedules": "prefect.schedules",
    "eparch.signals": "prefect.engine.signals",
    "eparch.states": "prefect.engine.state",
    "eparch.storage": "prefect.storage",
    "eparch.triggers": "prefect.triggers",
}
_ELSEWHERE = {
    ("eparch.results", "JSONSerializer"): "prefect.engine.serializers",
    ("eparch.results", "PickleSerializer"): "prefect.engine.serializers",
    ("eparch.schedules", "CronClock"): "prefect.schedules.clocks",
    ("eparch.schedules", "DatesClock"): "prefect.schedules.clocks",
    ("eparch.schedules", "IntervalClock"): "prefect.schedules.clocks",
    ("eparch.schedules", "RRuleClock"): "prefect.schedules.clocks",
}
_IMPORT = re.compile(r"^from (eparch(?:\.\w+)?) import (.+)$", re.MULTILINE)


def for_prefect(source: str) -> str:
    """Return a flow file with its import lines changed, and nothing else."""

    def changed(match: re.Match[str]) -> str:
        module, names = match[1], [name.strip() for name in match[2].split(",")]
        return "; ".join(f"from {_home(module, name)} import {name}" for name in names)

    return _IMPORT.sub(changed, source)


def _home(module: str, name: str) -> str:
    if module == "eparch":
        return _TOP.get(name, "prefect")
    return _ELSEWHERE.get((module, name), _MODULES[module])
