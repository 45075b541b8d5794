"""What can be written between tasks: `a + b`, `a > 1`, `a["key"]`, `a.is_equal(b)`, `a | b`.

In charge of the methods; not in charge of what the tasks they make do (`operators`). `==` and `!=` stay what they are
for every object, because tasks are kept in sets: use `is_equal` and `is_not_equal`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eparch.sdk.tasks import Task


class Operations:
    """Operators on the future results of tasks, each of which adds a task to the flow being built.

    Example:
        >>> from eparch import Flow, Parameter
        >>> with Flow("sum") as f:
        ...     total = Parameter("x") + 1
        >>> f.run(x=2).result[total].result
        3
    """

    __slots__ = ()

    def __getitem__(self, key: Any) -> "Task":
        from eparch.sdk.operators import item

        return item(self, key)

    def __add__(self, other: Any) -> "Task":
        return _made("Add", self, other)

    def __radd__(self, other: Any) -> "Task":
        return _made("Add", other, self)

    def __sub__(self, other: Any) -> "Task":
        return _made("Sub", self, other)

    def __rsub__(self, other: Any) -> "Task":
        return _made("Sub", other, self)

    def __mul__(self, other: Any) -> "Task":
        return _made("Mul", self, other)

    def __rmul__(self, other: Any) -> "Task":
        return _made("Mul", other, self)

    def __truediv__(self, other: Any) -> "Task":
        return _made("Div", self, other)

    def __rtruediv__(self, other: Any) -> "Task":
        return _made("Div", other, self)

    def __floordiv__(self, other: Any) -> "Task":
        return _made("FloorDiv", self, other)

    def __rfloordiv__(self, other: Any) -> "Task":
        return _made("FloorDiv", other, self)

    def __mod__(self, other: Any) -> "Task":
        return _made("Mod", self, other)

    def __rmod__(self, other: Any) -> "Task":
        return _made("Mod", other, self)

    def __pow__(self, other: Any) -> "Task":
        return _made("Pow", self, other)

    def __rpow__(self, other: Any) -> "Task":
        return _made("Pow", other, self)

    def __and__(self, other: Any) -> "Task":
        return _made("And", self, other)

    def __rand__(self, other: Any) -> "Task":
        return _made("And", other, self)

    def __or__(self, other: Any) -> Any:
        """Let `other` wait for this task: `a | b | c` is a chain. Returns `other`."""
        other.set_upstream(self)
        return other

    def __gt__(self, other: Any) -> "Task":
        return _made("GreaterThan", self, other)

    def __ge__(self, other: Any) -> "Task":
        return _made("GreaterThanOrEqual", self, other)

    def __lt__(self, other: Any) -> "Task":
        return _made("LessThan", self, other)

    def __le__(self, other: Any) -> "Task":
        return _made("LessThanOrEqual", self, other)

    def is_equal(self, other: Any) -> "Task":
        """Return a task that tells whether the results are equal."""
        return _made("Equal", self, other)

    def is_not_equal(self, other: Any) -> "Task":
        """Return a task that tells whether the results are not equal."""
        return _made("NotEqual", self, other)

    def and_(self, other: Any) -> "Task":
        """Return a task that gives `self and other`."""
        return _made("And", self, other)

    def or_(self, other: Any) -> "Task":
        """Return a task that gives `self or other`."""
        return _made("Or", self, other)

    def not_(self) -> "Task":
        """Return a task that gives `not self`."""
        from eparch.sdk.operators import OPERATORS

        made: Task = OPERATORS["Not"]().bind(x=self)
        return made

    def __bool__(self) -> bool:
        # `if task:` would always be true, while its result may be false.
        from eparch.sdk.building import current_flow
        from eparch.sdk.errors import FlowError

        if current_flow() is None:
            return True
        raise FlowError(
            f"{self!r} has no truth value while the flow is being built: its result is not known yet.",
            hint="use `case(task, True)`; to test whether there is a task, write `is not None`",
        )


def _made(name: str, x: Any, y: Any) -> "Task":
    from eparch.sdk.operators import OPERATORS

    return OPERATORS[name]().bind(x=x, y=y)
