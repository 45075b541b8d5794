"""`Parameter` as type checkers see it.

In charge of that view alone; not in charge of what a parameter is (`parameters`). A parameter stands for a value of
whatever type its flow is given, so a checker must take it for one; the class itself it would refuse as an argument.
"""

from collections.abc import Iterable
from typing import Any, Final

from eparch.sdk.parameters import no_default

_NO_DEFAULT: Final[Any] = no_default


def Parameter(  # noqa: N802 - it stands for a class
    name: str, default: Any = _NO_DEFAULT, required: bool | None = None, tags: Iterable[str] | None = None
) -> Any:
    """See `eparch.sdk.parameters.Parameter`."""
    from eparch.sdk.parameters import Parameter as Class

    return Class(name, default, required, tags)


def DateTimeParameter(name: str, required: bool = True, tags: Iterable[str] | None = None) -> Any:  # noqa: N802
    """See `eparch.sdk.parameters.DateTimeParameter`."""
    from eparch.sdk.parameters import DateTimeParameter as Class

    return Class(name, required, tags)
