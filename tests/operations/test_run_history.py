"""Flow runs counted over time and by state."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.database.tables import flow
from tests.operations.backend import OTHER_TENANT, START, UNKNOWN, Backend
from tests.operations.samples import diamond, make_project, register


def runs_at(backend: Backend, flow_id: str, *offsets_s: float, **more: Any) -> list[str]:
    return [
        backend.run("create_flow_run", flow_id=flow_id, scheduled_start_time=START + timedelta(seconds=each), **more)[
            "id"
        ]
        for each in offsets_s
    ]


def counts(backend: Backend, *, width_s: int = 60, buckets: int = 3, **more: Any) -> list[dict[str, int]]:
    """Return the counts of spans from the start on."""
    end = START + timedelta(seconds=width_s * buckets)
    history = backend.run("flow_run_history", start=START, end=end, buckets=buckets, **more)
    assert history["width_s"] == width_s
    assert [each["start"] for each in history["buckets"]] == [
        START + timedelta(seconds=width_s * index) for index in range(buckets)
    ]
    return [each["state_counts"] for each in history["buckets"]]


def test_runs_count_in_the_span_in_which_they_are_scheduled(backend: Backend) -> None:
    flow_id = register(backend, make_project(backend), diamond())
    runs_at(backend, flow_id, -0.000001, 0, 59.999999, 60, 179.9996, 180)
    assert counts(backend) == [{"Scheduled": 2}, {"Scheduled": 1}, {"Scheduled": 1}]


def test_runs_count_by_their_present_state(backend: Backend) -> None:
    flow_id = register(backend, make_project(backend), diamond())
    first, second, _ = runs_at(backend, flow_id, 1, 2, 3)
    backend.run("set_flow_run_states", states=[{"flow_run_id": first, "state": {"type": "Running"}}])
    for state in ("Running", "Failed"):
        backend.run("set_flow_run_states", states=[{"flow_run_id": second, "state": {"type": state}}])
    assert counts(backend) == [{"Scheduled": 1, "Running": 1, "Failed": 1}, {}, {}]


def test_the_lists_narrow_it_and_empty_ones_do_not(backend: Backend) -> None:
    one, other = make_project(backend, "one"), make_project(backend, "other")
    first = register(backend, one, {**diamond(), "name": "first"})
    second = register(backend, other, {**diamond(), "name": "second"})
    runs_at(backend, first, 1, labels=["x", "y"])
    runs_at(backend, second, 61, labels=["y"])
    runs_at(backend, second, 121, labels=[])
    group_id = backend.row(flow, first)["flow_group_id"]
    assert counts(backend, project_ids=[one]) == [{"Scheduled": 1}, {}, {}]
    assert counts(backend, flow_group_ids=[group_id, UNKNOWN]) == [{"Scheduled": 1}, {}, {}]
    assert counts(backend, labels=["y", "z"]) == [{"Scheduled": 1}, {"Scheduled": 1}, {}]
    assert counts(backend, labels=["x"], project_ids=[other]) == [{}, {}, {}]
    everything = [{"Scheduled": 1}, {"Scheduled": 1}, {"Scheduled": 1}]
    assert counts(backend, labels=[], project_ids=None) == everything
    assert counts(backend) == everything


def test_nobody_counts_the_runs_of_another_tenant(backend: Backend) -> None:
    runs_at(backend, register(backend, make_project(backend), diamond()), 1)
    given = {"start": START, "end": START + timedelta(minutes=1), "buckets": 1}
    history = backend.run("flow_run_history", Principal(OTHER_TENANT), **given)
    assert [each["state_counts"] for each in history["buckets"]] == [{}]


def test_spans_are_whole_seconds_and_cover_all_that_was_asked_for(backend: Backend) -> None:
    runs_at(backend, register(backend, make_project(backend), diamond()), 9.9)
    history = backend.run("flow_run_history", start=START, end=START + timedelta(seconds=10), buckets=4)
    assert history["width_s"] == 3
    assert [each["state_counts"] for each in history["buckets"]] == [{}, {}, {}, {"Scheduled": 1}]


@pytest.mark.parametrize(("buckets", "seconds"), [(0, 60), (501, 60), (3, 0), (3, -1)])
def test_a_history_that_makes_no_sense_is_refused(backend: Backend, buckets: int, seconds: int) -> None:
    end = START + timedelta(seconds=seconds)
    with pytest.raises(BadInput):
        backend.run("flow_run_history", start=START, end=end, buckets=buckets)
