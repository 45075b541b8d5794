"""Serve until told to stop.

In charge of the process: its socket, its signals, its start and its end; not in charge of what is served (`app`).
"""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn

from eparch.core.errors import ConfigurationError
from eparch.database.engines import parse_url, sqlite_path
from eparch.database.file_lock import file_lock
from eparch.database.migrate import prepare
from eparch.server import logs
from eparch.server.app import App
from eparch.server.connections import IDLE_S, Connection
from eparch.server.settings import Settings
from eparch.server.workers import Place, Workers
from eparch.version import __version__

logger: Final = logging.getLogger("eparch.server")

_BACKLOG: Final = 2048
_UNREAD_S: Final = 60.0
_FILES_MAX: Final = 65_536


def serve(settings: Settings, services: Collection[str] | None = None) -> int:
    """Run the server until SIGINT or SIGTERM; return the exit code.

    Args:
        services: run these alone, without the API.
    Raises:
        EparchError: it cannot start, for a reason that the message says.
    """
    logs.configure(settings.log_format, settings.log_level)
    _allow_many_connections()
    # The port is taken first: a second server must fail before it touches the database.
    listener = _listen(settings.host, settings.port)
    path = sqlite_path(parse_url(settings.database_url))
    if settings.workers > 1 and path is not None:
        raise ConfigurationError(
            f"{settings.workers} workers cannot share the SQLite file {path}.",
            hint="use --workers 1, or a PostgreSQL database: --database-url postgresql://user@host/name",
        )
    if services is not None and path is not None:
        listener.close()
        raise ConfigurationError(
            f"Services cannot run apart from the server on the SQLite file {path}, which belongs to one process.",
            hint="server start runs them; several processes can share a PostgreSQL database",
        )
    with listener, file_lock(path):
        prepare(settings.database_url)
        if settings.workers == 1:
            return _run(settings, listener, services)
        return Workers(settings.workers, lambda place: _run(settings, listener, None, place)).run()


def _run(
    settings: Settings,
    listener: socket.socket,
    services: Collection[str] | None = None,
    place: Place | None = None,
) -> int:
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(settings, listener, services, place))


async def _serve(
    settings: Settings, listener: socket.socket, services: Collection[str] | None, place: Place | None
) -> int:
    app = App(settings, services=services)

    def connect(**parts: Any) -> Connection:
        return Connection(**parts, is_stopping=lambda: server.should_exit)

    config = uvicorn.Config(
        app,
        http=connect,  # type: ignore[arg-type]  # it is only ever called
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        date_header=False,
        ws="websockets-sansio",
        ws_max_size=settings.body_bytes_max,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s)),
        timeout_keep_alive=round(IDLE_S),
    )
    server = _Server(config, app, place)
    async with app.lifespan():
        await server.serve(sockets=[listener])
    logger.info("Eparch has stopped.")
    return 1 if server.force_exit else 0


class _Server(uvicorn.Server):
    """Uvicorn, with our own way to stop.

    At the first signal it ends what only waits, long-polls and subscriptions, and answers what it has accepted; a stop
    that was asked for is a success. At the second it stops without answering. Between its start and the first signal it
    sleeps, where uvicorn looks ten times a second whether there was one.
    """

    def __init__(self, config: uvicorn.Config, app: App, place: Place | None) -> None:
        super().__init__(config)
        self._app = app
        self._place = place
        self._stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            host, port = listener.getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            logger.info("Eparch %s is ready at %s", __version__, address, extra={"address": address})
        if self._place is not None:
            os.write(self._place.ready, b".")

    async def main_loop(self) -> None:
        await self._stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._app.stop_waiting()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        if self._place is not None:
            # It is at its end, and so can be read, when the parent is gone.
            loop.add_reader(self._place.parent, self._stop_as_orphan)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop_as_orphan(self) -> None:
        assert self._place is not None
        asyncio.get_running_loop().remove_reader(self._place.parent)
        logger.error("The process that started this worker is gone.")
        if not self.should_exit:
            self._stop(signal.SIGTERM)

    def _stop(self, number: signal.Signals) -> None:
        if self.should_exit:
            logger.warning("%s again: stopping without answering what was accepted.", number.name)
            self.force_exit = True
            for connection in list(self.server_state.connections):
                connection.transport.abort()
        else:
            logger.info("%s: answering what was accepted, then stopping.", number.name)
            self.should_exit = True
            self._stopping.set()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="another server may have the port; choose one with --port, or find it with `ss -ltnp`",
        ) from None

    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # Connections inherit it: one whose peer takes nothing of its answer for so long is given up.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(_UNREAD_S * 1000))
    return listener


def _allow_many_connections() -> None:
    """Raise the number of open files to what the system allows; 1,024, the usual number, is few for idle agents."""
    try:
        import resource
    except ImportError:  # not a Unix
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, _FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
