"""In charge of flow runs on their way and of the doors to the database, for tests of what happens in silence."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.engine import Connection

from eparch.core.rescue import RescueRules
from eparch.database.engines import reading_engine
from eparch.database.tables import flow_group, flow_run, task, task_run
from eparch.services.lazarus import Lazarus
from eparch.services.zombie_killer import ZombieKiller
from tests.operations.backend import Backend
from tests.operations.small_flow import make_flow, set_state, set_task_state

RULES = RescueRules(heartbeat_timeout_s=600, resurrections_max=3, grace_s=600)


class World:
    """A flow, and the two services over real connections.

    Attributes:
        before_change: called before each transaction of a service: what happens between look and leap.
        reads, changes: how many of each the services have made.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.flow = make_flow(backend, tasks=2)
        self.before_change: Callable[[], Any] = lambda: None
        self.reads = self.changes = 0
        self._engine = reading_engine(backend.engine.url)
        self.lazarus = self.make_lazarus()
        self.zombie_killer = self.make_zombie_killer()

    def make_lazarus(self, rules: RescueRules = RULES, **options: int) -> Lazarus:
        return Lazarus(self.read, self.change, rules, **options)

    def make_zombie_killer(self, rules: RescueRules = RULES, **options: int) -> ZombieKiller:
        return ZombieKiller(self.read, self.change, rules, **options)

    async def read(self, read: Callable[[Connection], Any]) -> Any:
        self.reads += 1
        with self._engine.begin() as connection:
            return read(connection)

    async def change(self, function: Callable[..., Any]) -> Any:
        self.before_change()
        self.changes += 1
        with self.backend.transaction() as tx:
            return function(tx, self.backend.now)

    def close(self) -> None:
        self._engine.dispose()

    # ---- what is ----

    def start(self, *, state: str = "Running", task_states: tuple[str, ...] = ()) -> str:
        """Return the id of a flow run that an agent has taken and that has got as far as `state`."""
        run_id: str = self.backend.run("create_flow_run", flow_id=self.flow["id"])["id"]
        set_state(self.backend, run_id, "Submitted")
        if state != "Submitted":
            set_state(self.backend, run_id, "Running")
        for task_run_id, name in zip(self.task_runs(run_id), task_states, strict=False):
            set_task_state(self.backend, task_run_id, name)
        if state not in ("Submitted", "Running"):
            set_state(self.backend, run_id, state)
        return run_id

    def task_runs(self, run_id: str) -> list[str]:
        """Return the ids of the task runs of a flow run, in the order of the tasks."""
        by_task = {row["task_id"]: row["id"] for row in self.backend.rows(task_run, flow_run_id=run_id)}
        return [by_task[task_id] for task_id in self.flow["tasks"]]

    def settings(self, **settings: Any) -> None:
        """Give the flow group settings."""
        with self.backend.transaction() as tx:
            tx.execute(flow_group.update().values(settings=settings))

    def retries(self, max_retries: int | None, retry_delay: int | None) -> None:
        """Let all tasks be retried."""
        with self.backend.transaction() as tx:
            tx.execute(task.update().values(max_retries=max_retries, retry_delay=retry_delay))

    def beat(self, run_id: str, interval_s: float | None = None) -> None:
        """Let the heart of a flow run beat, and say how often it does."""
        self.backend.run("update_flow_run_heartbeat", flow_run_id=run_id, interval_s=interval_s)

    def beat_task(self, run_id: str, interval_s: float | None = None) -> None:
        """Let the heart of a task run beat, and say how often it does."""
        self.backend.run("update_task_run_heartbeat", task_run_id=run_id, interval_s=interval_s)

    def state(self, run_id: str) -> str:
        """Return the state of a flow run."""
        state: str = self.backend.row(flow_run, run_id)["state"]
        return state

    def task_state(self, run_id: str) -> str:
        """Return the state of a task run."""
        state: str = self.backend.row(task_run, run_id)["state"]
        return state


@contextmanager
def opened_world(backend: Backend) -> Iterator[World]:
    """Give a world and close its connections in the end."""
    made = World(backend)
    try:
        yield made
    finally:
        made.close()
