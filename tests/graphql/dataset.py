"""In charge of a small world that the tests of the query dialect ask about: every table, awkward values, two tenants.

Ids are `row(kind, number)`, so that a reader can tell from an id what it is. Everything in tenant 2 exists to prove
that tenant 1 never sees it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert

from eparch.core.states import CONCRETE
from eparch.database import tables
from eparch.database.engines import parse_url, writing_engine
from eparch.database.tables import METADATA
from eparch.graphql.catalog import OBJECTS

NOW: Final = datetime(2026, 1, 31, 6, 0, 0, 123456, tzinfo=UTC)

_KINDS: Final = (
    "tenant",
    "project",
    "flow_group",
    "flow",
    "task",
    "edge",
    "flow_run",
    "flow_run_state",
    "task_run",
    "task_run_state",
    "log",
    "task_run_artifact",
    "agent_config",
    "agent",
    "cloud_hook",
    "message",
    "key_value",
    "secret",
    "backfill",
    "flow_concurrency_limit",
    "task_concurrency_limit",
    "flow_run_slot",
    "task_run_slot",
    "flow_run_waiter",
    "task_run_waiter",
    "retention_rule",
)


def row(kind: str, number: int) -> str:
    """Return the id of a row: the kind in the first group, the number in the last."""
    return f"{_KINDS.index(kind):08d}-0000-7000-8000-{number:012d}"


def at(minutes: float = 0, microseconds: int = 0) -> datetime:
    return NOW + timedelta(minutes=minutes, microseconds=microseconds)


T1: Final = row("tenant", 1)
T2: Final = row("tenant", 2)

AWKWARD: Final = 'é"\\\n\t\x01\x1f\x7f/🚀 \u2028 100%_'


def seed(database_url: str) -> None:
    """Make the tables in an empty database and fill them."""
    engine = writing_engine(parse_url(database_url))
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for name, rows in ROWS.items():
            connection.execute(insert(METADATA.tables[name]), _same_keys(rows))
    engine.dispose()


def _entity(of: str, number: int, tenant: str | None = T1, /, **values: Any) -> dict[str, Any]:
    made = {"id": row(of, number), "created": at(number), "updated": at(-number, number), **values}
    return made if tenant is None else {**made, "tenant_id": tenant}


def _same_keys(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    keys = dict.fromkeys(key for one in rows for key in one)
    return [{key: one.get(key) for key in keys} for one in rows]


def _state(name: str | None, number: int, *, message: str | None = None) -> dict[str, Any]:
    document = {"type": name, "message": message, "_result": {"location": None}, "context": {"tags": []}}
    return {
        "version": number,
        "state": name,
        "start_time": at(number) if name not in (None, "Scheduled") else None,
        "end_time": at(number + 5) if name in ("Success", "Failed") else None,
        "state_timestamp": at(number, number * 7),
        "state_start_time": at(number) if name in ("Scheduled", "Retrying") else None,
        "state_message": message,
        "state_result": {"location": "x"} if name == "Success" else None,
        "serialized_state": None if name is None else document,
    }


def _flow(number: int, project: int, group: int, name: str, version: int, **values: Any) -> dict[str, Any]:
    return _entity(
        "flow",
        number,
        values.pop("tenant", T1),
        project_id=row("project", project),
        flow_group_id=row("flow_group", group),
        name=name,
        version=version,
        version_group_id=f"group-{group}",
        archived=values.pop("archived", False),
        is_schedule_active=False,
        settings={"legacy": True},
        **values,
    )


def _task(number: int, flow: int, name: str, **values: Any) -> dict[str, Any]:
    return _entity(
        "task",
        number,
        values.pop("tenant", T1),
        flow_id=row("flow", flow),
        name=name,
        slug=f"{name}-1",
        tags=values.pop("tags", []),
        mapped=values.pop("mapped", False),
        auto_generated=False,
        is_root_task=False,
        is_terminal_task=False,
        is_reference_task=False,
        **values,
    )


def _edge(number: int, upstream: int, downstream: int, *, flow: int = 1, tenant: str = T1, **values: Any) -> Any:
    return _entity(
        "edge",
        number,
        tenant,
        flow_id=row("flow", flow),
        upstream_task_id=row("task", upstream),
        downstream_task_id=row("task", downstream),
        mapped=values.pop("mapped", False),
        **values,
    )


def _flow_run(number: int, flow: int, state: str | None, **values: Any) -> dict[str, Any]:
    return _entity(
        "flow_run",
        number,
        values.pop("tenant", T1),
        flow_id=row("flow", flow),
        name=values.pop("name", f"run-{number}"),
        labels=values.pop("labels", []),
        scheduled_start_time=values.pop("scheduled_start_time", at(number)),
        auto_scheduled=number % 2 == 0,
        priority=number % 4,
        times_resurrected=number % 3,
        has_task_runs=True,
        **{**_state(state, number, message=values.pop("message", None)), **values},
    )


def _task_run(number: int, run: int, task: int, state: str, **values: Any) -> dict[str, Any]:
    return _entity(
        "task_run",
        number,
        values.pop("tenant", T1),
        flow_run_id=row("flow_run", run),
        task_id=row("task", task),
        map_index=values.pop("map_index", -1),
        **{**_state(state, number), **values},
    )


def _in_limit(run: str, limit: int, number: int) -> dict[str, str]:
    of = "flow" if run == "flow_run" else "task"
    return {"limit_id": row(f"{of}_concurrency_limit", limit), f"{run}_id": row(run, number)}


ROWS: Final[dict[str, list[dict[str, Any]]]] = {
    "tenant": [
        _entity("tenant", 1, None, name="Acme", slug="acme", info={"plan": "free"}, settings={"a": {"b": [1, 2.5]}}),
        _entity("tenant", 2, None, name="Beta", slug="beta", settings={}),
    ],
    "project": [
        _entity("project", 1, name="alpha", description=AWKWARD),
        _entity("project", 2, name="Beta", description=None),
        _entity("project", 3, name="100%_x", description=""),
        _entity("project", 9, T2, name="alpha", description="of tenant 2"),
    ],
    "flow_group": [
        _entity(
            "flow_group",
            1,
            name="group-1",
            labels=None,
            schedule={"type": "Schedule", "clocks": [{"cron": "0 0 * * *"}]},
            settings={"heartbeat_enabled": True, "nested": {"k'ey": 1, "list": [{"x": "y"}, 3]}},
            default_parameters={"x": 1},
            description="**group**",
        ),
        _entity("flow_group", 2, name="group-2", labels=[], settings={}, default_parameters={}),
        _entity("flow_group", 3, name="group-3", labels=["a", "b"], settings={}, default_parameters={}),
        _entity("flow_group", 9, T2, name="group-9", labels=["a"], settings={"secret": 1}, default_parameters={}),
    ],
    "flow": [
        _flow(1, 1, 1, "etl", 2, description="Newest", core_version="1.4.1", parameters=[{"name": "x"}]),
        _flow(2, 1, 1, "etl", 1, archived=True, storage={"type": "Docker", "flows": {"etl": "/x"}}),
        _flow(3, 1, 2, "Report", 1, run_config={"type": "UniversalRun", "labels": ["gpu"]}),
        _flow(4, 2, 3, "ETL", 1, serialized_flow={"tasks": [{"slug": "a"}], "__version__": "1.4.1"}),
        _flow(5, 2, 3, "naïve ☃", 2, environment={"labels": []}),
        _flow(9, 9, 9, "etl", 1, tenant=T2),
    ],
    # Flow 1 is a diamond with a tail: a -> b, a -> c, b -> d, c -> d, d -> e; f stands alone.
    "task": [
        _task(1, 1, "a", type="prefect.core.parameter.Parameter", tags=["x", "y"], max_retries=0, retry_delay=0),
        _task(2, 1, "b", type="prefect.tasks.core.function.FunctionTask", tags=["x"], max_retries=3, retry_delay=5),
        _task(3, 1, "c", mapped=True, tags=["y", {"k": 1}], max_retries=1, retry_delay=93_600, trigger="all_finished"),
        _task(4, 1, "d", max_retries=2, retry_delay=3661, description="It's d", cache_key="key"),
        _task(5, 1, "e"),
        _task(6, 1, "f", max_retries=1),
        _task(7, 3, "A"),
        _task(19, 9, "a", tenant=T2, tags=["x"]),
    ],
    "edge": [
        _edge(1, 1, 2, key="x"),
        _edge(2, 1, 3, key="y", mapped=True),
        _edge(3, 2, 4),
        _edge(4, 3, 4, key="left"),
        _edge(5, 3, 4, key="right"),
        _edge(6, 4, 5),
    ],
    "agent_config": [
        _entity("agent_config", 1, name="config", settings={"a": 1}),
        _entity("agent_config", 9, T2, name="config", settings={}),
    ],
    "agent": [
        _entity(
            "agent",
            1,
            name="local",
            type="LocalAgent",
            core_version="1.4.1",
            labels=["a", "b"],
            last_queried=at(1),
            agent_config_id=row("agent_config", 1),
            fingerprint="1",
        ),
        _entity("agent", 2, name=None, type="DockerAgent", labels=[], fingerprint="2"),
        _entity("agent", 9, T2, name="local", type="LocalAgent", labels=[], fingerprint="9"),
    ],
    "flow_run": [
        _flow_run(1, 1, "Success", parameters={"x": 1}, context={}, labels=["a"], agent_id=row("agent", 1)),
        _flow_run(2, 1, "Failed", parameters={"x": {"y": [None, True]}}, message="boom"),
        _flow_run(3, 1, "Running", idempotency_key="k", labels=["a", "b"]),
        _flow_run(4, 2, "Scheduled", name="Run-4"),
        _flow_run(5, 3, "Scheduled", name="50%_off", scheduled_start_time=at(500, 1)),
        _flow_run(6, 3, "Cancelled", run_config={"type": "LocalRun", "env": {}}),
        _flow_run(7, 4, "Retrying", message="attempt 1"),
        _flow_run(8, 5, None, name=None, labels=[]),
        _flow_run(19, 9, "Failed", tenant=T2),
    ],
    "flow_run_heartbeat": [
        {"flow_run_id": row("flow_run", 3), "heartbeat": at(30)},
        {"flow_run_id": row("flow_run", 2), "heartbeat": at(20)},
    ],
    "flow_run_state": [
        _entity(
            "flow_run_state",
            10 * run + index,
            flow_run_id=row("flow_run", run),
            timestamp=at(run, index),
            state=state,
            message=None if index else "made",
            result=None,
            start_time=None,
            serialized_state={"type": state},
            version=index + 1,
        )
        for run, states in ((1, ("Scheduled", "Running", "Success")), (2, ("Scheduled", "Running", "Failed")))
        for index, state in enumerate(states)
    ],
    "task_run": [
        _task_run(1, 1, 1, "Success", name="a"),
        _task_run(2, 1, 2, "Success", cache_key="key"),
        _task_run(3, 1, 3, "Mapped"),
        _task_run(4, 1, 3, "Success", map_index=0),
        _task_run(5, 1, 3, "Cached", map_index=1, cache_key="key"),
        _task_run(6, 1, 3, "Failed", map_index=2),
        _task_run(7, 2, 1, "Failed"),
        _task_run(8, 2, 2, "TriggerFailed"),
        _task_run(9, 3, 1, "Running"),
        _task_run(10, 3, 2, "Retrying", name="zz"),
        _task_run(29, 19, 19, "Failed", tenant=T2),
    ],
    "task_run_heartbeat": [{"task_run_id": row("task_run", 9), "heartbeat": at(31)}],
    "task_run_state": [
        _entity(
            "task_run_state",
            1,
            task_run_id=row("task_run", 1),
            timestamp=at(1),
            state="Success",
            serialized_state={"type": "Success"},
            version=1,
        )
    ],
    "log": [
        _entity(
            "log",
            number,
            flow_run_id=row("flow_run", 1 + number % 2),
            task_run_id=row("task_run", 1) if number % 3 == 0 else None,
            timestamp=at(number // 2),
            name="prefect.FlowRunner",
            level=("DEBUG", "INFO", "ERROR")[number % 3],
            message=f"line {number}: {AWKWARD}" if number == 5 else f"line {number}",
            info={"n": number} if number % 4 == 0 else None,
        )
        for number in range(1, 13)
    ],
    "task_run_artifact": [
        _entity("task_run_artifact", 1, task_run_id=row("task_run", 1), kind="link", data={"link": "https://x.y/?a=b"}),
        _entity("task_run_artifact", 2, task_run_id=row("task_run", 1), kind="markdown", data={"markdown": "# x\n"}),
    ],
    "cloud_hook": [
        _entity("cloud_hook", 1, type="WEBHOOK", states=["FAILED", "SUCCESS"], config={"url": "u"}, active=True),
        _entity(
            "cloud_hook", 2, type="EMAIL", version_group_id="group-1", name="mail", states=[], config={}, active=False
        ),
        _entity("cloud_hook", 9, T2, type="WEBHOOK", states=["FAILED"], config={}, active=True),
    ],
    "message": [
        _entity("message", 1, read=False, type="CLOUD_HOOK", text="hello", content={"a": [1, 2, {"b": None}]}),
        _entity("message", 9, T2, read=False, type="CLOUD_HOOK", text="hello", content={}),
    ],
    "key_value": [
        _entity("key_value", 1, key="cursor", value={"page": 3}, version=4),
        _entity("key_value", 2, key="empty", value=None, version=1),
        _entity("key_value", 9, T2, key="cursor", value="theirs", version=1),
    ],
    "secret": [
        _entity("secret", 1, name="PASSWORD", key_id="0123456789abcdef", ciphertext="AAAA"),
        _entity("secret", 9, T2, name="PASSWORD", key_id="0123456789abcdef", ciphertext="AAAA"),
    ],
    "backfill": [
        _entity(
            "backfill",
            number,
            tenant,
            flow_group_id=row("flow_group", number),
            state="Running",
            range_start=at(-90),
            range_end=at(-30),
            direction="forward",
            concurrency=2,
            parameters={"x": 1},
            repeat_existing=False,
            instant_count=3,
            made_count=1,
            skipped_count=0,
        )
        for number, tenant in ((1, T1), (9, T2))
    ],
    "flow_concurrency_limit": [
        _entity("flow_concurrency_limit", 1, name="a", limit=1, counts_submitted=True),
        _entity("flow_concurrency_limit", 2, name="b", limit=0, counts_submitted=False),
        _entity("flow_concurrency_limit", 9, T2, name="a", limit=7, counts_submitted=True),
    ],
    "task_concurrency_limit": [
        _entity("task_concurrency_limit", 1, name="db", limit=2),
        _entity("task_concurrency_limit", 9, T2, name="db", limit=7),
    ],
    **{
        f"{run}_{what}": [
            _entity(f"{run}_{what}", 1, **_in_limit(run, 1, number), **values),
            _entity(f"{run}_{what}", 9, T2, **_in_limit(run, 9, 19 if run == "flow_run" else 29), **values),
        ]
        for run, what, number, values in (
            ("flow_run", "slot", 3, {}),
            ("task_run", "slot", 9, {}),
            ("flow_run", "waiter", 7, {"priority": 5, "listens_until": None}),
            ("task_run", "waiter", 10, {"priority": 5, "listens_until": at(1)}),
        )
    },
    "retention_rule": [
        _entity("retention_rule", 1, project_id=None, kind="runs", keep_days=90),
        _entity("retention_rule", 2, project_id=row("project", 1), kind="logs", keep_days=None),
        _entity("retention_rule", 9, T2, project_id=None, kind="runs", keep_days=7),
    ],
}

_SHOWN = {entry.table.name for entry in OBJECTS.values() if entry.table is not None}
assert set(ROWS) >= _SHOWN, "a table without rows is a table without tests"
assert all(one["state"] in CONCRETE for one in ROWS["task_run"])
assert tables.tenant.name in ROWS
