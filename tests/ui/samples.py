"""In charge of the seeded database that the pages are shown with, and of the ids in it that pages are about."""

from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx

from benchmarks.seeding.hostile import NAMES
from benchmarks.seeding.sizes import SIZES
from benchmarks.seeding.world import WIDE_RUN, seed


def seed_for_pages(database_url: str) -> None:
    """Fill a database; what it says of the present is true for the minutes that the tests take."""
    seed(database_url, SIZES["small"], now=datetime.now(UTC))


class Samples:
    """Ids of the seeded database, found through the API of a server on it, by the names that paths give them."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, query: str, **variables: Any) -> Any:
        """Return the data of a query.

        Raises:
            AssertionError: it was answered with errors.
        """
        answer = httpx.post(f"{self._url}/graphql", json={"query": query, "variables": variables}, timeout=30).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def path(self, pattern: str) -> str:
        """Return an address with ids in place of names in braces."""
        ids = {**self._ids, **self._hostile_ids} if "{hostile" in pattern else self._ids
        for name, value in ids.items():
            pattern = pattern.replace(f"{{{name}}}", value)
        assert "{" not in pattern, f"no sample for {pattern}"
        return pattern

    @cached_property
    def _ids(self) -> dict[str, str]:
        failed = self._run({"state": {"_eq": "Failed"}, "name": {"_nin": [WIDE_RUN, *NAMES]}, "task_runs": {}})
        flow = self.ask(
            "query ($id: uuid!) { flow_run_by_pk(id: $id) { flow { id flow_group_id project_id } } }", id=failed
        )
        task_runs = self.ask(
            'query ($id: uuid) { task_run(where: {flow_run_id: {_eq: $id}, state: {_eq: "Failed"}}, limit: 1) { id } }',
            id=failed,
        )["task_run"]
        return {
            "flow_run": failed,
            "task_run": task_runs[0]["id"],
            "flow": flow["flow_run_by_pk"]["flow"]["id"],
            "flow_group": flow["flow_run_by_pk"]["flow"]["flow_group_id"],
            "project": flow["flow_run_by_pk"]["flow"]["project_id"],
            "wide_run": self._run({"name": {"_eq": WIDE_RUN}}),
            "running_run": self._run({"state": {"_eq": "Running"}}),
            "late_run": self._run({"state": {"_eq": "Scheduled"}, "labels": {"_contains": ["legacy"]}}),
        }

    @cached_property
    def _hostile_ids(self) -> dict[str, str]:
        run = self._run({"name": {"_eq": NAMES[0]}})
        found = self.ask(
            "query ($id: uuid!) { flow_run_by_pk(id: $id) { flow { id } task_runs(limit: 1) { id } } }", id=run
        )["flow_run_by_pk"]
        return {
            "hostile_run": run,
            "hostile_task_run": found["task_runs"][0]["id"],
            "hostile_flow": found["flow"]["id"],
        }

    def _run(self, where: dict[str, Any]) -> str:
        query = "query ($w: flow_run_bool_exp) { flow_run(where: $w, order_by: {start_time: desc}, limit: 1) { id } }"
        found = self.ask(query, w=where)["flow_run"]
        assert found, f"no seeded run for {where}"
        run_id: str = found[0]["id"]
        return run_id
