"""What the server is told of a run's tasks, and what it is asked before they start.

In charge of turning states into calls of the reporter; not in charge of sending (`eparch.client.reporter`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import uuid4

from eparch.client.client import Client
from eparch.client.errors import ClientError, VersionConflict
from eparch.client.flow_runs import TaskRunInfo, TaskRunNow, start_task_runs, task_runs_now
from eparch.client.reporter import Place, Reporter
from eparch.sdk import states
from eparch.sdk.context import Lazy
from eparch.sdk.engine.plan import Step
from eparch.sdk.executors.executor import Events, Stopped
from eparch.sdk.logs import without_secrets
from eparch.sdk.state_documents import state_document, state_of_document
from eparch.sdk.states import State

# How soon a run that found no free slot asks again.
_ASK_AGAIN_S: Final = 2.0
# Servers take states of about a million bytes; a character may need six of them.
_MESSAGE_CHARACTERS_MAX: Final = 100_000
_CUT: Final = " [cut: the message was longer]"
_ELSEWHERE: Final = "Somebody else carries this task run out."


class TaskReporting:
    """Tells the server of every state of a task run, and asks it where its answer decides something.

    Args:
        task_ids: the id of each step's task, by slug.
        limited_tags: the tags of which only so many runs may be in progress at once.
        sends_away: whether tasks run in other processes, which cannot ask for their ids later.
    """

    def __init__(
        self,
        client: Client,
        reporter: Reporter,
        task_ids: dict[str, str],
        task_runs: Sequence[TaskRunInfo],
        events: Events,
        *,
        is_version_locked: bool,
        limited_tags: set[str],
        sends_away: bool,
    ) -> None:
        self._client = client
        self._reporter = reporter
        self._task_ids = task_ids
        self._events = events
        self._is_version_locked = is_version_locked
        self._sends_away = sends_away
        # Tells our own start from somebody else's when the answer to it was lost.
        self._program = uuid4().hex
        self._limited_tags = limited_tags
        self._tags: dict[str, frozenset[str]] = {}
        reporter.know({(run.task_id, run.map_index): run.id for run in task_runs})

    # ---- for the driver ----

    def entered(self, step: Step, map_index: int, state: State) -> None:
        """Tell that a task run has entered a state."""
        place = self._place(step, map_index)
        name = (state.context or {}).get("task_run_name")
        if isinstance(name, str):
            self._reporter.task_name(place, name)
        self._reporter.task_state(place, partial(_told, state))
        if isinstance(state, states.Mapped) and map_index < 0:
            # All at once now, rather than a few with each batch later.
            self._reporter.expect([(place[0], index) for index in range(state.n_map_states)])

    def task_run_id(self, step: Step, map_index: int) -> str | Lazy | None:
        """Return the id of a task run, at once where it is known or must be."""
        place = self._place(step, map_index)
        known = self._reporter.known_id(place)
        if known is not None:
            return known
        if self._sends_away:
            return self._reporter.task_run_id(place)
        return Lazy(lambda: self._reporter.task_run_id(place))

    def asks_leave(self, step: Step) -> bool:
        """Return whether the server may have something against a start: a limit on a tag, or a version lock."""
        if step.task.tags:
            self._tags[self._task_ids[step.slug]] = frozenset(step.task.tags)
        return self._is_version_locked or not self._limited_tags.isdisjoint(step.task.tags)

    def leave(self, runs: Sequence[tuple[Step, int]]) -> list[State | None]:
        """Ask for leave to start runs, all in one call, or in two under version locking."""
        places = [self._place(step, map_index) for step, map_index in runs]
        ids = self._reporter.ids_of(places)
        # What was told before must be there before.
        self._reporter.flush()
        found: list[TaskRunNow | None] = [None] * len(ids)
        if self._is_version_locked:
            found = [*task_runs_now(self._client, ids)]
        answers: list[State | None] = [None if now is None else self._taken(now) for now in found]
        asking = [index for index, answer in enumerate(answers) if answer is None]
        wanted: list[tuple[str, int | None, Mapping[str, Any]]] = []
        for index in asking:
            context = {"tags": sorted(runs[index][0].task.tags), "program": self._program}
            running = states.Running("Starting task run.", context=context)
            now = found[index]
            wanted.append((ids[index], None if now is None else now.version, state_document(running)))
        for index, answer in zip(asking, start_task_runs(self._client, wanted), strict=True):
            answers[index] = self._judged(ids[index], answer)
        return answers

    # ---- answers ----

    def queued(self, place: Place) -> None:
        """Take note that a run which has not asked should have: a limit was set meanwhile, and the next ones ask."""
        tags = self._tags.get(place[0])
        if tags is not None:
            self._limited_tags |= tags

    def refused(self, place: Place, error: ClientError) -> None:
        """Take note that the server refuses a state: the flow run was ended from outside, or is gone."""
        self._events.put(Stopped(states.ClientFailed(f"The server refuses a state of a task run: {error.message}")))

    def _judged(self, task_run_id: str, answer: dict[str, Any] | ClientError) -> State | None:
        if isinstance(answer, VersionConflict):
            # Between the question and the start somebody else was quicker, or the answer to our own start was lost.
            (now,) = task_runs_now(self._client, [task_run_id])
            is_ours = ((now.state or {}).get("context") or {}).get("program") == self._program
            return None if is_ours else self._taken(now) or states.Running(_ELSEWHERE)
        if isinstance(answer, ClientError):
            return states.ClientFailed(f"The server refuses to start a task: {answer.message}")
        if answer["status"] == "QUEUED":
            until = datetime.now(UTC) + timedelta(seconds=_ASK_AGAIN_S)
            return states.Queued(answer.get("message") or "Waiting for a slot.", start_time=until)
        return None

    def _place(self, step: Step, map_index: int) -> Place:
        return self._task_ids[step.slug], map_index

    def _taken(self, now: TaskRunNow) -> State | None:
        """Return the state of a task run that somebody else has taken; None where it may start.

        Of what somebody else carries out, a failure may be followed by a retry; so only a success is the end.
        """
        state = state_of_document(now.state or {"type": "Pending"})
        if state.is_successful():
            return state
        return states.Running(_ELSEWHERE) if state.is_running() or state.is_finished() else None


def _told(state: State) -> dict[str, Any]:
    """Return the document of a state as servers may have it: without secrets, and not too long."""
    document = state_document(state)
    if document.get("message"):
        document["message"] = without_secrets(document["message"])
    if len(document.get("message") or "") > _MESSAGE_CHARACTERS_MAX:
        document["message"] = document["message"][:_MESSAGE_CHARACTERS_MAX] + _CUT
    return document
