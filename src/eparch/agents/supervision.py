"""Watching over the flow runs of one agent.

In charge of heartbeats, of cancelling step by step, and of reporting an end that a run could not report itself; not in
charge of taking runs (`agent`) nor of their processes (`processes`). One thread watches over all runs of an agent, and
asks the server about all of them in one call.

A run that is to be cancelled is told; some seconds later its process is terminated, some later killed.

A run may be taken again while its process lives: an approval arrives, or it was scheduled anew. No second process is
started beside the first; what was taken is held back until that one has ended.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eparch.agents.handle import Handle
from eparch.client.client import Client
from eparch.client.errors import ClientError
from eparch.client.flow_runs import beat, close_task_runs, flow_run_state, set_flow_run_state
from eparch.core.states import FINISHED
from eparch.sdk.logs import without_secrets

LOOK_S: Final = 0.2
_ASK_S: Final = 2.0
STEP_S: Final = 10.0
_TELL_AGAIN_S: Final = 2.0
_LOGGER_NAME: Final = "eparch.agent"

_logger: Final = logging.getLogger(_LOGGER_NAME)


@dataclass(slots=True)
class Supervised:
    """A run in the agent's care.

    Attributes:
        ending: the state it is to end in, as the server has it; None while it is not to.
        step_at: when the next step towards its end is due, on the monotonic clock.
        steps: what has been done to end it.
        code: its exit code, while the server has yet to be told; None while it runs.
        tell_at: when the server is to be told, on the monotonic clock.
    """

    flow_run_id: str
    name: str
    handle: Handle
    ending: str | None = None
    step_at: float = 0.0
    steps: list[str] = field(default_factory=list)
    code: int | None = None
    tell_at: float = 0.0


class Supervision:
    """Watches over runs until each has ended.

    Args:
        client: for the thread's own use.
        step_s: how long a run that is to be cancelled has, after each step, before the next.
        look_s: how often to look whether a run has ended.
    """

    def __init__(self, client: Client, step_s: float = STEP_S, look_s: float = LOOK_S) -> None:
        self._client = client
        self._step_s = step_s
        self._look_s = look_s
        self._runs: dict[str, Supervised] = {}
        self._held_back: dict[str, Callable[[], None]] = {}
        self._change = threading.Condition()
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, daemon=True, name="eparch-supervision")
        self._thread.start()

    def add(self, run: Supervised) -> None:
        """Watch over a run from now on.

        Raises:
            ValueError: it is watched over already; ask `hold_back` first.
        """
        with self._change:
            if run.flow_run_id in self._runs:
                raise ValueError(f"Flow run {run.flow_run_id} has a process already.")
            self._runs[run.flow_run_id] = run
            self._change.notify_all()

    def hold_back(self, flow_run_id: str, follow_up: Callable[[], None]) -> bool:
        """Keep what is to be done once a run's process has ended; return False if it has none, and keep nothing.

        A run that is taken once more meanwhile has the last follow-up only.
        """
        with self._change:
            if flow_run_id not in self._runs:
                return False
            self._held_back[flow_run_id] = follow_up
            return True

    def follow_ups(self) -> list[Callable[[], None]]:
        """Return, once, what is to be done now that the processes it waited for have ended."""
        with self._change:
            return [self._held_back.pop(run_id) for run_id in sorted(self._held_back.keys() - self._runs.keys())]

    def is_holding_back(self) -> bool:
        """Return whether something waits for the end of a process."""
        return bool(self._held_back)

    def count(self) -> int:
        """Return how many runs have not ended, or are to be started again."""
        with self._change:
            return self._count()

    def wait_for_room(self, limit: int, timeout_s: float) -> None:
        """Wait until fewer than `limit` runs are left, a follow-up is to be carried out, or the time is over."""
        with self._change:
            self._change.wait_for(
                lambda: self._count() < limit or bool(self._held_back.keys() - self._runs.keys()), timeout_s
            )

    def _count(self) -> int:
        return len(self._runs.keys() | self._held_back.keys())

    def close(self) -> None:
        """Stop watching; runs go on, and those of our own library watch over themselves."""
        with self._change:
            self._is_closed = True
            self._change.notify_all()
        self._thread.join()

    def _work(self) -> None:
        ask_at = 0.0
        while True:
            with self._change:
                self._change.wait_for(lambda: self._is_closed or bool(self._runs))
                if self._is_closed:
                    return
                runs = list(self._runs.values())
            if time.monotonic() >= ask_at:
                ask_at = time.monotonic() + _ASK_S
                self._ask(runs)
            for run in runs:
                try:
                    self._look_after(run)
                except Exception:
                    # What a kind of agent asks of somebody else may fail; the other runs must not suffer.
                    _logger.exception("Flow run %s could not be looked after.", run.name)
            with self._change:
                self._change.wait_for(lambda: self._is_closed, self._look_s)

    def _look_after(self, run: Supervised) -> None:
        if run.code is None:
            run.code = run.handle.poll()
        if run.code is None:
            self._step(run)
        elif time.monotonic() >= run.tell_at:
            self._ended(run, run.code)

    def _ask(self, runs: Sequence[Supervised]) -> None:
        """Beat for all runs, and see which of them are to end."""
        own = {run.flow_run_id: run for run in runs if run.handle.is_own and run.code is None}
        if not own:
            return
        try:
            states = beat(self._client, {run_id: not run.handle.beats_itself for run_id, run in own.items()}, _ASK_S)
        except ClientError as error:
            _logger.debug("The server cannot be asked: %s", error)
            return
        for run_id, state in states.items():
            run = own[run_id]
            if run.ending is None and (state is None or state == "Cancelling" or state in FINISHED):
                run.ending = state or "gone"
                run.step_at = time.monotonic()

    def _step(self, run: Supervised) -> None:
        if run.ending is None or time.monotonic() < run.step_at:
            return
        run.step_at = time.monotonic() + self._step_s
        match len(run.steps):
            case 0:
                run.steps.append("told")
                run.handle.tell(run.ending)
            case 1:
                run.steps.append("terminated")
                run.handle.terminate()
            case _:
                run.steps.append("killed")
                run.handle.kill()

    def _ended(self, run: Supervised, code: int) -> None:
        """The process of a run is at its end: see to it that the run is, too."""
        try:
            self._report(run, code)
        except ClientError as error:
            _logger.error(
                "Flow run %s %s, and the server could not be told: %s", run.name, run.handle.ending(code), error
            )
            if error.is_passing:
                # Nobody else knows what became of it.
                run.tell_at = time.monotonic() + _TELL_AGAIN_S
                return
        run.handle.close()
        with self._change:
            self._runs.pop(run.flow_run_id, None)
            self._change.notify_all()

    def _report(self, run: Supervised, code: int) -> None:
        _logger.info("Flow run %s: its process %s.", run.name, run.handle.ending(code))
        if code == 0:
            return
        state = flow_run_state(self._client, run.flow_run_id)
        if state is None:
            return
        if state not in FINISHED and not self._is_to_end(run, state, code):
            return
        if run.handle.is_own:
            # Prefect's own tasks may live on without the process, on Dask, and report themselves.
            closed = close_task_runs(self._client, run.flow_run_id)
            if closed:
                _logger.info("Flow run %s: %d task runs that it has left behind are closed.", run.name, closed)

    def _is_to_end(self, run: Supervised, state: str, code: int) -> bool:
        """End a run whose process has ended without doing so; return whether it is finished now."""
        if run.flow_run_id in self._held_back and run.ending is not None and state != "Cancelling":
            # It was ended for what it had been; since then it has been scheduled, and taken, anew.
            return False
        message = f"The process of the flow run {run.handle.ending(code)}."
        if state == "Cancelling":
            how = f"its process was {run.steps[-1]}" if len(run.steps) > 1 else message
            self._enter(run, {"type": "Cancelled", "message": f"Flow run is cancelled: {how}"})
            return True
        lines = run.handle.last_lines()
        shown = "\n".join([message, "Its last lines of output:", *lines]) if lines else message
        self._log(run, shown)
        self._enter(run, {"type": "Failed", "message": message})
        return True

    def _enter(self, run: Supervised, document: dict[str, Any]) -> None:
        set_flow_run_state(self._client, run.flow_run_id, document)

    def _log(self, run: Supervised, message: str) -> None:
        line = {
            "flow_run_id": run.flow_run_id,
            "name": _LOGGER_NAME,
            "level": "ERROR",
            "message": without_secrets(message),
        }
        self._client.change("write_run_logs", {"logs": [line]}, "success")
