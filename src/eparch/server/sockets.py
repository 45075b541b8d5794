"""GraphQL over WebSocket: subscriptions, by the protocol `graphql-transport-ws`.

In charge of the protocol and of running a subscription again when its tables have changed; not in charge of what a
document means (`api`).

A subscription is a query that is asked again. When a commit touches one of its tables it runs once more, at most every
`INTERVAL_S`, and its answer is sent if it differs from the last one sent.

Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
import contextlib
import logging
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from eparch.core.errors import EparchError
from eparch.core.principals import Principal
from eparch.server.api import Api, Subscription, error_body, errors_json
from eparch.server.authentication import Authentication
from eparch.server.bus import Bus

logger: Final = logging.getLogger("eparch.sockets")

PROTOCOL: Final = "graphql-transport-ws"
INTERVAL_S: Final = 0.25
INIT_TIMEOUT_S: Final = 10.0
SUBSCRIPTIONS_MAX: Final = 100


class Message(msgspec.Struct):
    """A message of the protocol."""

    type: str
    id: str | None = None
    payload: Any = None


_DECODER: Final = msgspec.json.Decoder(Message)


class _Headers:
    def __init__(self, socket: WebSocket) -> None:
        self._headers = socket.headers

    def get(self, name: bytes) -> str | None:
        return self._headers.get(name.decode())


class Closing(Exception):
    """The peer has broken the protocol: the connection is closed with a code and a reason."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Sockets:
    """Serves connections; `close` ends them all."""

    def __init__(self, api: Api, authentication: Authentication, bus: Bus) -> None:
        self._api = api
        self._authentication = authentication
        self._bus = bus
        self._open: set[asyncio.Task[Any]] = set()

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until either side ends it."""
        if PROTOCOL not in socket.scope["subprotocols"]:
            await socket.close(4406, f"Subprotocol not acceptable: use {PROTOCOL}")
            return
        await socket.accept(subprotocol=PROTOCOL)
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await _Connection(self._api, self._authentication, self._bus, socket).run()
        except Closing as closing:
            await socket.close(closing.code, closing.reason)
        except WebSocketDisconnect:
            pass
        except asyncio.CancelledError:
            if socket.client_state is WebSocketState.CONNECTED:
                await socket.close(1001, "The server is going away")
        finally:
            self._open.discard(task)

    def close(self) -> None:
        """End all connections: the server stops."""
        for task in self._open:
            task.cancel()


class _Connection:
    """One connection: who is at the other end, and what they have subscribed to."""

    def __init__(self, api: Api, authentication: Authentication, bus: Bus, socket: WebSocket) -> None:
        self._api = api
        self._authentication = authentication
        self._bus = bus
        self._socket = socket
        self._subscriptions: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        principal = await self._greet()
        try:
            while True:
                message = await self._receive()
                match message.type:
                    case "ping":
                        await self._send(Message("pong", payload=message.payload))
                    case "pong":
                        pass
                    case "subscribe":
                        self._subscribe(message, principal)
                    case "complete":
                        if message.id in self._subscriptions:
                            self._subscriptions.pop(message.id).cancel()
                    case "connection_init":
                        raise Closing(4429, "Too many initialisation requests")
                    case other:
                        raise Closing(4400, f"Unknown type of message: {other[:50]}")
        finally:
            for task in self._subscriptions.values():
                task.cancel()

    async def _greet(self) -> Principal:
        try:
            async with asyncio.timeout(INIT_TIMEOUT_S):
                message = await self._receive()
        except TimeoutError:
            raise Closing(4408, "Connection initialisation timeout") from None
        if message.type != "connection_init":
            raise Closing(4401, "Unauthorized: send connection_init first")
        try:
            principal = self._authentication.principal(_Headers(self._socket))
        except EparchError as error:
            raise Closing(4403, f"Forbidden: {error.message}"[:120]) from None
        await self._send(Message("connection_ack"))
        return principal

    def _subscribe(self, message: Message, principal: Principal) -> None:
        payload = message.payload
        if not message.id or not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
            raise Closing(4400, "A subscribe message needs an id and a payload with a query")
        if message.id in self._subscriptions:
            raise Closing(4409, f"Subscriber for {message.id[:60]} already exists")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Closing(4400, f"More than {SUBSCRIPTIONS_MAX} subscriptions on one connection")
        self._subscriptions[message.id] = asyncio.create_task(self._run_subscription(message.id, payload, principal))

    async def _run_subscription(self, key: str, payload: dict[str, Any], principal: Principal) -> None:
        try:
            prepared = self._api.prepare_socket_operation(
                payload["query"], payload.get("variables") or {}, payload.get("operationName")
            )
            if isinstance(prepared, Subscription):
                await self._follow(key, prepared, principal)
            else:
                answer = await prepared(principal)
                await self._send_raw("next", key, answer.body)
            await self._send(Message("complete", id=key))
        except EparchError as error:
            await self._send_raw("error", key, errors_json(error))
        except (WebSocketDisconnect, RuntimeError):
            # The connection broke while an answer was being sent; `run` notices it too and ends the others.
            return
        except Exception:
            logger.exception("A subscription failed.")
            await self._send_raw("error", key, errors_json(EparchError("The subscription failed inside the server.")))
        finally:
            self._subscriptions.pop(key, None)

    async def _follow(self, key: str, subscription: Subscription, principal: Principal) -> None:
        last = None
        with self._bus.listening(subscription.tables) as listener:
            while True:
                try:
                    body = (await subscription.answer(principal)).body
                except EparchError as error:
                    # The database may be away for a while; the subscriber is told and stays subscribed.
                    body = error_body(error)
                if body != last:
                    await self._send_raw("next", key, body)
                    last = body
                await asyncio.sleep(INTERVAL_S)
                await listener.wait()

    async def _receive(self) -> Message:
        try:
            return _DECODER.decode(await self._socket.receive_text())
        except (msgspec.DecodeError, msgspec.ValidationError, KeyError):
            raise Closing(4400, "Invalid message received") from None

    async def _send(self, message: Message) -> None:
        document = {"type": message.type}
        if message.id is not None:
            document["id"] = message.id
        if message.payload is not None:
            document["payload"] = message.payload
        await self._send_text(msgspec.json.encode(document).decode())

    async def _send_raw(self, kind: str, key: str, payload: bytes) -> None:
        """Send a message whose payload is JSON already."""
        await self._send_text(
            f'{{"type":"{kind}","id":{msgspec.json.encode(key).decode()},"payload":{payload.decode()}}}'
        )

    async def _send_text(self, text: str) -> None:
        if self._socket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(WebSocketDisconnect):
                await self._socket.send_text(text)
