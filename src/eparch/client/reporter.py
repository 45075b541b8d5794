"""Telling the server what happens in a run, without keeping the run waiting.

In charge of order, of batches, of patience with a server that is away, and of the ids of task runs; not in charge of
what a state or a log line says.

One thread takes from one queue. While a call is on its way, what happens meanwhile gathers, so that batches grow with
the load by themselves: one call may carry hundreds of changes. Delivery is at least once: when an answer is lost, its
call is made again.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from eparch.client.client import TOGETHER_MAX, Client, Question, change_question
from eparch.client.errors import ClientError, Refused

# Not below the logger whose lines are sent: a line about lines would make another one.
_logger: Final = logging.getLogger("eparch_reporter")

# A place in a flow run: task, and map index (-1 for a task that is not mapped).
Place = tuple[str, int]
# Makes the document of a state when it is sent: a run that is faster than the server has thousands of states in line,
# and a document takes ten times the memory of what it is made from.
Describe = Callable[[], Mapping[str, Any]]

_CHANGES_MAX: Final = 500
_LOGS_MAX: Final = 1_000
# Below the 4 MB that servers of this kind take, with room for what is around the text.
_LOG_CHARACTERS_MAX: Final = 3_000_000
_DELAYS_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


@dataclass(slots=True)
class _Batch:
    """What is sent together, each kind in order."""

    changes: list[tuple[Place, Describe]] = field(default_factory=list)
    wanted: list[Place] = field(default_factory=list)
    names: list[tuple[Place, str]] = field(default_factory=list)
    logs: list[Mapping[str, Any]] = field(default_factory=list)
    flushes: list[threading.Event] = field(default_factory=list)


class Reporter:
    """Tells one server about one flow run.

    Args:
        on_refused: called, in the reporter's thread, with a place and the server's reason when a change of state is
            refused.
        on_queued: called, in the reporter's thread, with a place that has no slot and runs nevertheless.
        patience_s: how long `close` waits for a server that is away.
    """

    def __init__(
        self,
        client: Client,
        flow_run_id: str,
        *,
        on_refused: Callable[[Place, ClientError], None] | None = None,
        on_queued: Callable[[Place], None] | None = None,
        patience_s: float = 600.0,
    ) -> None:
        # Patience is its own matter: it depends on whether somebody waits.
        self._client = client.patient(0.0)
        self._flow_run_id = flow_run_id
        self._on_refused = on_refused
        self._on_queued = on_queued
        self._patience_s = patience_s
        self._ids: dict[Place, str] = {}
        self._queue: deque[tuple[str, Any]] = deque()
        self._change = threading.Condition()
        self._is_closing = False
        self._give_up_at: float | None = None
        self.lost: ClientError | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="eparch-reporter")
        self._thread.start()

    # ---- telling ----

    def know(self, ids: Mapping[Place, str]) -> None:
        """Take note of task runs that exist already."""
        with self._change:
            self._ids.update(ids)

    def expect(self, places: Iterable[Place]) -> None:
        """Make task runs, ahead of their first state."""
        self._put(("expect", list(places)))

    def task_state(self, place: Place, describe: Describe) -> None:
        """Tell that a task run has entered a state; `describe` is called once, later, in the reporter's thread."""
        self._put(("state", (place, describe)))

    def task_name(self, place: Place, name: str) -> None:
        """Tell the name of a task run."""
        self._put(("name", (place, name)))

    def log(self, line: Mapping[str, Any]) -> None:
        """Tell a log line: `message`, `level`, `name`, `timestamp`, and `task_run_id` or `place` if it is a task's."""
        self._put(("log", line))

    # ---- waiting ----

    def task_run_id(self, place: Place) -> str:
        """Return the id of a task run, which is made if need be; wait for the server.

        Raises:
            ClientError: it cannot be made.
        """
        with self._change:
            if place not in self._ids and not self._is_closing:
                self._queue.append(("expect", [place]))
                self._change.notify_all()
            while place not in self._ids:
                if self.lost is not None:
                    raise self.lost
                self._change.wait()
            return self._ids[place]

    def ids_of(self, places: Sequence[Place]) -> list[str]:
        """Return the ids of task runs, which are made if need be; wait for the server."""
        with self._change:
            if any(place not in self._ids for place in places):
                self._queue.append(("expect", list(places)))
                self._change.notify_all()
        return [self.task_run_id(place) for place in places]

    def known_id(self, place: Place) -> str | None:
        """Return the id of a task run if it is known already."""
        return self._ids.get(place)

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until all that was told before has arrived; return whether it has."""
        arrived = threading.Event()
        with self._change:
            if self.lost is not None:
                return False
            self._queue.append(("flush", arrived))
            self._change.notify_all()
        return arrived.wait(timeout_s) and self.lost is None

    def close(self) -> None:
        """Wait until everything has arrived, as long as patience lasts, and end.

        Raises:
            ClientError: not everything has; the message says how much is missing.
        """
        with self._change:
            self._is_closing = True
            self._give_up_at = time.monotonic() + self._patience_s
            self._change.notify_all()
        self._thread.join()
        if self.lost is not None:
            raise self.lost

    # ---- the thread ----

    def _put(self, item: tuple[str, Any]) -> None:
        with self._change:
            self._queue.append(item)
            # The thread sleeps only when the queue is empty.
            if len(self._queue) == 1:
                self._change.notify_all()

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._queue:
                    if self._is_closing:
                        return
                    self._change.wait()
                batch = self._taken()
            try:
                self._send(batch)
            except ClientError as error:
                self._lose(error, batch)
                return
            except Exception as error:
                # Whatever it is: who waits for this thread must not wait for ever.
                _logger.exception("The reporter of flow run %s has failed.", self._flow_run_id)
                self._lose(ClientError(f"the reporter has failed: {error!r}", code="REPORTER"), batch)
                return
            for flushed in batch.flushes:
                flushed.set()

    def _taken(self) -> _Batch:
        """Return what comes next from the queue, not too much for one call of each kind."""
        batch = _Batch()
        characters = 0
        while self._queue and len(batch.changes) < _CHANGES_MAX and len(batch.logs) < _LOGS_MAX:
            kind, value = self._queue[0]
            if kind == "log":
                characters += len(value.get("message") or "")
                if characters > _LOG_CHARACTERS_MAX and batch.logs:
                    break
            self._queue.popleft()
            match kind:
                case "state":
                    batch.changes.append(value)
                case "expect":
                    batch.wanted += value
                case "name":
                    batch.names.append(value)
                case "log":
                    batch.logs.append(value)
                case _:
                    # What comes after belongs to a later batch, so that the flush does not wait for it.
                    batch.flushes.append(value)
                    break
        return batch

    def _send(self, batch: _Batch) -> None:
        places = [*batch.wanted, *(place for place, _ in batch.changes), *(place for place, _ in batch.names)]
        places += [line["place"] for line in batch.logs if line.get("place") is not None]
        self._make(dict.fromkeys(place for place in places if place not in self._ids))
        if batch.changes:
            self._enter(self._described(batch.changes))
        if batch.names:
            self._all(
                change_question("set_task_run_name", {"task_run_id": self._ids[place], "name": name}, "success")
                for place, name in batch.names
                if place in self._ids
            )
        if batch.logs:
            self._write([self._line(line) for line in batch.logs])

    def _make(self, places: Iterable[Place]) -> None:
        """Make task runs, some hundreds at a time: who maps over ten thousand needs no memory for all calls at once."""
        wanted = list(places)
        for start in range(0, len(wanted), TOGETHER_MAX):
            part = wanted[start : start + TOGETHER_MAX]
            answers = self._all(
                change_question(
                    "get_or_create_task_run_info",
                    {"flow_run_id": self._flow_run_id, "task_id": task_id, "map_index": map_index},
                    "id",
                )
                for task_id, map_index in part
            )
            made = {}
            for place, answer in zip(part, answers, strict=True):
                if isinstance(answer, ClientError):
                    self._refuse(place, answer)
                else:
                    made[place] = answer["get_or_create_task_run_info"]["id"]
            with self._change:
                self._ids.update(made)
                self._change.notify_all()

    def _described(self, changes: Sequence[tuple[Place, Describe]]) -> list[tuple[Place, Mapping[str, Any]]]:
        """Return the changes with their documents; one whose document cannot be made counts as refused."""
        described = []
        for place, describe in changes:
            if place not in self._ids:
                continue
            try:
                described.append((place, describe()))
            except Exception as error:
                _logger.exception("A state of task %s [%d] cannot be written as JSON.", *place)
                self._refuse(place, ClientError(f"it cannot be written as JSON: {error!r}", code="NOT_JSON"))
        return described

    def _enter(self, changes: Sequence[tuple[Place, Mapping[str, Any]]]) -> None:
        states = [{"task_run_id": self._ids[place], "state": document} for place, document in changes]
        if not states:
            return
        try:
            answer = self._patiently(
                lambda: self._client.change("set_task_run_states", {"states": states}, "states { status }", tries=1)
            )
            for (place, _), one in zip(changes, answer["states"], strict=True):
                if one["status"] == "QUEUED" and self._on_queued is not None:
                    self._on_queued(place)
        except Refused:
            # The server takes all of a call or nothing: each by itself tells which one it was.
            answers = self._all(
                change_question("set_task_run_states", {"states": [state]}, "states { status }") for state in states
            )
            for (place, _), answer in zip(changes, answers, strict=True):
                if isinstance(answer, ClientError):
                    self._refuse(place, answer)

    def _write(self, lines: Sequence[Mapping[str, Any]]) -> None:
        try:
            self._patiently(lambda: self._client.change("write_run_logs", {"logs": lines}, "success", tries=1))
        except Refused as error:
            # One line that the server cannot take must not cost the others.
            answers = self._all(change_question("write_run_logs", {"logs": [line]}, "success") for line in lines)
            refused_count = sum(1 for answer in answers if isinstance(answer, ClientError))
            if refused_count:
                _logger.warning("The server has refused %d log lines: %s", refused_count, error.message)

    def _refuse(self, place: Place, error: ClientError) -> None:
        if self._on_refused is not None:
            self._on_refused(place, error)

    def _line(self, line: Mapping[str, Any]) -> dict[str, Any]:
        made = {key: value for key, value in line.items() if key != "place"}
        place = line.get("place")
        if place is not None and place in self._ids:
            made["task_run_id"] = self._ids[place]
        return {"flow_run_id": self._flow_run_id, **made}

    def _all(self, questions: Iterable[Question]) -> list[dict[str, Any] | ClientError]:
        """Ask many questions; those that only met a bad moment are asked again."""
        asked = list(questions)
        answers: list[Any] = [None] * len(asked)
        left = list(range(len(asked)))
        rounds = 0
        while left:
            found = self._patiently(partial(self._client.ask_all, [asked[index] for index in left]))
            for index, answer in zip(left, found, strict=True):
                answers[index] = answer
            left = [index for index in left if isinstance(answers[index], ClientError) and answers[index].is_passing]
            if left:
                self._wait(rounds, answers[left[0]])
                rounds += 1
        return answers

    def _patiently(self, call: Callable[[], Any]) -> Any:
        attempt = 0
        while True:
            try:
                return call()
            except ClientError as error:
                if not error.is_passing:
                    raise
                self._wait(attempt, error)
                attempt += 1

    def _wait(self, attempt: int, error: ClientError) -> None:
        if self._give_up_at is not None and time.monotonic() > self._give_up_at:
            raise error
        delay_s = _DELAYS_S[min(attempt, len(_DELAYS_S) - 1)]
        with self._change:
            # A closing that begins meanwhile need not wait for the delay to learn how long it may take.
            self._change.wait_for(lambda: False, timeout=delay_s)

    def _lose(self, error: ClientError, batch: _Batch) -> None:
        with self._change:
            missing = len(batch.changes) + len(batch.logs)
            missing += sum(1 for kind, _ in self._queue if kind in ("state", "log"))
            self.lost = ClientError(
                f"{missing} states and log lines of flow run {self._flow_run_id} have not reached the server: {error}",
                hint=error.hint,
                code=error.error_code,
            )
            for kind, value in self._queue:
                if kind == "flush":
                    value.set()
            for flushed in batch.flushes:
                flushed.set()
            self._queue.clear()
            self._change.notify_all()
