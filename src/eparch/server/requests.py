"""From the bytes of a request to GraphQL operations.

In charge of every form in which clients send them; not in charge of receiving bytes (`http`) nor of what a document
means (`api`).

The forms, all in use by real clients: one operation or a list of them; `variables` as an object, as a JSON text, as
the text `null`, or absent; a GET with the same members as parameters.
"""

from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from eparch.core.errors import EparchError
from eparch.core.json_text import decoded
from eparch.server.subscriptions import INTERVAL_S

OPERATIONS_MAX: Final = 100


class BadRequest(EparchError):
    """A request is not what GraphQL over HTTP looks like."""

    code = "BAD_REQUEST"


class Follow(msgspec.Struct, forbid_unknown_fields=True):
    """A wish to be told again when the answer of a query has changed; see `subscriptions`."""

    interval_s: float = INTERVAL_S


class Extensions(msgspec.Struct):
    """What a request may hold beyond GraphQL. Members that other servers know are let be, as the protocol wants it."""

    follow: Follow | None = None


class Operation(msgspec.Struct):
    """One GraphQL request as a client sends it."""

    query: str
    variables: dict[str, Any] | str | None = None
    operationName: str | None = None  # noqa: N815
    extensions: Extensions | None = None


def operations_of(body: bytes) -> tuple[list[Operation], bool]:
    """Return the operations of a request, and whether they came as a list.

    Raises:
        BadRequest: it is not JSON, not of the right shape, or too long a list.
    """
    is_list = body.lstrip()[:1] == b"["
    try:
        if not is_list:
            return [decoded(body, _OPERATION)], False
        operations: list[Operation] = decoded(body, _OPERATIONS)
    except msgspec.ValidationError as error:
        raise BadRequest(
            f"The request is not a GraphQL request: {error}.", hint='send {"query": "...", "variables": {...}}'
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request is not JSON in UTF-8: {error}.") from None
    if len(operations) > OPERATIONS_MAX:
        raise BadRequest(f"A list of {len(operations)} operations is too long: at most {OPERATIONS_MAX} are taken.")
    return operations, True


def operation_of(query_string: bytes) -> Operation:
    """Return the operation that the parameters of a GET name.

    Raises:
        BadRequest: there is none.
    """
    try:
        parameters = parse_qs(query_string.decode("ascii"), errors="strict")
    except ValueError as error:
        raise BadRequest(f"The parameters are not text in UTF-8: {error}.") from None
    query, variables, name = (parameters.get(each, [None])[0] for each in ("query", "variables", "operationName"))
    if query is None:
        raise BadRequest("There is no query.", hint="send it as the parameter `query`, or as a POST")
    return Operation(query.replace("\0", "\ufffd"), variables, name)


def variables_of(operation: Operation) -> dict[str, Any]:
    """Return the variables as an object, empty where there are none.

    Raises:
        BadRequest: they are a text that is not a JSON object.
    """
    variables = operation.variables
    if isinstance(variables, dict):
        return variables
    if not variables:
        return {}
    try:
        return decoded(variables.encode(), _VARIABLES) or {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The variables are not a JSON object: {error}.") from None


_OPERATION: Final = msgspec.json.Decoder(Operation)
_OPERATIONS: Final = msgspec.json.Decoder(list[Operation])
_VARIABLES: Final = msgspec.json.Decoder(dict[str, Any] | None)
