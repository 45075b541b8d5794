"""An agent of the published client executes runs, and what the run did is in the database afterwards."""

import json
from collections.abc import Callable
from itertools import pairwise

from tests.clients.api import Api, by_slug, instant, state_types
from tests.clients.guest import Guest

Runner = Callable[..., str]


def test_a_run_gets_its_parameters_and_goes_from_scheduled_to_success(api: Api, execute: Runner) -> None:
    run = execute("parameters", parameters={"who": "wörld", "n": 21})
    assert api.result(run, "double-1") == "42"
    assert json.loads(api.result(run, "greet-1")) == "hello wörld"
    assert api.states(run) == ["Scheduled", "Submitted", "Running", "Success"]
    assert state_types(api.task_run(run, "double-1")) == ["Pending", "Running", "Success"]
    row = api.flow_run(run, "parameters scheduled_start_time start_time end_time version agent { name type }")
    assert row["parameters"] == {"who": "wörld", "n": 21}
    assert row["version"] == 4
    assert row["agent"] == {"name": "plain", "type": "LocalAgent"}
    times = [instant(row[name]) for name in ("scheduled_start_time", "start_time", "end_time")]
    assert times == sorted(times)


def test_a_parameter_without_a_value_takes_its_default(api: Api, execute: Runner) -> None:
    assert api.result(execute("parameters", parameters={"who": "you"}), "double-1") == "2"


def test_a_run_without_a_required_parameter_is_refused(api: Api, flows: dict[str, str]) -> None:
    answer = api.post(
        "mutation($input: create_flow_run_input!) { create_flow_run(input: $input) { id } }",
        {"input": {"flow_id": flows["parameters"], "parameters": {"n": 2}}},
    ).json()
    assert "Required parameters were not supplied" in answer["errors"][0]["message"]
    assert "who" in answer["errors"][0]["message"]


def test_default_parameters_of_the_flow_group_are_used_and_can_be_overridden(
    api: Api, flows: dict[str, str], guest: Guest, execute: Runner
) -> None:
    group = api.ask("query($id: uuid!) { flow_by_pk(id: $id) { flow_group_id } }", id=flows["names"])["flow_group_id"]
    set_defaults = "set_flow_group_default_parameters"
    api.mutate(set_defaults, "success", flow_group_id=group, parameters={"number": 100})
    try:
        assert api.result(execute("names"), "named-1") == "200"
        assert api.result(execute("names", parameters={"number": 0}), "named-1") == "0"
    finally:
        api.mutate(set_defaults, "success", flow_group_id=group, parameters={})


def test_the_context_of_a_run_reaches_its_tasks(api: Api, execute: Runner) -> None:
    run = execute("parameters", parameters={"who": "you"}, context={"greeting": "good evening"})
    assert json.loads(api.result(run, "greet-1")) == "good evening you"


def test_the_environment_comes_from_the_run_config_of_the_flow_or_of_the_run(api: Api, execute: Runner) -> None:
    assert json.loads(api.result(execute("environment"), "read_environment-1")) == "of the flow"
    run_config = {"type": "LocalRun", "env": {"EPARCH_TEST_COLOUR": "of the run"}, "labels": []}
    assert json.loads(api.result(execute("environment", run_config=run_config), "read_environment-1")) == "of the run"


def test_a_run_and_its_task_runs_have_the_names_that_they_were_given(api: Api, execute: Runner) -> None:
    run = execute("names", flow_run_name="the first of its kind", parameters={"number": 4})
    assert api.flow_run(run, "name")["name"] == "the first of its kind"
    assert api.task_run(run, "named-1")["name"] == "doubling 4"


def test_a_mapped_task_has_a_child_for_each_of_130_elements(api: Api, execute: Runner) -> None:
    run = execute("mapping")
    assert api.result(run, "add-1") == str(sum(n * n for n in range(130)))
    parent, *children = api.task_runs(run, "square-1")
    assert (parent["map_index"], parent["state"]) == (-1, "Mapped")
    assert parent["serialized_state"]["n_map_states"] == 130
    assert [child["map_index"] for child in children] == list(range(130))
    assert {child["state"] for child in children} == {"Success"}
    assert [child["serialized_state"]["_result"]["location"] for child in children] == [str(n * n) for n in range(130)]
    for child in children:
        assert state_types(child) == ["Pending", "Running", "Success"]
    counts = api.ask(
        "query($id: UUID!) { mapped_children(task_run_id: $id) { state_counts min_start_time max_end_time } }",
        id=parent["id"],
    )
    assert counts["state_counts"] == {"Success": 130}
    assert instant(counts["min_start_time"]) < instant(counts["max_end_time"])


def test_a_map_over_nothing_succeeds(api: Api, execute: Runner) -> None:
    run = execute("mapping", parameters={"n": 0})
    assert api.result(run, "add-1") == "0"
    assert [row["map_index"] for row in api.task_runs(run, "square-1")] == [-1]


def test_state_handlers_see_every_transition_and_decide_what_is_stored(api: Api, guest: Guest, execute: Runner) -> None:
    run = execute("handlers")
    assert state_types(api.task_run(run, "forgiven-1")) == ["Pending", "Running", "Success"]
    assert api.task_run(run, "forgiven-1")["serialized_state"]["message"] == "forgiven"
    seen = (guest.marks / f"{run}.transitions").read_text().splitlines()
    assert seen == [
        "Flow Scheduled Running",
        "FunctionTask Pending Running",
        "FunctionTask Running Failed",
        "Flow Running Success",
    ]


def test_a_cached_result_is_used_for_the_same_inputs_only(api: Api, guest: Guest, execute: Runner) -> None:
    first = execute("caching", parameters={"number": 1})
    assert state_types(api.task_run(first, "compute-1")) == ["Pending", "Running", "Success", "Cached"]
    hit = execute("caching", parameters={"number": 1})
    assert state_types(api.task_run(hit, "compute-1")) == ["Pending", "Cached"]
    assert api.result(hit, "compute-1") == "2"
    miss = execute("caching", parameters={"number": 2})
    assert state_types(api.task_run(miss, "compute-1")) == ["Pending", "Running", "Success", "Cached"]
    assert [guest.marked(run, "computations") for run in (first, hit, miss)] == [1, 0, 1]


def test_a_looping_task_counts_its_iterations(api: Api, guest: Guest, execute: Runner) -> None:
    run = execute("looping")
    task_run = api.task_run(run, "count_down-1")
    assert state_types(task_run) == ["Pending", *["Running", "Looped"] * 3, "Running", "Success"]
    looped = [s["serialized_state"]["loop_count"] for s in task_run["states"] if s["state"] == "Looped"]
    assert looped == [1, 2, 3]
    assert (guest.marks / f"{run}.iterations").read_text().split() == ["3", "2", "1", "0"]


def test_skips_and_failures_spread_to_the_tasks_after_them(api: Api, guest: Guest, execute: Runner) -> None:
    run = execute("triggers", expected="Failed")
    assert by_slug(api.task_runs(run)) == {
        "skip-1": "Skipped",
        "after_skip-1": "Skipped",
        "fail-1": "Failed",
        "after_failure-1": "TriggerFailed",
        "clean_up-1": "Success",
    }
    assert guest.marked(run, "after skip") == 0
    assert guest.marked(run, "after failure") == 0
    assert guest.marked(run, "clean-up") == 1
    assert "on purpose" in api.task_run(run, "fail-1")["serialized_state"]["message"]


def test_artifacts_of_a_task_are_kept(api: Api, execute: Runner) -> None:
    run = execute("artifacts")
    artifacts = api.ask(
        """query($id: uuid!) {
            task_run_artifact(where: {task_run: {flow_run_id: {_eq: $id}}}, order_by: {created: asc}) { kind data }
        }""",
        id=run,
    )
    assert artifacts == [
        {"kind": "link", "data": {"link": "https://example.com/report"}},
        {"kind": "markdown", "data": {"markdown": "# Report\n\n100 % — “done”"}},
    ]


def test_logs_arrive_with_their_levels_in_the_order_of_time(api: Api, execute: Runner) -> None:
    run = execute("logs", run_config={"type": "LocalRun", "env": {"PREFECT__LOGGING__LEVEL": "DEBUG"}, "labels": []})
    lines = api.wait_for_log(run, "Flow run SUCCESS: all reference tasks succeeded")
    spoken = [line for line in lines if line["name"] == "prefect.speak"]
    assert [(line["level"], line["message"]) for line in spoken[:5]] == [
        (level, f"a line of level {level.lower()}: ünï\n🚀")
        for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    ]
    assert [line["message"] for line in spoken[5:]] == [f"line {number}" for number in range(20)]
    task_run = api.task_run(run, "speak-1")["id"]
    assert {line["task_run_id"] for line in spoken} == {task_run}
    messages = [line["message"] for line in lines]
    assert messages[0].startswith("Submitted for execution: PID: ")
    assert "Beginning Flow run for 'logs'" in messages
    times = [instant(line["timestamp"]) for line in lines]
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_a_run_whose_flow_cannot_be_loaded_fails_and_says_why(
    api: Api, guest: Guest, start: Runner, flows: dict[str, str]
) -> None:
    flow_id = guest.run("register_lost.py", "guest")
    flows["lost"] = flow_id
    run = start("lost")
    api.wait_for_state(run, "Failed")
    assert api.states(run) == ["Scheduled", "Submitted", "Failed"]
    message = api.flow_run(run, "state_message")["state_message"]
    assert message.startswith("Failed to load and execute flow run: ")
    (line,) = [line for line in api.wait_for_log(run, message) if line["message"] == message]
    assert line["level"] == "ERROR"


def test_a_run_of_600_tasks_has_a_pending_task_run_for_each_before_it_starts(api: Api, flows: dict[str, str]) -> None:
    # The process of a run learns the ids of its task runs from this answer alone. That it then executes hundreds of
    # them is seen in the mapped flow: here they would take half a minute, nearly all of it the client's own.
    run = api.create_flow_run(flows["wide"], labels=["nobody"])
    task_runs = api.flow_run(run, "task_runs(where: {map_index: {_eq: -1}}) { state task { slug } }")["task_runs"]
    assert len({task_run["task"]["slug"] for task_run in task_runs}) == len(task_runs) == 602
    assert {task_run["state"] for task_run in task_runs} == {"Pending"}
