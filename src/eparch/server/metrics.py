"""`/metrics`: what a scrape of Prometheus is answered.

In charge of who may ask, of the text, and of asking the database rarely; not in charge of which metrics there are
(`metric_table`). The library that writes the text is imported by the first scrape: a server that nobody scrapes does
without its 60 ms.
"""

import asyncio
import ipaddress
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from eparch.core.errors import EparchError, Forbidden
from eparch.database.figures import Distribution
from eparch.graphql.faults import describe
from eparch.operations.figures import Installation
from eparch.server.answers import with_request_id
from eparch.server.metric_table import METRICS, Metric, Sources

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric as Family

logger: Final = logging.getLogger("eparch.metrics")

CACHE_S: Final = 5.0
_TIMEOUT_S: Final = 5.0


class Metrics:
    """Answers scrapes.

    Args:
        ask: asks the database how the installation is doing.
        sources: returns all other figures, with what the database has said.
        is_open: whether other machines may scrape.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[Installation]],
        sources: Callable[[Installation | None], Sources],
        *,
        is_open: bool,
    ) -> None:
        self._ask = ask
        self._sources = sources
        self._is_open = is_open
        self._asking: asyncio.Task[Installation | None] | None = None
        self._asked_s = 0.0
        self._registry: CollectorRegistry | None = None
        self._current: Sources | None = None

    async def answer(self, request: Request) -> Response:
        """Answer a scrape."""
        if not (self._is_open or _is_local(request)):
            return JSONResponse({"errors": with_request_id([describe(_REFUSED)])}, 403)
        self._current = self._sources(await self._installation())
        body, content_type = await asyncio.to_thread(self._text, request.headers.get("accept", ""))
        return Response(body, media_type=content_type)

    async def _installation(self) -> Installation | None:
        """Return what the database says, as of a few seconds ago; scrapes that come at once share one question."""
        now_s = asyncio.get_running_loop().time()
        if self._asking is None or now_s - self._asked_s > CACHE_S:
            self._asked_s, self._asking = now_s, asyncio.create_task(self._ask_database())
        return await asyncio.shield(self._asking)

    async def _ask_database(self) -> Installation | None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                return await self._ask()
        except (EparchError, TimeoutError) as error:
            logger.warning("The database gave no figures: %s", error or f"no answer within {_TIMEOUT_S:.0f} s")
            return None

    def _text(self, accept: str) -> tuple[bytes, str]:
        from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
        from prometheus_client.exposition import choose_encoder

        if self._registry is None:
            self._registry = CollectorRegistry(auto_describe=False)
            ProcessCollector(registry=self._registry)
            PlatformCollector(registry=self._registry)
            self._registry.register(_Collector(lambda: self._current))
        encode, content_type = choose_encoder(accept)
        text: bytes = encode(self._registry)
        return text, content_type


class _Collector:
    """Hands the figures to the library that writes them."""

    def __init__(self, current: Callable[[], Sources | None]) -> None:
        self._current = current

    def collect(self) -> "Iterator[Family]":
        sources = self._current()
        assert sources is not None
        for metric in METRICS:
            if (value := metric.read(sources)) is not None:
                yield _family(metric, value)


def _family(metric: Metric, value: Any) -> "Family":
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    by_label = value if metric.labels else {(): value}
    match metric.kind:
        case "counter":
            family: Family = CounterMetricFamily(metric.name, metric.purpose, labels=metric.labels)
        case "gauge":
            family = GaugeMetricFamily(metric.name, metric.purpose, labels=metric.labels)
        case "histogram":
            family = HistogramMetricFamily(metric.name, metric.purpose, labels=metric.labels)
    for label, found in sorted(by_label.items()):
        if isinstance(found, Distribution):
            family.add_metric(label, *_buckets(found))  # type: ignore[attr-defined]
        else:
            family.add_metric(label, float(found))  # type: ignore[attr-defined]
    return family


def _buckets(distribution: Distribution) -> tuple[list[tuple[str, float]], float]:
    """Return a distribution as Prometheus wants it: how many values were at most so large."""
    counts, total = distribution.read()
    bounds = [*(f"{bound:g}" for bound in distribution.bounds), "+Inf"]
    at_most, buckets = 0, []
    for bound, count in zip(bounds, counts, strict=True):
        at_most += count
        buckets.append((bound, float(at_most)))
    return buckets, total


def _is_local(request: Request) -> bool:
    try:
        return request.client is None or ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


_REFUSED: Final = Forbidden(
    "Metrics are told to programs on this machine only.",
    hint="set metrics_access to all if everybody who reaches the server may read them",
)
