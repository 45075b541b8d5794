"""In charge of what happens in the demo: which runs are started, what they are to become, and what became of them.

Not in charge of the server, the agent and the screen.
"""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from children import DemoError

PROJECT = "demo"
FINISHED = {"Success", "Failed", "Cancelled"}

_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Act:
    """A run to start.

    Attributes:
        flow: name of the flow.
        name: name of the run.
        expected: the state in which it is to end.
        remark: what there is to see in it.
        task_waits: it is left as it is once a task waits for approval.
        is_approved: as soon as a task waits for approval, it is given.
    """

    flow: str
    name: str
    expected: str
    remark: str
    parameters: dict[str, Any] = field(default_factory=dict)
    task_waits: bool = False
    is_approved: bool = False


ACTS = [
    Act("etl", "etl of 200 rows", "Success", "parameters of its own", {"rows": 200}),
    Act("flaky", "at the third attempt", "Success", "a task that fails twice"),
    Act("broken", "beyond repair", "Failed", "fails on purpose, after a retry"),
    Act("mapping", "hundreds of squares", "Success", "300 mapped children", {"count": 300}),
    Act("artifacts", "a report", "Success", "a link and a page of Markdown"),
    Act("parent", "one for each region", "Success", "starts and awaits two child runs"),
    Act("approval", "approved", "Success", "the demo gives its approval", is_approved=True),
    Act("approval", "waiting for you", "Running", "waits for approval", task_waits=True),
]


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
        return self.state == self.expected


class Story:
    """The runs of the demo on the server at `url`."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=30)
        self._acts: dict[str, Act] = {}

    def close(self) -> None:
        self._client.close()

    def start(self) -> None:
        """Create the run of every act."""
        flows = self._ask("query { flow(where: {archived: {_eq: false}}) { id name } }")
        ids = {flow["name"]: flow["id"] for flow in flows}
        for act in ACTS:
            run = self._ask(
                "mutation($input: create_flow_run_input!) { create_flow_run(input: $input) { id } }",
                input={"flow_id": ids[act.flow], "flow_run_name": act.name, "parameters": act.parameters},
            )
            self._acts[run["id"]] = act

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
        """Return what became of the acts, of the children that they started, and of the schedule."""
        acts = [self._ending(run, self._acts[run["id"]].expected, self._acts[run["id"]].remark) for run in self._runs()]
        others = self._others()
        children = [self._ending(run, "Success", "started by the parent") for run in others["child"]]
        executed = [run for run in others["scheduled"] if run["state"] != "Scheduled"]
        by_clock = [self._ending(run, "Success", "due by its schedule") for run in executed]
        upcoming = len(self._scheduled("Scheduled"))
        plan = Ending("scheduled", "", f"{upcoming} upcoming", f"{upcoming} upcoming", 0, None, "one every minute")
        if not children or not executed or not upcoming:
            raise DemoError(f"of child runs, due runs and upcoming runs some are missing: {others}, {upcoming}")
        return [*acts, *children, *by_clock, plan]

    def _runs(self) -> list[dict[str, Any]]:
        rows = self._ask(f"query($ids: [uuid!]) {{ {_RUNS.format('id: {_in: $ids}')} }}", ids=list(self._acts))
        return sorted(rows, key=lambda row: list(self._acts).index(row["id"]))

    def _others(self) -> dict[str, list[dict[str, Any]]]:
        where = 'flow: {name: {_in: ["child", "scheduled"]}}'
        rows = self._ask(f"query {{ {_RUNS.format(where)} }}")
        return {name: [row for row in rows if row["flow"]["name"] == name] for name in ("child", "scheduled")}

    def _scheduled(self, state: str) -> list[Any]:
        rows = self._ask(
            """query($state: String) {
                flow_run(where: {flow: {name: {_eq: "scheduled"}}, auto_scheduled: {_eq: true}, state: {_eq: $state}}) {
                    id
                }
            }""",
            state=state,
        )
        return list(rows)

    def _has_ended(self, run: dict[str, Any]) -> bool:
        act = self._acts[run["id"]]
        paused = [task_run["id"] for task_run in run["task_runs"] if task_run["state"] == "Paused"]
        if act.task_waits:
            return bool(paused)
        if act.is_approved and paused:
            self._approve(paused)
        return run["state"] in FINISHED

    def _approve(self, task_run_ids: list[str]) -> None:
        state = {"type": "Resume", "message": "approved by the demo", "start_time": datetime.now(UTC).isoformat()}
        self._ask(
            """mutation($input: set_task_run_states_input!) {
                set_task_run_states(input: $input) { states { status } }
            }""",
            input={"states": [{"task_run_id": task_run_id, "state": state} for task_run_id in task_run_ids]},
        )

    def _ending(self, run: dict[str, Any], expected: str, remark: str) -> Ending:
        duration_s = None
        if run["start_time"] and run["end_time"]:
            duration = datetime.fromisoformat(run["end_time"]) - datetime.fromisoformat(run["start_time"])
            duration_s = duration.total_seconds()
        count = run["task_runs_aggregate"]["aggregate"]["count"]
        return Ending(run["flow"]["name"], run["name"], run["state"], expected, count, duration_s, remark)

    def _ask(self, document: str, **variables: Any) -> Any:
        """Return the value of the only root field; a DemoError if there are errors."""
        answer = self._client.post("/", json={"query": document, "variables": variables}).json()
        if "errors" in answer:
            raise DemoError(f"the server refused an operation of the demo: {answer['errors']}")
        (value,) = answer["data"].values()
        return value


_RUNS = """
    flow_run(where: {{{}}}, order_by: {{created: asc}}) {{
        id name state start_time end_time flow {{ name }}
        task_runs(where: {{state: {{_eq: "Paused"}}}}) {{ id state }}
        task_runs_aggregate {{ aggregate {{ count }} }}
    }}
"""
