"""One request and its answer, seen from outside: an id, a kind, an outcome, how long it took.

In charge of request ids, of the figures about requests and of the access log; not in charge of answering.

A request brings its id as `X-Request-ID`, or is given one. The answer has it as a header and in its errors, and every
log line that is written while it is answered says it.
"""

import logging
import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from eparch.database.figures import LONG_SECONDS, SECONDS, Counts, Distributions
from eparch.operations.identity import new_id
from eparch.server.traces import NO_TRACER, Tracer

logger: Final = logging.getLogger("eparch.access")

HEADER: Final = b"x-request-id"

Scope = Any
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

# What can stand in a header and in a line of a log without harm.
_ACCEPTED: Final = re.compile(rb"[A-Za-z0-9._:/=+@-]{1,128}")


@dataclass(slots=True, eq=False)
class Exchange:
    """A request while it is answered, or a WebSocket while it is open.

    Attributes:
        kind: query, mutation, long_poll, list, preflight, page, health, metrics, socket; `unknown` until the document
            has been understood.
        operation: the name or the first root field of the operation, once known.
        has_errors: whether the answer has errors, though its status may be 200.
    """

    request_id: str
    kind: str = "unknown"
    operation: str = ""
    tenant_id: str = ""
    has_errors: bool = False
    status: int = 0
    sent_bytes: int = 0


CURRENT: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
"""What is being answered, where anything is."""


def request_id() -> str | None:
    """Return the id of the request that is being answered."""
    exchange = CURRENT.get()
    return None if exchange is None else exchange.request_id


def begun(scope: Scope, kind: str = "unknown") -> Exchange:
    """Return the exchange of a connection that has just come, and make it the current one."""
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    exchange = Exchange(given.decode("ascii") if _ACCEPTED.fullmatch(given) else new_id(), kind)
    CURRENT.set(exchange)
    return exchange


@dataclass(slots=True)
class RequestFigures:
    """What is noted about requests.

    Attributes:
        requests: by kind and outcome.
        took_s: by kind, from the head of the request to the end of the answer.
    """

    requests: Counts = field(default_factory=Counts)
    took_s: Distributions = field(default_factory=lambda: Distributions(SECONDS))
    waited_s: Distributions = field(default_factory=lambda: Distributions(LONG_SECONDS))


class Exchanges:
    """Goes between the network and what answers.

    Args:
        logs_access: whether to write a line for each request.
    """

    def __init__(self, *, logs_access: bool, tracer: Tracer = NO_TRACER) -> None:
        self.figures = RequestFigures()
        self._logs_access = logs_access
        self._tracer = tracer

    async def serve(
        self, scope: Scope, receive: Receive, send: Send, answer: Callable[[Scope, Receive, Send], Awaitable[None]]
    ) -> None:
        """Let one request of HTTP be answered, and note how that went."""
        exchange = begun(scope)
        started_s = time.perf_counter()
        told = (HEADER, exchange.request_id.encode())

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = [*message.get("headers", ()), told]
            else:
                exchange.sent_bytes += len(message.get("body", b""))
            await send(message)

        with self._tracer.request(scope, exchange):
            await answer(scope, receive, send_on)
        took_s = time.perf_counter() - started_s
        outcome = outcome_of(exchange)
        self.figures.requests.add(exchange.kind, outcome)
        (self.figures.waited_s if exchange.kind == "long_poll" else self.figures.took_s).note(took_s, exchange.kind)
        if self._logs_access:
            _log(scope, exchange, outcome, took_s)


def outcome_of(exchange: Exchange) -> str:
    """Return in a word how a request ended."""
    match exchange.status:
        case 0:
            return "left"  # the client has gone away before it was complete
        case 503:
            return "unavailable"
        case status if status >= 500:
            return "failed"
        case status if status >= 400:
            return "refused"
        case _:
            return "errors" if exchange.has_errors else "ok"


def _log(scope: Scope, exchange: Exchange, outcome: str, took_s: float) -> None:
    client = scope.get("client") or ("", 0)
    logger.info(
        "%s %s %s",
        scope["method"],
        scope["path"],
        exchange.status,
        extra={
            "kind": exchange.kind,
            "operation": exchange.operation,
            "outcome": outcome,
            "took_ms": round(took_s * 1000, 2),
            "sent_bytes": exchange.sent_bytes,
            "client": client[0],
            "tenant_id": exchange.tenant_id,
        },
    )
