"""In charge of running flow files and telling, as JSON, what became of every task; under either library.

Runs by itself, with nothing of this project: `python outcomes.py FILE ...` prints one JSON object, by file name.
"""

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

# What the flow files ask for; the same for both libraries.
ENVIRONMENT = {
    "IDIOM_TOKEN": "token-of-the-idioms",
    "PREFECT__CONTEXT__SECRETS__API_TOKEN": '{"key": "value-of-the-idioms"}',
    "PREFECT__FLOWS__CHECKPOINTING": "true",
    "PREFECT__LOGGING__LEVEL": "CRITICAL",
}


def outcome(path: str) -> dict[str, Any]:
    """Return the document of a file's flow, and what became of each of its runs."""
    names = runpy.run_path(path)
    flow = names["flow"]
    runs = []
    for parameters in names["RUNS"]:
        seen = names.get("SEEN")
        if seen is not None:
            seen.clear()
        options = {} if "RUN_ON_SCHEDULE" not in names else {"run_on_schedule": names["RUN_ON_SCHEDULE"]}
        state = flow.run(parameters=parameters, **options)
        runs.append(run_outcome(flow, state, seen))
    return {"document": _without_versions(flow.serialize()), "runs": runs, "expected": names["EXPECTED"]}


def run_outcome(flow: Any, state: Any, seen: Any) -> dict[str, Any]:
    """Return what became of a run: of the flow, of each task, and what the file itself has noted meanwhile."""
    return {
        "state": type(state).__name__,
        "tasks": {slug: _state(state.result[task]) for task, slug in sorted(flow.slugs.items(), key=_slug)},
        "seen": None if seen is None else sorted(json.dumps(line) for line in seen),
    }


def _slug(pair: tuple[Any, str]) -> str:
    return pair[1]


def _state(state: Any) -> list[Any]:
    children = [_state(child) for child in getattr(state, "map_states", None) or []]
    kind = type(state).__name__
    # The two libraries have exceptions of their own for what took too long.
    result = None if children or kind == "TimedOut" else _value(state.result)
    return [kind, result, children]


def _value(value: Any) -> Any:
    """Return a result as JSON; an error by its kind, an object of a class by its class."""
    if isinstance(value, BaseException):
        return {"error": type(value).__name__}
    if isinstance(value, dict):
        return {"dict": [[_value(key), _value(member)] for key, member in value.items()]}
    if isinstance(value, (list, tuple, set, range)):
        return {type(value).__name__: [_value(member) for member in value]}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return {"object": type(value).__name__}


def _without_versions(document: Any) -> Any:
    if isinstance(document, dict):
        return {key: _without_versions(value) for key, value in document.items() if key != "__version__"}
    return [_without_versions(member) for member in document] if isinstance(document, list) else document


if __name__ == "__main__":
    os.environ.update(ENVIRONMENT)
    print(json.dumps({Path(path).stem: outcome(path) for path in sys.argv[1:]}, indent=1, sort_keys=True))
