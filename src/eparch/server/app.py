"""The server, put together: database, operations, services, HTTP.

In charge of what is started and stopped, in which order; not in charge of any of it.
"""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute

from eparch.core.errors import NotFound
from eparch.database.checkpoints import Checkpointer
from eparch.database.engines import parse_url, reading_engine, sqlite_path, writing_engine
from eparch.database.hangs import HangWatch, probe
from eparch.database.readers import Readers
from eparch.database.transactions import Transaction
from eparch.graphql.faults import describe
from eparch.operations.figures import Installation, installation
from eparch.operations.first_tenant import make_first_tenant
from eparch.operations.secrets import secrets_by_key
from eparch.server.answers import with_request_id
from eparch.server.api import Api
from eparch.server.authentication import Authentication
from eparch.server.bus import Bus
from eparch.server.changes import Changes
from eparch.server.exchanges import CURRENT, Exchanges
from eparch.server.health import Health
from eparch.server.http import GraphQLOverHttp
from eparch.server.metric_table import Sources
from eparch.server.metrics import Metrics
from eparch.server.origins import Origins
from eparch.server.pages import Pages, wants_page
from eparch.server.replicas import Replicas, process_name
from eparch.server.services import SERVICES, Services
from eparch.server.settings import Settings, is_loopback
from eparch.server.sockets import Sockets
from eparch.server.tenants import Tenants
from eparch.server.traces import tracer
from eparch.server.vault import Vault
from eparch.version import __version__

logger: Final = logging.getLogger("eparch.server")

_GRAPHQL_PATHS: Final = frozenset({"/", "/graphql", "/graphql/"})


def utc_now() -> datetime:
    """Return the present."""
    return datetime.now(UTC)


class App:
    """The ASGI application. `lifespan` starts and stops what is behind it.

    Args:
        settings: what has been set.
        services: run these alone, without the API; None serves the API beside all services.
        clock: returns the present, aware; a test may move it.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        services: Collection[str] | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings = settings
        self._services = SERVICES if services is None else services
        self._serves_api = services is None
        self._clock = clock
        self._bus = Bus()
        self._origins = Origins(settings.allowed_origins, is_loopback=is_loopback(settings.host))
        self._pages = Pages(self._origins)
        self._process = process_name()
        self._tracer = tracer(settings.traces_endpoint, sampled_share=settings.traces_sampled_share)
        self._exchanges = Exchanges(logs_access=settings.access_log, tracer=self._tracer)
        self._metrics: Metrics | None = None
        self._handle_graphql: Any = None
        self._sockets: Sockets | None = None
        self._health: Health | None = None
        self._api: Api | None = None
        self._rest = Starlette(
            routes=[
                Route("/health", self._answer_health),
                Route("/health/live", self._answer_live),
                Route("/health/ready", self._answer_health),
                Route("/metrics", self._answer_metrics),
                Route("/.well-known/apollo/server-health", self._answer_apollo),
                *(WebSocketRoute(path, self._serve_socket) for path in sorted(_GRAPHQL_PATHS)),
            ],
            exception_handlers={404: self._answer_other},
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection, by the ASGI protocol."""
        if scope["type"] == "http":
            await self._exchanges.serve(scope, receive, send, self._answer)
        else:
            await self._rest(scope, receive, send)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if not (self._serves_api or scope["path"].startswith(("/health", "/metrics"))):
            _note_kind(scope["path"])
            await JSONResponse({"errors": with_request_id([describe(_NO_API)])}, 404)(scope, receive, send)
        elif scope["path"] in _GRAPHQL_PATHS and not _is_for_page(scope):
            await self._handle_graphql(scope, receive, send)
        else:
            _note_kind(scope["path"])
            await self._rest(scope, receive, send)

    @asynccontextmanager
    async def lifespan(self) -> AsyncIterator[None]:
        """Start everything behind the application; at the end, finish what was accepted and stop."""
        settings = self.settings
        url = parse_url(settings.database_url)
        path = sqlite_path(url)
        loop = asyncio.get_running_loop()
        # Each part is stopped after those that were started later, whatever becomes of their start or their stop.
        async with AsyncExitStack() as stop:
            timeout_s = settings.database_statement_timeout_s
            reading = reading_engine(url, statement_timeout_s=timeout_s)
            writing = writing_engine(url, has_checkpointer=True, statement_timeout_s=timeout_s)
            stop.callback(writing.dispose)
            stop.callback(reading.dispose)
            stop.push_async_callback(asyncio.to_thread, self._tracer.stop)
            if path is None:
                watch = HangWatch(probe(reading), answer_s=settings.database_answer_timeout_s)
                watch.watch(reading)
                watch.watch(writing)
                watch.start()
                stop.push_async_callback(asyncio.to_thread, watch.stop)
            readers = Readers(reading, threads=settings.readers)
            stop.push_async_callback(asyncio.to_thread, readers.stop)
            checkpointer = Checkpointer(writing, path) if path else None
            if checkpointer is not None:
                checkpointer.start()
                stop.push_async_callback(asyncio.to_thread, checkpointer.stop)
            tenants = Tenants(readers, loop)
            stop.callback(tenants.stop)
            replicas = self._join(writing, tenants, loop)
            if replicas is not None:
                await asyncio.to_thread(replicas.start)
                # It is stopped when the last commit has been made, and tells of it.
                stop.push_async_callback(asyncio.to_thread, replicas.stop)

            def after_commit(tables: frozenset[str]) -> None:
                if checkpointer is not None:
                    checkpointer.note_commit()
                if replicas is not None:
                    replicas.tell(tables)
                if "tenant" in tables:
                    tenants.reload()

            changes = Changes(
                writing,
                loop,
                clock=self._clock,
                publish=self._bus.publish,
                after_commit=after_commit,
                batch_max=settings.batch_max,
                threads=1 if url.drivername == "sqlite" else settings.writers,
            )
            changes.start()
            # The writer delivers to this loop while it finishes, so it must not be waited for on the loop itself.
            stop.push_async_callback(asyncio.to_thread, changes.stop)
            await changes.perform(make_first_tenant)
            await tenants.load()
            vault = Vault(settings)
            has_secrets = bool(await readers.run(lambda connection: secrets_by_key(Transaction(connection))))
            await asyncio.to_thread(vault.unlock, has_secrets=has_secrets)
            services = self._put_together(readers, changes, tenants, vault)
            services.start()
            stop.push_async_callback(services.stop)
            # What start-up has made stays: a full collection that walks its 70,000 objects holds all up for 40 ms.
            gc.collect()
            gc.freeze()
            yield

    def _join(self, engine: Engine, tenants: Tenants, loop: asyncio.AbstractEventLoop) -> Replicas | None:
        """Return what connects this server with the others over the same PostgreSQL; a SQLite file has one server."""
        if engine.dialect.name == "sqlite":
            return None

        def changed(touched: frozenset[str]) -> None:
            if "tenant" in touched:
                tenants.reload()
            loop.call_soon_threadsafe(self._bus.publish, touched)

        def missed() -> None:
            tenants.reload()
            loop.call_soon_threadsafe(self._bus.wake_all)

        return Replicas(engine, self._process, changed=changed, missed=missed)

    def _put_together(self, readers: Readers, changes: Changes, tenants: Tenants, vault: Vault) -> Services:
        settings = self.settings
        authentication = Authentication(lambda: tenants.ids)
        self._api = Api(settings, readers, changes, self._bus, vault, clock=self._clock, tracer=self._tracer)
        self._handle_graphql = GraphQLOverHttp(
            self._api, authentication, body_bytes_max=settings.body_bytes_max, origins=self._origins
        )
        self._sockets = Sockets(self._api, authentication, self._bus, self._origins)
        services = Services(
            settings,
            readers,
            changes,
            self._bus,
            vault,
            process=self._process,
            clock=self._clock,
            tracer=self._tracer,
            names=self._services,
        )
        self._health = Health(readers, services)
        self._metrics = self._make_metrics(readers, changes, services)
        return services

    def _make_metrics(self, readers: Readers, changes: Changes, services: Services) -> Metrics:
        sockets, api = self._sockets, self._api
        assert sockets is not None
        assert api is not None

        def sources(found: Installation | None) -> Sources:
            return Sources(
                version=__version__,
                database=parse_url(self.settings.database_url).get_backend_name(),
                installation=found,
                requests=self._exchanges.figures,
                writes=changes.figures,
                reads=readers.figures,
                passes=services.figures,
                caches=api.cache_figures,
                waiting_count=changes.waiting_count,
                opened={**sockets.counts, "long_polls": api.long_polls},
                turns=services.turns,
            )

        return Metrics(
            lambda: readers.run(lambda connection: installation(Transaction(connection), self._clock())),
            sources,
            is_open=self.settings.metrics_access == "all",
        )

    async def stop_waiting(self) -> None:
        """End long-polls and WebSockets, which would otherwise hold up the stop."""
        if self._api is not None:
            self._api.stop_waiting()
        self._bus.wake_all()
        if self._sockets is not None:
            await self._sockets.close()

    async def _answer_live(self, _request: Any) -> Response:
        return JSONResponse({"status": "ok"})

    async def _answer_health(self, _request: Any) -> Response:
        assert self._health is not None
        report, is_ready = await self._health.report()
        return JSONResponse(report, 200 if is_ready else 503, headers={} if is_ready else {"retry-after": "1"})

    async def _answer_metrics(self, request: Any) -> Response:
        assert self._metrics is not None
        return await self._metrics.answer(request)

    async def _answer_apollo(self, _request: Any) -> Response:
        return JSONResponse({"status": "pass"})

    async def _answer_other(self, request: Request, _error: Exception) -> Response:
        if request.method in ("GET", "HEAD"):
            # In a thread, since a new build is read from the disk.
            reply = await asyncio.to_thread(self._pages.reply, request.url.path, dict(request.scope["headers"]))
            if reply is not None:
                return Response(reply.body, reply.status, reply.headers)
        message = f"There is nothing at {request.url.path}; the GraphQL API is at / and /graphql."
        return JSONResponse({"errors": [{"message": message, "extensions": {"code": "NOT_FOUND"}}]}, 404)

    async def _serve_socket(self, socket: Any) -> None:
        assert self._sockets is not None
        await self._sockets.serve(socket)


_NO_API: Final = NotFound(
    "This process runs services and does not serve the API.",
    hint="ask a server; /health and /metrics are answered here",
)


def _is_for_page(scope: Any) -> bool:
    if scope["method"] not in ("GET", "HEAD") or b"query=" in scope["query_string"]:
        return False
    return wants_page(dict(scope["headers"]))


def _note_kind(path: str) -> None:
    if exchange := CURRENT.get():
        first = path.split("/")[1]
        exchange.kind = first if first in ("health", "metrics") else "page"
