"""Traces: what each request and each pass of a service spent its time on, for OpenTelemetry.

In charge of spans and of sending them; not in charge of figures (`metrics`). Off unless `traces_endpoint` is set; the
libraries (the extra `traces`) are imported only then.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Protocol

from eparch.core.errors import ConfigurationError
from eparch.version import __version__

if TYPE_CHECKING:
    from eparch.server.exchanges import Exchange


class Tracer(Protocol):
    """Opens spans."""

    def request(self, scope: Any, exchange: "Exchange") -> AbstractContextManager[object]:
        """Return the span of a request; a `traceparent` header makes it part of the caller's trace."""

    def span(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        """Return a span within the current one."""

    def stop(self) -> None:
        """Send what is left."""


class _NoTracer:
    """What stands in where there are no traces: nothing."""

    def request(self, scope: Any, exchange: "Exchange") -> AbstractContextManager[object]:
        return _NOTHING

    def span(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        return _NOTHING

    def stop(self) -> None:
        return


_NOTHING: Final = nullcontext()
OFF: Final = "off"
NO_TRACER: Final[Tracer] = _NoTracer()


def tracer(endpoint: str, *, sampled_share: float = 1.0) -> Tracer:
    """Return what opens spans and sends them to `endpoint`, an address of OTLP over HTTP; nothing where it is `off`.

    Raises:
        ConfigurationError: the libraries are not installed.
    """
    if endpoint == OFF:
        return NO_TRACER
    try:
        return _OpenTelemetry(endpoint, sampled_share)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"Traces need a package that is not installed: {error.name}.",
            hint="pip install 'eparch[traces]', or set traces_endpoint to off",
        ) from None


class _OpenTelemetry:
    def __init__(self, endpoint: str, sampled_share: float) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        path = "" if endpoint.rstrip("/").endswith("/v1/traces") else "/v1/traces"
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "eparch", "service.version": __version__}),
            sampler=ParentBased(TraceIdRatioBased(sampled_share)),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint.rstrip("/") + path)))
        self._tracer = self._provider.get_tracer("eparch", __version__)
        self._propagator = TraceContextTextMapPropagator()
        self._server_kind = SpanKind.SERVER
        self._error = Status(StatusCode.ERROR)

    @contextmanager
    def request(self, scope: Any, exchange: "Exchange") -> Iterator[None]:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        parent = self._propagator.extract(headers)
        with self._tracer.start_as_current_span(scope["method"], parent, kind=self._server_kind) as span:
            yield
            if exchange.operation:
                span.update_name(f"{exchange.kind} {exchange.operation}")
            span.set_attributes(
                {
                    "http.request.method": scope["method"],
                    "url.path": scope["path"],
                    "http.response.status_code": exchange.status,
                    "graphql.operation.type": exchange.kind,
                    "graphql.operation.name": exchange.operation,
                    "eparch.request_id": exchange.request_id,
                }
            )
            if exchange.has_errors or exchange.status >= 500:
                span.set_status(self._error)

    def span(self, name: str, **attributes: str | int | float) -> AbstractContextManager[object]:
        shown = {key.replace("__", "."): value for key, value in attributes.items()}
        return self._tracer.start_as_current_span(name, attributes=shown)

    def stop(self) -> None:
        self._provider.shutdown()
