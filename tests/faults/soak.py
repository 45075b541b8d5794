"""Replicas, agents and clients over one PostgreSQL, and a hand that breaks them at random.

In charge of starting, breaking and mending; not in charge of judging what is left (`soak_judge`).

What can happen, each drawn with a seeded chance: a server or an agent is killed with -9 and started anew; one is paused
for longer than its lease or its heartbeat; PostgreSQL is stopped or killed, and started again.
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import psutil

from tests.clients.api import Api
from tests.faults.outages import Outage
from tests.faults.soak_agent import TASKS, Refused, Servers, Unanswered
from tests.operations.samples import flow_document, task
from tests.server_process import ServerProcess

SERVERS, AGENTS, CLIENTS = 3, 3, 2
HEARTBEAT_TIMEOUT_S = 5.0
# Longer than a lease of 9 s, and than the timeout of heartbeats.
PAUSE_S = 11.0
OPTIONS = (
    *("--heartbeat-timeout-s", str(HEARTBEAT_TIMEOUT_S), "--heartbeat-settle-s", "1"),
    *("--lazarus-interval-s", "0.5", "--zombie-killer-interval-s", "0.5", "--scheduler-interval-s", "1"),
    *("--left-task-runs-grace-s", "2", "--resurrection-attempts-max", "1000"),
)
_SCHEDULED_FLOWS = 5
_WAITING_MAX = 20
_WAITING = (
    '{ flow_run_aggregate(where: {state: {_eq: "Scheduled"}, auto_scheduled: {_eq: false}}) { aggregate { count } } }'
)
_CREATE = "mutation ($i: create_flow_run_input!) { create_flow_run(input: $i) { id } }"


class Soak:
    """The world of one soak.

    Attributes:
        created: what clients were told: the id of a flow run by its idempotency key.
        happened: how often each thing was broken.
        memory: resident bytes of servers with their ages in seconds.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self._chance = random.Random(seed)
        self._seed = seed
        self._folder = folder
        self._stack = ExitStack()
        self._outage = Outage()
        self._stack.callback(self._outage.close)
        self.url = self._outage.fresh_url()
        self._servers = [self._start_server(index) for index in range(SERVERS)]
        for server in self._servers:
            server.wait_ready()
        self._flow_id = self._register()
        self._agents = [self._start_agent(index) for index in range(AGENTS)]
        self._paused: list[tuple[float, psutil.Process]] = []
        self._stopping = threading.Event()
        self.created: dict[str, str] = {}
        self.happened: Counter[str] = Counter()
        self.memory: list[tuple[int, float, int]] = []
        self._errors: list[BaseException] = []
        self._clients = [threading.Thread(target=self._create_runs, args=(index,)) for index in range(CLIENTS)]
        for client in self._clients:
            client.start()

    def break_things(self, duration_s: float) -> None:
        """Let things happen for so long."""
        deadline = time.monotonic() + duration_s
        while time.monotonic() < deadline:
            self._resume(due_only=True)
            self._revive()
            self._note_memory()
            action = self._chance.choices(
                [
                    self._kill_server,
                    self._kill_agent,
                    self._pause_server,
                    self._pause_agent,
                    self._restart_database,
                ],
                weights=[4, 4, 2, 2, 1],
            )[0]
            action()
            time.sleep(self._chance.uniform(0.2, 2.0))

    def mend(self) -> None:
        """Let everything run, make no further runs, and let those that servers have acknowledged come to their end."""
        self._resume(due_only=False)
        self._stopping.set()
        for client in self._clients:
            client.join(60)
            assert not client.is_alive(), "a client waits for ever"
        self._revive()
        for server in self._servers:
            server.wait_ready()
        api = Api(self._servers[0].url)
        for flow in api.ask("{ flow(where: {is_schedule_active: {_eq: true}}) { id } }"):
            api.mutate("set_schedule_inactive", "success", flow_id=flow["id"])
        api.close()
        assert self._errors == [], self._errors

    def journals(self) -> list[Path]:
        """Return the journal of each agent."""
        return [self._journal(index) for index in range(AGENTS)]

    def check_logs(self) -> None:
        """Assert that no server met what nobody foresaw."""
        for server in self._servers:
            server.check_log()

    def close(self) -> None:
        """End everything."""
        self._stopping.set()
        self._resume(due_only=False)
        for agent in self._agents:
            agent.kill()
            agent.wait()
        for server in self._servers:
            server.kill()
        self._stack.close()

    # ---- Parts ----

    def _start_server(self, index: int) -> ServerProcess:
        folder = self._folder / f"server-{index}-{uuid4().hex[:6]}"
        folder.mkdir()
        return ServerProcess(self.url, folder, *OPTIONS)

    def _start_agent(self, index: int) -> subprocess.Popen[bytes]:
        ports = [str(server.port) for server in self._servers]
        command = [sys.executable, "-m", "tests.faults.soak_agent", str(self._seed + index), str(self._journal(index))]
        return subprocess.Popen([*command, *ports], stdin=subprocess.DEVNULL)

    def _journal(self, index: int) -> Path:
        return self._folder / f"agent-{index}.jsonl"

    def _register(self) -> str:
        api = Api(self._servers[0].url)
        project_id = api.mutate("create_project", "id", name="soak")["id"]
        tasks = [task(f"task-{number}") for number in range(TASKS)]
        every_minute = {
            "type": "Schedule",
            "clocks": [{"type": "CronClock", "cron": "* * * * *", "start_date": None, "end_date": None}],
        }
        documents = [flow_document(name="by hand", tasks=tasks)]
        documents += [
            flow_document(name=f"scheduled {number}", tasks=tasks, schedule=every_minute)
            for number in range(_SCHEDULED_FLOWS)
        ]
        ids = [
            api.mutate("create_flow", "id", project_id=project_id, serialized_flow=document)["id"]
            for document in documents
        ]
        for flow_id in ids:
            api.mutate("enable_flow_version_lock", "success", flow_id=flow_id)
        for flow_id in ids[1:]:
            api.mutate("set_schedule_active", "success", flow_id=flow_id)
        api.close()
        return str(ids[0])

    def _create_runs(self, index: int) -> None:
        """Create runs as a client that repeats what was not answered, under the same key."""
        chance = random.Random(self._seed + 1000 + index)
        try:
            while not self._stopping.is_set():
                key = str(uuid4())
                given = {"flow_id": self._flow_id, "idempotency_key": key}
                while not self._stopping.is_set():
                    servers = Servers([server.port for server in self._servers], chance)
                    try:
                        # No more than agents can carry out, however slow the machine is.
                        if servers.ask(_WAITING)["aggregate"]["count"] < _WAITING_MAX:
                            self.created[key] = servers.ask(_CREATE, i=given)["id"]
                        break
                    except Unanswered:
                        self._stopping.wait(0.1)
                self._stopping.wait(chance.uniform(0, 0.5))
        except (Refused, AssertionError) as error:
            self._errors.append(error)

    # ---- What can happen ----

    def _kill_server(self) -> None:
        server = self._chance.choice(self._servers)
        if server.is_running and self._is_free(server.pid):
            server.kill()
            server.check_log()
            self._happened("server killed")

    def _kill_agent(self) -> None:
        index = self._chance.randrange(AGENTS)
        agent = self._agents[index]
        if self._is_free(agent.pid):
            agent.kill()
            agent.wait()
            self._happened("agent killed")
            self._agents[index] = self._start_agent(index)

    def _pause_server(self) -> None:
        self._pause(self._chance.choice(self._servers).pid, "server paused")

    def _pause_agent(self) -> None:
        self._pause(self._chance.choice(self._agents).pid, "agent paused")

    def _restart_database(self) -> None:
        self._chance.choice([self._outage.stop, self._outage.kill])()
        time.sleep(self._chance.uniform(0, 2))
        self._outage.start()
        self._happened("database restarted")

    def _pause(self, pid: int, what: str) -> None:
        if self._paused or not psutil.pid_exists(pid):
            return
        process = psutil.Process(pid)
        process.send_signal(signal.SIGSTOP)
        self._paused.append((time.monotonic() + PAUSE_S, process))
        self._happened(what)

    def _resume(self, *, due_only: bool) -> None:
        for pair in list(self._paused):
            at, process = pair
            if not due_only or at <= time.monotonic():
                process.send_signal(signal.SIGCONT)
                self._paused.remove(pair)

    def _revive(self) -> None:
        """Start servers anew that have ended, as a service manager does it: one that finds no database ends at once.

        Each comes back on its port, which is where agents look for it.
        """
        for server in self._servers:
            if not server.is_running:
                server.again()

    def _is_free(self, pid: int) -> bool:
        return all(process.pid != pid for _, process in self._paused)

    def _happened(self, what: str) -> None:
        self.happened[what] += 1

    def _note_memory(self) -> None:
        for server in self._servers:
            if server.is_running:
                process = psutil.Process(server.pid)
                age_s = time.time() - process.create_time()
                self.memory.append((server.pid, age_s, process.memory_info().rss))


def soak_s() -> float:
    """Return how long to break things: `EPARCH_TEST_SOAK_S`, or a short time for every test run."""
    return float(os.environ.get("EPARCH_TEST_SOAK_S", "30"))
