"""The tasks that operators between tasks become.

In charge of what each does when it runs; not in charge of the syntax that makes them (`operations`).
"""

import operator
from collections.abc import Callable
from typing import Any, Final

from eparch.sdk.tasks import Task

_FORMAT: Final = "prefect.tasks.core.operators"


class GetItem(Task):
    """Take one member of a result: what `task["key"]` and `a, b = task()` become."""

    __format_name__ = f"{_FORMAT}.GetItem"
    is_light = True

    def run(self, task_result: Any, key: Any, default: Any = None) -> Any:
        """Return `task_result[key]`; where it is missing and there is a default, that."""
        try:
            return task_result[key]
        except (KeyError, IndexError):
            if default is None:
                raise
            return default


class Binary(Task):
    """An operator between two results. Its kinds are in `OPERATORS`."""

    function: Callable[[Any, Any], Any]

    def run(self, x: Any, y: Any) -> Any:
        """Return what the operator gives for x and y."""
        return type(self).function(x, y)


class Not(Task):
    """The opposite of a result's truth."""

    __format_name__ = f"{_FORMAT}.Not"

    def run(self, x: Any) -> bool:
        """Return `not x`."""
        return not x


def item(task: Any, key: Any) -> Task:
    """Return a task that takes `key` from the result of `task`, in the flow being built."""
    shown = key.name if isinstance(key, Task) else repr(key)
    return GetItem(name=f"{task.name}[{shown}]").bind(task_result=task, key=key)


def _kinds() -> dict[str, type[Task]]:
    functions: dict[str, Callable[[Any, Any], Any]] = {
        "Add": operator.add,
        "Sub": operator.sub,
        "Mul": operator.mul,
        "Div": operator.truediv,
        "FloorDiv": operator.floordiv,
        "Mod": operator.mod,
        "Pow": operator.pow,
        "And": lambda x, y: x and y,
        "Or": lambda x, y: x or y,
        "Equal": operator.eq,
        "NotEqual": operator.ne,
        "GreaterThan": operator.gt,
        "GreaterThanOrEqual": operator.ge,
        "LessThan": operator.lt,
        "LessThanOrEqual": operator.le,
    }
    made: dict[str, type[Task]] = {"Not": Not}
    for name, function in functions.items():
        kind = type(name, (Binary,), {"function": staticmethod(function), "__format_name__": f"{_FORMAT}.{name}"})
        kind.__module__ = __name__
        kind.__doc__ = f"The operator {name} between two results."
        # Pickle finds a class by its name in its module.
        globals()[name] = kind
        made[name] = kind
    return made


OPERATORS: Final = _kinds()
