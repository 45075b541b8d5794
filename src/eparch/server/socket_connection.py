"""One WebSocket that speaks `graphql-transport-ws`: its messages and the operations that are open on it.

In charge of the protocol between the greeting and the end; not in charge of who may connect (`sockets`) nor of when a
subscription is answered again (`subscriptions`).

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from eparch.core.errors import BadInput, EparchError
from eparch.core.json_text import decoded
from eparch.core.principals import Principal
from eparch.graphql.faults import ErrorDict, RequestRefused, describe
from eparch.server.answers import UNFORESEEN, with_request_id
from eparch.server.api import Api
from eparch.server.bus import Bus
from eparch.server.requests import Operation, variables_of
from eparch.server.subscriptions import INTERVAL_S, INTERVAL_S_MAX, Subscription, follow

logger: Final = logging.getLogger("eparch.sockets")

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


_DECODER: Final = msgspec.json.Decoder(Message)


@dataclass(slots=True, eq=False)
class _Running:
    """An operation that has begun.

    Attributes:
        unwanted: set when the peer does not wait for it any more.
    """

    key: str
    unwanted: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None
    is_subscription: bool = False

    def forget(self) -> None:
        """End it if it is one that only waits; others come to their end, but nobody will hear of it."""
        self.unwanted.set()
        if self.is_subscription and self.task is not None:
            self.task.cancel()


class SocketConnection:
    """One connection, and the operations that are open on it."""

    def __init__(self, api: Api, bus: Bus, socket: WebSocket) -> None:
        self.socket = socket
        self._api = api
        self._bus = bus
        self._wanted: dict[str | None, _Running] = {}
        self._running: set[_Running] = set()
        self._is_ending = False

    @property
    def subscriptions_count(self) -> int:
        """How many subscriptions are open on it."""
        return sum(running.is_subscription for running in self._running)

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
                    if running := self._wanted.pop(message.id, None):
                        running.forget()
                case "connection_init":
                    raise Closing(4429, "Too many initialisation requests")
                case other:
                    raise Closing(4400, f"Unknown type of message: {other}")

    async def stop(self) -> None:
        """Finish what has begun, then close: the server stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                await self.end_operations(has_left=False)
        await self.close(1001, "The server is going away")

    async def end_operations(self, *, has_left: bool) -> None:
        """End subscriptions, and let other operations come to their end; those that only wait do so at once.

        Args:
            has_left: whether the peer waits for nothing any more.
        """
        self._is_ending = True
        for running in self._running:
            if has_left or running.is_subscription:
                running.forget()
        tasks = [running.task for running in self._running if running.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

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
        if self.socket.application_state is not WebSocketState.CONNECTED:
            raise WebSocketDisconnect  # we have closed it, while this side was busy with a message
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
        running = self._wanted[key] = _Running(key)
        self._running.add(running)
        running.task = asyncio.create_task(self._carry_out(running, operation, principal))
        running.task.add_done_callback(lambda _: self._running.discard(running))

    async def _carry_out(self, running: _Running, operation: Operation, principal: Principal) -> None:
        try:
            await self._answer(running, operation, principal)
        except RequestRefused as refused:
            await self._finish(running, refused.errors)
        except EparchError as error:
            await self._finish(running, [describe(error)])
        except Exception:
            logger.exception("An operation over a WebSocket failed in a way that nobody foresaw.")
            await self._finish(running, [describe(UNFORESEEN)])
        else:
            await self._finish(running)

    async def _answer(self, running: _Running, operation: Operation, principal: Principal) -> None:
        if len(self._wanted) > OPERATIONS_MAX:
            raise BadInput(f"More than {OPERATIONS_MAX} operations are open on this connection.")
        wish = None if operation.extensions is None else operation.extensions.follow
        interval_s = INTERVAL_S if wish is None else wish.interval_s
        if not INTERVAL_S <= interval_s <= INTERVAL_S_MAX:
            raise BadInput(
                f"follow.interval_s is {interval_s}: it is from {INTERVAL_S} to {INTERVAL_S_MAX:.0f} seconds."
            )
        prepared = await self._api.prepare(
            operation.query,
            variables_of(operation),
            operation.operationName,
            principal,
            gone=running.unwanted.wait,
            is_followed=wish is not None,
        )

        async def send_next(body: bytes) -> None:
            if not running.unwanted.is_set():
                await self.send("next", running.key, body)

        if not isinstance(prepared, Subscription):
            await send_next((await prepared()).body)
        elif not (running.unwanted.is_set() or self._is_ending):
            running.is_subscription = True
            await follow(prepared, self._bus, send_next, interval_s=interval_s)

    async def _finish(self, running: _Running, errors: Sequence[ErrorDict] | None = None) -> None:
        """Say that an operation has ended, unless the peer does not wait for it; it may use the key for another."""
        if running.unwanted.is_set():
            return
        del self._wanted[running.key]
        if errors is None:
            await self.send("complete", running.key)
        else:
            await self.send("error", running.key, msgspec.json.encode(with_request_id(errors)))
