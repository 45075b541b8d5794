"""Names that are filled in while a flow runs: of task runs and of results.

In charge of templates and of functions that stand for them; not in charge of what they may mention (`attempts`).
"""

from collections.abc import Callable, Mapping
from typing import Any

from eparch.sdk.errors import FlowError


def filled(template: str | Callable[..., str], names: Mapping[str, Any]) -> str:
    """Return a name with its parts filled in; a function is called with all of them.

    Raises:
        FlowError: it mentions something that is not there.

    Example:
        >>> filled("load {day}", {"day": "monday"}), filled(lambda day, **rest: day.upper(), {"day": "monday", "n": 1})
        ('load monday', 'MONDAY')
    """
    if callable(template):
        return str(template(**names))
    try:
        return template.format(**names)
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise FlowError(
            f"The name {template!r} cannot be filled in: {error!r}.", hint=f"it may use {', '.join(sorted(names))}"
        ) from None
