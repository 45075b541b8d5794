"""What pages and clients ask of a large database.

In charge of the documents and of the ids they are about; not in charge of measuring their answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

Call = Callable[[str, dict[str, Any] | None], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Question:
    """A request that is measured.

    Attributes:
        name: for the tables of results.
        document: of GraphQL.
        variables: of the document.
        is_large: whether the answer is of megabytes, so that its time is that of making them.
    """

    name: str
    document: str
    variables: dict[str, Any]
    is_large: bool = False


_RUN_ROW = (
    "id name state state_message start_time end_time scheduled_start_time labels flow { id name project { name } }"
)
_TASK_RUN = "id map_index name state start_time end_time task { id name slug }"
_LINE = "id timestamp level name message task_run_id"


def questions(call: Call) -> list[Question]:
    """Return what is asked, about the widest flow run and the busiest flow that the database holds."""
    wide = call('{ flow_run(where: {name: {_eq: "wide-octopus"}}) { id } }', None)["flow_run"][0]["id"]
    project = call("{ project(limit: 1) { id } }", None)["project"][0]["id"]
    now = datetime.now(UTC)
    week = (now - timedelta(days=7)).isoformat()
    line = call(
        "query ($r: uuid) { log(where: {flow_run_id: {_eq: $r}}, order_by: {timestamp: asc}, limit: 1, offset: 1000)"
        " { timestamp } }",
        {"r": wide},
    )["log"][0]["timestamp"]
    return [
        Question(
            "run table: newest 50 runs of all",
            f"{{ flow_run(order_by: {{scheduled_start_time: desc}}, limit: 50) {{ {_RUN_ROW} }} }}",
            {},
        ),
        Question(
            "run table: newest 50 failed runs of a project, and how many there are",
            f"""query ($p: uuid!) {{
                flow_run(where: {{state: {{_eq: "Failed"}}, flow: {{project_id: {{_eq: $p}}}}}},
                    order_by: {{scheduled_start_time: desc}}, limit: 50) {{ {_RUN_ROW} }}
                flow_run_aggregate(where: {{state: {{_eq: "Failed"}}, flow: {{project_id: {{_eq: $p}}}}}})
                    {{ aggregate {{ count }} }} }}""",
            {"p": project},
        ),
        Question(
            "run page: head, states, counts of its 10,000 task runs by state",
            f"""query ($r: uuid!) {{
                flow_run_by_pk(id: $r) {{ {_RUN_ROW} parameters context
                    states(order_by: {{version: asc}}) {{ state message timestamp }}
                    flow {{ tasks(order_by: {{slug: asc}}, limit: 1000) {{ id name slug mapped }} }} }}
                success: task_run_aggregate(where: {{flow_run_id: {{_eq: $r}}, state: {{_eq: "Success"}}}})
                    {{ aggregate {{ count }} }}
                failed: task_run_aggregate(where: {{flow_run_id: {{_eq: $r}}, state: {{_eq: "Failed"}}}})
                    {{ aggregate {{ count }} }} }}""",
            {"r": wide},
        ),
        Question(
            "run page: first 200 of 10,000 task runs",
            f"""query ($r: uuid!) {{ task_run(where: {{flow_run_id: {{_eq: $r}}}},
                order_by: [{{start_time: asc}}, {{map_index: asc}}], limit: 200) {{ {_TASK_RUN} }} }}""",
            {"r": wide},
        ),
        Question(
            "run page: all 10,000 task runs, for the timeline",
            f"query ($r: uuid!) {{ task_run(where: {{flow_run_id: {{_eq: $r}}}}) {{ {_TASK_RUN} }} }}",
            {"r": wide},
            is_large=True,
        ),
        Question(
            "dashboard: a week in 60 spans, counts, failures, late, upcoming, agents",
            f"""query ($from: DateTime!, $to: DateTime!, $week: timestamptz!, $now: timestamptz!) {{
                flow_run_history(start: $from, end: $to, buckets: 60) {{ buckets {{ start state_counts }} }}
                failed: flow_run(where: {{state: {{_eq: "Failed"}}, scheduled_start_time: {{_gte: $week}}}},
                    order_by: {{scheduled_start_time: desc}}, limit: 10) {{ {_RUN_ROW} }}
                late: flow_run(where: {{state: {{_eq: "Scheduled"}}, scheduled_start_time: {{_lt: $now}}}},
                    order_by: {{scheduled_start_time: asc}}, limit: 10) {{ {_RUN_ROW} }}
                upcoming: flow_run(where: {{state: {{_eq: "Scheduled"}}, scheduled_start_time: {{_gte: $now}}}},
                    order_by: {{scheduled_start_time: asc}}, limit: 10) {{ {_RUN_ROW} }}
                running: flow_run_aggregate(where: {{state: {{_eq: "Running"}}}}) {{ aggregate {{ count }} }}
                agent(limit: 50) {{ id name labels last_queried }} }}""",
            {"from": week, "to": now.isoformat(), "week": week, "now": now.isoformat()},
        ),
        Question(
            "logs: last 200 of 1,000,000 lines of a run",
            f"""query ($r: uuid!) {{ log(where: {{flow_run_id: {{_eq: $r}}}}, order_by: {{timestamp: desc}}, limit: 200)
                {{ {_LINE} }} }}""",
            {"r": wide},
        ),
        Question(
            "logs: 200 lines from an instant on",
            f"""query ($r: uuid!, $at: timestamptz!) {{
                log(where: {{flow_run_id: {{_eq: $r}}, timestamp: {{_gte: $at}}}},
                    order_by: {{timestamp: asc}}, limit: 200)
                {{ {_LINE} }} }}""",
            {"r": wide, "at": line},
        ),
        Question(
            "logs: first 200 errors of a run",
            f"""query ($r: uuid!) {{
                log(where: {{flow_run_id: {{_eq: $r}}, level: {{_in: ["ERROR", "CRITICAL"]}}}},
                    order_by: {{timestamp: asc}}, limit: 200) {{ {_LINE} }} }}""",
            {"r": wide},
        ),
        Question("log search in a run: a word that many lines have", _SEARCH, {"r": wide, "text": "%rows%"}),
        Question("log search in a run: a text that no line has", _SEARCH, {"r": wide, "text": "%no such text%"}),
        Question(
            "log search in all runs of a week: a text that no line has",
            f"""query ($at: timestamptz!, $text: String!) {{
                log(where: {{timestamp: {{_gte: $at}}, message: {{_ilike: $text}}}}, order_by: {{timestamp: desc}},
                    limit: 100) {{ {_LINE} }} }}""",
            {"at": week, "text": "%no such text%"},
        ),
    ]


_SEARCH = f"""query ($r: uuid!, $text: String!) {{
    log(where: {{flow_run_id: {{_eq: $r}}, message: {{_ilike: $text}}}}, order_by: {{timestamp: asc}}, limit: 100)
    {{ {_LINE} }} }}"""
