"""What all agents do: register, take runs as they become due, start each, watch over it.

In charge of the loop; not in charge of how a run is started (each kind of agent has a module) nor of its supervision
(`supervision`).

An agent holds one long call: the server answers it as soon as a run is due that fits, marked as taken in the same
transaction, so that of two agents one gets it.
"""

import logging
import os
import signal
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from eparch.agents.handle import Handle
from eparch.agents.supervision import LOOK_S, STEP_S, Supervised, Supervision
from eparch.client.client import Client
from eparch.client.errors import ClientError
from eparch.client.flow_runs import flow_run_state, set_flow_run_state
from eparch.client.marks import is_own_version
from eparch.core.states import FINISHED
from eparch.sdk.logs import hide

# How long one call is held; an agent that is told to stop leaves no later than this.
_POLL_S: Final = 5.0
# The same while a run that was taken again waits for the end of its process.
_HELD_BACK_POLL_S: Final = 1.0
_CLAIM_MAX: Final = 50
# How often an agent that asks for nothing says that it is alive; well below what makes it late (core.agent_health).
ALIVE_S: Final = 30.0
# How variables that hold secrets begin.
_SECRETS: Final = ("EPARCH_SECRET_", "EPARCH_API_KEY", "PREFECT__CONTEXT__SECRETS__", "PREFECT__CLOUD__API_KEY")
_DELAYS_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0)

_CLAIMED: Final = """flow_runs {
  id name version parameters labels run_config scheduled_start_time serialized_state
  flow { id name version core_version storage run_config }
  task_runs { id }
}"""

_logger: Final = logging.getLogger("eparch.agent")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A run that an agent has taken.

    Attributes:
        version: of the run when it was taken; another when it is taken again.
        run_config: the environment it is to be started in; a document.
        is_own: whether its flow was registered by Eparch's own library.
    """

    id: str
    version: int
    name: str
    flow_name: str
    run_config: dict[str, Any]
    storage: dict[str, Any]
    is_own: bool

    @property
    def env(self) -> dict[str, str]:
        """The environment variables that its run config asks for."""
        return {str(name): str(value) for name, value in (self.run_config.get("env") or {}).items()}


class Agent(ABC):
    """An agent. Use one of its kinds.

    Args:
        labels: it takes runs whose labels are all among these; without labels it takes runs without.
        limit: how many runs at once; None for no limit.
        env: environment variables for all its runs.
        grace_s: how long a run that is to be cancelled has before it is terminated, and again before it is killed.
    """

    kind: ClassVar[str]
    run_configs: ClassVar[frozenset[str]]
    # How often to look whether a run has ended; more seldom where looking is a call to somebody else.
    look_s: ClassVar[float] = LOOK_S
    alive_s: ClassVar[float] = ALIVE_S

    def __init__(
        self,
        name: str = "agent",
        labels: Iterable[str] = (),
        *,
        limit: int | None = None,
        env: Mapping[str, str] | None = None,
        grace_s: float = STEP_S,
        client: Client | None = None,
    ) -> None:
        self.name = name
        self.labels = sorted(set(labels))
        self.limit = limit
        self.env = dict(env or {})
        self.client = client or Client()
        self.stopping = threading.Event()
        self.registered = threading.Event()
        self.takes_runs = True
        self._seen_at = 0.0
        # The thread that watches has a client of its own, so that the long call does not hold it up.
        watching = Client(self.client.api_url, self.client.api_key, self.client.tenant_id)
        self._supervision = Supervision(watching, grace_s, self.look_s)

    @abstractmethod
    def start(self, run: Claimed) -> Handle:
        """Start a run, and return what holds it.

        Raises:
            Exception: it cannot be started; the message says why.
        """

    def release(self) -> None:  # noqa: B027 - not every kind holds something
        """Give back what this kind of agent holds; called once, when no run is left."""

    def count(self) -> int:
        """Return how many of its runs have not ended."""
        return self._supervision.count()

    def run(self) -> None:
        """Take and start runs until `stop` is called; then let those that run come to their end."""
        self._register()
        if self.registered.is_set():
            _logger.info(
                "Agent %s takes runs from %s; labels: %s", self.name, self.client.api_url, self._labels_shown()
            )
        failures = 0
        while not self.stopping.is_set():
            self._follow_up()
            room = self._room()
            if room <= 0:
                self._say_alive()
                self._supervision.wait_for_room(self.limit or 1, min(1.0, self.alive_s))
                continue
            try:
                runs = self._claim(room)
            except ClientError as error:
                _logger.warning("No runs can be taken: %s", error)
                self.stopping.wait(_DELAYS_S[min(failures, len(_DELAYS_S) - 1)])
                failures += 1
                continue
            failures = 0
            for run in runs:
                self._take_up(run)
        self.takes_runs = False
        _logger.info("Agent %s takes nothing more; %d runs are left.", self.name, self.count())
        while self.count():
            self._say_alive()
            self._supervision.wait_for_room(1, min(1.0, self.alive_s))
            self._follow_up()
        self._supervision.close()
        self.release()

    def stop(self) -> None:
        """Take nothing more, let what runs come to its end, then leave."""
        self.stopping.set()

    def stop_on_signals(self) -> None:
        """Let SIGTERM and SIGINT stop the agent; to be called from the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())

    def _register(self) -> None:
        failures = 0
        while not self.stopping.is_set():
            try:
                found = self._registered()
            except ClientError as error:
                if not error.is_passing or error.error_code == "NOT_A_SERVER":
                    raise
                delay_s = _DELAYS_S[min(failures, len(_DELAYS_S) - 1)]
                _logger.warning("The agent cannot register, and tries again in %g s: %s", delay_s, error)
                if error.hint and not failures:
                    _logger.warning("Hint: %s", error.hint)
                self.stopping.wait(delay_s)
                failures += 1
                continue
            self.client.with_agent(found["id"])
            self.registered.set()
            return

    def _registered(self) -> dict[str, Any]:
        """Register; one that is registered already is seen to be alive."""
        given = {"type": self.kind, "name": self.name, "labels": self.labels}
        self._seen_at = time.monotonic()
        found: dict[str, Any] = self.client.change("register_agent", given, "id", tries=1)
        return found

    def _say_alive(self) -> None:
        """Let the server know of an agent that asks for nothing: it is at its limit, or stops."""
        if not self.registered.is_set() or time.monotonic() < self._seen_at + self.alive_s:
            return
        try:
            self._registered()
        except ClientError as error:
            _logger.debug("The server could not be told that the agent is alive: %s", error)

    def _room(self) -> int:
        return _CLAIM_MAX if self.limit is None else min(_CLAIM_MAX, self.limit - self.count())

    def _claim(self, room: int) -> list[Claimed]:
        wait_s = _HELD_BACK_POLL_S if self._supervision.is_holding_back() else _POLL_S
        given = {"labels": self.labels, "limit": room, "wait_s": wait_s}
        answer = self.client.change("claim_flow_runs", given, _CLAIMED, timeout_s=wait_s + 15, tries=1)
        self._seen_at = time.monotonic()
        return [self._claimed(row) for row in answer["flow_runs"] or ()]

    def _claimed(self, row: dict[str, Any]) -> Claimed:
        flow = row["flow"]
        return Claimed(
            id=row["id"],
            version=row["version"],
            name=row["name"] or row["id"],
            flow_name=flow["name"],
            run_config=row["run_config"] or flow["run_config"] or {"type": "UniversalRun"},
            storage=flow["storage"] or {},
            is_own=is_own_version(flow["core_version"]),
        )

    def _take_up(self, run: Claimed) -> None:
        """Start a run that was taken; one whose process lives is not started beside it, but when that has ended."""
        if self._supervision.hold_back(run.id, lambda: self._take_up_again(run)):
            _logger.info("Flow run %s is taken again; it waits for the end of its process.", run.name)
        elif self.stopping.is_set():
            # What a call brings that was on its way when the agent was told to stop goes back.
            self._give_back(run)
        else:
            self._start(run)

    def _take_up_again(self, run: Claimed) -> None:
        """Start a run whose process has ended since it was taken, unless it needs no other."""
        try:
            state = flow_run_state(self.client, run.id)
        except ClientError as error:
            # A run that is finished is not carried out by the process either.
            _logger.warning("Flow run %s: the server cannot be asked for its state: %s", run.name, error)
            state = "Submitted"
        if state is None or state in FINISHED:
            _logger.info("Flow run %s was finished by the process before.", run.name)
            return
        self._take_up(run)

    def _follow_up(self) -> None:
        for follow_up in self._supervision.follow_ups():
            follow_up()

    def _start(self, run: Claimed) -> None:
        try:
            kind = run.run_config.get("type")
            if kind not in self.run_configs:
                raise ValueError(
                    f"A {self.kind} cannot start a {kind}; it starts {', '.join(sorted(self.run_configs))}."
                )
            handle = self.start(run)
        except Exception as error:
            _logger.error("Flow run %s of flow %r cannot be started: %s", run.name, run.flow_name, error)
            self.fail(run, f"The agent {self.name} cannot start the flow run: {error}")
            return
        self._supervision.add(Supervised(run.id, run.name, handle))
        _logger.info("Flow run %s of flow %r is started.", run.name, run.flow_name)

    def _give_back(self, run: Claimed) -> None:
        try:
            set_flow_run_state(self.client, run.id, {"type": "Scheduled", "message": "Given back by a stopping agent."})
        except ClientError as error:
            _logger.error("Flow run %s could not be given back: %s", run.name, error)

    def say(self, run: Claimed, message: str, level: str = "WARNING") -> None:
        """Write a line to the log of a run; a server that cannot be reached is told of in the agent's own."""
        try:
            self._write(run, message, level)
        except ClientError as error:
            _logger.error("Flow run %s: %s (the server could not be told: %s)", run.name, message, error)

    def fail(self, run: Claimed, message: str) -> None:
        """Tell the server that a run has failed before it began."""
        try:
            self._write(run, message, "ERROR")
            set_flow_run_state(self.client, run.id, {"type": "Failed", "message": message})
        except ClientError as error:
            _logger.error("Flow run %s: the server could not be told: %s", run.name, error)

    def _write(self, run: Claimed, message: str, level: str) -> None:
        line = {"flow_run_id": run.id, "name": "eparch.agent", "level": level, "message": message}
        self.client.change("write_run_logs", {"logs": [line]}, "success")

    def _labels_shown(self) -> str:
        return ", ".join(self.labels) or "none, so it takes runs without labels"


def run_environment(agent: Agent, run: Claimed) -> dict[str, str]:
    """Return the environment variables of a run: the agent's, what the run needs to find the server, and its own."""
    found = {
        "EPARCH_API_URL": agent.client.api_url,
        "EPARCH_FLOW_RUN_ID": run.id,
        **({"EPARCH_API_KEY": agent.client.api_key} if agent.client.api_key else {}),
        **({"EPARCH_TENANT_ID": agent.client.tenant_id} if agent.client.tenant_id else {}),
        **agent.env,
        **run.env,
    }
    for name in ("EPARCH_LOGGING_LEVEL", "EPARCH_HOME"):
        if name in os.environ:
            found.setdefault(name, os.environ[name])
    for name, value in {**os.environ, **found}.items():
        if name.startswith(_SECRETS):
            # What a run has printed last is shown when it dies.
            hide(value)
    return found


def hostname() -> str:
    """Return the label that flows in files of this machine have."""
    return socket.gethostname()
