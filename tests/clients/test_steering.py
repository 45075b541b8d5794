"""Users steer runs while the published client executes them: cancel, restart, watch the heartbeat."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.clients.agent import AgentProcess
from tests.clients.api import Api, by_slug, instant
from tests.clients.guest import Guest
from tests.waiting import wait_until

Runner = Callable[..., str]


def test_a_running_flow_that_is_cancelled_stops_and_its_task_runs_are_closed(
    api: Api, guest: Guest, start: Runner
) -> None:
    run = start("long work")
    wait_until(lambda: guest.marked(run, "started"), "a task at work")
    assert api.mutate("cancel_flow_run", "state", flow_run_id=run) == {"state": "Cancelling"}
    api.wait_for_state(run, "Cancelled")
    assert api.states(run) == ["Scheduled", "Submitted", "Running", "Cancelling", "Cancelled"]
    assert by_slug(api.task_runs(run)) == {"work_until_told-1": "Cancelled", "tidy_up-1": "Cancelled"}
    assert guest.marked(run, "finished") == 0
    assert api.flow_run(run, "end_time")["end_time"] is not None


def test_a_run_that_is_cancelled_before_its_start_is_never_executed(
    api: Api, flows: dict[str, str], guest: Guest, execute: Runner
) -> None:
    later = (datetime.now(UTC) + timedelta(seconds=20)).isoformat()
    run = api.create_flow_run(flows["long work"], scheduled_start_time=later)
    assert api.mutate("cancel_flow_run", "state", flow_run_id=run) == {"state": "Cancelled"}
    execute("names")  # the agent has looked for work in the meantime
    assert api.states(run) == ["Scheduled", "Cancelled"]
    assert set(by_slug(api.task_runs(run)).values()) == {"Cancelled"}
    assert guest.marked(run, "started") == 0


def test_a_failed_run_restarts_from_the_failed_task_and_keeps_earlier_results(
    api: Api, guest: Guest, agent: AgentProcess, execute: Runner
) -> None:
    run = execute("restart", expected="Failed")
    assert by_slug(api.task_runs(run)) == {
        "load-1": "Success",
        "transform-1": "Failed",
        "report-1": "TriggerFailed",
    }
    (guest.marks / f"{run}.repaired").touch()
    for task_run in api.task_runs(run):
        if task_run["state"] != "Success":
            api.set_task_run_state(task_run["id"], {"type": "Pending", "message": "restarted"})
    api.set_flow_run_state(run, {"type": "Scheduled", "message": "restarted"})
    agent.poke()
    api.wait_for_state(run, "Success")
    assert set(by_slug(api.task_runs(run)).values()) == {"Success"}
    assert guest.marked(run, "loads") == 1
    assert guest.marked(run, "transformations") == 2
    assert guest.marked(run, "rows 7") == 1
    assert guest.marked(run, "reports") == 1
    assert api.states(run) == [
        *["Scheduled", "Submitted", "Running", "Failed"],
        *["Scheduled", "Submitted", "Running", "Success"],
    ]


def test_a_running_flow_sends_heartbeats_from_a_process_of_its_own(
    api: Api, guest: Guest, start: Runner, agent: AgentProcess
) -> None:
    default_mode = {"type": "LocalRun", "env": {"PREFECT__CLOUD__HEARTBEAT_MODE": "process"}, "labels": []}
    run = start("long work", run_config=default_mode)
    wait_until(lambda: guest.marked(run, "started"), "a task at work")
    beats = {api.flow_run(run, "heartbeat")["heartbeat"]}

    def three_beats() -> bool:
        beats.add(api.flow_run(run, "heartbeat")["heartbeat"])
        return len(beats) >= 3

    wait_until(three_beats, "two more heartbeats")
    assert all(abs(instant(beat) - datetime.now(UTC)) < timedelta(minutes=1) for beat in beats)
    assert _commands_with(f"heartbeat flow-run -i {run}")
    _tell_to_finish(guest, run)
    api.wait_for_state(run, "Success")


def test_a_flow_without_heartbeats_sends_only_the_first(
    api: Api, flows: dict[str, str], guest: Guest, start: Runner
) -> None:
    api.mutate("disable_flow_heartbeat", "success", flow_id=flows["long work"])
    try:
        run = start("long work")
        wait_until(lambda: guest.marked(run, "started"), "a task at work")
        assert api.flow_run(run, "flow { settings }")["flow"]["settings"]["heartbeat_enabled"] is False
        first = api.flow_run(run, "heartbeat")["heartbeat"]

        def three_intervals_have_passed() -> bool:
            assert api.flow_run(run, "heartbeat")["heartbeat"] == first
            return datetime.now(UTC) - instant(first) > timedelta(seconds=3)

        # That nothing comes can only be seen by watching for as long as something would have come.
        wait_until(three_intervals_have_passed, "three intervals of a heartbeat")
        _tell_to_finish(guest, run)
        api.wait_for_state(run, "Success")
        assert api.flow_run(run, "heartbeat")["heartbeat"] == first
    finally:
        api.mutate("enable_flow_heartbeat", "success", flow_id=flows["long work"])


def _tell_to_finish(guest: Guest, flow_run_id: str) -> None:
    (guest.marks / f"{flow_run_id}.finish").touch()


def _commands_with(words: str) -> list[str]:
    """Return the command lines of running processes that contain `words`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if words in command:
                found.append(command)
    return found
