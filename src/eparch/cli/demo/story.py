"""In charge of what happens in the demo: which runs there are, what they are to become, and what became of them.

Not in charge of the server, the agent and the screen.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from eparch.cli.connection import Api
from eparch.cli.demo.children import DemoError
from eparch.core.instants import timestamp_text
from eparch.core.states import ENDING

PROJECT: Final = "demo"

_PAUSE_S: Final = 0.5
_RUN: Final = """id name state scheduled_start_time start_time end_time flow { name }
  task_runs(where: {state: {_eq: "Paused"}}) { id } task_runs_aggregate { aggregate { count } }"""


@dataclass(frozen=True, slots=True)
class Act:
    """A run to make.

    Attributes:
        flow: name of the flow.
        name: name of the run.
        expected: the state that it is to come to.
        remark: what there is to see in it.
        is_late_by: how long ago it was due.
        task_waits: it is left as it is once a task waits for approval.
        is_approved: as soon as a task waits for approval, it is given.
    """

    flow: str
    name: str
    expected: str
    remark: str
    parameters: dict[str, Any] = field(default_factory=dict)
    is_late_by: timedelta = timedelta(0)
    task_waits: bool = False
    is_approved: bool = False


ACTS: Final = (
    Act("etl", "etl of 200 rows", "Success", "parameters of its own", {"rows": 200}),
    Act("flaky", "at the third attempt", "Success", "a task that fails twice"),
    Act("broken", "beyond repair", "Failed", "fails on purpose, after a retry"),
    Act("mapping", "hundreds of squares", "Success", "300 mapped children", {"count": 300}),
    Act("artifacts", "a report", "Success", "a link, a table, Markdown, progress"),
    Act("parent", "one for each region", "Success", "starts and awaits two child runs"),
    Act("approval", "approved", "Success", "the demo gives its approval", is_approved=True),
    Act("approval", "waiting for you", "Running", "waits for approval", task_waits=True),
    Act("training", "no GPU anywhere", "Scheduled", "late: no agent has its label", is_late_by=timedelta(minutes=10)),
)


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a run; `duration_s` is None where it has not ended."""

    flow: str
    name: str
    state: str
    expected: str
    task_runs: int
    duration_s: float | None
    remark: str

    @property
    def is_as_expected(self) -> bool:
        """Whether it has become what it was to become."""
        return self.state == self.expected


class Story:
    """The runs of the demo on a server."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._acts: dict[str, Act] = {}

    def start(self) -> None:
        """Make the run of every act."""
        current = self._api.rows("flow", "id name", {"archived": {"_eq": False}})
        ids = {flow["name"]: flow["id"] for flow in current}
        for act in ACTS:
            given = {"flow_id": ids[act.flow], "flow_run_name": act.name, "parameters": act.parameters}
            if act.is_late_by:
                given["scheduled_start_time"] = timestamp_text(datetime.now(UTC) - act.is_late_by)
            self._acts[self._api.change("create_flow_run", "id", **given)["id"]] = act

    def play(self, deadline_s: float) -> None:
        """Wait until every run has become what it is to become, and the scheduled flow has run once.

        Returns at the deadline too, with the runs as they then are.
        """
        deadline = time.monotonic() + deadline_s
        while time.monotonic() < deadline:
            unfinished = [run for run in self._runs() if not self._has_ended(run)]
            if not unfinished and self._scheduled("Success"):
                return
            time.sleep(_PAUSE_S)

    def endings(self) -> list[Ending]:
        """Return what became of the acts, of the children that they started, and of the schedule.

        Raises:
            DemoError: some of those are missing.
        """
        acts = [self._ending(run, self._acts[run["id"]].expected, self._acts[run["id"]].remark) for run in self._runs()]
        children = self._of_flow("child")
        executed = [run for run in self._of_flow("scheduled") if run["state"] != "Scheduled"]
        upcoming = len(self._scheduled("Scheduled"))
        plan = Ending("scheduled", "", f"{upcoming} upcoming", f"{upcoming} upcoming", 0, None, "one every minute")
        if not children or not executed or not upcoming:
            raise DemoError(
                f"of child runs ({len(children)}), runs by schedule ({len(executed)}) and upcoming runs ({upcoming}) "
                "some are missing"
            )
        return [
            *acts,
            *(self._ending(run, "Success", "started by the parent") for run in children),
            *(self._ending(run, "Success", "due by its schedule") for run in executed),
            plan,
        ]

    def _runs(self) -> list[dict[str, Any]]:
        order = list(self._acts)
        rows = self._api.rows("flow_run", _RUN, {"id": {"_in": order}})
        return sorted(rows, key=lambda row: order.index(row["id"]))

    def _of_flow(self, name: str) -> list[dict[str, Any]]:
        return self._api.rows("flow_run", _RUN, {"flow": {"name": {"_eq": name}}}, order="{created: asc}")

    def _scheduled(self, state: str) -> list[dict[str, Any]]:
        where = {"flow": {"name": {"_eq": "scheduled"}}, "auto_scheduled": {"_eq": True}, "state": {"_eq": state}}
        return self._api.rows("flow_run", "id", where)

    def _has_ended(self, run: dict[str, Any]) -> bool:
        act = self._acts[run["id"]]
        paused = [task_run["id"] for task_run in run["task_runs"]]
        if act.is_late_by:
            return True
        if act.task_waits:
            return bool(paused)
        if act.is_approved and paused:
            resume = {
                "type": "Resume",
                "message": "approved by the demo",
                "start_time": timestamp_text(datetime.now(UTC)),
            }
            self._api.set_task_run_states(paused, resume)
        return run["state"] in ENDING

    def _ending(self, run: dict[str, Any], expected: str, remark: str) -> Ending:
        duration_s = None
        if run["start_time"] and run["end_time"]:
            taken = datetime.fromisoformat(run["end_time"]) - datetime.fromisoformat(run["start_time"])
            duration_s = taken.total_seconds()
        count = run["task_runs_aggregate"]["aggregate"]["count"]
        return Ending(run["flow"]["name"], run["name"], run["state"], expected, count, duration_s, remark)
