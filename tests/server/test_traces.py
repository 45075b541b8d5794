"""Traces: a request becomes a span at a real receiver of OTLP, within the caller's trace; without a receiver none."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from eparch.server.settings import Settings
from eparch.server.traces import OFF
from tests.server.conftest import StartServer
from tests.server.making import make_project
from tests.server.wire import ask
from tests.waiting import wait_until

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"


@contextmanager
def receiver() -> Iterator[tuple[str, list[Any]]]:
    """Take spans by OTLP over HTTP; give the address and the list of those that came."""
    spans: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                for scope in resource.scope_spans:
                    spans.extend(scope.spans)
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name of the library
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", spans
        finally:
            server.shutdown()
            thread.join()


def shown(span: Any) -> dict[str, Any]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}


def test_a_request_is_a_span_of_the_callers_trace(start_server: StartServer) -> None:
    with receiver() as (address, spans):
        with start_server("--traces-endpoint", address) as server:
            answer = ask(server.port, "query Named { hello }", traceparent=f"00-{TRACE}-{PARENT}-01", x_request_id="r1")
            assert answer.status == 200
            ask(server.port, "{ nothing }")
            make_project(server)
        # What is left is sent while the server stops.
        wait_until(lambda: len(spans) >= 3, "spans")
    named = next(span for span in spans if span.name == "query Named")
    assert (named.trace_id.hex(), named.parent_span_id.hex()) == (TRACE, PARENT)
    assert shown(named)["eparch.request_id"] == "r1"
    assert shown(named)["http.response.status_code"] == 200
    change = next(span for span in spans if span.name == "mutation create_project")
    write = next(span for span in spans if span.name == "write" and span.parent_span_id == change.span_id)
    assert write.trace_id == change.trace_id
    (failed,) = [span for span in spans if shown(span).get("http.response.status_code") == 400]
    assert failed.status.code == 2


def test_a_receiver_that_is_away_disturbs_nobody(start_server: StartServer) -> None:
    with start_server("--traces-endpoint", "http://127.0.0.1:9") as server:
        for _ in range(5):
            assert ask(server.port, "{ hello }").status == 200
        server.stop()


@pytest.mark.parametrize(("share", "count"), [("0", 0), ("1", 1)])
def test_a_share_of_requests_can_be_traced(start_server: StartServer, share: str, count: int) -> None:
    with receiver() as (address, spans):
        with start_server("--traces-endpoint", address, "--traces-sampled-share", share) as server:
            ask(server.port, "query Named { hello }")
            server.stop()
        assert sum(span.name == "query Named" for span in spans) == count


def test_traces_are_off_by_default_and_cost_no_import() -> None:
    assert Settings.__dataclass_fields__["traces_endpoint"].metadata["default"] == OFF
    absent = ("opentelemetry", "prometheus")
    script = f"import sys, eparch.server.run; print([name for name in sys.modules if name.startswith({absent})])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
