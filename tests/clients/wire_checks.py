"""In charge of what comes before a captured request on a server, and of what its answer says beyond its shape.

Not in charge of which request needs which (wire_cases.py), nor of shapes (shapes.py).
"""

from collections.abc import Callable
from typing import Any

from tests.clients.wire_world import World

AGENT = "fd073b08-3c15-46c2-9ad7-edc54119bf09"
SCHEDULED_FLOW = "bc85069a-4c9c-4d78-9306-eb3b397b8da4"
RUN_ONE = "90cacc5f-3613-4cd1-ac66-41ff5a728a7e"
CHILD_RUN = "be3a6085-6ddf-4878-8082-ea7a48986655"
CANCELLED_RUN = "4e800669-7fcc-45a9-9592-649d58f9c590"
FAILED_RUN = "b941c74e-8b0a-4104-9543-18cfba7581a3"
PARENT_RUN = "394d6fe4-3dd3-4098-b8db-444ff2dffc5c"
KEY_VALUE = "91e494c5-3bbf-44eb-87d3-e852422935b0"
LOOPED = "df072896-b76a-4531-a820-349ee4d43146"

Given = Callable[[World], None]
Check = Callable[[Any, World], None]


# ---- What comes before a capture ----


def nothing(world: World) -> None:
    """The world is enough as it is."""


def demo2_exists(world: World) -> None:
    project = world.api.mutate("create_project", "id", name="demo2")["id"]
    world.ids["2fa6d983-6773-4cfb-9433-de1516a040df"] = project


def artifact_exists(world: World) -> None:
    artifact = world.replay("create_task_run_artifact-markdown")["id"]
    world.ids["fb934db7-1335-4f5b-b811-966d7cb76aa9"] = artifact


def key_set(captured: str, key: str, value: Any) -> Callable[[World], None]:
    def given(world: World) -> None:
        world.ids[captured] = world.api.mutate("set_key_value", "id", key=key, value=value)["id"]

    return given


def secret_set(name: str, value: Any) -> Callable[[World], None]:
    def given(world: World) -> None:
        world.api.mutate("set_secret", "success", name=name, value=value)

    return given


def tag_limited(tag: str, limit: int) -> Given:
    def given(world: World) -> None:
        world.api.mutate("update_task_tag_limit", "id", tag=tag, limit=limit)

    return given


def tag_limit_is(tag: str, limit: int) -> Check:
    def check(value: Any, world: World) -> None:
        found = world.api.ask("query($t: String) { task_tag_limit(where: {tag: {_eq: $t}}) { id limit } }", t=tag)
        assert found == [{"id": value["id"], "limit": limit}]

    return check


def running(*captured_flow_runs: str) -> Callable[[World], None]:
    def given(world: World) -> None:
        for captured in captured_flow_runs:
            world.set_running(captured)

    return given


def submitted(captured_flow_run: str) -> Callable[[World], None]:
    def given(world: World) -> None:
        flow_run_id = world.ids[captured_flow_run]
        world.api.set_flow_run_state(flow_run_id, {"type": "Submitted", "state": {"type": "Scheduled"}})

    return given


def logged(captured_flow_run: str) -> Callable[[World], None]:
    """Three lines, in no order: two that lie between the times of the captured queries and one before."""

    def given(world: World) -> None:
        logs = [
            {
                "flow_run_id": world.ids[captured_flow_run],
                "timestamp": f"2026-11-22T05:47:{second}+00:00",
                "message": second,
            }
            for second in ("47.5", "44.25", "46")
        ]
        world.api.mutate("write_run_logs", "success", logs=logs)

    return given


def due_when_captured(world: World) -> None:
    """The run of the capture was due before the instant up to which the capture asks."""
    state = {"type": "Scheduled", "message": "due", "start_time": "2026-11-22T05:43:05.996309+00:00"}
    world.api.set_flow_run_state(world.ids[RUN_ONE], state)


def cached(world: World) -> None:
    world.set_running(CHILD_RUN)
    world.replay("set_task_run_states-Cached")


def retrying(world: World) -> None:
    world.set_running("4b81be1e-e1c7-4168-805b-54d0de6ac183")
    (task_run,) = world.api.task_runs(world.ids["4b81be1e-e1c7-4168-805b-54d0de6ac183"], "val-1")
    state = {"type": "Retrying", "start_time": "2026-11-22T05:43:07.755659+00:00", "run_count": 1}
    world.api.set_task_run_state(task_run["id"], state)


# ---- What the answer says, beyond its shape ----


def well(value: Any, world: World) -> None:
    """The shape says it all; a success is one."""
    if isinstance(value, dict) and "success" in value:
        assert value["success"] is True


def rows(count: int) -> Check:
    def check(value: Any, world: World) -> None:
        assert len(value) == count, value

    return check


def one_row(**columns: Any) -> Check:
    def check(value: Any, world: World) -> None:
        (row,) = value
        assert {name: row[name] for name in columns} == columns

    return check


def has_row(**columns: Any) -> Check:
    def check(value: Any, world: World) -> None:
        assert columns in [{name: row[name] for name in columns} for row in value], value

    return check


def has_item(item: Any) -> Check:
    def check(value: Any, world: World) -> None:
        assert item in value

    return check


def has_id_of(captured: str) -> Check:
    """The answer is about an object that is there already, instead of about a new one."""

    def check(value: Any, world: World) -> None:
        assert value["id"] == world.ids[captured]

    return check


def new_flow_run(name: str | None = None, labels: list[str] | None = None, **columns: Any) -> Check:
    def check(value: Any, world: World) -> None:
        row = world.api.flow_run(value["id"], "name labels state parameters context run_config scheduled_start_time")
        assert row["state"] == "Scheduled"
        if name is not None:
            assert row["name"] == name
        if labels is not None:
            assert row["labels"] == labels
        assert {column: row[column] for column in columns} == columns

    return check


def flow_run_is(captured: str, state: str) -> Check:
    def check(value: Any, world: World) -> None:
        assert value["states"] == [_accepted(value, world.ids[captured])]
        assert world.api.flow_run(world.ids[captured], "state")["state"] == state

    return check


def task_run_is(captured: str, *states: str) -> Check:
    """The run has this history after its first state."""

    def check(value: Any, world: World) -> None:
        task_run_id = world.ids[captured]
        assert value["states"] == [_accepted(value, task_run_id)]
        row = world.api.ask(
            """query($id: uuid!) {
                task_run_by_pk(id: $id) {
                    state serialized_state state_start_time states(order_by: {version: asc}) { state }
                }
            }""",
            id=task_run_id,
        )
        assert [item["state"] for item in row["states"]] == ["Pending", *states]
        assert row["state"] == states[-1]

    return check


def _accepted(value: Any, run_id: str) -> dict[str, Any]:
    # The client has no fixed order of keys, so its own order is taken over.
    accepted = {"id": run_id, "status": "SUCCESS", "message": None}
    return {key: accepted[key] for key in value["states"][0]}


def flows_by_name(value: Any, world: World) -> None:
    names = [row["name"] for row in value]
    assert names == sorted(names)
    assert {"child-flow", "demo-flow", "parent-flow", "sched-flow", "tagged-flow"} <= set(names)


def first_is_own_id(value: Any, world: World) -> None:
    own_id(value[:1], world)


def own_id(value: Any, world: World) -> None:
    assert value == [{"id": world.ids["a16e1444-3c93-4ae5-bc7f-4b0a672ab77c"]}]


def tasks_of_demo_flow(value: Any, world: World) -> None:
    assert {row["flow"]["name"] for row in value} == {"demo-flow"}


def one_first_state(value: Any, world: World) -> None:
    (row,) = value
    assert len(row["states"]) == 1


def six_tasks(value: Any, world: World) -> None:
    (row,) = value
    assert {task["slug"] for task in row["tasks"]} == {"[1, 2]-1", "flaky-1", "inc-1", "inc-2", "named-1", "p"}
    tasks = {task["slug"]: task for task in row["tasks"]}
    assert (tasks["flaky-1"]["max_retries"], tasks["inc-2"]["mapped"], tasks["p"]["mapped"]) == (1, True, False)


def run_info(value: Any, world: World) -> None:
    assert value["name"] == "run-one"
    assert (value["parameters"], value["context"]) == ({"p": 5}, {"k": "v"})
    assert value["flow"]["project"]["name"] == "demo"
    slugs = [task_run["task"]["slug"] for task_run in value["task_runs"]]
    assert sorted(slugs) == ["[1, 2]-1", "flaky-1", "inc-1", "inc-2", "named-1", "p"]


def agent_metadata(value: Any, world: World) -> None:
    (row,) = value
    assert (row["id"], row["state"], row["task_runs"]) == (world.ids[RUN_ONE], "Scheduled", [])
    assert isinstance(row["serialized_state"]["start_time"], str)
    assert (row["flow"]["name"], row["flow"]["core_version"]) == ("demo-flow", "1.4.1")


def only_run_one(value: Any, world: World) -> None:
    assert value["flow_run_ids"] == [world.ids[RUN_ONE]]


def messages(*expected: str) -> Check:
    def check(value: Any, world: World) -> None:
        (row,) = value
        assert [line["message"] for line in row["logs"]] == list(expected)

    return check


def logs_of(captured_flow_run: str, count: int) -> Check:
    def check(value: Any, world: World) -> None:
        assert len(world.api.logs(world.ids[captured_flow_run])) == count

    return check


def children_in_order(value: Any, world: World) -> None:
    assert [row["map_index"] for row in value] == [0, 1]


def artifact_is(data: Any) -> Check:
    def check(value: Any, world: World) -> None:
        find = "query { task_run_artifact(order_by: {created: desc}, limit: 1) { data } }"
        assert world.api.ask(find) == ([] if data is None else [{"data": data}])

    return check


def renamed(table: str, captured: str, name: str) -> Check:
    def check(value: Any, world: World) -> None:
        row = world.api.ask(f"query($id: uuid!) {{ {table}_by_pk(id: $id) {{ name }} }}", id=world.ids[captured])
        assert row == {"name": name}

    return check


def has_beaten(value: Any, world: World) -> None:
    assert world.api.flow_run(world.ids[RUN_ONE], "heartbeat")["heartbeat"] is not None


def next_version(value: Any, world: World) -> None:
    row = world.api.ask("query($id: uuid!) { flow_by_pk(id: $id) { version } }", id=value["id"])
    assert row == {"version": 2}


def no_projects_named_demo2(value: Any, world: World) -> None:
    assert world.api.ask('query { project(where: {name: {_eq: "demo2"}}) { id } }') == []


def hello(value: Any, world: World) -> None:
    assert value


def pending(value: Any, world: World) -> None:
    assert value["serialized_state"]["type"] == "Pending"


def equal(expected: Any) -> Check:
    def check(value: Any, world: World) -> None:
        assert value == expected

    return check
