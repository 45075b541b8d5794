"""Values as tasks, for when a value has to be something that can be mapped over.

In charge of `Constant`; not in charge of values that are simply given to a task, which are kept by the flow.
"""

from typing import Any, Final

from eparch.sdk.tasks import Task

# A short value is called by itself. The bound is the format's: a longer one is called by its type.
_SHOWN_CHARACTERS_MAX: Final = 8


class Constant(Task):
    """A task whose result is a value that is known beforehand.

    Example:
        >>> Constant([1, 2]).name, Constant(list(range(100))).name
        ('[1, 2]', 'Constant[list]')
    """

    __format_name__ = "prefect.tasks.core.constants.Constant"
    auto_generated = True
    is_light = True

    def __init__(self, value: Any, name: str | None = None) -> None:
        self.value = value
        if name is None:
            shown = repr(value)
            name = shown if len(shown) <= _SHOWN_CHARACTERS_MAX else f"Constant[{type(value).__name__}]"
        super().__init__(name)

    def run(self) -> Any:
        """Return the value."""
        return self.value
