"""Lists, tuples, sets and dictionaries whose members are tasks.

In charge of the tasks that put such a container together when its members are known; not in charge of finding such
containers among arguments (`arguments`).
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Final

from eparch.sdk.tasks import Task

if TYPE_CHECKING:
    from eparch.sdk.flow_graph import FlowGraph

_FORMAT: Final = "prefect.tasks.core.collections"


class _Container(Task):
    """A container that is made of its upstream results, which it takes by the names `arg_1`, `arg_2`, ..."""

    auto_generated = True
    is_light = True
    made: ClassVar[type]

    def outputs(self) -> str:
        """Return the text of the type that is made, as the format has it: without the members' types."""
        return str(self.made)

    def fill(self, flow: "FlowGraph", members: Iterable[Any]) -> None:
        """Add this task to `flow`, bound to the members."""
        flow.set_dependencies(self, keyword_tasks={f"arg_{n}": member for n, member in enumerate(members, 1)})

    def _collected(self, task_results: dict[str, Any]) -> list[Any]:
        return [task_results[f"arg_{n}"] for n in range(1, len(task_results) + 1)]


class List(_Container):
    """A list of results, in order."""

    __format_name__ = f"{_FORMAT}.List"
    made = list

    def run(self, **task_results: Any) -> list[Any]:
        """Return the members together."""
        return self._collected(task_results)


class Tuple(_Container):
    """A tuple of results, in order."""

    __format_name__ = f"{_FORMAT}.Tuple"
    made = tuple

    def run(self, **task_results: Any) -> tuple[Any, ...]:
        """Return the members together."""
        return tuple(self._collected(task_results))


class Set(_Container):
    """A set of results."""

    __format_name__ = f"{_FORMAT}.Set"
    made = set

    def run(self, **task_results: Any) -> set[Any]:
        """Return the members together."""
        return set(self._collected(task_results))


class Dict(_Container):
    """A dictionary of a list of keys and a list of results."""

    __format_name__ = f"{_FORMAT}.Dict"
    made = dict

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return the two parameters with the texts that the format has for their types."""
        return {name: {"required": True, "type": "typing.Iterable[typing.Any]"} for name in ("keys", "values")}

    def fill(self, flow: "FlowGraph", members: Any) -> None:
        """Add this task to `flow`, bound to the keys and the values of a dictionary."""
        flow.set_dependencies(self, keyword_tasks={"keys": list(members.keys()), "values": list(members.values())})

    def run(self, keys: Iterable[Any], values: Iterable[Any]) -> dict[Any, Any]:
        """Return the pairs together."""
        return dict(zip(keys, values, strict=True))


KINDS: Final[dict[type, type[_Container]]] = {list: List, tuple: Tuple, set: Set, dict: Dict}
