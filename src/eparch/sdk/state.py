"""A state of a flow run or task run: what all kinds have.

In charge of what a state holds and of the questions one asks it; not in charge of its kinds (`states`) nor of their
JSON (`state_documents`). A state is a small object with slots: a run of 10,000 mapped tasks keeps 10,000 of them.
"""

from typing import TYPE_CHECKING, Any, ClassVar, Final

from eparch.core import states as table

if TYPE_CHECKING:
    from eparch.sdk.results.result import Result

_UNREAD: Final = object()


class State:
    """What a run is in: a type, a message for people, and for finished runs a result.

    Attributes:
        message: what happened, in words; None when there is nothing to add.
        context: further values that belong to the state, such as the tags of its task; JSON-ready.
        stored: where the result is kept outside this process; None where it is not.

    Example:
        >>> from eparch.states import Success
        >>> state = Success("done", result=42)
        >>> state.is_successful(), state.result
        (True, 42)
        >>> state
        <Success: "done">
    """

    __slots__ = ("_value", "context", "message", "stored")

    color: ClassVar[str] = "#000000"
    # The name of the kind, and of all it is a kind of.
    families: ClassVar[frozenset[str]] = frozenset({"State"})

    def __init__(
        self,
        message: str | None = None,
        result: Any = None,
        *,
        context: dict[str, Any] | None = None,
        stored: "Result | None" = None,
    ) -> None:
        self.message = message
        self._value = result if stored is None or result is not None else _UNREAD
        self.context = context
        self.stored = stored

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.families = cls.families | {cls.__name__}
        cls.color = table.STATES[cls.__name__].color if cls.__name__ in table.STATES else cls.color

    @property
    def result(self) -> Any:
        """The value that the run has left, read from where it is stored when this process does not hold it."""
        if self._value is _UNREAD:
            assert self.stored is not None
            self._value = self.stored.read().value
        return self._value

    @result.setter
    def result(self, value: Any) -> None:
        self._value = value

    def is_pending(self) -> bool:
        """Return whether the run waits to be run: Pending and its kinds."""
        return "Pending" in self.families

    def is_scheduled(self) -> bool:
        """Return whether the run waits for an instant or a slot: Scheduled and its kinds, and Queued."""
        return not self.families.isdisjoint(("Scheduled", "Queued"))

    def is_submitted(self) -> bool:
        """Return whether an agent has taken the run."""
        return "Submitted" in self.families

    def is_queued(self) -> bool:
        """Return whether the run waits for a concurrency slot."""
        return "Queued" in self.families

    def is_retrying(self) -> bool:
        """Return whether the run has failed and waits for its next attempt."""
        return "Retrying" in self.families

    def is_running(self) -> bool:
        """Return whether user code is being executed: Running and Cancelling."""
        return "Running" in self.families

    def is_finished(self) -> bool:
        """Return whether the run is at an end: Finished and its kinds, Looped included."""
        return "Finished" in self.families

    def is_looped(self) -> bool:
        """Return whether one iteration of a loop has ended."""
        return "Looped" in self.families

    def is_successful(self) -> bool:
        """Return whether the run ended well: Success and its kinds."""
        return "Success" in self.families

    def is_cached(self) -> bool:
        """Return whether the result may be, or was, used again."""
        return "Cached" in self.families

    def is_mapped(self) -> bool:
        """Return whether the run became one child for each item."""
        return "Mapped" in self.families

    def is_skipped(self) -> bool:
        """Return whether the run was not needed."""
        return "Skipped" in self.families

    def is_failed(self) -> bool:
        """Return whether the run ended with an error: Failed and its kinds."""
        return "Failed" in self.families

    def is_cancelled(self) -> bool:
        """Return whether the run was stopped on request."""
        return "Cancelled" in self.families

    def is_paused(self) -> bool:
        """Return whether the run waits for somebody's approval."""
        return "Paused" in self.families

    @classmethod
    def parents(cls) -> list[type["State"]]:
        """Return the states that this one is a kind of, nearest first.

        Example:
            >>> from eparch.states import Cached
            >>> [parent.__name__ for parent in Cached.parents()]
            ['Success', 'Finished', 'State']
        """
        return [base for base in cls.__mro__[1:] if issubclass(base, State)]

    @classmethod
    def children(cls) -> list[type["State"]]:
        """Return every state that is a kind of this one, itself left out."""
        found: list[type[State]] = []
        for child in cls.__subclasses__():
            found += [child, *child.children()]
        return found

    def serialize(self) -> dict[str, Any]:
        """Return the state as the JSON document that the API stores.

        Example:
            >>> from eparch.states import Success
            >>> Success("done").serialize()["type"]
            'Success'
        """
        from eparch.sdk.state_documents import state_document

        return state_document(self)

    @staticmethod
    def deserialize(document: dict[str, Any]) -> "State":
        """Return the state of a JSON document.

        Raises:
            FlowError: its type is unknown.
        """
        from eparch.sdk.state_documents import state_of_document

        return state_of_document(document)

    def __repr__(self) -> str:
        return f'<{type(self).__name__}: "{self.message}">' if self.message else f"<{type(self).__name__}>"

    def __eq__(self, other: object) -> bool:
        """Two states are equal when type, message, context and, where both are at hand, results are."""
        if type(self) is not type(other):
            return NotImplemented
        assert isinstance(other, State)
        return self.message == other.message and (self.context or {}) == (other.context or {}) and _same(self, other)

    __hash__ = None  # type: ignore[assignment]


def _same(one: State, other: State) -> bool:
    if one._value is _UNREAD and other._value is _UNREAD:
        return one.stored == other.stored
    return bool(one.result == other.result)
