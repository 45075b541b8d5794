"""Random programs over many runs and limits, by several clients at once: no slot is lost, overdrawn or forgotten.

Each program is a list of steps for each of three clients, which carry them out at the same time on connections of their
own. Nothing is judged by how long it takes: a client that was turned down asks again only when an event says that its
turn has come, and in the end nobody may be left who could start.
"""

import contextlib
import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from eparch.core.errors import BadInput, EparchError
from eparch.core.rescue import RescueRules
from eparch.database.transactions import Transaction
from eparch.operations.reaping import reap
from eparch.operations.registry import OPERATIONS, Call
from eparch.operations.rescue import resurrect
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN, Kind
from tests.operations.backend import Backend
from tests.operations.conftest import backend
from tests.operations.limit_world import check_slots, make_tagged
from tests.operations.small_flow import make_flow

__all__ = ["backend"]

NAMES = ("a", "b", "c")
RUNS = 6
KINDS = {"task": TASK_RUN, "flow": FLOW_RUN}

_RUN = st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, RUNS - 1))
_NUMBER = st.tuples(st.just("limit"), st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 2)), st.integers(-1, 3))
_COMMON = st.tuples(st.sampled_from(["enter", "enter", "enter", "leave", "leave"]), _RUN, st.just(0))
_RARE = st.tuples(st.sampled_from(["cancel", "reap", "delete", "claim", "hang up"]), _RUN, st.just(0))
PROGRAMS = st.lists(st.lists(_COMMON | _COMMON | _NUMBER | _RARE, max_size=12), min_size=3, max_size=3)
# The names that apply to each run, and the limits of each kind in the beginning.
NAMED = st.lists(st.lists(st.sampled_from(NAMES), unique=True, max_size=3), min_size=RUNS, max_size=RUNS)
LIMITS = st.lists(st.integers(-1, 2), min_size=6, max_size=6)

Step = tuple[str, tuple[str, int], int]


@dataclass
class World:
    """Runs under limits, driven by several threads.

    Attributes:
        runs: the ids of the runs, by kind.
        parents: the flow runs of the task runs.
        names: the tags or labels of each run, by its place.
        turns: runs whose turn was announced and that have not asked since.
        faults: what must not be.
    """

    backend: Backend
    names: list[list[str]]
    runs: dict[str, list[str]] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    turns: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _ticks: "itertools.count[int]" = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        made = [make_tagged(self.backend, 1, *names, priority=index % 2) for index, names in enumerate(self.names)]
        self.parents = [run.flow_run_id for run in made]
        flow_id = make_flow(self.backend, tasks=1)["id"]
        create = [{"flow_id": flow_id, "labels": names, "priority": i % 2} for i, names in enumerate(self.names)]
        self.runs["task"] = [run.task_run_ids[0] for run in made]
        self.runs["flow"] = [self.backend.run("create_flow_run", **given)["id"] for given in create]

    def act(self, step: Step) -> None:
        """Carry out a step; that a run is gone, or may not do this now, is part of the game."""
        verb, (kind, index), number = step
        run_id = self.runs[kind][index % len(self.runs[kind])]
        with contextlib.suppress(BadInput):
            self._act(verb, kind, index, run_id, number)

    def _act(self, verb: str, kind: str, index: int, run_id: str, number: int) -> None:
        match verb:
            case "enter":
                self.enter(kind, run_id)
            case "hang up":
                # A client that asks and does not wait.
                self.enter(kind, run_id, wait_s=None)
            case "leave":
                self.set(kind, run_id, "Success")
            case "cancel" if kind == "flow":
                self.call("cancel_flow_run", flow_run_id=run_id)
            case "cancel":
                self.set(kind, run_id, "Cancelled")
            case "reap":
                act: Callable[..., Any] = reap if kind == "task" else resurrect
                rules = RescueRules(heartbeat_timeout_s=0, grace_s=0)
                self.transact(lambda tx, now: act(tx, [run_id], now, rules))
            case "delete":
                flow_run_id = run_id if kind == "flow" else self.parents[index % len(self.parents)]
                self.call("delete_flow_run", flow_run_id=flow_run_id)
            case "claim":
                self.call("claim_flow_runs", labels=list(NAMES), limit=2)
            case "limit":
                self.limit(kind, NAMES[index], number)

    def enter(self, kind: str, run_id: str, *, wait_s: float | None = 60.0) -> None:
        with self._lock:
            self.turns.discard(run_id)
        self.set(kind, run_id, "Running", wait_s=wait_s)

    def set(self, kind: str, run_id: str, name: str, **more: Any) -> None:
        states = [{f"{kind}_run_id": run_id, "state": {"type": name}}]
        self.call(f"set_{kind}_run_states", states=states, **more)

    def limit(self, kind: str, name: str, number: int) -> None:
        """Set a limit; -1 deletes it."""
        if number >= 0:
            key = "label" if kind == "flow" else "name"
            self.call(f"update_{kind}_concurrency_limit", **{key: name, "limit": number})
            return
        for row in self.backend.rows(KINDS[kind].limits, name=name):
            self.call(f"delete_{kind}_concurrency_limit", limit_id=row["id"])

    def call(self, name: str, /, **given: Any) -> None:
        """Carry out an operation in a transaction of its own."""
        entry, principal = OPERATIONS[name], self.backend.principal

        def carry_out(tx: Transaction, now: datetime) -> Any:
            if entry.single is not None:
                return entry.single(tx, principal, given, now)
            assert entry.joined is not None
            (outcome,) = entry.joined(tx, [Call(principal, given)], now)
            return outcome

        outcome = self.transact(carry_out)
        if isinstance(outcome, EparchError):
            raise outcome

    def transact(self, function: Callable[[Transaction, datetime], Any]) -> Any:
        # No two transactions have one instant: what a transaction has made is known by it.
        now = self.backend.now + timedelta(microseconds=next(self._ticks))
        with self.backend.transaction() as tx:
            outcome = function(tx, now)
            if not any(name.endswith("_concurrency_limit") for name in tx.touched):
                self._check_entering(tx, now)
        with self._lock:
            self.turns |= {event.removeprefix("slot/") for event in tx.touched if event.startswith("slot/")}
        return outcome

    def _check_entering(self, tx: Transaction, now: datetime) -> None:
        """Note where a limit is overdrawn by a slot that was taken in this transaction, which holds the limit still."""
        for kind in KINDS.values():
            slots, limits = kind.slots, kind.limits
            new = select(slots.c.limit_id).where(slots.c.created == now)
            held = select(func.count()).where(slots.c.limit_id == limits.c.id).correlate(limits).scalar_subquery()
            for row in tx.rows(select(limits.c.name, limits.c.limit, held.label("held")).where(limits.c.id.in_(new))):
                if row.held > row.limit:
                    self.faults.append(f"{row.held} hold {row.limit} slots of {row.name}")

    def settle(self) -> None:
        """Let everybody ask whose turn it is, until it is nobody's."""
        while self.turns:
            run_id = min(self.turns)
            self.turns.discard(run_id)
            kind = "task" if run_id in self.runs["task"] else "flow"
            if self.backend.rows(KINDS[kind].waiters, **{f"{kind}_run_id": run_id}):
                self.act(("enter", (kind, self.runs[kind].index(run_id)), 0))

    def check(self) -> None:
        """Assert that no slot is overdrawn or held in vain, and that nobody listens who could start."""
        assert self.faults == []
        check_slots(self.backend)
        for kind in KINDS.values():
            for row in self.backend.rows(kind.limits):
                free = row["limit"] - self.backend.count(kind.slots, limit_id=row["id"])
                waiters = self.backend.rows(kind.waiters, limit_id=row["id"])
                listening = [one[kind.run_id] for one in waiters if one["listens_until"] is not None]
                assert free <= 0 or not listening, f"{listening} wait for {row['name']}, of which {free} slots are free"

    def holders(self, kind: Kind) -> list[str]:
        return [row[kind.run_id] for row in self.backend.rows(kind.slots)]


@given(NAMED, LIMITS, PROGRAMS)
# Threads never meet twice in the same way, so a failing program is not made smaller.
@settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
def test_any_program_of_many_clients_keeps_the_limits_and_forgets_nobody(
    backend: Backend, names: list[list[str]], limits: list[int], programs: list[list[Step]]
) -> None:
    for kind in KINDS.values():
        for row in backend.rows(kind.limits):
            backend.run(f"delete_{kind.limits.name}", limit_id=row["id"])
    world = World(backend, names)
    for index, number in enumerate(limits):
        world.limit("task" if index < 3 else "flow", NAMES[index % 3], number)

    def follow(program: list[Step]) -> None:
        for step in program:
            world.act(step)

    with ThreadPoolExecutor(len(programs)) as pool:
        list(pool.map(follow, programs))
    world.settle()
    world.check()
    # As one after the other ends, all who listen get their turns.
    for name, kind in KINDS.items():
        while holders := world.holders(kind):
            world.set(name, min(holders), "Success")
            world.settle()
            world.check()
