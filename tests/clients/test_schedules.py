"""Schedules registered by the published client give the runs that the client itself foretells, on time."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from tests.clients.agent import AgentProcess
from tests.clients.api import Api, instant
from tests.clients.guest import FLOWS, Guest
from tests.waiting import wait_until

Runner = Callable[..., str]


def register(guest: Guest, project: str, schedule: str) -> tuple[str, list[dict[str, Any]]]:
    """Register the flow "names" with a schedule; return its id and the next ten events by the client's reckoning."""
    answer = guest.run("register_scheduled.py", project, str(FLOWS / "values.py"), schedule)
    return answer["flow_id"], answer["events"]


def upcoming(api: Api, flow_id: str) -> list[dict[str, Any]]:
    """Return the runs of a flow that the scheduler has made, in the order of time."""
    rows = api.ask(
        """query($id: uuid!) {
            flow_run(
                where: {flow_id: {_eq: $id}, auto_scheduled: {_eq: true}}
                order_by: [{scheduled_start_time: asc}, {created: asc}]
            ) { id state scheduled_start_time state_start_time parameters labels }
        }""",
        id=flow_id,
    )
    return list(rows)


def comparable(start: str, parameters: dict[str, Any], labels: list[str] | None) -> tuple[datetime, Any, list[str]]:
    return instant(start), parameters.get("number", 21), sorted(labels or [])


@pytest.mark.parametrize(
    "schedule",
    [
        "cron in a zone with summer time",
        "interval of a day in local time",
        "interval of seven hours",
        "rrule",
        "weekdays, between times, adjusted",
        "two clocks with values of their own",
    ],
)
def test_the_ten_next_runs_exist_at_once_and_are_those_that_the_client_foretells(
    api: Api, guest: Guest, schedule: str
) -> None:
    flow_id, events = register(guest, f"foretold {schedule}", schedule)
    runs = upcoming(api, flow_id)
    assert {run["state"] for run in runs} == {"Scheduled"}
    assert [run["state_start_time"] for run in runs] == [run["scheduled_start_time"] for run in runs]
    foretold = [comparable(event["start"], event["parameters"], event["labels"]) for event in events]
    made = [comparable(run["scheduled_start_time"], run["parameters"], run["labels"]) for run in runs]
    assert len(made) == 10
    assert sorted(made) == sorted(foretold)


def test_a_list_of_dates_gives_a_run_for_each_that_is_still_to_come(api: Api, guest: Guest) -> None:
    flow_id, events = register(guest, "dates", "dates")
    assert len(events) == 4
    assert [instant(run["scheduled_start_time"]) for run in upcoming(api, flow_id)] == [
        instant(event["start"]) for event in events
    ]


def test_a_run_that_is_due_is_executed_with_the_clocks_parameters_and_not_before_its_time(
    api: Api, guest: Guest, agent: AgentProcess
) -> None:
    flow_id, _ = register(guest, "due soon", "soon")
    first, *later = upcoming(api, flow_id)
    agent.poke()
    api.wait_for_state(first["id"], "Success")
    assert api.result(first["id"], "named-1") == "16"
    row = api.flow_run(first["id"], "scheduled_start_time start_time auto_scheduled")
    assert row["auto_scheduled"] is True
    assert instant(row["start_time"]) >= instant(row["scheduled_start_time"])
    assert {api.flow_run(run["id"], "state")["state"] for run in later} == {"Scheduled"}


def test_a_schedule_that_is_switched_off_and_on_has_the_same_runs_again(api: Api, guest: Guest) -> None:
    flow_id, _ = register(guest, "switched", "interval of seven hours")
    times = [run["scheduled_start_time"] for run in upcoming(api, flow_id)]
    assert api.mutate("set_schedule_inactive", "success", flow_id=flow_id)["success"] is True
    assert upcoming(api, flow_id) == []
    assert api.mutate("set_schedule_active", "success", flow_id=flow_id)["success"] is True
    assert [run["scheduled_start_time"] for run in upcoming(api, flow_id)] == times


def test_a_new_version_takes_the_schedule_over_from_the_old_one(api: Api, guest: Guest) -> None:
    old, _ = register(guest, "taken over", "interval of seven hours")
    new, _ = register(guest, "taken over", "interval of seven hours")
    wait_until(lambda: not upcoming(api, old), "the end of the old version's runs")
    assert len(upcoming(api, new)) == 10
