"""What is switched on and off: archived flows, schedules, the work queue."""

from datetime import timedelta

import pytest

from eparch import Flow, task
from eparch.schedules import Interval
from eparch.testing import TemporaryServer
from tests.cli.program import Program


@task
def nothing() -> None:
    """Do nothing."""


def small_flow(name: str, **options: object) -> Flow:
    with Flow(name, **options) as flow:  # type: ignore[arg-type]
        nothing()
    return flow


def hourly_flow(name: str) -> Flow:
    return small_flow(name, schedule=Interval(timedelta(hours=1)))


def test_a_flow_is_archived_and_taken_back(own: Program, own_server: TemporaryServer) -> None:
    own_server.register(small_flow("kept"))
    waiting = own.ok("run", "-n", "kept", "--at", "2031-01-01T00:00+00:00")
    done = own("archive", "kept")
    assert (done.code, done.out) == (0, "")
    assert "Flow kept, version 1, is archived. Take it back: eparch unarchive " in done.err
    assert own.json("get", "flows") == []
    assert own.json("describe", "flow-run", waiting)["state"] == "Cancelled"
    refused = own("run", "tests/kept")
    assert refused.error == "error: Flow 'kept' in project 'tests' is archived."
    assert refused.hint == "hint: take it out with eparch unarchive tests/kept, or give the id of a version"
    assert own("run", "-n", "kept").error == "error: Flow 'kept' is archived."
    assert "Flow kept, version 1, is current." in own("unarchive", "kept").err
    assert [row["name"] for row in own.json("get", "flows")] == ["kept"]
    again = own("unarchive", "tests/kept")
    assert again.code == 1
    assert again.error == "error: Flow 'kept' is not archived: its version 1 is current."


def test_an_older_version_is_made_current_by_its_id(own: Program, own_server: TemporaryServer) -> None:
    first = own_server.register(small_flow("many"))
    own_server.register(hourly_flow("many"))
    assert [row["version"] for row in own.json("get", "flows")] == [2]
    assert "Flow many, version 1, is current." in own("unarchive", first).err
    assert [row["version"] for row in own.json("get", "flows")] == [1]
    # By its name the newest version is meant.
    own.ok("archive", "many")
    assert "Flow many, version 2, is current; its schedule is on." in own("unarchive", "many").err


def test_one_flow_that_is_not_there_does_not_keep_the_others(own: Program, own_server: TemporaryServer) -> None:
    own_server.register(small_flow("there"))
    done = own("archive", "ther", "there")
    assert done.code == 1
    assert done.error == "error: There is no flow 'ther'."
    assert done.hint == "hint: did you mean 'there'?"
    assert own.json("get", "flows") == []


def test_a_schedule_is_switched_off_and_on(own: Program, own_server: TemporaryServer) -> None:
    own_server.register(hourly_flow("hourly"))
    own_server.register(small_flow("by-hand"))

    def active() -> dict[str, bool]:
        return {row["name"]: row["is_schedule_active"] for row in own.json("get", "flows")}

    assert active() == {"hourly": True, "by-hand": False}
    assert len(own.json("get", "flow-runs", "--state", "Scheduled")) == 10
    assert "The schedule of flow hourly is off." in own("schedule", "off", "hourly").err
    assert own.json("get", "flow-runs", "--state", "Scheduled") == []
    assert "The schedule of flow hourly was off already." in own("schedule", "off", "hourly").err
    assert "The schedule of flow hourly is on; its next runs are made." in own("schedule", "on", "tests/hourly").err
    assert len(own.json("get", "flow-runs", "--state", "Scheduled")) == 10
    refused = own("schedule", "on", "by-hand")
    assert refused.code == 1
    assert refused.error == "error: Flow 'by-hand' has no schedule."


def test_the_work_queue_is_paused_and_goes_on(own: Program, own_server: TemporaryServer) -> None:
    own_server.register(small_flow("waits"))
    due = own.ok("run", "-n", "waits")
    own.ok("run", "-n", "waits", "--at", "2031-01-01T00:00+00:00")
    shown = own("queue", "show")
    assert (shown.out, shown.err) == ("open\n", "2 runs are scheduled, 1 run is due now.\n")
    assert "Let it go on: eparch queue resume" in own("queue", "pause").err
    assert own.json("queue", "show") == {"is_paused": True, "scheduled_count": 2, "due_count": 1}
    assert "The work queue is paused: agents are offered no runs." in own.ok("describe", "flow-run", due)
    assert own("queue", "resume").err == "The work queue goes on; 1 run is due now.\n"
    assert own.ok("queue", "show") == "open"


@pytest.mark.parametrize(
    ("words", "code", "error", "hint"),
    [
        ("archive nowhere/none", 1, "There is no flow 'none' in project 'nowhere'.", "see eparch get flows"),
        ("unarchive none", 1, "There is no flow 'none'.", "see eparch get flows --archived"),
        ("schedule on", 2, "Parameter FLOW requires an argument.", "see eparch schedule on --help"),
        ("schedule of x", 2, "Unknown command 'of'.", "did you mean eparch schedule off?"),
        ("queue stop", 2, "Unknown command 'stop'.", "see eparch queue --help"),
    ],
)
def test_wrong_calls(eparch: Program, words: str, code: int, error: str, hint: str) -> None:
    done = eparch(*words.split())
    assert (done.code, done.out) == (code, "")
    assert done.error == f"error: {error}"
    assert done.hint == f"hint: {hint}"
