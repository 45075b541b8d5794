"""Serve until told to stop.

In charge of the process: its socket, its signals, its start and its end; not in charge of what is served (`app`).
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from eparch.core.errors import ConfigurationError
from eparch.database.engines import parse_url, sqlite_path
from eparch.database.file_lock import file_lock
from eparch.database.migrate import prepare
from eparch.server import logs
from eparch.server.app import App
from eparch.server.settings import Settings
from eparch.version import __version__

logger: Final = logging.getLogger("eparch.server")

_BACKLOG: Final = 2048


def serve(settings: Settings) -> int:
    """Run the server until SIGINT or SIGTERM; return the exit code.

    Raises:
        EparchError: it cannot start, for a reason that the message says.
    """
    logs.configure(settings.log_format, settings.log_level)
    # The port is taken first: a second server must fail before it touches the database.
    listener = _listen(settings.host, settings.port)
    path = sqlite_path(parse_url(settings.database_url))
    with listener, file_lock(path):
        prepare(settings.database_url)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            return runner.run(_serve(settings, listener))


async def _serve(settings: Settings, listener: socket.socket) -> int:
    app = App(settings)
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        ws="websockets-sansio",
        ws_max_size=settings.body_bytes_max,
        timeout_graceful_shutdown=max(1, round(settings.shutdown_grace_s)),
        timeout_keep_alive=75,
        h11_max_incomplete_event_size=65_536,
    )
    async with app.lifespan():
        host, port = listener.getsockname()[:2]
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        logger.info("Eparch %s is ready at %s", __version__, address, extra={"address": address})
        await _Server(config, app).serve(sockets=[listener])
    logger.info("Eparch has stopped.")
    return 0


class _Server(uvicorn.Server):
    """Uvicorn, which at the first signal also ends what only waits: long-polls and subscriptions.

    It does not send the signal to itself again afterwards, as uvicorn does: a stop that was asked for is a success.
    """

    def __init__(self, config: uvicorn.Config, app: App) -> None:
        super().__init__(config)
        self._app = app

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, number)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    def _stop(self, number: signal.Signals) -> None:
        if not self.should_exit:
            logger.info("%s: answering what was accepted, then stopping.", number.name)
        self._app.stop_waiting()
        self.handle_exit(number, None)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host}:{port}: {error.strerror or error}.",
            hint="another server may have the port; choose one with --port, or find it with `ss -ltnp`",
        ) from None


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
