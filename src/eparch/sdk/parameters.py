"""Parameters of a flow: tasks whose results are given from outside.

In charge of `Parameter`; not in charge of checking what a run is given (`flows`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from eparch.core.instants import parse_instant
from eparch.sdk.building import current_flow
from eparch.sdk.errors import FlowError
from eparch.sdk.tasks import Task


class _NoDefault:
    """The mark of a parameter without a default, told apart from None."""

    def __repr__(self) -> str:
        return "no_default"


no_default: Final = _NoDefault()


class Parameter(Task):
    """A value that a run of the flow is given, or the default.

    Attributes:
        default: the value when none is given.
        required: whether a run without it is refused; by default so when there is no default.

    Example:
        >>> from eparch import Flow, Parameter
        >>> with Flow("double") as f:
        ...     doubled = Parameter("x", default=3) * 2
        >>> f.run().result[doubled].result, f.run(x=5).result[doubled].result
        (6, 10)
    """

    __format_name__ = "prefect.core.parameter.Parameter"
    is_light = True

    def __init__(
        self,
        name: str,
        default: Any = no_default,
        required: bool | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise FlowError(f"A parameter is called by text, not {name!r}.")
        if required and default is not no_default and default is not None:
            raise FlowError(f"Parameter {name!r} is required and has the default {default!r}; it can be only one.")
        self.required = (default is no_default) if required is None else required
        self.default = None if default is no_default else default
        super().__init__(name, slug=name, tags=tags)
        flow = current_flow()
        if flow is not None:
            flow.note_made(self)

    def __call__(self, *, flow: Any = None) -> "Parameter":
        """Add the parameter itself to the flow that is being built, and return it."""
        self.bind(flow=flow)
        return self

    def run(self) -> Any:
        """Return the value of the run in progress; the engine does so without calling this."""
        from eparch.sdk.context import context

        return self.value(context.get("parameters", {}))

    def value(self, given: Any) -> Any:
        """Return the value that the parameter has in a run with the given ones."""
        return given.get(self.name, self.default)

    def copy(self, **options: Any) -> Task:
        """Refuse: a parameter is one thing in a flow, and its slug is its name."""
        raise FlowError(f"Parameter {self.name!r} cannot be copied.", hint="make another one, with another name")

    def __repr__(self) -> str:
        return f"<Parameter: {self.name}>"


class DateTimeParameter(Parameter):
    """A parameter that is given as ISO 8601 text and arrives as an aware `datetime`.

    Example:
        >>> from eparch import DateTimeParameter, Flow
        >>> with Flow("since") as f:
        ...     since = DateTimeParameter("since")()
        >>> f.run(since="2026-01-01").result[since].result.isoformat()
        '2026-01-01T00:00:00+00:00'
    """

    __format_name__ = "prefect.core.parameter.DateTimeParameter"

    def __init__(self, name: str, required: bool = True, tags: Iterable[str] | None = None) -> None:
        super().__init__(name, default=no_default if required else None, required=required, tags=tags)

    def value(self, given: Any) -> datetime | None:
        """Return the instant, None where none was given.

        Raises:
            FlowError: the text is not ISO 8601.
        """
        value = super().value(given)
        if value is None or isinstance(value, datetime):
            return value
        instant = parse_instant(str(value))
        if instant is None:
            raise FlowError(f"Parameter {self.name!r} is {value!r}, which is not an ISO 8601 instant.")
        return instant
