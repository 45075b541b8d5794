"""Every error that Eparch tells its users, in one catalogue.

In charge of the shape of a failure (code, message, hint) and of the list of codes; not in charge of turning it into
HTTP or GraphQL (`graphql.answer`) or into text on a terminal (`cli`). A code that is retired stays in the catalogue as
a comment, so that none is ever reused.
"""

from collections.abc import Mapping
from typing import ClassVar, Final


class EparchError(Exception):
    """A failure with a stable code, a message with the values, and a hint that says what to do.

    Attributes:
        code: stable, upper-case; programs match on it.
        message: what failed, with the values.
        hint: what to do about it; empty when there is nothing to say.
        detail: further values for programs, JSON-ready.
    """

    code: ClassVar[str] = "INTERNAL_SERVER_ERROR"

    def __init__(self, message: str, *, hint: str = "", detail: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = dict(detail or {})


class BadInput(EparchError):
    """The caller sent something that cannot be accepted; nothing was changed."""

    code = "BAD_USER_INPUT"


class NotFound(BadInput):
    """A thing that the input names does not exist, or the principal may not see it."""

    code = "NOT_FOUND"


class Conflict(BadInput):
    """The request clashes with what the database holds."""

    code = "CONFLICT"


class StateUpdateFailed(Conflict):
    """A run may not enter the state. Prefect agents drop the run silently when they read this message."""

    code = "STATE_UPDATE_FAILED"

    def __init__(self, kind: str, run_id: str, reason: str, *, hint: str = "") -> None:
        super().__init__(f"State update failed for {kind} ID {run_id}: {reason}", hint=hint)


class VersionLocked(EparchError):
    """The run has moved on since the caller read its version."""

    code = "VERSION_LOCKING_ERROR"


class Forbidden(EparchError):
    """The principal lacks the permission that the root field declares."""

    code = "FORBIDDEN"


class Unauthenticated(EparchError):
    """There is no valid credential."""

    code = "UNAUTHENTICATED"


class Overloaded(EparchError):
    """The server has too much waiting; the same call may succeed later."""

    code = "OVERLOADED"


class Unavailable(EparchError):
    """The database cannot be reached or cannot be written; nothing was changed. Clients retry on this code."""

    code = "API_ERROR"


class ConfigurationError(EparchError):
    """The installation is set up wrongly: a setting, a file, a database of another version."""

    code = "CONFIGURATION_ERROR"


class SecretUnreadable(EparchError):
    """A sealed value cannot be opened: its key is not here, or it is not what was sealed."""

    code = "SECRET_UNREADABLE"


CODES: Final[dict[str, type[EparchError]]] = {
    error.code: error
    for error in (
        EparchError,
        BadInput,
        NotFound,
        Conflict,
        StateUpdateFailed,
        VersionLocked,
        Forbidden,
        Unauthenticated,
        Overloaded,
        Unavailable,
        ConfigurationError,
        SecretUnreadable,
    )
}
