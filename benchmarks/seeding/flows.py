"""In charge of projects, flows, their versions, tasks, edges and schedules; not in charge of their runs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

from .loader import Cells
from .values import DAY, ids, instant_text, json_text
from .words import LABELS, NOUNS, PROJECTS, SHAPES, VERBS, Shape, TaskShape

PARAMETER = "prefect.core.parameter.Parameter"
FUNCTION = "prefect.tasks.core.function.FunctionTask"


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a flow: its ids by task name, and since when it is the newest (microseconds)."""

    id: str
    number: int
    since_us: int
    task_ids: dict[str, str]


@dataclass(slots=True)
class Flow:
    """A flow group with what its runs need to know."""

    name: str
    group_id: str
    project: str
    shape: Shape
    labels: list[str]
    clock: dict[str, object] | None
    failure_rate: float
    seconds: float
    weight: float
    versions: list[Version] = field(default_factory=list)

    @property
    def is_scheduled(self) -> bool:
        return self.clock is not None

    @property
    def parameters(self) -> dict[str, object]:
        return dict(self.shape.parameters)

    def version_at(self, time_us: int) -> Version:
        """Return the version that was the newest at an instant; the first one for all instants before."""
        return next((one for one in reversed(self.versions) if one.since_us <= time_us), self.versions[0])


class Flows:
    """Makes the rows."""

    def __init__(self, tenant_id: str, now_us: int, days: int, rng: random.Random) -> None:
        self._tenant_id = tenant_id
        self._now_us = now_us
        self._days = days
        self._rng = rng
        self._flow_ids, self._task_ids, self._edge_ids, self._group_ids = ids(3), ids(4), ids(5), ids(2)
        self._new_project_ids = ids(1)
        self.project_ids: dict[str, str] = {}
        self.rows: dict[str, list[Cells]] = {"project": [], "flow_group": [], "flow": [], "task": [], "edge": []}
        self._born = instant_text(now_us - days * DAY)
        for name, description in PROJECTS.items():
            self.add_project(name, description)

    def many(self, count: int) -> Iterator[Flow]:
        """Make so many flows that look like those of a company."""
        names = list(product(VERBS, NOUNS))
        self._rng.shuffle(names)
        for number in range(count):
            verb, noun = names[number % len(names)]
            name = f"{verb}-{noun}" + (f"-{number // len(names) + 1}" if number >= len(names) else "")
            # A few flows run all day and most run once a day.
            weight = 1 / (1 + number) ** 0.7
            flow = Flow(
                name=name,
                group_id="",
                project=self._rng.choice(list(PROJECTS)),
                shape=SHAPES[number % len(SHAPES)],
                labels=list(LABELS[number % len(LABELS)]),
                clock=self._clock(number) if number % 5 != 4 else None,
                failure_rate=self._rng.choice((0.002, 0.01, 0.01, 0.02, 0.05, 0.25)),
                seconds=self._rng.lognormvariate(4.5, 1.1),
                weight=weight,
            )
            self.add(flow, versions=1 + number % 4, is_active=number % 3 != 2)
            yield flow

    def add_project(self, name: str, description: str | None) -> None:
        """Make a project."""
        project_id = self.project_ids[name] = next(self._new_project_ids)
        self.rows["project"].append((project_id, self._born, self._born, self._tenant_id, name, description))

    def add(self, flow: Flow, *, versions: int = 1, is_active: bool = False, description: str | None = None) -> Flow:
        """Make the group, versions, tasks and edges of a flow, and note them in it."""
        flow.group_id = next(self._group_ids)
        settings = {"heartbeat_enabled": True, "lazarus_enabled": True, "version_locking_enabled": False}
        told = description if description is not None else f"# {flow.name}\n\nOwned by the *{flow.project}* team."
        self.rows["flow_group"].append(
            (
                flow.group_id,
                self._born,
                self._born,
                self._tenant_id,
                flow.group_id,
                json_text(flow.labels) if flow.labels else None,
                json_text(settings),
                "{}",
                told,
            )
        )
        for number in range(1, versions + 1):
            since_us = self._now_us - (versions - number) * self._days * DAY // versions - self._days * DAY // 3
            self._add_version(flow, number, since_us, is_last=number == versions, is_active=is_active)
        return flow

    def _add_version(self, flow: Flow, number: int, since_us: int, *, is_last: bool, is_active: bool) -> None:
        flow_id, since = next(self._flow_ids), instant_text(since_us)
        own = (since, since, self._tenant_id, flow_id)
        tasks = [*(TaskShape(name) for name, _ in flow.shape.parameters), *flow.shape.tasks]
        version = Version(flow_id, number, since_us, {task.name: next(self._task_ids) for task in tasks})
        flow.versions.append(version)
        parameters = [
            {"name": name, "slug": name, "default": default, "required": False, "type": PARAMETER, "tags": []}
            for name, default in flow.shape.parameters
        ]
        schedule = json_text({"type": "Schedule", "clocks": [flow.clock]}) if flow.clock else None
        storage = {"type": "Local", "path": f"/srv/flows/{flow.name}.py", "stored_as_script": True}
        run_config = {"type": "UniversalRun", "labels": flow.labels, "env": None, "__version__": "1.4.1"}
        document = json_text({"name": flow.name, "type": "prefect.core.flow.Flow", "parameters": parameters})
        self.rows["flow"].append(
            (
                flow_id,
                since,
                since,
                self._tenant_id,
                self.project_ids[flow.project],
                flow.group_id,
                flow.name,
                number,
                flow.group_id,
                not is_last,
                "1.4.1",
                json_text(run_config),
                json_text(storage),
                json_text(parameters),
                schedule,
                is_last and is_active and schedule is not None,
                document,
                "{}",
            )
        )
        followed = {name for task in tasks for name in task.after}
        names = [name for name, _ in flow.shape.parameters]
        edges = [(up, task.name, None, task.is_mapped) for task in flow.shape.tasks for up in task.after]
        edges += [(name, flow.shape.tasks[0].name, name, False) for name in names]
        for task in tasks:
            is_parameter = task.name in names
            self.rows["task"].append(
                (
                    version.task_ids[task.name],
                    *own,
                    task.name,
                    task.name if is_parameter else f"{task.name}-1",
                    PARAMETER if is_parameter else FUNCTION,
                    "prefect.triggers.all_successful",
                    task.retries_max,
                    60 if task.retries_max else None,
                    json_text(list(task.tags)),
                    task.is_mapped,
                    False,
                    not task.after and not (names and task is flow.shape.tasks[0]),
                    task.name not in followed and not is_parameter,
                    task.name not in followed and not is_parameter,
                )
            )
        for up, down, key, is_mapped in edges:
            self.rows["edge"].append(
                (next(self._edge_ids), *own, version.task_ids[up], version.task_ids[down], key, is_mapped)
            )

    def _clock(self, number: int) -> dict[str, object]:
        common = {"start_date": None, "end_date": None, "parameter_defaults": {}, "labels": None}
        match number % 4:
            case 0:
                minute, hour = self._rng.randrange(60), self._rng.randrange(24)
                return {"type": "CronClock", "cron": f"{minute} {hour} * * *", "day_or": True, **common}
            case 1:
                return {"type": "CronClock", "cron": f"{self._rng.randrange(60)} * * * 1-5", "day_or": True, **common}
            case 2:
                return {"type": "IntervalClock", "interval": self._rng.choice((15, 30, 60)) * 60_000_000, **common}
            case _:
                return {"type": "CronClock", "cron": "30 6 1 * *", "day_or": True, **common}


COLUMNS = {
    "project": ("id", "created", "updated", "tenant_id", "name", "description"),
    "flow_group": (
        "id",
        "created",
        "updated",
        "tenant_id",
        "name",
        "labels",
        "settings",
        "default_parameters",
        "description",
    ),
    "flow": (
        "id",
        "created",
        "updated",
        "tenant_id",
        "project_id",
        "flow_group_id",
        "name",
        "version",
        "version_group_id",
        "archived",
        "core_version",
        "run_config",
        "storage",
        "parameters",
        "schedule",
        "is_schedule_active",
        "serialized_flow",
        "settings",
    ),
    "task": (
        "id",
        "created",
        "updated",
        "tenant_id",
        "flow_id",
        "name",
        "slug",
        "type",
        "trigger",
        "max_retries",
        "retry_delay",
        "tags",
        "mapped",
        "auto_generated",
        "is_root_task",
        "is_terminal_task",
        "is_reference_task",
    ),
    "edge": (
        "id",
        "created",
        "updated",
        "tenant_id",
        "flow_id",
        "upstream_task_id",
        "downstream_task_id",
        "key",
        "mapped",
    ),
}
