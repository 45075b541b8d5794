"""What running code may know about its run.

In charge of the values and of who sees which; not in charge of computing them (`engine.run_context`). Each task sees
the values of its own attempt, whichever thread it is in; a thread that the task starts itself sees none.
"""

from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, Final

_NOTHING: Final[Mapping[str, Any]] = {}
_values: ContextVar[Mapping[str, Any]] = ContextVar("eparch_context", default=_NOTHING)


class Lazy:
    """A value that is made when it is first asked for: most tasks never ask for their logger or their id."""

    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make

    def value(self, name: str) -> Any:
        """Make the value and leave it in place of this."""
        made = self.make()
        values = _values.get()
        assert isinstance(values, dict)
        values[name] = made
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        return (Lazy, (self.make,))


class Context(Mapping[str, Any]):
    """The values of the run in progress, as attributes or as a mapping: use the one instance, `context`.

    While a flow runs: `flow_name`, `flow_id`, `flow_run_id`, `flow_run_name`, `parameters`, `scheduled_start_time`,
    `date`, and its texts `today`, `yesterday`, `tomorrow`, each also with `_nodash`. While a task runs, besides:
    `task_name`, `task_full_name`, `task_slug`, `task_tags`, `task_run_id`, `task_run_count`, `map_index`, `logger`, and
    in a loop `task_loop_count` and `task_loop_result`.

    Example:
        >>> with context(day="2026-01-01"):
        ...     context.day, context.get("task_name", "no task")
        ('2026-01-01', 'no task')
    """

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        value = _values.get()[name]
        return value.value(name) if type(value) is Lazy else value

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"The context has no {name!r}: it knows {', '.join(sorted(self)) or 'nothing outside a run'}."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(_values.get())

    def __len__(self) -> int:
        return len(_values.get())

    def __call__(self, *mappings: Mapping[str, Any], **values: Any) -> "Layer":
        """Return a context manager within which these values are seen too, before all others."""
        added: dict[str, Any] = {}
        for mapping in mappings:
            added.update(mapping)
        return Layer({**_values.get(), **added, **values})

    def to_dict(self) -> dict[str, Any]:
        """Return the values as a dictionary of its own."""
        return dict(self)

    def __repr__(self) -> str:
        return f"<Context: {', '.join(sorted(self))}>"


class Layer:
    """The values that the context shows inside a `with` block."""

    __slots__ = ("_token", "_values")

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values
        self._token: Token[Mapping[str, Any]] | None = None

    def __enter__(self) -> "Context":
        self._token = _values.set(self._values)
        return context

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._token is not None
        _values.reset(self._token)


def showing(values: dict[str, Any]) -> Layer:
    """Return a context manager within which the context shows exactly these values."""
    return Layer(values)


context: Final = Context()
