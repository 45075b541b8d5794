"""Previews through the API, on both databases."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput, NotFound
from eparch.core.principals import Principal
from eparch.database.tables import flow, flow_run
from tests.operations.backend import OTHER_TENANT, Backend
from tests.operations.samples import flow_document, make_project, register, schedule


def starts(payload: Any) -> list[str]:
    return [event["start_time"].isoformat() for event in payload["events"]]


def test_a_schedule_is_shown_without_being_saved(backend: Backend) -> None:
    shown = backend.run("schedule_preview", cron_clocks=[{"cron": "0 9 * * *"}], timezone="Europe/Paris", count=2)
    assert starts(shown) == ["2026-03-03T08:00:00+00:00", "2026-03-04T08:00:00+00:00"]
    assert shown["events"][0]["local_time"] == "2026-03-03T09:00:00+01:00"
    assert shown["has_more"] is True
    assert shown["schedule"]["clocks"][0]["cron"] == "0 9 * * *"
    assert backend.count(flow_run) == 0


def test_what_is_shown_is_what_is_made(backend: Backend) -> None:
    flow_id = register(backend, make_project(backend), flow_document(schedule=schedule()))
    group_id = backend.row(flow, flow_id)["flow_group_id"]
    given = {
        "cron_clocks": [{"cron": "30 2 * * *", "parameter_defaults": {"x": 1}, "labels": ["a"], "day_or": True}],
        "rrule_clocks": [{"rrule": "FREQ=WEEKLY;BYDAY=SU;BYHOUR=9;BYMINUTE=0;BYSECOND=0"}],
        "timezone": "Europe/Paris",
    }
    backend.move_clock(days=22)
    shown = backend.run("schedule_preview", **given)
    assert backend.run("set_flow_group_schedule", flow_group_id=group_id, **given) == {"success": True}
    runs = sorted(backend.rows(flow_run), key=lambda run: run["scheduled_start_time"])
    assert [run["scheduled_start_time"].isoformat() for run in runs] == starts(shown)
    assert [run["labels"] == ["a"] for run in runs] == [event["labels"] is not None for event in shown["events"]]
    assert [note["kind"] for note in shown["notes"]] == ["moved"]
    assert shown["notes"][0]["text"].startswith("02:30 does not exist on 2026-03-29 in Europe/Paris")
    of_group = backend.run("schedule_preview", flow_group_id=group_id)
    assert starts(of_group) == starts(shown)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "there is no clock"),
        ({"cron_clocks": [{"cron": "61 * * * *"}]}, "Invalid clock provided"),
        ({"interval_clocks": [{"interval": 59}]}, "too short an interval"),
        ({"rrule_clocks": [{"rrule": "FREQ=SOMETIMES"}]}, "not a recurrence rule"),
        ({"cron_clocks": [{"cron": "0 9 * * *"}], "timezone": "Mars/Olympus"}, "Invalid timezone 'Mars/Olympus'"),
        ({"schedule": {"clocks": [{"type": "SunClock"}]}}, "not a kind of clock"),
        ({"schedule": schedule(), "cron_clocks": [{"cron": "0 9 * * *"}]}, "cron_clocks besides"),
        ({"schedule": schedule(), "count": 1001}, "1001 instants"),
        ({"schedule": schedule(), "count": 0}, "0 instants"),
    ],
)
def test_a_wrong_schedule_is_refused_in_words(backend: Backend, given: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        backend.run("schedule_preview", **given)


def test_a_group_without_a_schedule_or_of_somebody_else_is_refused(backend: Backend) -> None:
    flow_id = register(backend, make_project(backend), flow_document())
    group_id = backend.row(flow, flow_id)["flow_group_id"]
    with pytest.raises(BadInput, match="has no schedule"):
        backend.run("schedule_preview", flow_group_id=group_id)
    with pytest.raises(BadInput, match="cron_clocks are given"):
        backend.run("schedule_preview", flow_group_id=group_id, cron_clocks=[{"cron": "* * * * *"}])
    with pytest.raises(NotFound):
        backend.run("schedule_preview", Principal(OTHER_TENANT), flow_group_id=group_id)


def test_the_rule_and_the_instant_to_begin_at_can_be_chosen(backend: Backend) -> None:
    after = backend.now + timedelta(days=26)
    given = {"cron_clocks": [{"cron": "30 2 * * *"}], "timezone": "Europe/Paris", "after": after, "count": 2}
    shown = backend.run("schedule_preview", daylight_rule="strict", **given)
    assert starts(shown) == ["2026-03-30T00:30:00+00:00", "2026-03-31T00:30:00+00:00"]
    assert [note["kind"] for note in shown["notes"]] == ["skipped"]
