"""GraphQL over HTTP.

In charge of bytes: reading a request within its limit, decoding it in every form that clients send, compressing the
answer, and refusing web pages of other origins; not in charge of what a document means (`api`).

The forms, all in use by real clients: one operation or a list of them; `variables` as an object, as a JSON text, as
the text `null`, or absent; a GET with the same members as parameters, for queries only.
"""

import asyncio
import gzip
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from eparch.core.errors import EparchError, Forbidden, Overloaded, Unauthenticated
from eparch.core.principals import Principal
from eparch.server.api import Answer, Api, Gone, error_body
from eparch.server.authentication import Authentication

logger: Final = logging.getLogger("eparch.http")

Scope = Any
Receive = Any
Send = Any

OPERATIONS_MAX: Final = 100
# Below this, on a local network, compressing costs more than it saves.
_GZIP_BYTES_MIN: Final = 4_096
# Above this, compressing would hold up the event loop.
_GZIP_THREAD_BYTES_MIN: Final = 262_144
_RETRY_AFTER_S: Final = b"1"


class BodyTooLarge(EparchError):
    """A request is longer than the server takes."""

    code = "PAYLOAD_TOO_LARGE"


class BadRequest(EparchError):
    """A request is not what GraphQL over HTTP looks like."""

    code = "BAD_REQUEST"


class Operation(msgspec.Struct):
    """One GraphQL request as a client sends it."""

    query: str
    variables: dict[str, Any] | str | None = None
    operationName: str | None = None  # noqa: N815


_DECODER: Final = msgspec.json.Decoder(Operation)
_LIST_DECODER: Final = msgspec.json.Decoder(list[Operation])
_VARIABLES_DECODER: Final = msgspec.json.Decoder(dict[str, Any] | None)


@dataclass(frozen=True, slots=True)
class Headers:
    """The headers that matter here."""

    by_name: dict[bytes, bytes]

    def get(self, name: bytes) -> str | None:
        """Return a header as text, None where it is absent."""
        value = self.by_name.get(name)
        return None if value is None else value.decode("latin-1")


class GraphQLOverHttp:
    """The ASGI application for the paths on which GraphQL is served.

    Args:
        body_bytes_max: longest request.
        allowed_origins: web origins, beside the server's own, whose pages may call.
    """

    def __init__(
        self, api: Api, authentication: Authentication, *, body_bytes_max: int, allowed_origins: Iterable[str]
    ) -> None:
        self._api = api
        self._authentication = authentication
        self._body_bytes_max = body_bytes_max
        self._allowed_origins = frozenset(origin.rstrip("/").lower() for origin in allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = Headers(dict(scope["headers"]))
        origin = headers.get(b"origin")
        is_foreign = origin is not None and not self._is_own(origin, headers.get(b"host"))
        is_allowed = not is_foreign or (origin or "").lower() in self._allowed_origins
        if scope["method"] == "OPTIONS":
            await _send(send, Answer(204 if is_allowed else 403, b""), self._cors(origin, is_foreign and is_allowed))
            return
        try:
            answer = await self._answer(scope, receive, headers, is_trusted=is_allowed)
        except EparchError as error:
            answer = Answer(_STATUS.get(error.code, 400), error_body(error))
        except Disconnected:
            return
        extra = self._cors(origin, is_foreign and is_allowed)
        body = answer.body
        if len(body) >= _GZIP_BYTES_MIN and b"gzip" in headers.by_name.get(b"accept-encoding", b""):
            body = await _compressed(body)
            extra = [*extra, (b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
        await _send(send, Answer(answer.status, body), extra)

    async def _answer(self, scope: Scope, receive: Receive, headers: Headers, *, is_trusted: bool) -> Answer:
        principal = self._authentication.principal(headers)
        if scope["method"] == "GET":
            return await self._execute(_from_parameters(scope["query_string"]), principal, None, may_write=False)
        if scope["method"] != "POST":
            return Answer(405, error_body(BadRequest(f"{scope['method']} is not served here.", hint="send a POST")))
        operations, is_list = _decode(await self._body(receive, headers))
        if not is_list:
            gone = partial(_disconnected, receive)
            return await self._execute(operations[0], principal, gone, may_write=is_trusted)
        if len(operations) > OPERATIONS_MAX:
            raise BadRequest(f"A list of {len(operations)} operations is too long: at most {OPERATIONS_MAX} are taken.")
        answers = await asyncio.gather(
            *(self._execute(each, principal, None, may_write=is_trusted) for each in operations)
        )
        return Answer(200, b"[" + b",".join(answer.body for answer in answers) + b"]")

    async def _execute(
        self, operation: Operation, principal: Principal, gone: Gone | None, *, may_write: bool
    ) -> Answer:
        variables = operation.variables
        if isinstance(variables, str):
            try:
                variables = _VARIABLES_DECODER.decode(variables.encode("utf-8", "surrogatepass")) if variables else None
            except msgspec.DecodeError as error:
                raise BadRequest(f"The variables are not a JSON object: {error}.") from None
        return await self._api.answer(
            operation.query, variables or {}, operation.operationName, principal, may_write=may_write, gone=gone
        )

    async def _body(self, receive: Receive, headers: Headers) -> bytes:
        if headers.by_name.get(b"content-encoding", b"identity") != b"identity":
            raise BadRequest("A compressed request is not understood.", hint="send it without Content-Encoding")
        too_large = BodyTooLarge(
            f"The request is larger than {self._body_bytes_max} bytes.",
            hint="send less at once, or raise body_bytes_max",
        )
        length = headers.by_name.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._body_bytes_max:
            raise too_large
        chunks, size = [], 0
        while True:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise Disconnected
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
            if size > self._body_bytes_max:
                raise too_large
            if not event.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _is_own(self, origin: str, host: str | None) -> bool:
        return host is not None and urlsplit(origin).netloc.lower() == host.lower()

    def _cors(self, origin: str | None, is_allowed: bool) -> Sequence[tuple[bytes, bytes]]:
        if origin is None or not is_allowed:
            return [(b"vary", b"origin")] if origin is not None else []
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
            (b"access-control-allow-headers", b"authorization, content-type, x-prefect-tenant-id, x-request-id"),
            (b"access-control-max-age", b"600"),
            (b"vary", b"origin"),
        ]


class Disconnected(Exception):
    """The client has gone away before its request was complete; nobody waits for an answer."""


# Clients read the errors of an authentication only where the status is 200.
_STATUS: Final = {BodyTooLarge.code: 413, Overloaded.code: 503, Forbidden.code: 403, Unauthenticated.code: 200}


def _decode(body: bytes) -> tuple[list[Operation], bool]:
    """Return the operations of a request, and whether they came as a list.

    Raises:
        BadRequest: it is not JSON, or not of the right shape.
    """
    is_list = body.lstrip()[:1] == b"["
    try:
        return (_LIST_DECODER.decode(body), True) if is_list else ([_DECODER.decode(body)], False)
    except msgspec.ValidationError as error:
        raise BadRequest(
            f"The request is not a GraphQL request: {error}.", hint='send {"query": "...", "variables": {...}}'
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The request is not JSON in UTF-8: {error}.") from None


def _from_parameters(query_string: bytes) -> Operation:
    try:
        parameters = parse_qs(query_string.decode("ascii"), strict_parsing=True, errors="strict")
        return Operation(
            parameters["query"][0],
            parameters.get("variables", [None])[0],
            parameters.get("operationName", [None])[0],
        )
    except (ValueError, KeyError):
        raise BadRequest("There is no query.", hint="send it as the parameter `query`, or as a POST") from None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _compressed(body: bytes) -> bytes:
    if len(body) < _GZIP_THREAD_BYTES_MIN:
        return gzip.compress(body, 1, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)


async def _send(send: Send, answer: Answer, extra: Sequence[tuple[bytes, bytes]]) -> None:
    headers = [
        (b"content-type", b"application/json; charset=utf-8"),
        (b"content-length", str(len(answer.body)).encode()),
        *extra,
    ]
    if answer.status == 503:
        headers.append((b"retry-after", _RETRY_AFTER_S))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
