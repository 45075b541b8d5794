"""Every request that was captured from a published client gets the answer that this client can use.

The captures are replayed as they went over the wire: the headers, and the body with its variables as JSON within JSON.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.clients.api import Api
from tests.clients.shapes import check_answer
from tests.clients.wire_world import SAMPLES, Sample, World
from tests.server_process import ServerProcess

RUN_ONE = "90cacc5f-3613-4cd1-ac66-41ff5a728a7e"
CHILD_RUN = "be3a6085-6ddf-4878-8082-ea7a48986655"
CANCELLED_RUN = "4e800669-7fcc-45a9-9592-649d58f9c590"
FAILED_RUN = "b941c74e-8b0a-4104-9543-18cfba7581a3"
PARENT_RUN = "394d6fe4-3dd3-4098-b8db-444ff2dffc5c"
LOOPED = "df072896-b76a-4531-a820-349ee4d43146"


@pytest.fixture(scope="module")
def quiet_api(quiet_server: ServerProcess) -> Iterator[Api]:
    api = Api(quiet_server.url)
    yield api
    api.close()


@pytest.fixture
def world(quiet_api: Api) -> Iterator[World]:
    world = World(quiet_api)
    yield world
    world.close()


# ---- What comes before a capture ----


def nothing(world: World) -> None:
    """The world is enough as it is."""


def demo2_exists(world: World) -> None:
    project = world.api.mutate("create_project", "id", name="demo2")["id"]
    world.ids["2fa6d983-6773-4cfb-9433-de1516a040df"] = project


def artifact_exists(world: World) -> None:
    artifact = world.replay("create_task_run_artifact-markdown")["id"]
    world.ids["fb934db7-1335-4f5b-b811-966d7cb76aa9"] = artifact


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

Check = Callable[[Any, World], None]


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
    """The run has this history after its first state; what was sent is stored word for word."""

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


def four_flows(value: Any, world: World) -> None:
    names = [row["name"] for row in value]
    assert names == sorted(names)
    assert {"child-flow", "demo-flow", "parent-flow", "sched-flow", "tagged-flow"} <= set(names)


def own_id(value: Any, world: World) -> None:
    assert value == [{"id": world.ids["a16e1444-3c93-4ae5-bc7f-4b0a672ab77c"]}]


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


def same_flow(value: Any, world: World) -> None:
    """Registered with the same idempotency key, it is the flow that exists."""
    assert value["id"] == world.ids["bc85069a-4c9c-4d78-9306-eb3b397b8da4"]


def next_version(value: Any, world: World) -> None:
    row = world.api.ask("query($id: uuid!) { flow_by_pk(id: $id) { version } }", id=value["id"])
    assert row == {"version": 2}


def no_projects_named_demo2(value: Any, world: World) -> None:
    assert world.api.ask('query { project(where: {name: {_eq: "demo2"}}) { id } }') == []


def hello(value: Any, world: World) -> None:
    assert value


def pending(value: Any, world: World) -> None:
    assert value["serialized_state"]["type"] == "Pending"


@dataclass(frozen=True, slots=True)
class Case:
    """A capture, what comes before it and what its answer says."""

    name: str
    check: Check = well
    given: Callable[[World], None] = nothing


CASES = [
    Case("agent", lambda value, world: None if value else pytest.fail("no agent")),
    Case(
        "cancel_flow_run",
        lambda v, w: _equal(v, {"state": "Cancelling"}),
        running(CANCELLED_RUN),
    ),
    Case("create_flow", same_flow),
    Case("create_flow_from_compressed_string", next_version),
    Case("create_flow_run-all_inputs", new_flow_run()),
    Case("create_flow_run-cli_execute_agentless_label", new_flow_run(parameters={"n": 9})),
    Case("create_flow_run-cli_run", new_flow_run(parameters={}, context={})),
    Case("create_flow_run-minimal", new_flow_run()),
    Case("create_flow_run-python_client", lambda v, w: _equal(v, {"id": w.ids[RUN_ONE]})),
    Case("create_flow_run-task_library", new_flow_run(name="happy-stub-child-flow", parameters={"n": 3})),
    Case("create_project-ok"),
    Case("create_task_run_artifact-link"),
    Case("create_task_run_artifact-markdown", artifact_is({"markdown": "# hi"})),
    Case("create_tenant"),
    Case("delete_project", no_projects_named_demo2, demo2_exists),
    Case("delete_task_run_artifact", artifact_is(None), artifact_exists),
    Case("flow-FlowView_from_flow_group_id", rows(0)),
    Case("flow-FlowView_from_flow_id", one_row(name="sched-flow", archived=False, core_version="1.4.1")),
    Case("flow-FlowView_from_flow_name", one_row(name="child-flow")),
    Case("flow-FlowView_from_flow_name_and_project", one_row(name="parent-flow", project={"name": "demo"})),
    Case("flow-FlowView_project_is_null", rows(0)),
    Case("flow-StartFlowRun_lookup", rows(1)),
    Case("flow-cli_describe_flows", one_row(name="demo-flow", version=1, environment=None)),
    Case("flow-cli_describe_tasks", six_tasks),
    Case("flow-cli_get_flows_all_versions_distinct_on_null", one_row(name="demo-flow", version=1)),
    Case("flow-cli_get_flows_no_filters_null_collapse", four_flows),
    Case("flow-cli_register_prev_version", one_row(version=1)),
    Case("flow_by_pk"),
    Case("flow_run-FlowRunView", one_row(labels=["no agent"], context={})),
    Case("flow_run-agent_metadata", agent_metadata),
    Case("flow_run-cli_describe_flow_runs", one_row(name="run-one", auto_scheduled=False, end_time=None)),
    Case("flow_run-cli_execute", rows(1)),
    Case("flow_run-cli_get_flow_runs", rows(10)),
    Case("flow_run-cli_get_flow_runs_started", one_row(name="run-one", state="Running"), running(RUN_ONE)),
    Case("flow_run-cli_get_logs", messages("44.25", "46", "47.5"), logged(RUN_ONE)),
    Case("flow_run-get_logs_first", messages("44.25"), logged(PARENT_RUN)),
    Case("flow_run-get_logs_incremental", messages("46", "47.5"), logged(PARENT_RUN)),
    Case("flow_run-scheduled_start_time_from_states", lambda v, w: _equal(len(v[0]["states"]), 1)),
    Case("flow_run_by_pk-get_flow_run_info", run_info),
    Case("flow_run_by_pk-heartbeat_settings"),
    Case("get_or_create_task_run_info", pending),
    Case("get_runs_in_queue", only_run_one, due_when_captured),
    Case("get_task_run_info", pending),
    Case("hello", hello),
    Case("project-by_name", rows(1)),
    Case("project-cli_get_projects_by_name", one_row(flows_aggregate={"aggregate": {"count": 5}})),
    Case("project-cli_get_projects_null_filter", lambda v, w: _equal("demo" in [row["name"] for row in v], True)),
    Case("register_agent", lambda v, w: _equal(v["id"], w.ids["fd073b08-3c15-46c2-9ad7-edc54119bf09"])),
    Case("register_edges"),
    Case("register_tasks"),
    Case("set_flow_run_name", renamed("flow_run", CHILD_RUN, "renamed")),
    Case(
        "set_flow_run_states-Cancelled",
        flow_run_is(CANCELLED_RUN, "Cancelled"),
        running(CANCELLED_RUN),
    ),
    Case("set_flow_run_states-Failed", flow_run_is(FAILED_RUN, "Failed")),
    Case("set_flow_run_states-Running", flow_run_is(RUN_ONE, "Running"), submitted(RUN_ONE)),
    Case("set_flow_run_states-Submitted", flow_run_is(RUN_ONE, "Submitted")),
    Case("set_flow_run_states-Success", flow_run_is(RUN_ONE, "Success"), running(RUN_ONE)),
    Case("set_task_run_name", renamed("task_run", "d39d1a7e-cb39-4466-abab-46f65b37ceb5", "named-6")),
    Case("set_task_run_states-Cached", task_run_is(LOOPED, "Cached"), running(CHILD_RUN)),
    Case(
        "set_task_run_states-Failed",
        task_run_is("cef0c83c-8028-43f1-8553-d6115abb4c57", "Failed"),
        running(RUN_ONE),
    ),
    Case("set_task_run_states-Looped", task_run_is(LOOPED, "Looped"), running(CHILD_RUN)),
    Case(
        "set_task_run_states-Mapped",
        task_run_is("7b24675e-65f8-4576-9f84-76d2b65566b0", "Mapped"),
        running(RUN_ONE),
    ),
    Case(
        "set_task_run_states-Retrying",
        task_run_is("cef0c83c-8028-43f1-8553-d6115abb4c57", "Retrying"),
        running(RUN_ONE),
    ),
    Case(
        "set_task_run_states-Running",
        task_run_is("b8e3a343-2016-4bf1-8efd-9c065a1d5dab", "Running"),
        running(RUN_ONE),
    ),
    Case("set_task_run_states-Submitted", task_run_is(LOOPED, "Submitted"), running(CHILD_RUN)),
    Case(
        "set_task_run_states-Success",
        task_run_is("b8e3a343-2016-4bf1-8efd-9c065a1d5dab", "Success"),
        running(RUN_ONE),
    ),
    Case("set_task_run_states-TriggerFailed", task_run_is(LOOPED, "TriggerFailed"), running(CHILD_RUN)),
    # The client asks for this without looking whether the flow has a schedule; there is nothing to switch on.
    Case("set_schedule_active", lambda v, w: _equal(v, {"success": False})),
    Case("task", lambda v, w: _equal({row["flow"]["name"] for row in v}, {"demo-flow"})),
    Case("task_run-TaskRunView_from_slug", one_row(map_index=-1)),
    Case("task_run-TaskRunView_mapped_children", children_in_order),
    Case("task_run-cached_states", one_row(), cached),
    Case("task_run-get_all_task_runs", rows(1)),
    Case("task_run-ids", rows(1)),
    Case("task_run-next_task_run_start_time", one_row(state_start_time="2026-11-22T05:43:07.755659+00:00"), retrying),
    Case("task_run-static_task_runs_nin", rows(1)),
    Case("tenant-TenantView", one_row(slug="default")),
    Case("tenant-available_tenants", lambda v, w: _equal("default" in [row["slug"] for row in v], True)),
    Case("tenant-by_slug_variable", own_id),
    Case("tenant-default_server_tenant", lambda v, w: own_id(v[:1], w)),
    Case("tenant-id_slug", lambda v, w: _equal(v[0]["slug"], "default")),
    Case("update_flow_run_heartbeat", has_beaten),
    Case("update_task_run_artifact", artifact_is({"markdown": "# ho"}), artifact_exists),
    Case("write_run_logs-agent", logs_of(RUN_ONE, 1)),
    Case("write_run_logs-batch", logs_of(RUN_ONE, 24)),
    Case("write_run_logs-single_object", logs_of(FAILED_RUN, 1)),
    # The server of these two captures lacked a slot; without limits on concurrency there is always one.
    Case(
        "set_flow_run_states-Running_queued",
        flow_run_is("c1f9211c-6a6c-40cd-bec0-b929f9926b8f", "Running"),
        submitted("c1f9211c-6a6c-40cd-bec0-b929f9926b8f"),
    ),
    Case("set_task_run_states-Running_queued", task_run_is(LOOPED, "Running"), running(CHILD_RUN)),
    # And this one had version locks switched on; without them a version is not compared.
    Case("set_task_run_states-Running_version_lock_error", task_run_is(LOOPED, "Running"), running(CHILD_RUN)),
]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A capture that is answered with an error, of which the client looks for a part of the message."""

    name: str
    message: str
    given: Callable[[World], None]


REFUSALS = [
    Refusal("create_project-uniqueness_violation_error", "Uniqueness violation.", demo2_exists),
    Refusal(
        "set_flow_run_states-Submitted_rejected_error",
        "State update failed",
        submitted("e303b742-4457-46b7-8a0f-93b64ec3bbcc"),
    ),
]

# Captures of features that this server does not have yet, with the root field that it does not know.
_LOGINS = "users and API keys are not served yet"
_KEY_VALUES = "the key-value store is not served yet"
_SECRETS = "secrets are not served yet"
_LIMITS = "limits on concurrency are not served yet"
LATER = {
    "auth_api_key": ("auth_api_key", _LOGINS),
    "auth_info-tenant_id": ("auth_info", _LOGINS),
    "auth_info-user_id": ("auth_info", _LOGINS),
    "create_api_key": ("create_api_key", _LOGINS),
    "delete_api_key": ("delete_api_key", _LOGINS),
    "delete_key_value": ("delete_key_value", _KEY_VALUES),
    "key_value-get": ("key_value", _KEY_VALUES),
    "key_value-id_for_delete": ("key_value", _KEY_VALUES),
    "key_value-list": ("key_value", _KEY_VALUES),
    "set_key_value-dict": ("set_key_value", _KEY_VALUES),
    "set_key_value-str": ("set_key_value", _KEY_VALUES),
    "secret_names": ("secret_names", _SECRETS),
    "secret_value-error": ("secret_value", _SECRETS),
    "secret_value-ok": ("secret_value", _SECRETS),
    "set_secret": ("set_secret", _SECRETS),
    "delete_task_tag_limit": ("delete_task_tag_limit", _LIMITS),
    "task_tag_limit": ("task_tag_limit", _LIMITS),
    "update_task_tag_limit": ("update_task_tag_limit", _LIMITS),
}


def test_every_capture_is_in_one_of_the_tables() -> None:
    named = [case.name for case in CASES] + [refusal.name for refusal in REFUSALS] + list(LATER)
    assert sorted(named) == sorted(path.stem for path in SAMPLES.glob("*.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_captured_request_gets_an_answer_of_the_right_shape(world: World, case: Case) -> None:
    case.given(world)
    response = world.send(case.name)
    answer = response.json()
    assert response.status_code == 200, answer
    assert list(answer) == ["data"], answer
    check_answer(Sample.load(case.name).document, answer["data"])
    (value,) = answer["data"].values()
    case.check(value, world)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.name)
def test_a_captured_request_that_is_refused_is_told_why_in_the_words_that_the_client_knows(
    world: World, refusal: Refusal
) -> None:
    refusal.given(world)
    response = world.send(refusal.name)
    answer = response.json()
    # With another code than 200 the client would not look for the words.
    assert response.status_code == 200, answer
    (error,) = answer["errors"]
    if refusal.message.endswith("."):
        assert error["message"] == refusal.message
    else:
        assert refusal.message in error["message"]
    assert isinstance(error["extensions"]["code"], str)
    assert all(value is None for value in (answer["data"] or {}).values())


@pytest.mark.parametrize("name", LATER)
def test_a_captured_request_for_what_is_not_served_yet_is_refused_as_a_whole(quiet_api: Api, name: str) -> None:
    root, _ = LATER[name]
    sample = Sample.load(name)
    if "X-PREFECT-TENANT-ID" in sample.headers:
        sample.headers["X-PREFECT-TENANT-ID"] = quiet_api.ask("query { tenant { id } }")[0]["id"]
    response = quiet_api.send(sample.method, sample.path, sample.headers, sample.body)
    assert response.status_code == 400
    answer = response.json()
    assert "data" not in answer
    assert any(f"'{root}'" in error["message"] for error in answer["errors"]), answer
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"GRAPHQL_VALIDATION_FAILED"}


def test_variables_may_be_absent_null_an_object_or_text(quiet_api: Api) -> None:
    find = "query($slug: String) { tenant(where: {slug: {_eq: $slug}}) { slug } }"
    for variables, expected in (
        ({"slug": "default"}, 1),
        ('{"slug": "default"}', 1),
        ({"slug": "no such tenant"}, 0),
        ('{"slug": "no such tenant"}', 0),
    ):
        answer = quiet_api.post_body({"query": find, "variables": variables})
        assert len(answer.json()["data"]["tenant"]) == expected, variables
    for body in ({"query": find, "variables": "null"}, {"query": find, "variables": None}, {"query": find}):
        assert quiet_api.post_body(body).json()["data"]["tenant"]


def _equal(value: Any, expected: Any) -> None:
    assert value == expected
