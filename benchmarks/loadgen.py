"""A closed-loop HTTP load generator in one process.

In charge of N clients that each wait for an answer before they send the next request, of the time of every call, and
of counting what went wrong. Not in charge of what the requests say (see `Script`), of servers, or of reports.

One asyncio protocol per client reacts to bytes as they arrive: no task, future or HTTP library stands between an answer
and the next request, so that the client's share of the machine stays small beside the server's.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol, cast

import uvloop

RETRY_DELAY_S = 0.01
"""Pause of a client after a failed call; far shorter than real clients make, which favours a server that fails."""


class Connections(Enum):
    """How a client uses TCP connections."""

    KEEP_ALIVE = "keep-alive"
    """One connection per client, opened before the clock starts."""
    PER_CALL = "per-call"
    """A new connection for every call, its set-up being part of the call's time, as Prefect 1.x clients do."""


class Script(Protocol):
    """What one client says: an endless sequence of calls, each built from the answers before it."""

    @property
    def call_names(self) -> Sequence[str]:
        """Names of the kinds of call; `call_index` points into it."""

    @property
    def call_index(self) -> int:
        """Kind of the call that `request` builds."""

    def request(self) -> bytes:
        """Return the whole HTTP request of the current call."""

    def take_answer(self, body: bytes) -> str | None:
        """Move on to the next call, or return what is wrong with the answer to this one."""

    def abandon(self) -> None:
        """Give up the current unit of work and start with the next one."""


@dataclass(frozen=True, slots=True)
class Window:
    """When to measure.

    Attributes:
        warmup_s: load before the clock starts.
        measured_s: time in which completed calls count.
        drain_s_max: time after that in which calls under way may still be answered: they do not count as completed,
            but their times do count as times, or else a stalled server would hide its slowest answers.
    """

    warmup_s: float
    measured_s: float
    drain_s_max: float


@dataclass(slots=True)
class Measurement:
    """What one run of the generator saw.

    Attributes:
        measured_s: actual length of the window.
        call_names: kinds of call.
        completed: calls of each kind answered well inside the window.
        latencies_s: times of the calls of each kind that were under way inside the window, retries included: those
            answered well, in order of completion, and those that waited in vain until the end of the drain.
        errors: failed attempts by description, at any time of the run, warm-up and drain included.
        unanswered: calls without an answer at the end of the drain.
    """

    measured_s: float
    call_names: tuple[str, ...]
    completed: list[int]
    latencies_s: list[array[float]]
    errors: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0


async def generate(
    host: str,
    port: int,
    scripts: Sequence[Script],
    connections: Connections,
    window: Window,
    on_begin: Callable[[], None],
    on_end: Callable[[], None],
) -> Measurement:
    """Run one client per script against a server and return what they saw.

    Args:
        on_begin: called at the instant the measured window begins (to read CPU counters).
        on_end: called at the instant it ends.
    Raises:
        OSError: a keep-alive connection cannot be opened.
    """
    run = _Run(scripts[0].call_names)
    clients = [_Client(run, host, port, script, connections) for script in scripts]
    if connections is Connections.KEEP_ALIVE:
        for client in clients:
            await client.connect()
    gc.collect()
    gc.disable()  # A pause of this process would be counted as the server's.
    try:
        for client in clients:
            client.begin_call()
        await asyncio.sleep(window.warmup_s)
        on_begin()
        run.open_window()
        await asyncio.sleep(window.measured_s)
        run.close_window()
        on_end()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(run.all_answered.wait(), window.drain_s_max)
    finally:
        gc.enable()
    now = time.perf_counter()
    for client in clients:
        client.end(now)
    await asyncio.sleep(0)  # Lets the transports close inside the loop that owns them.
    return run.measurement


def run_generator(
    host: str,
    port: int,
    scripts: Sequence[Script],
    connections: Connections,
    window: Window,
    on_begin: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
) -> Measurement:
    """Run `generate` in an uvloop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(generate(host, port, scripts, connections, window, on_begin, on_end))


class _Run:
    """The counters that all clients of one run share."""

    __slots__ = ("all_answered", "begin_at", "end_at", "is_over", "measurement", "waiting_count")

    def __init__(self, call_names: Sequence[str]) -> None:
        self.begin_at = float("inf")
        self.end_at = float("inf")
        self.is_over = False
        self.waiting_count = 0
        self.all_answered = asyncio.Event()
        self.measurement = Measurement(
            measured_s=0.0,
            call_names=tuple(call_names),
            completed=[0] * len(call_names),
            latencies_s=[array("d") for _ in call_names],
        )

    def open_window(self) -> None:
        self.begin_at = time.perf_counter()

    def close_window(self) -> None:
        self.end_at = time.perf_counter()
        self.is_over = True
        self.measurement.measured_s = self.end_at - self.begin_at
        if self.waiting_count == 0:
            self.all_answered.set()

    def end_call(self) -> None:
        self.waiting_count -= 1
        if self.is_over and self.waiting_count == 0:
            self.all_answered.set()


class _Client:
    """One client: at most one call under way, on at most one connection."""

    __slots__ = (
        "_begun_at",
        "_connection",
        "_host",
        "_is_new_connection_each_call",
        "_loop",
        "_port",
        "_request",
        "_run",
        "_script",
        "is_waiting",
    )

    def __init__(self, run: _Run, host: str, port: int, script: Script, connections: Connections) -> None:
        self._run = run
        self._host = host
        self._port = port
        self._script = script
        self._is_new_connection_each_call = connections is Connections.PER_CALL
        self._loop = asyncio.get_running_loop()
        self._connection: _Connection | None = None
        self._request = b""
        self._begun_at = 0.0
        self.is_waiting = False

    async def connect(self) -> None:
        _, self._connection = await self._loop.create_connection(lambda: _Connection(self), self._host, self._port)

    def begin_call(self) -> None:
        self._request = self._script.request()
        self.is_waiting = True
        self._run.waiting_count += 1
        self._begun_at = time.perf_counter()
        self._send()

    def end(self, now: float) -> None:
        """Close the connection; a call still without an answer counts with the time it has waited."""
        if self.is_waiting:
            self._run.measurement.unanswered += 1
            if self._begun_at <= self._run.end_at:
                self._run.measurement.latencies_s[self._script.call_index].append(now - self._begun_at)
            self.is_waiting = False
        self._close_connection()

    def take_answer(self, http_code: int, body: bytes) -> None:
        now = time.perf_counter()
        if self._is_new_connection_each_call:
            self._close_connection()
        if http_code >= 300:
            self._fail(f"HTTP {http_code}: {body[:160].decode(errors='replace')}", is_final=http_code < 500)
            return
        script, run = self._script, self._run
        call_index = script.call_index
        failure = script.take_answer(body)
        if failure is not None:
            self._fail(failure, is_final=True)
            return
        self.is_waiting = False
        run.end_call()
        if run.begin_at <= now:
            run.measurement.latencies_s[call_index].append(now - self._begun_at)
            if now <= run.end_at:
                run.measurement.completed[call_index] += 1
        if not run.is_over:
            self.begin_call()

    def lose_connection(self, connection: _Connection, reason: str, *, was_awaited: bool) -> None:
        if connection is self._connection:
            self._connection = None
        if was_awaited and self.is_waiting:
            self._fail(reason)

    def _send(self) -> None:
        if self._connection is None or not self._connection.send(self._request):
            self._loop.create_task(self._connect_and_send())

    async def _connect_and_send(self) -> None:
        try:
            await self.connect()
        except OSError as error:
            if self.is_waiting:
                self._fail(f"connect: {type(error).__name__} {error.errno}")
            return
        if self.is_waiting and self._connection is not None:
            self._connection.send(self._request)
        else:
            self._close_connection()

    def _fail(self, description: str, *, is_final: bool = False) -> None:
        """Count a failed attempt; repeat the call after a pause, or if it is final go on with other work."""
        self._run.measurement.errors[description] += 1
        if is_final:
            self._script.abandon()
            self.is_waiting = False
            self._run.end_call()
            self._loop.call_later(RETRY_DELAY_S, self._begin_call_unless_over)
        else:
            self._loop.call_later(RETRY_DELAY_S, self._send_again)

    def _begin_call_unless_over(self) -> None:
        if not self._run.is_over:
            self.begin_call()

    def _send_again(self) -> None:
        if self.is_waiting:
            self._send()

    def _close_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class _Connection(asyncio.Protocol):
    """One TCP connection of a client: cuts the bytes that arrive into answers."""

    __slots__ = ("_client", "_is_awaited", "_partial", "_transport")

    def __init__(self, client: _Client) -> None:
        self._client = client
        self._is_awaited = False
        self._partial = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def send(self, request: bytes) -> bool:
        """Send a request and return True, or False if the connection is closing."""
        if self._transport.is_closing():
            return False
        self._is_awaited = True
        self._transport.write(request)
        return True

    def close(self) -> None:
        self._is_awaited = False
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        if self._partial:
            data = self._partial + data
        answer = split_answer(data)
        if answer is None:
            self._partial = data
            return
        self._partial = b""
        self._is_awaited = False
        self._client.take_answer(*answer)

    def connection_lost(self, exc: Exception | None) -> None:
        reason = f"connection lost: {type(exc).__name__ if exc else 'closed by the server'}"
        self._client.lose_connection(self, reason, was_awaited=self._is_awaited)


def split_answer(data: bytes) -> tuple[int, bytes] | None:
    """Return the code and body of one HTTP/1.1 answer, or None while it is incomplete.

    Raises:
        ValueError: the answer does not say its length, or more follows than one answer.
    """
    head_end = data.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    # Searching for the two spellings in use spares a copy of the head in lower case.
    at = data.find(b"ontent-length: ", 0, head_end)
    if at < 0:
        at = data.find(b"ontent-Length: ", 0, head_end)
    if at < 0:
        raise ValueError(f"answer without Content-Length: {data[: head_end + 4]!r}")
    line_end = data.find(b"\r\n", at)
    body_begin = head_end + 4
    body_end = body_begin + int(data[at + 15 : line_end])
    if len(data) < body_end:
        return None
    if len(data) > body_end:
        raise ValueError(f"{len(data) - body_end} bytes follow the answer: {data[body_end:][:80]!r}")
    return int(data[9:12]), data[body_begin:body_end]
