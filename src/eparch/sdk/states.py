"""The kinds of states of flow runs and task runs.

In charge of what each kind holds beyond what all have (`state`); not in charge of which kinds there are
(`eparch.core.states`): each class is one concrete row of that table, below its parent.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from eparch.core import states as table
from eparch.sdk.state import State as State


class Pending(State):
    """Waiting to be run.

    Example:
        >>> isinstance(Retrying(), Pending)
        True
    """

    __slots__ = ()


class Scheduled(Pending):
    """Waiting for its start time; without one it starts now.

    Example:
        >>> from datetime import UTC, datetime
        >>> Scheduled(start_time=datetime(2026, 1, 1, tzinfo=UTC)).start_time.year
        2026
    """

    __slots__ = ("start_time",)

    def __init__(
        self,
        message: str | None = None,
        result: Any = None,
        start_time: datetime | None = None,
        **further: Any,
    ) -> None:
        super().__init__(message, result, **further)
        self.start_time: datetime | None = _aware(start_time) if start_time is not None else _now()


class Paused(Scheduled):
    """Waiting for somebody to approve it; without a start time, for ever.

    Example:
        >>> Paused().start_time is None, Paused().is_scheduled()
        (True, True)
    """

    __slots__ = ()

    def __init__(
        self, message: str | None = None, result: Any = None, start_time: datetime | None = None, **further: Any
    ) -> None:
        super().__init__(message, result, start_time, **further)
        if start_time is None:
            self.start_time = None


class Resume(Scheduled):
    """Approved; waiting to be picked up again. A `manual_only` trigger lets it pass.

    Example:
        >>> Resume().is_scheduled()
        True
    """

    __slots__ = ()


class Retrying(Scheduled):
    """Failed before; waiting for its next attempt.

    Attributes:
        run_count: how many attempts there have been.

    Example:
        >>> Retrying(run_count=2).is_retrying()
        True
    """

    __slots__ = ("run_count",)

    def __init__(
        self,
        message: str | None = None,
        result: Any = None,
        start_time: datetime | None = None,
        run_count: int | None = None,
        **further: Any,
    ) -> None:
        super().__init__(message, result, start_time, **further)
        self.run_count = 1 if run_count is None else run_count


class _MetaState(State):
    """A state around another one.

    Attributes:
        state: the state that the run was in before; never itself such a state.
    """

    __slots__ = ("state",)

    def __init__(
        self, message: str | None = None, result: Any = None, state: State | None = None, **further: Any
    ) -> None:
        super().__init__(message, result, **further)
        self.state: State | None = state.state if isinstance(state, _MetaState) else state


class Submitted(_MetaState):
    """Taken by an agent; its environment is being started.

    Example:
        >>> Submitted(state=Scheduled("due")).state
        <Scheduled: "due">
    """

    __slots__ = ()


class Queued(_MetaState):
    """Waiting for a free concurrency slot; asked for again at its start time.

    Example:
        >>> Queued("no slot", state=Scheduled()).is_queued()
        True
    """

    __slots__ = ("start_time",)

    def __init__(
        self,
        message: str | None = None,
        result: Any = None,
        state: State | None = None,
        start_time: datetime | None = None,
        **further: Any,
    ) -> None:
        super().__init__(message, result, state, **further)
        self.start_time = _aware(start_time) if start_time is not None else _now()


class ClientFailed(_MetaState):
    """This client could not tell the server about a change.

    Example:
        >>> ClientFailed(state=Success("done")).state
        <Success: "done">
    """

    __slots__ = ()


class Running(State):
    """User code is being executed.

    Example:
        >>> Running().is_running(), Running().is_finished()
        (True, False)
    """

    __slots__ = ()


class Cancelling(Running):
    """Asked to stop; not stopped yet.

    Example:
        >>> Cancelling().is_running()
        True
    """

    __slots__ = ()


class Finished(State):
    """At its end.

    Example:
        >>> isinstance(Skipped(), Finished)
        True
    """

    __slots__ = ()


class Looped(Finished):
    """One iteration of a loop is done; another follows.

    Attributes:
        loop_count: number of the iteration that has ended, from 1.

    Example:
        >>> Looped(loop_count=2).is_looped()
        True
    """

    __slots__ = ("loop_count",)

    def __init__(
        self, message: str | None = None, result: Any = None, loop_count: int | None = None, **further: Any
    ) -> None:
        super().__init__(message, result, **further)
        self.loop_count = 1 if loop_count is None else loop_count


class Success(Finished):
    """Ended well.

    Example:
        >>> Success(result=[1, 2]).result
        [1, 2]
    """

    __slots__ = ()


class Cached(Success):
    """Ended well; the result may be used again until it expires.

    Attributes:
        cached_inputs: the values that went in, for validators that compare them; not on the wire.
        cached_parameters: the parameters of the flow run.
        cached_result_expiration: until when the result may be used; None for ever.
        hashed_inputs: a digest of each input.

    Example:
        >>> Cached(result=1).is_successful()
        True
    """

    __slots__ = ("cached_inputs", "cached_parameters", "cached_result_expiration", "hashed_inputs")

    def __init__(
        self,
        message: str | None = None,
        result: Any = None,
        cached_inputs: dict[str, Any] | None = None,
        cached_parameters: dict[str, Any] | None = None,
        cached_result_expiration: datetime | None = None,
        hashed_inputs: dict[str, str] | None = None,
        **further: Any,
    ) -> None:
        super().__init__(message, result, **further)
        self.cached_inputs = cached_inputs
        self.cached_parameters = cached_parameters
        self.cached_result_expiration = None if cached_result_expiration is None else _aware(cached_result_expiration)
        self.hashed_inputs = hashed_inputs


class Mapped(Success):
    """Became one child for each item; the children do the work. Its result is the list of theirs.

    Attributes:
        map_states: the states of the children, in order; empty where only their number is known.
        n_map_states: how many there are.

    Example:
        >>> Mapped(map_states=[Success(result=1), Success(result=4)]).result
        [1, 4]
    """

    __slots__ = ("map_states", "n_map_states")

    def __init__(
        self,
        message: str | None = None,
        result: Any = None,
        map_states: Iterable[State | None] | None = None,
        n_map_states: int | None = None,
        **further: Any,
    ) -> None:
        super().__init__(message, result, **further)
        self.map_states: list[Any] = list(map_states or ())
        self.n_map_states = n_map_states if n_map_states is not None else len(self.map_states)

    @property
    def result(self) -> Any:
        """The results of the children, in order; of an unfinished child None."""
        return [None if child is None else child.result for child in self.map_states]

    @result.setter
    def result(self, value: Any) -> None:
        raise AttributeError("the result of a Mapped state is the list of its children's results")

    def __iter__(self) -> Iterator[State | None]:
        return iter(self.map_states)


class Skipped(Success):
    """Not needed this time.

    Example:
        >>> Skipped("nothing new").is_successful()
        True
    """

    __slots__ = ()


class Cancelled(Finished):
    """Stopped on request.

    Example:
        >>> Cancelled().is_finished(), Cancelled().is_failed()
        (True, False)
    """

    __slots__ = ()


class Failed(Finished):
    """Ended with an error; its result is the exception.

    Example:
        >>> Failed("no such table").is_failed()
        True
    """

    __slots__ = ()


class TimedOut(Failed):
    """Took longer than its limit.

    Example:
        >>> TimedOut().is_failed()
        True
    """

    __slots__ = ()


class TriggerFailed(Failed):
    """Not run, because what came before it did not end as its trigger needs.

    Example:
        >>> TriggerFailed().is_failed()
        True
    """

    __slots__ = ()


class ValidationFailed(Failed):
    """Its result did not pass validation.

    Example:
        >>> ValidationFailed().is_failed()
        True
    """

    __slots__ = ()


def _now() -> datetime:
    # The one clock of this module: a waiting state without a start time starts now, as clients have always had it.
    return datetime.now(UTC)


def _aware(instant: datetime) -> datetime:
    # A naive instant is UTC, as everywhere in the API.
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant


CLASSES: Final[dict[str, type[State]]] = {
    cls.__name__: cls for cls in State.children() if cls.__name__ in table.CONCRETE
}
"""The class of each concrete state, by its name on the wire."""
