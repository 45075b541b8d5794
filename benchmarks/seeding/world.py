"""In charge of putting a seeded database together, in the order in which its parts need each other."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import func, select

from eparch.core.principals import Principal
from eparch.database.engines import parse_url, writing_engine
from eparch.database.migrate import prepare
from eparch.database.tables import flow as flow_table
from eparch.database.tables import tenant
from eparch.database.transactions import Transaction
from eparch.operations.concurrency_limits import update_flow_concurrency_limit, update_task_concurrency_limit
from eparch.operations.first_tenant import make_first_tenant
from eparch.operations.schedule_runs import schedule_flow_runs

from .flows import COLUMNS, Flow, Flows
from .hostile import (
    NAMES,
    PROJECT,
    SCRIPT,
    hostile_artifact_rows,
    hostile_flow,
    hostile_log_rows,
    hostile_run,
)
from .loader import Cells, Loader, loading
from .logs import LOG_COLUMNS, Logs
from .runs import (
    FAILED,
    FLOW_RUN_COLUMNS,
    Run,
    StateAt,
    flow_run_rows,
    past_runs,
    present_runs,
    state_columns,
    state_rows,
)
from .sizes import Sizes
from .surroundings import (
    AGENT_COLUMNS,
    AGENTS,
    ARTIFACT_COLUMNS,
    KEY_VALUE_COLUMNS,
    agent_rows,
    artifact_rows,
    key_value_rows,
)
from .task_runs import TASK_RUN_COLUMNS, TaskRun, histories, task_run_rows, task_runs_of
from .values import MINUTE, SECOND, ids, instant_text, microseconds
from .words import Shape, TaskShape

WIDE_FLOW = "score-every-customer"
WIDE_RUN = "wide-octopus"
TASK_LIMITS = {"warehouse": 4, "write": 1, "api": 10}
FLOW_LIMITS = {"etl": 20, "gpu": 3, "eu-west": 0}
_WIDE_MINUTES = 47
_NUMBERED = ("flow_run_state", "task_run", "task_run_state", "log", "task_run_artifact")


class NotEmpty(Exception):
    """The database holds flows already."""


def seed(
    database_url: str, sizes: Sizes, *, now: datetime, random_seed: int = 1, say: Callable[[str], None] = lambda _: None
) -> dict[str, int]:
    """Fill a database without flows; return how many rows each table got.

    The same arguments give the same rows, but for the next runs of schedules, which the server's own scheduler makes.

    Args:
        now: the present; the seeded past ends here.
        say: is told what is being done.
    Raises:
        NotEmpty: the database has flows.
    """
    prepare(database_url)
    tenant_id = _tenant(database_url, now)
    with loading(database_url) as loader:
        world = _World(loader, tenant_id, microseconds(now), sizes, random.Random(random_seed), say)
        world.make()
    say("limits and upcoming runs")
    engine = writing_engine(parse_url(database_url))
    with engine.begin() as connection:
        tx, principal = Transaction(connection), Principal(tenant_id)
        # A limit gives slots to the runs that are being carried out.
        for name, limit in TASK_LIMITS.items():
            update_task_concurrency_limit(tx, principal, {"name": name, "limit": limit}, now)
        for label, limit in FLOW_LIMITS.items():
            update_flow_concurrency_limit(tx, principal, {"label": label, "limit": limit}, now)
        schedule_flow_runs(tx, None, now)
    engine.dispose()
    return loader.counts


def _tenant(database_url: str, now: datetime) -> str:
    engine = writing_engine(parse_url(database_url))
    try:
        with engine.begin() as connection:
            tx = Transaction(connection)
            make_first_tenant(tx, now)
            if tx.scalar(select(func.count()).select_from(flow_table)):
                raise NotEmpty(
                    "the database holds flows already; give the address of one that is empty or not there yet"
                )
            tenant_id: str = tx.scalar(select(tenant.c.id).order_by(tenant.c.created, tenant.c.id).limit(1))
            return tenant_id
    finally:
        engine.dispose()


class _World:
    def __init__(
        self,
        loader: Loader,
        tenant_id: str,
        now_us: int,
        sizes: Sizes,
        rng: random.Random,
        say: Callable[[str], None],
    ) -> None:
        self._loader, self._tenant_id, self._now_us, self._sizes, self._rng = loader, tenant_id, now_us, sizes, rng
        self._say = say
        self._ids = {table: ids(number) for number, table in enumerate(_NUMBERED, 0x10)}
        self._logs = Logs(tenant_id, self._ids["log"].__next__, rng)

    def make(self) -> None:
        """Write everything."""
        flows = Flows(self._tenant_id, self._now_us, self._sizes.days, self._rng)
        ordinary = list(flows.many(self._sizes.flows))
        wide = self._wide_run(flows)
        hostile = self._hostile_runs(flows) if self._sizes.is_hostile else []
        for table, rows in flows.rows.items():
            self._loader.write(table, COLUMNS[table], rows)
        self._loader.write("agent", AGENT_COLUMNS, agent_rows(self._tenant_id, self._now_us))
        self._loader.write(
            "key_value",
            KEY_VALUE_COLUMNS,
            key_value_rows(self._tenant_id, self._now_us, is_hostile=bool(self._sizes.is_hostile)),
        )

        self._say("flow runs")
        past = past_runs(ordinary, self._sizes.flow_runs, self._now_us, self._sizes.days, self._rng)
        present = list(present_runs(ordinary, self._now_us, self._rng))
        runs = [*past, *present, wide, *hostile]
        self._sign(runs)
        plan = self._with_task_runs(past, present)
        for run in (*plan, wide, *hostile):
            run.has_task_runs = True
        self._loader.write("flow_run", FLOW_RUN_COLUMNS, flow_run_rows(self._tenant_id, runs))
        self._write_states("flow_run", ((run.id, run.states) for run in runs))
        beats = [(run.id, instant_text(run.heartbeat_us)) for run in runs if run.heartbeat_us is not None]
        self._loader.write("flow_run_heartbeat", ("flow_run_id", "heartbeat"), beats)

        self._say("task runs and logs")
        self._write_task_runs(plan, self._sizes.log_lines)
        self._write_task_runs([wide], self._sizes.wide_log_lines, children=self._sizes.wide_children)
        self._write_hostile(hostile)

    def _sign(self, runs: Sequence[Run]) -> None:
        """Give runs their ids, in the order of their beginnings, and the agents that took them."""
        agents = [agent_id for agent_id, _ in zip(ids(6), AGENTS, strict=False)]
        for run, run_id in zip(sorted(runs, key=lambda one: one.scheduled_us), ids(9), strict=False):
            run.id = run_id
            if run.start_us is not None:
                run.agent_id = agents[hash_of(run.flow.name) % 4]

    def _with_task_runs(self, past: Sequence[Run], present: Sequence[Run]) -> list[Run]:
        """Return the newest runs that fill the number of task runs; those of schedules that wait have none yet."""
        chosen, left = [], self._sizes.task_runs
        for run in (*reversed(present), *reversed(past)):
            if left <= 0:
                break
            if run.start_us is None and run.is_auto:
                continue
            chosen.append(run)
            # A mapped task has seven children on average.
            left -= sum(8 if task.is_mapped and run.start_us is not None else 1 for task in run.flow.shape.tasks)
            left -= len(run.flow.shape.parameters)
        return chosen[::-1]

    def _write_task_runs(self, runs: Sequence[Run], log_lines: int, children: int | None = None) -> None:
        each = log_lines // max(1, len(runs))
        for start in range(0, len(runs), 1_000):
            made = [
                (run, list(task_runs_of(run, self._ids["task_run"].__next__, self._rng, children)))
                for run in runs[start : start + 1_000]
            ]
            task_runs = [one for _, ones in made for one in ones]
            self._loader.write("task_run", TASK_RUN_COLUMNS, task_run_rows(self._tenant_id, task_runs))
            self._write_states("task_run", histories(task_runs))
            beats = [
                (one.id, instant_text(one.run.heartbeat_us))
                for one in task_runs
                if one.state.name == "Running" and one.run.heartbeat_us is not None
            ]
            self._loader.write("task_run_heartbeat", ("task_run_id", "heartbeat"), beats)
            self._loader.write("log", LOG_COLUMNS, self._lines(made, each))
            artifacts = artifact_rows(self._tenant_id, task_runs, self._ids["task_run_artifact"], self._rng)
            self._loader.write("task_run_artifact", ARTIFACT_COLUMNS, artifacts)

    def _lines(self, made: Sequence[tuple[Run, list[TaskRun]]], each: int) -> Iterator[Cells]:
        for run, task_runs in made:
            yield from self._logs.of_run(run, task_runs, each)

    def _write_states(self, run: str, past: Iterator[tuple[str, Sequence[StateAt]]]) -> None:
        rows = state_rows(self._tenant_id, self._ids[f"{run}_state"], past)
        self._loader.write(f"{run}_state", state_columns(run), rows)

    def _wide_run(self, flows: Flows) -> Run:
        shape = Shape(
            (("model", "v3"), ("threshold", 0.5)),
            (
                TaskShape("list_customers"),
                TaskShape("score", ("list_customers",), is_mapped=True, retries_max=3, tags=("gpu",)),
                TaskShape("summarise", ("score",)),
                TaskShape("publish", ("summarise",)),
            ),
        )
        flow = Flow(WIDE_FLOW, "", "machine-learning", shape, ["prod", "etl"], None, 0.0, _WIDE_MINUTES * 60.0, 0.0)
        flows.add(flow)
        start_us = self._now_us - (_WIDE_MINUTES + 12) * MINUTE
        run = Run(flow, flow.versions[-1], start_us - 2 * SECOND, start_us, start_us + _WIDE_MINUTES * MINUTE)
        run.name, run.parameters = WIDE_RUN, flow.parameters
        assert run.end_us is not None
        run.states = [
            StateAt("Scheduled", start_us - MINUTE, "Flow run scheduled.", run.scheduled_us),
            StateAt("Submitted", start_us - SECOND, "Submitted for execution"),
            StateAt("Running", start_us, "Running flow."),
            StateAt("Failed", run.end_us, FAILED),
        ]
        return run

    def _hostile_runs(self, flows: Flows) -> list[Run]:
        flows.add_project(PROJECT, SCRIPT)
        made = [flows.add(hostile_flow(name), description=SCRIPT) for name in NAMES]
        return [
            hostile_run(flow, name, self._now_us - number * MINUTE)
            for number, (flow, name) in enumerate(zip(made, NAMES, strict=True))
        ]

    def _write_hostile(self, runs: Sequence[Run]) -> None:
        for run in runs:
            task_runs = list(task_runs_of(run, self._ids["task_run"].__next__, self._rng))
            self._loader.write("task_run", TASK_RUN_COLUMNS, task_run_rows(self._tenant_id, task_runs))
            self._write_states("task_run", histories(task_runs))
            first = next(one for one in task_runs if one.task == SCRIPT)
            lines = hostile_log_rows(self._tenant_id, run, first, self._ids["log"])
            self._loader.write("log", LOG_COLUMNS, lines)
            artifacts = hostile_artifact_rows(self._tenant_id, first, self._ids["task_run_artifact"])
            self._loader.write("task_run_artifact", ARTIFACT_COLUMNS, artifacts)


def hash_of(name: str) -> int:
    """Return a number of a name, the same in every process, which Python's own `hash` is not."""
    return sum(name.encode())
