"""In charge of the tables of captured requests: what comes before each, and what its answer says.

Not in charge of how they are replayed and compared (test_wire_samples.py).
"""

from dataclasses import dataclass

from tests.clients.wire_checks import (
    AGENT,
    CANCELLED_RUN,
    CHILD_RUN,
    FAILED_RUN,
    KEY_VALUE,
    LOOPED,
    PARENT_RUN,
    RUN_ONE,
    SCHEDULED_FLOW,
    Check,
    Given,
    agent_metadata,
    artifact_exists,
    artifact_is,
    cached,
    children_in_order,
    demo2_exists,
    due_when_captured,
    equal,
    first_is_own_id,
    flow_run_is,
    flows_by_name,
    has_beaten,
    has_id_of,
    has_item,
    has_row,
    hello,
    key_set,
    logged,
    logs_of,
    messages,
    new_flow_run,
    next_version,
    no_projects_named_demo2,
    nothing,
    one_first_state,
    one_row,
    only_run_one,
    own_id,
    pending,
    renamed,
    retrying,
    rows,
    run_info,
    running,
    secret_set,
    six_tasks,
    submitted,
    tag_limit_is,
    tag_limited,
    task_run_is,
    tasks_of_demo_flow,
    well,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A capture, what comes before it and what its answer says."""

    name: str
    check: Check = well
    given: Given = nothing


CASES = [
    Case("agent", has_row(name="tester", labels=["lab"])),
    Case(
        "cancel_flow_run",
        equal({"state": "Cancelling"}),
        running(CANCELLED_RUN),
    ),
    Case("create_flow", has_id_of(SCHEDULED_FLOW)),
    Case("create_flow_from_compressed_string", next_version),
    Case(
        "create_flow_run-all_inputs",
        new_flow_run(
            name="nm",
            labels=["l1"],
            parameters={"a": [1, {"b": None}]},
            context={"x": 1},
            scheduled_start_time="2026-11-22T06:55:21.593760+00:00",
        ),
    ),
    Case(
        "create_flow_run-cli_execute_agentless_label",
        new_flow_run(name="exec1", labels=["agentless-run-ae058242"], parameters={"n": 9}),
    ),
    Case("create_flow_run-cli_run", new_flow_run(parameters={}, context={})),
    Case("create_flow_run-minimal", new_flow_run()),
    Case("create_flow_run-python_client", has_id_of(RUN_ONE)),
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
    Case("flow-cli_get_flows_no_filters_null_collapse", flows_by_name),
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
    Case("flow_run-scheduled_start_time_from_states", one_first_state),
    Case("flow_run_by_pk-get_flow_run_info", run_info),
    Case("flow_run_by_pk-heartbeat_settings"),
    Case("get_or_create_task_run_info", pending),
    Case("get_runs_in_queue", only_run_one, due_when_captured),
    Case("get_task_run_info", pending),
    Case("hello", hello),
    Case("project-by_name", rows(1)),
    Case("project-cli_get_projects_by_name", one_row(flows_aggregate={"aggregate": {"count": 5}})),
    Case("project-cli_get_projects_null_filter", has_row(name="demo")),
    Case("register_agent", has_id_of(AGENT)),
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
    Case("set_schedule_active", equal({"success": False})),
    Case("task", tasks_of_demo_flow),
    Case("task_run-TaskRunView_from_slug", one_row(map_index=-1)),
    Case("task_run-TaskRunView_mapped_children", children_in_order),
    Case("task_run-cached_states", one_row(), cached),
    Case("task_run-get_all_task_runs", rows(1)),
    Case("task_run-ids", rows(1)),
    Case("task_run-next_task_run_start_time", one_row(state_start_time="2026-11-22T05:43:07.755659+00:00"), retrying),
    Case("task_run-static_task_runs_nin", rows(1)),
    Case("tenant-TenantView", one_row(slug="default")),
    Case("tenant-available_tenants", has_row(slug="default")),
    Case("tenant-by_slug_variable", own_id),
    Case("tenant-default_server_tenant", first_is_own_id),
    Case("tenant-id_slug", has_row(slug="default")),
    Case("update_flow_run_heartbeat", has_beaten),
    Case("update_task_run_artifact", artifact_is({"markdown": "# ho"}), artifact_exists),
    Case("write_run_logs-agent", logs_of(RUN_ONE, 1)),
    Case("write_run_logs-batch", logs_of(RUN_ONE, 24)),
    Case("write_run_logs-single_object", logs_of(FAILED_RUN, 1)),
    Case("delete_key_value", well, key_set(KEY_VALUE, "foo", "bar")),
    Case("key_value-get", equal([{"value": "bar"}]), key_set(KEY_VALUE, "foo", "bar")),
    Case("key_value-id_for_delete", one_row(), key_set(KEY_VALUE, "foo", "bar")),
    Case("key_value-list", has_row(key="foo"), key_set(KEY_VALUE, "foo", "bar")),
    # The id of this capture is "x", which no limit has.
    Case("delete_task_tag_limit", equal({"success": False})),
    Case("update_task_tag_limit", tag_limit_is("db", 3)),
    Case("task_tag_limit", equal([{"limit": 2}]), tag_limited("db", 2)),
    Case("set_key_value-dict"),
    Case("set_key_value-str"),
    Case("secret_names", has_item("js"), secret_set("js", {"a": 1})),
    Case("secret_value-ok", equal({"a": 1}), secret_set("js", {"a": 1})),
    Case("set_secret"),
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
    given: Given


REFUSALS = [
    Refusal("secret_value-error", "No value found for the requested key", nothing),
    Refusal("create_project-uniqueness_violation_error", "Uniqueness violation.", demo2_exists),
    Refusal(
        "set_flow_run_states-Submitted_rejected_error",
        "State update failed",
        submitted("e303b742-4457-46b7-8a0f-93b64ec3bbcc"),
    ),
]

# Captures of features that this server does not have yet, with the root field that it does not know.
_LOGINS = "users and API keys are not served yet"
LATER = {
    "auth_api_key": ("auth_api_key", _LOGINS),
    "auth_info-tenant_id": ("auth_info", _LOGINS),
    "auth_info-user_id": ("auth_info", _LOGINS),
    "create_api_key": ("create_api_key", _LOGINS),
    "delete_api_key": ("delete_api_key", _LOGINS),
}
