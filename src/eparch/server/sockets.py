"""GraphQL over WebSocket: subscriptions, by the protocol `graphql-transport-ws`.

In charge of who may connect and of ending all connections; not in charge of what is said on one
(`socket_connection`).
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from eparch.core.errors import EparchError, Forbidden
from eparch.core.principals import Principal
from eparch.graphql.faults import describe
from eparch.server.api import Api
from eparch.server.authentication import Authentication
from eparch.server.bus import Bus
from eparch.server.exchanges import begun
from eparch.server.origins import Origins, Page
from eparch.server.socket_connection import Closing, Message, SocketConnection

logger: Final = logging.getLogger("eparch.sockets")

PROTOCOL: Final = "graphql-transport-ws"
INIT_TIMEOUT_S: Final = 10.0


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
        self._open: set[SocketConnection] = set()

    @property
    def counts(self) -> dict[str, int]:
        """How many connections are open, and how many subscriptions on them."""
        subscriptions = sum(connection.subscriptions_count for connection in self._open)
        return {"connections": len(self._open), "subscriptions": subscriptions}

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until either side ends it."""
        # A browser lets any page open a WebSocket and read from it.
        begun(socket.scope, "socket")
        page = self._origins.page(socket.headers.get("origin"), socket.headers.get("host"))
        if page in (Page.FOREIGN, Page.MISLED):
            await socket.send_denial_response(JSONResponse({"errors": [describe(_FOREIGN)]}, 403))
            return
        is_understood = PROTOCOL in socket.scope["subprotocols"]
        await socket.accept(subprotocol=PROTOCOL if is_understood else None)
        connection = SocketConnection(self._api, self._bus, socket)
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
            await connection.end_operations(has_left=True)
            self._open.discard(connection)

    async def close(self) -> None:
        """End all connections: the server stops."""
        await asyncio.gather(*(connection.stop() for connection in list(self._open)))

    async def _greet(self, connection: SocketConnection) -> Principal:
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


_FOREIGN: Final = Forbidden(
    "A WebSocket must come from this server's own pages or from a program.",
    hint="add the page's origin to allowed_origins if it is yours",
)
