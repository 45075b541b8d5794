"""GraphQL over WebSocket: subscriptions, by the protocol `graphql-transport-ws`.

In charge of the protocol; not in charge of when a subscription is answered again (`subscriptions`) nor of what a
document means (`api`).

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from eparch.core.errors import BadInput, EparchError
from eparch.core.json_text import decoded
from eparch.core.principals import Principal
from eparch.graphql.faults import ErrorDict, RequestRefused, describe
from eparch.server.answers import UNFORESEEN
from eparch.server.api import Api
from eparch.server.authentication import Authentication
from eparch.server.bus import Bus
from eparch.server.origins import Origins, Page
from eparch.server.requests import Operation, variables_of
from eparch.server.subscriptions import Subscription, follow

logger: Final = logging.getLogger("eparch.sockets")

PROTOCOL: Final = "graphql-transport-ws"
INIT_TIMEOUT_S: Final = 10.0
OPERATIONS_MAX: Final = 100
"""How many operations of one connection may be open at once."""

# How long operations that have begun may take to end when the server stops.
_STOP_S: Final = 5.0
_REASON_BYTES_MAX: Final = 123  # RFC 6455, section 5.5


class Message(msgspec.Struct):
    """A message of the protocol. Its payload is decoded when its type is known."""

    type: str
    id: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


class Closing(Exception):
    """The peer has broken the protocol: the connection is closed with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason.encode()[:_REASON_BYTES_MAX].decode(errors="ignore")


class Sockets:
    """Serves connections; `close` ends them all.

    Args:
        init_timeout_s: how long a peer may take to say who it is.
    """

    def __init__(
        self,
        api: Api,
        authentication: Authentication,
        bus: Bus,
        origins: Origins,
        *,
        init_timeout_s: float = INIT_TIMEOUT_S,
    ) -> None:
        self._api = api
        self._authentication = authentication
        self._bus = bus
        self._origins = origins
        self._init_timeout_s = init_timeout_s
        self._open: set[_Connection] = set()

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until either side ends it."""
        # A browser lets any page open a WebSocket and read from it.
        page = self._origins.page(socket.headers.get("origin"), socket.headers.get("host"))
        if page in (Page.FOREIGN, Page.MISLED):
            await socket.send_denial_response(JSONResponse({"errors": [describe(_FOREIGN)]}, 403))
            return
        is_understood = PROTOCOL in socket.scope["subprotocols"]
        await socket.accept(subprotocol=PROTOCOL if is_understood else None)
        connection = _Connection(self._api, self._bus, socket)
        self._open.add(connection)
        try:
            if not is_understood:
                raise Closing(4406, f"Subprotocol not acceptable: use {PROTOCOL}")
            await connection.run(await self._greet(connection))
        except Closing as closing:
            await connection.close(closing.code, closing.reason)
        except WebSocketDisconnect:
            pass
        except Exception:
            logger.exception("A WebSocket failed in a way that nobody foresaw.")
            await connection.close(1011, "The server failed")
        finally:
            await connection.end_operations()
            self._open.discard(connection)

    async def close(self) -> None:
        """End all connections: the server stops."""
        await asyncio.gather(*(connection.stop() for connection in list(self._open)))

    async def _greet(self, connection: "_Connection") -> Principal:
        """Return who is at the other end, once they have said hello."""
        try:
            async with asyncio.timeout(self._init_timeout_s):
                while (message := await connection.receive()).type in ("ping", "pong"):
                    await connection.heartbeat(message)
        except TimeoutError:
            raise Closing(4408, "Connection initialisation timeout") from None
        if message.type != "connection_init":
            raise Closing(4401, "Unauthorized: send connection_init first")
        try:
            principal = self._authentication.principal(_headers(connection.socket, message))
        except EparchError as error:
            raise Closing(4403, f"Forbidden: {error.message}") from None
        await connection.send("connection_ack")
        return principal


@dataclass(frozen=True, slots=True)
class _Headers:
    by_name: Mapping[str, str]

    def get(self, name: bytes) -> str | None:
        return self.by_name.get(name.decode())


def _headers(socket: WebSocket, hello: Message) -> _Headers:
    """Return the headers of the handshake, and those in the payload of the hello: a browser cannot set the former."""
    try:
        given = msgspec.json.decode(hello.payload, type=dict[str, Any] | None) or {}
    except msgspec.DecodeError:
        raise Closing(4400, "The payload of connection_init must be an object") from None
    told = {name.lower(): value for name, value in given.items() if isinstance(value, str)}
    return _Headers({**dict(socket.headers), **told})


class _Connection:
    """One connection, and the operations that are open on it."""

    def __init__(self, api: Api, bus: Bus, socket: WebSocket) -> None:
        self.socket = socket
        self._api = api
        self._bus = bus
        self._wanted: dict[str | None, asyncio.Task[None]] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._subscriptions: set[asyncio.Task[None]] = set()
        self._leaving = asyncio.Event()

    async def run(self, principal: Principal) -> None:
        """Take messages until the peer leaves or breaks the protocol."""
        while True:
            message = await self.receive()
            match message.type:
                case "ping" | "pong":
                    await self.heartbeat(message)
                case "subscribe":
                    self._begin(message, principal)
                case "complete":
                    self._forget(message.id)
                case "connection_init":
                    raise Closing(4429, "Too many initialisation requests")
                case other:
                    raise Closing(4400, f"Unknown type of message: {other}")

    async def stop(self) -> None:
        """Finish what has begun, then close: the server stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await self.end_operations()
        await self.close(1001, "The server is going away")

    async def end_operations(self) -> None:
        """End subscriptions and what only waits, and let other operations come to their end."""
        self._leaving.set()
        for task in self._subscriptions:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def close(self, code: int, reason: str) -> None:
        """Close the connection, unless it is closed already."""
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.socket.close(code, reason)

    async def receive(self) -> Message:
        """Return the next message.

        Raises:
            Closing: it is not one of the protocol.
            WebSocketDisconnect: the peer has left.
        """
        try:
            text = await self.socket.receive_text()
            message: Message = decoded(text.encode(), _DECODER)
        except (msgspec.DecodeError, KeyError) as error:
            told = "Messages must be text" if isinstance(error, KeyError) else f"Invalid message received: {error}"
            raise Closing(4400, told) from None
        return message

    async def heartbeat(self, message: Message) -> None:
        """Answer a ping, which may come at any time; take note of a pong."""
        if message.type == "ping":
            await self.send("pong", payload=bytes(message.payload))

    async def send(self, kind: str, key: str | None = None, payload: bytes = b"null") -> None:
        """Send a message, unless the peer has left.

        Args:
            payload: JSON; null is left out.
        """
        about = "" if key is None else f',"id":{msgspec.json.encode(key).decode()}'
        shown = "" if payload == b"null" else f',"payload":{payload.decode()}'
        with suppress(WebSocketDisconnect, RuntimeError):
            await self.socket.send_text(f'{{"type":"{kind}"{about}{shown}}}')

    def _begin(self, message: Message, principal: Principal) -> None:
        key = message.id
        try:
            operation = msgspec.json.decode(message.payload, type=Operation)
        except msgspec.DecodeError as error:
            raise Closing(4400, f"A subscribe message needs a payload with a query: {error}") from None
        if not key:
            raise Closing(4400, "A subscribe message needs an id")
        if key in self._wanted:
            raise Closing(4409, f"Subscriber for {key} already exists")
        task = self._wanted[key] = asyncio.create_task(self._carry_out(key, operation, principal))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _carry_out(self, key: str, operation: Operation, principal: Principal) -> None:
        try:
            await self._answer(key, operation, principal)
        except RequestRefused as refused:
            await self._finish(key, refused.errors)
        except EparchError as error:
            await self._finish(key, [describe(error)])
        except Exception:
            logger.exception("An operation over a WebSocket failed in a way that nobody foresaw.")
            await self._finish(key, [describe(UNFORESEEN)])
        else:
            await self._finish(key)

    async def _answer(self, key: str, operation: Operation, principal: Principal) -> None:
        if len(self._wanted) > OPERATIONS_MAX:
            raise BadInput(f"More than {OPERATIONS_MAX} operations are open on this connection.")
        prepared = await self._api.prepare(
            operation.query, variables_of(operation), operation.operationName, principal, gone=self._gone
        )
        if not isinstance(prepared, Subscription):
            await self._send_next(key, (await prepared()).body)
        elif self._is_wanted(key) and not self._leaving.is_set():
            task = self._wanted[key]
            self._subscriptions.add(task)
            task.add_done_callback(self._subscriptions.discard)
            await follow(prepared, self._bus, lambda body: self._send_next(key, body))

    async def _gone(self) -> None:
        await self._leaving.wait()

    async def _send_next(self, key: str, body: bytes) -> None:
        if self._is_wanted(key):
            await self.send("next", key, body)

    async def _finish(self, key: str, errors: Sequence[ErrorDict] | None = None) -> None:
        if self._is_wanted(key):
            del self._wanted[key]
            if errors is None:
                await self.send("complete", key)
            else:
                await self.send("error", key, msgspec.json.encode(errors))

    def _is_wanted(self, key: str) -> bool:
        """Return whether the peer still waits for the current task; it may use the key for another by now."""
        return self._wanted.get(key) is asyncio.current_task()

    def _forget(self, key: str | None) -> None:
        task = self._wanted.pop(key, None)
        if task in self._subscriptions:
            task.cancel()


_DECODER: Final = msgspec.json.Decoder(Message)
_FOREIGN: Final = BadInput(
    "A WebSocket must come from this server's own pages or from a program.",
    hint="add the page's origin to allowed_origins if it is yours",
)
