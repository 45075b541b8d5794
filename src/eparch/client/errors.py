"""What goes wrong between a client and its server, in the words of whoever has to mend it.

In charge of the errors and of telling them apart in an answer; not in charge of trying again (`transport`).
"""

from collections.abc import Sequence
from typing import Any, Final

from eparch.core.errors import EparchError

# What may be gone the next time; everything else is the server's last word.
_PASSING: Final = frozenset({"API_ERROR", "OVERLOADED", "UNREACHABLE", "UNKNOWN_ERROR", "NOT_A_SERVER"})
_UNKNOWN_FIELD: Final = (
    "Cannot query field",
    "Unknown type",
    "Unknown argument",
    "is not defined by type",
    "unknown field",
)


class ClientError(EparchError):
    """A call to the server did not succeed. The hint is a note, so that Python's own traceback shows it."""

    def __init__(self, message: str, *, hint: str = "", code: str = "CLIENT_ERROR") -> None:
        super().__init__(message, hint=hint)
        self.error_code = code
        if hint:
            self.add_note(f"Hint: {hint}")

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.error_code in _PASSING


class Unreachable(ClientError):
    """No server answers at the address."""


class Refused(ClientError):
    """The server refuses what was asked.

    Attributes:
        error_code: the server's code, such as NOT_FOUND or STATE_UPDATE_FAILED.
    """


class VersionConflict(Refused):
    """The run has moved on: somebody else is carrying it out."""


class WrongKey(Refused):
    """The server does not know the API key, or wants one."""


class NotJSON(Refused):
    """What was to be asked cannot be written as JSON, so no server can take it."""


class OlderServer(Refused):
    """The server does not know a part of its API that this client uses."""


def error_of_answer(address: str, errors: Sequence[Any]) -> ClientError:
    """Return what the errors of an answer mean.

    Example:
        >>> error_of_answer("http://127.0.0.1:4200", [{"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}])
        WrongKey('The server at http://127.0.0.1:4200 refuses the API key: no')
    """
    first: dict[str, Any] = errors[0] if errors and isinstance(errors[0], dict) else {"message": str(errors)}
    message = str(first.get("message", "no reason given"))
    extensions: dict[str, Any] = first.get("extensions") or {}
    code, hint = str(extensions.get("code", "UNKNOWN_ERROR")), str(extensions.get("hint") or "")
    if code == "UNAUTHENTICATED":
        return WrongKey(
            f"The server at {address} refuses the API key: {message}",
            hint="set EPARCH_API_KEY, or store it: eparch profile set --api-key",
            code=code,
        )
    if code == "VERSION_LOCKING_ERROR":
        return VersionConflict(message, hint=hint, code=code)
    is_unknown = code == "GRAPHQL_VALIDATION_FAILED" and any(known in message for known in _UNKNOWN_FIELD)
    # A field of the input of a mutation, in a variable.
    if is_unknown or (code == "BAD_USER_INPUT" and "is not defined by type" in message):
        return OlderServer(
            f"The server at {address} does not know this: {message}",
            hint="upgrade the server to this version",
            code=code,
        )
    return Refused(message, hint=hint, code=code)
