"""What an answer looks like when some of it fails.

In charge of joining the parts of an answer, of its errors and of its status; not in charge of how parts are found
(`api`) nor of what an error looks like (`graphql.faults`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from eparch.core.errors import EparchError, Overloaded, Unavailable
from eparch.graphql.faults import ErrorDict, describe
from eparch.server.exchanges import CURRENT

UNFORESEEN: Final = EparchError("The server failed to carry this out.", hint="its log says why")
_RETRIED: Final = frozenset({Overloaded.code, Unavailable.code})
_ENCODER: Final = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of HTTP and a body of JSON."""

    status: int
    body: bytes


class Parts:
    """The answer as it grows: one part for each root field, in their order.

    Args:
        is_read: whether asking again changes nothing, whatever has been answered.
    """

    __slots__ = ("_errors", "_is_anything_done", "_is_lost", "_is_read", "_parts")

    def __init__(self, *, is_read: bool) -> None:
        self._is_read = is_read
        self._parts: list[bytes] = []
        self._errors: list[ErrorDict] = []
        self._is_lost = False
        self._is_anything_done = False

    def add(self, key: str, value: bytes) -> None:
        """Add the JSON of a root field that was answered."""
        self._parts.append(b'"%b":%b' % (key.encode(), value))
        self._is_anything_done = True

    def add_name(self, key: str, value: str) -> None:
        """Add a root field that says nothing but a name."""
        self._parts.append(b'"%b":"%b"' % (key.encode(), value.encode()))

    def fail(self, key: str, error: EparchError, *, is_nullable: bool) -> None:
        """Add a root field that failed."""
        self.fail_with([describe(error, [key])], is_lost=not is_nullable)
        self.add_null(key)

    def add_null(self, key: str) -> None:
        """Add a root field whose failure is told by `fail_with`."""
        self._parts.append(b'"%b":null' % key.encode())

    def fail_with(self, errors: Sequence[ErrorDict], *, is_lost: bool) -> None:
        """Add errors; `is_lost` says that a field failed that may not be null, and takes everything with it."""
        self._errors.extend(errors)
        self._is_lost = self._is_lost or is_lost

    def answer(self) -> Answer:
        """Return the whole."""
        data = b"null" if self._is_lost else b"{%b}" % b",".join(self._parts)
        if not self._errors:
            return Answer(200, b'{"data":%b}' % data)
        # Clients repeat a request that is answered with 503, which is safe where nothing was done.
        is_safe = not self._is_anything_done or (self._is_read and self._is_lost)
        codes = {error["extensions"]["code"] for error in self._errors}
        status = 503 if is_safe and codes <= _RETRIED else 200
        return Answer(status, b'{"errors":%b,"data":%b}' % (_ENCODER.encode(with_request_id(self._errors)), data))


def error_body(error: EparchError, *, has_data: bool = False) -> bytes:
    """Return the body of an answer that is nothing but an error; `has_data` adds the data that is not there."""
    return errors_body([describe(error)], has_data=has_data)


def errors_body(errors: Sequence[ErrorDict], *, has_data: bool = False) -> bytes:
    """Do the same for several."""
    return b'{"errors":%b%b}' % (_ENCODER.encode(with_request_id(errors)), b',"data":null' if has_data else b"")


def with_request_id(errors: Sequence[ErrorDict]) -> Sequence[ErrorDict]:
    """Return errors that say which request they answer, and note that it failed."""
    exchange = CURRENT.get()
    if exchange is None:
        return errors
    exchange.has_errors = True
    told = {"request_id": exchange.request_id}
    return [{**error, "extensions": {**error["extensions"], **told}} for error in errors]
