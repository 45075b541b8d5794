"""Why a flow run does not run: which reasons follow from which facts, and in which order."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from eparch.core.agent_health import GONE_S, HEALTHY_S, health_of
from eparch.core.explanation_facts import AgentFacts, RunFacts, SlotFacts, TaskFacts
from eparch.core.explanations import Reason, explain
from eparch.core.states import CONCRETE

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)


RUN = RunFacts("run", "Scheduled", "Flow run scheduled.", ago(minutes=5), ago(seconds=5), frozenset(), False, False)
RUNNING = replace(RUN, state="Running", state_start_time=None, heartbeat=ago(seconds=10))


JUST_NOW = ago(seconds=5)


def agent(name: str, *labels: str, asked: datetime | None = JUST_NOW) -> AgentFacts:
    return AgentFacts(name, name, frozenset(labels), asked)


PLAIN = agent("plain")


def reasons(run: RunFacts, *agents: AgentFacts) -> list[Reason]:
    return explain(run, agents, NOW)


def codes(run: RunFacts, *agents: AgentFacts) -> list[str]:
    return [reason.code for reason in reasons(run, *agents)]


def task(name: str, state: str, **more: Any) -> TaskFacts:
    return TaskFacts(name, name, state, more.pop("start", None), **more)


@pytest.mark.parametrize("state", sorted(CONCRETE))
@pytest.mark.parametrize("start", [None, ago(hours=1), ago(hours=-1)])
def test_there_is_always_a_reason_in_words(state: str, start: datetime | None) -> None:
    for run in (
        replace(RUN, state=state, state_start_time=start),
        replace(RUNNING, state=state, state_start_time=start),
    ):
        for agents in ([], [PLAIN], [agent("a", "x", asked=None)]):
            for reason in reasons(run, *agents):
                assert reason.text.endswith(".")
                assert reason.text[0].isupper()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, ["DUE"]),
        ({"state_start_time": ago(hours=-2)}, ["SCHEDULED_LATER"]),
        ({"state_start_time": ago(hours=-2), "is_queue_paused": True}, ["SCHEDULED_LATER", "QUEUE_PAUSED"]),
        ({"is_queue_paused": True}, ["QUEUE_PAUSED"]),
        ({"held_by": "schedule_policies"}, ["HELD"]),
        ({"slots": (SlotFacts("db", 1),)}, ["WAITS_FOR_SLOT"]),
        ({"is_flow_archived": True}, ["DUE", "FLOW_ARCHIVED"]),
        ({"state": "Retrying", "state_start_time": ago(minutes=-3)}, ["RETRIES_LATER"]),
        ({"state": "Paused", "state_start_time": None}, ["WAITS_FOR_APPROVAL"]),
        ({"state": "Paused", "state_start_time": ago(hours=-2)}, ["WAITS_FOR_APPROVAL"]),
        ({"state": "Queued", "state_start_time": ago(seconds=-30)}, ["WAITS_FOR_SLOT"]),
        ({"state": "Pending", "state_start_time": None}, ["NOT_OFFERED"]),
        ({"state": "Submitted", "state_timestamp": ago(seconds=20)}, ["SUBMITTED"]),
        ({"state": "Submitted"}, ["SILENT", "SUBMITTED"]),
        ({"state": "Submitted", "are_heartbeats_expected": False}, ["SUBMITTED"]),
        ({"state": "Cancelling", "heartbeat": ago(seconds=9)}, ["CANCELLING"]),
        ({"state": "Success"}, ["FINISHED"]),
        ({"state": "Cancelled", "is_flow_archived": True}, ["FINISHED"]),
        (
            {
                "state": "Cancelled",
                "is_flow_archived": True,
                "state_message": "Flow run is cancelled: its flow has been archived.",
            },
            ["FLOW_ARCHIVED"],
        ),
    ],
)
def test_a_state_and_its_circumstances_have_their_codes(change: dict[str, Any], expected: list[str]) -> None:
    assert codes(replace(RUN, **change), PLAIN) == expected


def test_the_words_say_when_it_will_start_and_how_late_it_is() -> None:
    (later,) = reasons(replace(RUN, state_start_time=NOW + timedelta(hours=26, minutes=4)), PLAIN)
    assert later.text == "It is scheduled in 1 d 2 h, at 2026-03-03T14:04:00.000000+00:00."
    assert later.detail == {"start_time": "2026-03-03T14:04:00.000000+00:00"}
    (late,) = reasons(replace(RUN, state_start_time=ago(minutes=2, seconds=3)), PLAIN)
    assert "It is due, 2 min 3 s late" in late.text
    assert [one["name"] for one in late.detail["agents"]] == ["plain"]


def test_an_agent_that_lacks_a_label_is_named_with_what_it_lacks() -> None:
    run = replace(RUN, labels=frozenset({"gpu", "prod"}))
    far, near, gone = agent("far", "dev"), agent("near", "prod", "dev"), agent("gone", "prod", asked=ago(days=1))
    (reason,) = reasons(run, PLAIN, far, gone, near)
    assert reason.code == "NO_AGENT_WITH_LABELS"
    assert reason.text == "No agent has all of its labels, gpu, prod: the nearest, 'near', lacks gpu."
    assert reason.hint == "start one: eparch agent start local --label gpu --label prod"
    assert [(one["name"], one["lacking"], one["health"]) for one in reason.detail["near"]] == [
        ("near", ["gpu"], "healthy"),
        ("gone", ["gpu"], "gone"),
        ("far", ["gpu", "prod"], "healthy"),
        ("plain", ["gpu", "prod"], "healthy"),
    ]
    assert codes(run, agent("good", "gpu", "prod", "more"), near) == ["DUE"]


def test_a_run_without_labels_is_for_agents_without_labels() -> None:
    (reason,) = reasons(RUN, agent("one", "x"))
    assert reason.code == "NO_AGENT_WITH_LABELS"
    assert "It has no labels, and every agent has some" in reason.text
    assert codes(RUN) == ["NO_AGENT"]


def test_agents_that_would_fit_and_are_gone_are_told_from_those_that_are_late() -> None:
    gone, late = agent("old", asked=ago(hours=2)), agent("slow", asked=ago(minutes=3))
    (reason,) = reasons(RUN, gone)
    assert (reason.code, reason.text) == (
        "AGENTS_GONE",
        "1 agent takes its labels and is not there: 'old', it last asked 2 h ago.",
    )
    assert codes(RUN, gone, late) == ["AGENTS_LATE", "DUE"]
    assert codes(RUN, gone, late, PLAIN) == ["DUE"]
    assert "it has never asked" in reasons(RUN, agent("new", asked=None))[0].text


def test_who_holds_the_slots_is_named() -> None:
    slots = (SlotFacts("db", 2, (("id-1", "mad-hippo"), ("id-2", "fast-owl")), ahead=3), SlotFacts("off", 0))
    one, two = reasons(replace(RUN, state="Queued", slots=slots), PLAIN)
    assert one.text == "All 2 slots of 'db' are taken, held by mad-hippo, fast-owl; 3 runs before it."
    assert one.detail["holders"] == [{"id": "id-1", "name": "mad-hippo"}, {"id": "id-2", "name": "fast-owl"}]
    assert two.text == "The limit of 'off' is 0: nothing may run under it."
    running = replace(RUNNING, tasks=(task("load", "Queued", start=ago(seconds=-30)),), slots=slots[:1])
    assert codes(running, PLAIN) == ["WAITS_FOR_SLOT"]


@pytest.mark.parametrize(
    ("tasks", "expected", "words"),
    [
        ([], ["RUNNING"], "It is running, between tasks."),
        ([task("load", "Pending")], ["RUNNING"], "It is running: load is about to begin."),
        ([task("load", "Running")], ["RUNNING"], "It is running: load is in progress."),
        (
            [task("load", "Running"), task("clean", "Pending", upstream=(("load", "Running"),))],
            ["RUNNING", "WAITS_FOR_TASK"],
            "clean waits for load, which is Running",
        ),
        ([task(f"t{n}", "Running") for n in range(7)], ["RUNNING"], "t0, t1, t2, t3, t4 and 2 more are in progress"),
        ([task("ask", "Paused")], ["WAITS_FOR_APPROVAL"], "ask is paused until somebody approves."),
        (
            [task("a", "Retrying", start=ago(minutes=-5)), task("b", "Retrying", start=ago(minutes=-2))],
            ["RETRIES_LATER"],
            "a, b are waiting for an instant; the next is b, in 2 min.",
        ),
        ([task("again", "Resume", start=ago(seconds=5))], ["DUE"], "It is due"),
        (
            [task("again", "Retrying", start=ago(seconds=5))],
            ["RETRIES_LATER"],
            "by the process that runs; if there is none any more, agents are offered the flow run in 10 s.",
        ),
        ([task("again", "Retrying", start=ago(seconds=15))], ["DUE"], "It is due"),
    ],
)
def test_a_running_flow_run_says_what_its_tasks_wait_for(
    tasks: list[TaskFacts], expected: list[str], words: str
) -> None:
    found = reasons(replace(RUNNING, tasks=tuple(tasks)), PLAIN)
    assert [reason.code for reason in found] == expected
    assert any(words in reason.text for reason in found), found


def test_silence_comes_first() -> None:
    silent = replace(RUNNING, heartbeat=ago(minutes=4), tasks=(task("load", "Running"),))
    assert codes(silent, PLAIN) == ["SILENT", "RUNNING"]
    assert reasons(silent, PLAIN)[0].text.startswith("There has been no sign of life for 4 min;")
    assert "heartbeat_timeout_s" in reasons(silent, PLAIN)[0].hint
    assert codes(replace(silent, are_heartbeats_expected=False), PLAIN) == ["RUNNING"]


def test_silence_is_seen_sooner_where_a_client_says_how_often_it_beats() -> None:
    run = replace(RUNNING, state_timestamp=ago(hours=1), tasks=(task("load", "Running"),))
    for heartbeat_s, missed_s, expected in (
        (31, 11, ["SILENT", "RUNNING"]),
        (30, 10, ["RUNNING"]),
        (119, -1, ["RUNNING"]),
    ):
        leased = replace(run, heartbeat=ago(seconds=heartbeat_s), missed_at=ago(seconds=missed_s))
        assert codes(leased, PLAIN) == expected
    assert codes(replace(run, heartbeat=ago(seconds=119)), PLAIN) == ["RUNNING"]
    leased = replace(run, heartbeat=ago(seconds=45), missed_at=ago(seconds=25))
    assert "heartbeat_lease_s" in reasons(leased, PLAIN)[0].hint


@pytest.mark.parametrize("state", ["Paused", "Retrying"])
def test_a_run_whose_process_has_left_until_a_task_run_goes_on_is_not_called_silent(state: str) -> None:
    start = None if state == "Paused" else ago(minutes=-20)
    left = replace(RUNNING, heartbeat=ago(minutes=40), tasks=(task("later", state, start=start),))
    assert codes(left, PLAIN) == ["WAITS_FOR_APPROVAL" if state == "Paused" else "RETRIES_LATER"]


@pytest.mark.parametrize(
    ("asked", "health"),
    [
        (ago(seconds=HEALTHY_S), "healthy"),
        (ago(seconds=HEALTHY_S + 1), "late"),
        (ago(seconds=GONE_S), "late"),
        (ago(seconds=GONE_S + 1), "gone"),
        (None, "gone"),
        (ago(seconds=-5), "healthy"),
    ],
)
def test_an_agent_is_healthy_late_or_gone_by_its_last_question(asked: datetime | None, health: str) -> None:
    assert health_of(asked, NOW) == health
