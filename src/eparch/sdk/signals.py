"""What a task raises to choose its own state.

In charge of the exceptions and of the state each stands for; not in charge of acting on them (`engine`).

    raise signals.SKIP("nothing new today")
    raise signals.RETRY("the service is busy", start_time=datetime.now(UTC) + timedelta(minutes=5))
    raise signals.LOOP("page 3", result={"page": 4})
"""

from typing import Any, ClassVar

from eparch.sdk import states


class Signal(BaseException):
    """An exception that carries the state its task enters. Raise one of its kinds.

    No `Exception`, so that a task's own `except Exception` does not swallow it.

    Attributes:
        state: the state; its result is the one given, or the signal itself.

    Example:
        >>> SKIP("nothing new").state
        <Skipped: "nothing new">
    """

    state_class: ClassVar[type[states.State]] = states.State

    def __init__(self, message: str | None = None, *args: Any, **state_arguments: Any) -> None:
        super().__init__(message)
        state_arguments.setdefault("result", self)
        self.state: states.State = self.state_class(message, *args, **state_arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are pickled by their arguments; the state has more than the message. A result that is the signal
        # itself would be a cycle through a half-made object.
        state = self.state
        is_own = state._value is self
        return (_restored, (type(self), None if is_own else state, type(state), state.message))


def _restored(
    cls: type[Signal], state: states.State | None, state_class: type[states.State], message: str | None
) -> Signal:
    signal = cls.__new__(cls)
    BaseException.__init__(signal, message)
    signal.state = state_class(message, result=signal) if state is None else state
    return signal


class FAIL(Signal):
    """The task has failed, without a traceback in the logs.

    Example:
        >>> FAIL("three rows are wrong", result=3).state.result
        3
    """

    state_class = states.Failed


class TRIGGERFAIL(FAIL):
    """A trigger does not let its task run: what a trigger raises.

    Example:
        >>> TRIGGERFAIL("too few have succeeded").state
        <TriggerFailed: "too few have succeeded">
    """

    state_class = states.TriggerFailed


class VALIDATIONFAIL(FAIL):
    """The result is not what it must be.

    Example:
        >>> VALIDATIONFAIL("a negative age").state
        <ValidationFailed: "a negative age">
    """

    state_class = states.ValidationFailed


class SUCCESS(Signal):
    """The task is done, from however deep inside it.

    Example:
        >>> SUCCESS("found at once", result=42).state.result
        42
    """

    state_class = states.Success


class SKIP(Signal):
    """The task is not needed this time; by default what comes after it is skipped too.

    Example:
        >>> SKIP("nothing new today").state.is_skipped()
        True
    """

    state_class = states.Skipped


class RETRY(Signal):
    """The task is to run again at `start_time`, whatever its number of retries.

    Example:
        >>> from datetime import UTC, datetime
        >>> RETRY("busy", start_time=datetime(2026, 1, 1, tzinfo=UTC)).state
        <Retrying: "busy">
    """

    state_class: ClassVar[type[states.State]] = states.Retrying

    def __init__(self, message: str | None = None, *args: Any, **state_arguments: Any) -> None:
        # A retry's result would be taken for the result of the task.
        state_arguments.setdefault("result", None)
        super().__init__(message, *args, **state_arguments)


class PAUSE(RETRY):
    """The task waits until somebody approves it, or until `start_time`.

    Example:
        >>> PAUSE("needs a look").state.start_time is None
        True
    """

    state_class = states.Paused


class LOOP(Signal):
    """The task has done one iteration and is to run again at once, with `result` in its context.

    Example:
        >>> LOOP("page 2", result={"page": 3}).state.loop_count
        1
    """

    state_class = states.Looped

    def __init__(self, message: str | None = None, *args: Any, **state_arguments: Any) -> None:
        from eparch.sdk.context import context

        state_arguments.setdefault("loop_count", context.get("task_loop_count", 1))
        state_arguments.setdefault("result", None)
        super().__init__(message, *args, **state_arguments)


class ENDRUN(Signal):
    """The run ends at once in the given state.

    Example:
        >>> ENDRUN(state=states.Failed("no such table")).state
        <Failed: "no such table">
    """

    def __init__(self, state: states.State) -> None:
        BaseException.__init__(self, state.message)
        self.state = state
