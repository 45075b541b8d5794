"""In charge of agents and runs: is somebody there for each, and does it come in time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from eparch.cli.connection import Api
from eparch.cli.describe import explanation
from eparch.cli.doctor.finding import Finding, ok, problem, warning
from eparch.cli.get import is_alive
from eparch.cli.output import duration
from eparch.core.agent_health import takes
from eparch.core.instants import parse_instant, timestamp_text

_LATE: Final = timedelta(minutes=1)
_AHEAD: Final = timedelta(days=1)
_STUCK: Final = timedelta(minutes=5)
_RUNS_MAX: Final = 5000

_RUN: Final = "id name labels scheduled_start_time flow { name }"


def findings(api: Api, now: datetime) -> Iterator[Finding]:
    """Look at agents and runs."""
    agents = api.rows("agent", "name labels last_queried")
    alive = [agent for agent in agents if is_alive(agent)]
    due = api.rows(
        "flow_run",
        _RUN,
        {"state": {"_eq": "Scheduled"}, "scheduled_start_time": {"_lte": timestamp_text(now + _AHEAD)}},
        order="{scheduled_start_time: asc}",
        limit=_RUNS_MAX,
    )
    yield _agents(agents, alive, due)
    if alive:
        yield from _labels(alive, due)
    yield _late(api, due, now)
    yield from _paused(api)
    yield from _stuck(api, now)


def _agents(agents: Sequence[Any], alive: Sequence[Any], due: Sequence[Any]) -> Finding:
    if alive:
        names = ", ".join(sorted(agent["name"] for agent in alive))
        return ok("agents", f"{len(alive)} of {len(agents)} are alive: {names}.")
    told = "None is alive" + (f"; {len(agents)} have been" if agents else "")
    hint = "start one: eparch agent start local"
    if due:
        return problem("agents", f"{told}, and {len(due)} runs are due within a day.", hint)
    return warning("agents", f"{told}.", hint)


def _labels(alive: Sequence[Mapping[str, Any]], due: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    unserved: Counter[tuple[str, ...]] = Counter()
    flows: dict[tuple[str, ...], str] = {}
    for run in due:
        labels = tuple(run["labels"] or ())
        if not any(takes(frozenset(agent["labels"] or ()), frozenset(labels)) for agent in alive):
            unserved[labels] += 1
            flows.setdefault(labels, run["flow"]["name"])
    for labels, count in unserved.most_common():
        shown = f"labels {', '.join(labels)}" if labels else "no labels"
        options = " ".join(f"--label {label}" for label in labels)
        start = f"eparch agent start local {options}".rstrip() + ("" if labels else " --no-hostname-label")
        told = f"No agent takes runs with {shown}: {count} are due within a day, of flow {flows[labels]!r} for one."
        yield problem("labels", told, f"start one: {start}; or change the flow's labels")
    if not unserved:
        yield ok("labels", "Each run that is due within a day has an agent that takes it.")


def _late(api: Api, due: Sequence[Mapping[str, Any]], now: datetime) -> Finding:
    late = [run for run in due if (start := parse_instant(run["scheduled_start_time"])) and now - start > _LATE]
    if not late:
        return ok("late runs", "None.")
    first, start = late[0], parse_instant(late[0]["scheduled_start_time"])
    assert start is not None
    behind = duration((now - start).total_seconds())
    told = f"{len(late)}, the oldest by {behind}: {first['name']} of {first['flow']['name']!r}."
    hint = f"eparch describe flow-run {first['id']} tells all; first of all: {explanation(api, first['id'])[0]}"
    return problem("late runs", told, hint)


def _paused(api: Api) -> Iterator[Finding]:
    for tenant in api.rows("tenant", "name settings"):
        if (tenant["settings"] or {}).get("work_queue_paused"):
            hint = "let it go on: eparch queue resume"
            yield warning("work queue", f"It is paused for {tenant['name']!r}: agents are given no runs.", hint)


def _stuck(api: Api, now: datetime) -> Iterator[Finding]:
    where = {"state": {"_eq": "Submitted"}, "state_timestamp": {"_lt": timestamp_text(now - _STUCK)}}
    stuck = api.rows("flow_run", "id name", where, order="{state_timestamp: asc}", limit=_RUNS_MAX)
    if stuck:
        told = (
            f"{len(stuck)} were taken by an agent more than 5 min ago and have not begun, such as {stuck[0]['name']}."
        )
        yield problem("submitted runs", told, f"look at the agent's output; eparch describe flow-run {stuck[0]['id']}")
