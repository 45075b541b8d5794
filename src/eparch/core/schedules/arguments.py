"""In charge of function references in schedule documents: `{"fn": <qualified name>, "kwargs": {...}}`.

Not in charge of what the functions do: `filters` and `adjustments` list them. Names are looked up in those lists and
never imported, whatever a document says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from eparch.core.schedules.errors import ScheduleError
from eparch.core.schedules.nodes import Node

_Function = TypeVar("_Function")


class Arguments:
    """The keyword arguments of a function reference; remembers which were read, to complain about the others."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._given = {} if node.value is None else node.mapping()
        self._read: set[str] = set()

    def __getitem__(self, name: str) -> Node:
        """Return a required argument.

        Raises:
            ScheduleError: it is missing.
        """
        self._read.add(name)
        if name not in self._given:
            raise self._node.error(f"{name!r} is missing", f"give {name!r}")
        return self._node.key(name)

    def expect_no_others(self) -> None:
        """Complain about arguments that the function does not have.

        Raises:
            ScheduleError: there are any.
        """
        others = sorted(set(self._given) - self._read)
        if others:
            allowed = ", ".join(sorted(self._read)) or "no arguments"
            raise self._node.error(f"{', '.join(map(repr, others))} not known to this function", f"give {allowed}")


def read_function(node: Node, prefix: str, known: Mapping[str, Callable[[Arguments], _Function]]) -> _Function:
    """Return the function that a reference stands for, with its arguments bound.

    Args:
        node: the reference.
        prefix: what all qualified names begin with, such as `prefect.schedules.filters.`.
        known: by short name, what makes a function of arguments.

    Raises:
        ScheduleError: the name is not known, or the arguments do not fit.
    """
    name = node.key("fn")
    qualified = name.text()
    build = known.get(qualified.removeprefix(prefix)) if qualified.startswith(prefix) else None
    if build is None:
        raise _unknown(name, qualified, prefix, list(known))
    arguments = Arguments(node.key("kwargs"))
    function = build(arguments)
    arguments.expect_no_others()
    return function


def _unknown(name: Node, qualified: str, prefix: str, known: list[str]) -> ScheduleError:
    from difflib import get_close_matches  # Imported late: only mistakes need it.

    allowed = f"give {prefix} and one of {', '.join(known)}"
    close = get_close_matches(qualified.rpartition(".")[2], known, n=1)
    hint = f"did you mean '{prefix}{close[0]}'? {allowed}" if close else allowed
    return name.error(f"{qualified!r} is not a known function", hint)
