"""Results that may be used again, as the server remembers them.

In charge of asking for them, once for each task of a run; not in charge of judging them (`caching`).
"""

from datetime import UTC, datetime
from typing import Final

from eparch.client.client import Client
from eparch.core.instants import timestamp_text
from eparch.sdk.state_documents import state_of_document
from eparch.sdk.states import Cached
from eparch.sdk.tasks import Task

_QUERY: Final = """query($where: task_run_bool_exp!) {
  task_run(where: $where, order_by: [{state_timestamp: desc}], limit: 100) { serialized_state }
}"""


class ServerCaches:
    """Results of earlier runs, in this process or elsewhere."""

    def __init__(self, client: Client, task_ids: dict[str, str]) -> None:
        self._client = client
        self._task_ids = task_ids
        self._found: dict[str, list[Cached]] = {}

    def candidates(self, task: Task, slug: str) -> list[Cached]:
        """Return earlier results of a task, or of those with its cache key, newest first."""
        if slug not in self._found:
            assert task.cache_for is not None
            since = datetime.now(UTC) - task.cache_for
            own = (
                {"cache_key": {"_eq": task.cache_key}} if task.cache_key else {"task_id": {"_eq": self._task_ids[slug]}}
            )
            where = {"state": {"_eq": "Cached"}, "state_timestamp": {"_gte": timestamp_text(since)}, **own}
            rows = self._client.ask(_QUERY, {"where": where})["task_run"]
            found = [state_of_document(row["serialized_state"]) for row in rows]
            self._found[slug] = [state for state in found if isinstance(state, Cached)]
        return self._found[slug]

    def keep(self, task: Task, slug: str, state: Cached) -> None:
        """Remember a result for this run; the server has it from its own state."""
        self._found.setdefault(slug, []).insert(0, state)
