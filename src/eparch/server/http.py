"""GraphQL over HTTP.

In charge of bytes: reading a request within its limit, compressing the answer, and refusing web pages of other
origins; not in charge of connections (`connections`), of the forms of requests (`requests`) nor of what a document
means (`api`).
"""

import asyncio
import gzip
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from eparch.core.errors import EparchError, Forbidden, Overloaded, Unauthenticated, Unavailable
from eparch.core.principals import Principal
from eparch.server.answers import UNFORESEEN, Answer, error_body
from eparch.server.api import Api, Gone
from eparch.server.authentication import Authentication
from eparch.server.codings import takes
from eparch.server.exchanges import CURRENT, begun
from eparch.server.origins import Origins, Page
from eparch.server.requests import BadRequest, Operation, operation_of, operations_of, variables_of

logger: Final = logging.getLogger("eparch.http")

Scope = Any
Receive = Any
Send = Any

# Below this, on a local network, compressing costs more than it saves.
_GZIP_BYTES_MIN: Final = 4_096
# Above this, compressing or decoding would hold up the event loop.
_THREAD_BYTES_MIN: Final = 262_144
_RETRY_AFTER_S: Final = b"1"


class BodyTooLarge(EparchError):
    """A request is longer than the server takes."""

    code = "PAYLOAD_TOO_LARGE"


class MethodRefused(EparchError):
    """The method of HTTP is not served, or not for this."""

    code = "METHOD_NOT_ALLOWED"


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
        origins: which pages may call.
    """

    def __init__(self, api: Api, authentication: Authentication, *, body_bytes_max: int, origins: Origins) -> None:
        self._api = api
        self._authentication = authentication
        self._body_bytes_max = body_bytes_max
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        headers = Headers(dict(scope["headers"]))
        exchange = CURRENT.get() or begun(scope)
        page = self._origins.page(headers.get(b"origin"), headers.get(b"host"))
        extra = _cors(headers, page)
        if scope["method"] == "OPTIONS":
            exchange.kind = "preflight"
            await _send(send, Answer(403 if page in (Page.FOREIGN, Page.MISLED) else 204, b""), extra)
            return
        try:
            answer = await self._answer(scope, receive, headers, page)
        except EparchError as error:
            status = _STATUS.get(error.code, 400)
            answer = Answer(status, error_body(error, has_data=status == 200))
        except Disconnected:
            return
        except Exception:
            logger.exception("A request failed in a way that nobody foresaw.")
            answer = Answer(500, error_body(UNFORESEEN))
        body = answer.body
        if len(body) >= _GZIP_BYTES_MIN and takes(headers.by_name.get(b"accept-encoding", b""), b"gzip"):
            body = await _compressed(body)
            extra = [*extra, (b"content-encoding", b"gzip"), (b"vary", b"accept-encoding")]
        await _send(send, Answer(answer.status, body), extra)

    async def _answer(self, scope: Scope, receive: Receive, headers: Headers, page: Page) -> Answer:
        if page is Page.MISLED:
            raise _misled(headers)
        principal = self._authentication.principal(headers)
        refusal = _FOREIGN if page is Page.FOREIGN else None
        if scope["method"] == "GET":
            # A page whose name was made to lead here sends no origin with a GET.
            if not self._origins.knows(headers.get(b"host")):
                raise _misled(headers)
            return await self._execute(operation_of(scope["query_string"]), principal, None, refusal or _ONLY_QUERIES)
        if scope["method"] != "POST":
            raise MethodRefused(f"{scope['method']} is not served here.", hint="send a POST")
        body = await self._body(receive, headers)
        operations, is_list = (
            operations_of(body) if len(body) < _THREAD_BYTES_MIN else await asyncio.to_thread(operations_of, body)
        )
        del body
        if not is_list:
            return await self._execute(operations[0], principal, partial(_disconnected, receive), refusal)
        answer = _joined(
            await asyncio.gather(*(self._execute_one(operation, principal, refusal) for operation in operations))
        )
        if exchange := CURRENT.get():
            exchange.kind = "list"
        return answer

    async def _execute_one(self, operation: Operation, principal: Principal, refusal: EparchError | None) -> Answer:
        """Do the same for one of a list, whose failure must not take away the answers of the others."""
        try:
            return await self._execute(operation, principal, None, refusal)
        except EparchError as error:
            return Answer(_STATUS.get(error.code, 400), error_body(error))

    async def _execute(
        self, operation: Operation, principal: Principal, gone: Gone | None, refusal: EparchError | None
    ) -> Answer:
        return await self._api.answer(
            operation.query,
            variables_of(operation),
            operation.operationName,
            principal,
            refuse_mutation=refusal,
            gone=gone,
        )

    async def _body(self, receive: Receive, headers: Headers) -> bytes:
        if headers.by_name.get(b"content-encoding", b"identity") != b"identity":
            raise BadRequest("A compressed request is not understood.", hint="send it without Content-Encoding")
        length = headers.by_name.get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._body_bytes_max:
            raise self._too_large()
        chunks, size = [], 0
        while size <= self._body_bytes_max:
            event = await receive()
            if event["type"] == "http.disconnect":
                raise Disconnected
            chunks.append(event.get("body", b""))
            size += len(chunks[-1])
            if not event.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
        raise self._too_large()

    def _too_large(self) -> BodyTooLarge:
        return BodyTooLarge(
            f"The request is larger than {self._body_bytes_max} bytes.",
            hint="send less at once, or raise body_bytes_max",
        )


class Disconnected(Exception):
    """The client has gone away before its request was complete; nobody waits for an answer."""


# Clients read the errors of an authentication only where the status is 200.
_STATUS: Final = {
    BodyTooLarge.code: 413,
    MethodRefused.code: 405,
    Overloaded.code: 503,
    Unavailable.code: 503,
    Forbidden.code: 403,
    Unauthenticated.code: 200,
}

_ONLY_QUERIES: Final = MethodRefused("A GET can only ask; this is a mutation.", hint="send a POST")
_FOREIGN: Final = Forbidden(
    "A mutation must come from this server's own pages or from a program.",
    hint="add the page's origin to allowed_origins if it is yours",
)


def _misled(headers: Headers) -> Forbidden:
    host = headers.get(b"host")
    return Forbidden(
        f"This server only listens on this machine and is not known as {host}.",
        hint=f"call it localhost, or add http://{host} to allowed_origins if the name is yours",
    )


def _joined(answers: Sequence[Answer]) -> Answer:
    """Return the answers to a list of operations as one. They are repeated together only if none was carried out."""
    status = 503 if answers and all(answer.status == 503 for answer in answers) else 200
    return Answer(status, b"[" + b",".join(answer.body for answer in answers) + b"]")


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _cors(headers: Headers, page: Page) -> Sequence[tuple[bytes, bytes]]:
    if page is not Page.ALLOWED:
        return [] if page is Page.NONE else [(b"vary", b"origin")]
    asked = headers.by_name.get(b"access-control-request-headers", b"content-type")
    return [
        (b"access-control-allow-origin", headers.by_name[b"origin"]),
        (b"access-control-allow-methods", b"GET, POST, OPTIONS"),
        (b"access-control-allow-headers", asked),
        (b"access-control-expose-headers", b"retry-after, x-request-id"),
        (b"access-control-max-age", b"600"),
        (b"vary", b"origin"),
    ]


async def _compressed(body: bytes) -> bytes:
    if len(body) < _THREAD_BYTES_MIN:
        return gzip.compress(body, 1, mtime=0)
    return await asyncio.to_thread(gzip.compress, body, 1, mtime=0)


async def _send(send: Send, answer: Answer, extra: Sequence[tuple[bytes, bytes]]) -> None:
    headers = list(extra)
    if answer.status != 204:
        headers.append((b"content-type", b"application/json; charset=utf-8"))
        headers.append((b"content-length", str(len(answer.body)).encode()))
    if answer.status == 503:
        headers.append((b"retry-after", _RETRY_AFTER_S))
    elif answer.status in (204, 405):
        headers.append((b"allow", b"GET, POST, OPTIONS"))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
