"""The published client under limits: its agents, its waiting loop and its version locks work as they are."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise

from tests.clients.agent import AgentProcess
from tests.clients.api import Api, Row, instant, state_types
from tests.clients.guest import Guest

Span = tuple[datetime, datetime]


@contextmanager
def agents(guest: Guest, *labels: str) -> Iterator[list[AgentProcess]]:
    """Run an agent for each label."""
    started = [AgentProcess(guest, f"limited {label}", (label,)) for label in labels]
    try:
        yield [agent.wait_ready() for agent in started]
    finally:
        for agent in started:
            agent.stop()


def spans(states: list[Row], held: set[str]) -> list[Span]:
    """Return from when until when a run was in one of the `held` states."""
    changes = [(row["state"] in held, instant(row["timestamp"])) for row in states]
    return [(start, end) for (is_held, start), (_, end) in pairwise(changes) if is_held]


def most_at_once(found: list[Span]) -> int:
    """Return how many spans overlap at the most; one that ends as another begins does not overlap it."""
    changes = sorted((at, change) for start, end in found for at, change in ((start, 1), (end, -1)))
    counts, now = [0], 0
    for _, change in changes:
        now += change
        counts.append(now)
    return max(counts)


def test_tasks_with_a_tag_keep_its_limit_across_two_agents(api: Api, flows: dict[str, str], guest: Guest) -> None:
    limit_id = api.mutate("update_task_tag_limit", "id", tag="scarce", limit=1)["id"]
    with agents(guest, "one", "two") as pair:
        runs = [api.create_flow_run(flows["tagged"], labels=[label]) for label in ("one", "two") for _ in range(2)]
        for agent in pair:
            agent.poke()
        for run in runs:
            api.wait_for_state(run, "Success", deadline_s=180)
    rows = api.ask(
        """query($runs: [uuid!]) {
            task_run(where: {flow_run_id: {_in: $runs}, task: {name: {_eq: "use"}}, map_index: {_gte: 0}}) {
                states(order_by: {version: asc}) { state timestamp serialized_state }
            }
        }""",
        runs=runs,
    )
    assert len(rows) == 8
    assert most_at_once([span for row in rows for span in spans(row["states"], {"Running"})]) == 1
    queued = [state for row in rows for state in row["states"] if state["state"] == "Queued"]
    assert queued, "nobody had to wait, so nothing was proved"
    assert "'scarce' (1 of 1 slots are taken)" in queued[0]["serialized_state"]["message"]
    assert [guest.marked(run, "used") for run in runs] == [2, 2, 2, 2]
    assert api.ask("query { task_concurrency { name usage } }") == [{"name": "scarce", "usage": 0}]
    assert api.mutate("delete_task_tag_limit", "success", limit_id=limit_id) == {"success": True}


def test_flow_runs_with_a_label_keep_its_limit(api: Api, flows: dict[str, str], guest: Guest) -> None:
    limit_id = api.mutate("update_flow_concurrency_limit", "id", label="licence", limit=1)["id"]
    with agents(guest, "licence") as (agent,):
        runs = [api.create_flow_run(flows["contested"], labels=["licence"]) for _ in range(3)]
        for run in runs:
            agent.poke()
            api.wait_for_state(run, "Success", deadline_s=120)
    states = [api.flow_run(run, "states(order_by: {version: asc}) { state timestamp }")["states"] for run in runs]
    # Handed out one after the other: none was started to find no slot and wait.
    assert [[row["state"] for row in of_run] for of_run in states] == [
        ["Scheduled", "Submitted", "Running", "Success"]
    ] * 3
    held = {"Submitted", "Running"}
    assert most_at_once([span for of_run in states for span in spans(of_run, held)]) == 1
    assert api.mutate("delete_flow_concurrency_limit", "success", limit_id=limit_id) == {"success": True}


def test_a_flow_run_without_a_slot_waits_in_its_own_process(api: Api, flows: dict[str, str], guest: Guest) -> None:
    limit_id = api.mutate("update_flow_concurrency_limit", "id", label="by hand", limit=0)["id"]
    run = api.create_flow_run(flows["contested"], labels=["by hand"])
    process = execute(guest, run)
    try:
        api.wait_for_state(run, "Queued")
        api.mutate("update_flow_concurrency_limit", "id", label="by hand", limit=1)
        api.wait_for_state(run, "Success", deadline_s=120)
    finally:
        output = finish(process)
    assert api.states(run) == ["Scheduled", "Queued", "Running", "Success"], output
    api.mutate("delete_flow_concurrency_limit", "success", limit_id=limit_id)


def test_of_two_processes_that_fight_for_one_flow_run_one_carries_it_out(
    api: Api, flows: dict[str, str], guest: Guest
) -> None:
    with version_lock(api, flows["rivals"]):
        run = api.create_flow_run(flows["rivals"], labels=["nobody"])
        outputs = [finish(process) for process in [execute(guest, run) for _ in range(2)]]
    # Both have asked to run, knowing the same version.
    assert guest.marked(run, "rivals") == 2, outputs
    assert api.states(run) == ["Scheduled", "Running", "Success"], outputs
    assert guest.marked(run, "steps") == 1


def test_of_two_processes_that_fight_for_one_task_run_one_carries_it_out(
    api: Api, flows: dict[str, str], guest: Guest
) -> None:
    with version_lock(api, flows["rival tasks"]):
        run = api.create_flow_run(flows["rival tasks"], labels=["nobody"])
        # As when an agent starts a run again whose process was thought dead.
        api.set_flow_run_state(run, {"type": "Running"})
        outputs = [finish(process) for process in [execute(guest, run) for _ in range(2)]]
    assert guest.marked(run, "rivals") == 2, outputs
    fight = api.task_run(run, "fight-1")
    assert state_types(fight) == ["Pending", "Running", "Success"], outputs
    assert guest.marked(run, "fights") == 1
    assert api.flow_run(run, "state")["state"] == "Success", outputs


@contextmanager
def version_lock(api: Api, flow_id: str) -> Iterator[None]:
    api.mutate("enable_flow_version_lock", "success", flow_id=flow_id)
    try:
        yield
    finally:
        api.mutate("disable_flow_version_lock", "success", flow_id=flow_id)


def execute(guest: Guest, flow_run_id: str) -> "subprocess.Popen[str]":
    """Begin to carry out a flow run in a process, as an agent would."""
    environment = {
        **guest.environment,
        "PREFECT__CONTEXT__FLOW_RUN_ID": flow_run_id,
        "PREFECT__CLOUD__USE_LOCAL_SECRETS": "false",
        "PREFECT__ENGINE__FLOW_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudFlowRunner",
        "PREFECT__ENGINE__TASK_RUNNER__DEFAULT_CLASS": "prefect.engine.cloud.CloudTaskRunner",
    }
    return subprocess.Popen(
        guest.command("execute", "flow-run"),
        cwd=guest.home,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finish(process: "subprocess.Popen[str]") -> str:
    """Wait for the end of a process that will end, and return what it printed."""
    try:
        output, _ = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    return output
