"""In charge of following a flow run: its states and log lines as they come; not in charge of starting it."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Final, TextIO

from eparch.cli.connection import Api
from eparch.cli.output import moment, say, state_text
from eparch.client.errors import ClientError
from eparch.core.errors import NotFound
from eparch.core.instants import parse_instant, timestamp_text
from eparch.core.states import ENDING, FAILED, SUCCESSFUL

RUN_FAILED: Final = 3
RUN_CANCELLED: Final = 4

_PAGE: Final = 1000
_ASK_S: Final = 1.0
# As long as a run keeps what it has to tell while no server answers.
_AWAY_S_MAX: Final = 600
# Programs of one run send their lines each for itself, so a line may come after later ones; not by more than this.
_LATE: Final = timedelta(seconds=120)

_RUN: Final = """query($id: uuid!, $after: Int!) { flow_run_by_pk(id: $id) {
  id name state state_message end_time
  states(where: {version: {_gt: $after}}, order_by: [{version: asc}]) { version state message timestamp } } }"""
_LINES: Final = "id timestamp level name message flow_run_id task_run_id"


class Follower:
    """A flow run whose news can be asked for again and again.

    Args:
        levels: of the log lines that are wanted.
        away_s_max: for how long a server that is away is asked again.
        sleep: waits in between.
    """

    def __init__(
        self,
        api: Api,
        flow_run_id: str,
        levels: Sequence[str] | None = None,
        *,
        away_s_max: int = _AWAY_S_MAX,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._away_s_max = away_s_max
        self._sleep = sleep
        self._id = flow_run_id
        self._levels = levels
        self._version = 0
        self._newest: str | None = None
        self._seen: dict[str, str] = {}

    def states(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Return the run as it is, and the states that are new.

        Raises:
            NotFound: the run has been deleted.
        """
        run = self._answer(lambda: self._api.ask(_RUN, id=self._id, after=self._version))["flow_run_by_pk"]
        if run is None:
            raise NotFound(f"Flow run {self._id} is no longer there.", hint="it has been deleted meanwhile")
        if run["states"]:
            self._version = run["states"][-1]["version"]
        return run, run["states"]

    def lines(self) -> Iterator[dict[str, Any]]:
        """Return log lines that are new, in their order."""
        where: dict[str, Any] = {"flow_run_id": {"_eq": self._id}}
        if self._levels is not None:
            where["level"] = {"_in": list(self._levels)}
        position = self._start()
        while True:
            after = {} if position is None else {"_or": _after(position)}
            rows = self._answer(partial(self._log, where | after))
            for row in rows:
                if row["id"] not in self._seen:
                    self._seen[row["id"]] = row["timestamp"]
                    yield row
            if rows:
                position = rows[-1]["timestamp"], rows[-1]["id"]
                self._newest = max(self._newest or "", rows[-1]["timestamp"])
            if len(rows) < _PAGE:
                return

    def skip(self) -> None:
        """Take what there is up to now for known."""
        self.states()
        for _ in self.lines():
            pass

    def _log(self, where: dict[str, Any]) -> list[dict[str, Any]]:
        return self._api.rows("log", _LINES, where, order="{timestamp: asc}, {id: asc}", limit=_PAGE)

    def _answer(self, question: Callable[[], Any]) -> Any:
        """Ask until there is an answer: the run goes on while the server is away, and tells afterwards what it did.

        Raises:
            ClientError: the server refuses, or is away for longer than runs wait for it.
        """
        away_s = 0.0
        while True:
            try:
                return question()
            except ClientError as error:
                if not error.is_passing or away_s >= self._away_s_max:
                    raise
                if away_s == 0:
                    say(f"{error.message} The run goes on; asking again for {self._away_s_max} s.")
            away_s += _ASK_S
            self._sleep(_ASK_S)

    def _start(self) -> tuple[str, str] | None:
        """Return where to go on reading: a little before the newest line."""
        newest = parse_instant(self._newest or "")
        if newest is None:
            return None
        start = timestamp_text(newest - _LATE)
        self._seen = {line: timestamp for line, timestamp in self._seen.items() if timestamp >= start}
        return start, ""


def follow(follower: Follower, *, stream: TextIO | None = None, sleep: Callable[[float], None] = time.sleep) -> str:
    """Show a flow run's states and log lines until it has ended, and return its final state.

    Args:
        stream: where to; stderr when None.
    """
    out = stream or sys.stderr
    while True:
        # The state is asked for first: what was logged before it is there by then.
        run, states = follower.states()
        news = [(line["timestamp"], log_line(line)) for line in follower.lines()]
        news += [(state["timestamp"], _state_line(state, out)) for state in states]
        for _, text in sorted(news, key=itemgetter(0)):
            print(text, file=out)
        out.flush()
        if run["state"] in ENDING:
            return str(run["state"])
        sleep(_ASK_S)


def log_line(line: Mapping[str, Any]) -> str:
    """Return a line of a log as people read it."""
    return f"{moment(line['timestamp'])}  {line['level'] or '':<8}  {line['name'] or ''} | {line['message'] or ''}"


def _state_line(state: Mapping[str, Any], stream: TextIO) -> str:
    return f"{moment(state['timestamp'])}  {state_text(state['state'], stream)}: {state['message'] or ''}".rstrip(": ")


def exit_code(state: str) -> int:
    """Return the exit code that tells a final state: 0 success, 3 failed, 4 cancelled."""
    if state in SUCCESSFUL:
        return 0
    return RUN_FAILED if state in FAILED else RUN_CANCELLED


def _after(position: tuple[str, str]) -> list[dict[str, Any]]:
    timestamp, line_id = position
    if not line_id:
        return [{"timestamp": {"_gte": timestamp}}]
    return [{"timestamp": {"_gt": timestamp}}, {"timestamp": {"_eq": timestamp}, "id": {"_gt": line_id}}]
