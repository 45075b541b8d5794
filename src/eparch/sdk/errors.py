"""What goes wrong in a user's own flow file, said early.

In charge of the errors of the SDK; not in charge of what a task raises while it runs (that becomes a state). They are
also `ValueError`s, as in Prefect 1.x, and carry their hint as a note, so that Python's own traceback shows it.
"""

from collections.abc import Mapping

from eparch.core.errors import BadInput


class FlowError(BadInput, ValueError):
    """A flow or a task is written, called or combined in a way that cannot work.

    Example:
        >>> raise FlowError("Flow 'etl' has a cycle.", hint="remove one of its edges")
        Traceback (most recent call last):
        ...
        eparch.sdk.errors.FlowError: Flow 'etl' has a cycle.
        Hint: remove one of its edges
    """

    def __init__(self, message: str, *, hint: str = "", detail: Mapping[str, object] | None = None) -> None:
        super().__init__(message, hint=hint, detail=detail)
        if hint:
            self.add_note(f"Hint: {hint}")


class ArgumentError(FlowError, TypeError):
    """A task or a flow was called with arguments that it does not take."""


class ResultError(FlowError):
    """A result cannot be written, read or understood."""


class SecretNotFound(FlowError, KeyError):
    """A secret is known neither to the environment nor to the server."""

    def __str__(self) -> str:
        # KeyError shows its argument quoted; this is a sentence.
        return self.message
