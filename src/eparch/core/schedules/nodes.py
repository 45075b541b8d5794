"""In charge of walking a JSON document while remembering where one is, so that every complaint names its place.

Not in charge of what the values mean: zones, dates and rules are read by the modules named after them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eparch.core.schedules.errors import ScheduleError


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a document and its path, such as `clocks[0].interval`."""

    value: object
    part: str

    def key(self, name: str) -> Node:
        """Return the value under `name`; its value is None when the key is absent or null.

        Raises:
            ScheduleError: this node is not an object.
        """
        return Node(self.mapping().get(name), f"{self.part}.{name}" if self.part else name)

    def mapping(self) -> Mapping[str, object]:
        """Return the value as an object.

        Raises:
            ScheduleError: it is not one.
        """
        if isinstance(self.value, Mapping):
            return self.value
        raise self.error(f"{_shown(self.value)} is not an object", "give a JSON object")

    def items(self) -> list[Node]:
        """Return the members of a list; an absent or null list has none.

        Raises:
            ScheduleError: it is neither a list nor null.
        """
        if self.value is None:
            return []
        if isinstance(self.value, (list, tuple)):
            return [Node(member, f"{self.part}[{index}]") for index, member in enumerate(self.value)]
        raise self.error(f"{_shown(self.value)} is not a list", "give a JSON list or null")

    def text(self) -> str:
        """Return the value as a string.

        Raises:
            ScheduleError: it is not one.
        """
        if isinstance(self.value, str):
            return self.value
        raise self.error(f"{_shown(self.value)} is not a string", "give a string")

    def integer(self, minimum: int | None = None, maximum: int | None = None) -> int:
        """Return the value as a whole number within bounds; 1.0 counts as 1, true does not.

        Raises:
            ScheduleError: it is not a whole number, or out of bounds.
        """
        number = self.value
        if isinstance(number, float) and number.is_integer():
            number = int(number)
        if not isinstance(number, int) or isinstance(number, bool):
            raise self.error(f"{_shown(self.value)} is not a whole number", "give an integer")
        if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
            allowed = f"from {minimum} to {maximum}" if maximum is not None else f"of at least {minimum}"
            raise self.error(f"{number} is out of range", f"give an integer {allowed}")
        return number

    def boolean(self, default: bool) -> bool:
        """Return the value as a boolean; absent or null gives `default`.

        Raises:
            ScheduleError: it is neither a boolean nor null.
        """
        if self.value is None:
            return default
        if isinstance(self.value, bool):
            return self.value
        raise self.error(f"{_shown(self.value)} is not a boolean", "give true, false or null")

    def error(self, problem: str, hint: str) -> ScheduleError:
        """Return (not raise) an error about this node."""
        return ScheduleError(self.part, problem, hint)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
