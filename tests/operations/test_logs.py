"""Logs: many calls in one insert, and a bad call fails alone."""

from datetime import timedelta
from typing import Any

import pytest

from eparch.core.principals import Principal
from eparch.database.tables import log, task
from tests.operations.backend import OTHER_TENANT, TENANT, UNKNOWN, Backend
from tests.operations.samples import diamond, make_project, register


@pytest.fixture
def flow_run_id(backend: Backend) -> str:
    flow_id = register(backend, make_project(backend), diamond())
    made: str = backend.run("create_flow_run", flow_id=flow_id)["id"]
    return made


def make_task_run(backend: Backend, flow_run_id: str, map_index: int = 0) -> str:
    task_id = backend.rows(task, slug="c-1")[0]["id"]
    given = {"flow_run_id": flow_run_id, "task_id": task_id, "map_index": map_index}
    made: str = backend.run("get_or_create_task_run", **given)["id"]
    return made


def messages(backend: Backend) -> list[str | None]:
    return [row["message"] for row in backend.rows(log)]


def test_a_line_is_stored_with_all_that_it_says(backend: Backend, flow_run_id: str) -> None:
    line = {
        "flow_run_id": flow_run_id,
        "task_run_id": make_task_run(backend, flow_run_id),
        "timestamp": backend.now - timedelta(seconds=3),
        "message": "one\ntwo",
        "name": "prefect.CloudTaskRunner",
        "level": "ERROR",
        "info": {"a": [1, None]},
    }
    assert backend.run("write_run_logs", logs=[line]) == {"success": True}
    (row,) = backend.rows(log)
    assert {name: row[name] for name in line} == line
    assert (row["tenant_id"], row["created"], row["updated"]) == (TENANT, backend.now, backend.now)


@pytest.mark.parametrize(
    "given", [{}, {"task_run_id": None, "timestamp": None, "level": None, "message": None, "name": None, "info": None}]
)
def test_a_line_without_more_is_of_now_and_of_level_info(
    backend: Backend, flow_run_id: str, given: dict[str, None]
) -> None:
    backend.run("write_run_logs", logs=[{"flow_run_id": flow_run_id, **given}])
    (row,) = backend.rows(log)
    assert (row["timestamp"], row["level"], row["message"], row["name"]) == (backend.now, "INFO", None, None)
    assert (row["task_run_id"], row["info"]) == (None, None)


def test_a_level_of_ones_own_is_kept(backend: Backend, flow_run_id: str) -> None:
    backend.run("write_run_logs", logs=[{"flow_run_id": flow_run_id, "level": "SUCCESS"}])
    assert [row["level"] for row in backend.rows(log)] == ["SUCCESS"]


def test_lines_of_one_instant_keep_their_order(backend: Backend, flow_run_id: str) -> None:
    lines = [{"flow_run_id": flow_run_id, "message": str(index)} for index in range(1_000)]
    backend.run("write_run_logs", logs=lines)
    assert messages(backend) == [str(index) for index in range(1_000)]


def test_a_call_that_is_repeated_does_no_harm(backend: Backend, flow_run_id: str) -> None:
    for _ in range(2):
        assert backend.run("write_run_logs", logs=[{"flow_run_id": flow_run_id, "message": "m"}])["success"] is True
    assert messages(backend) == ["m", "m"]


def test_a_call_without_lines_is_fine(backend: Backend) -> None:
    assert backend.run("write_run_logs", logs=[]) == {"success": True}


def test_calls_that_wait_together_are_stored_together_but_for_lines_of_runs_that_are_gone(
    backend: Backend, flow_run_id: str
) -> None:
    them = Principal(OTHER_TENANT)
    theirs = backend.run(
        "create_flow_run", them, flow_id=register(backend, make_project(backend, _principal=them), _principal=them)
    )["id"]
    task_run_id = make_task_run(backend, flow_run_id)
    calls: list[list[dict[str, Any]]] = [
        [{"flow_run_id": flow_run_id, "message": "good"}],
        [{"flow_run_id": flow_run_id, "message": "kept"}, {"flow_run_id": UNKNOWN, "message": "bad"}],
        [{"flow_run_id": flow_run_id, "task_run_id": UNKNOWN, "message": "bad"}],
        [{"flow_run_id": theirs, "message": "bad"}],
        [],
        [
            {"flow_run_id": flow_run_id, "message": "fine", "task_run_id": task_run_id},
            {"flow_run_id": flow_run_id, "message": "too"},
        ],
    ]
    outcomes = backend.run_together("write_run_logs", [{"logs": lines} for lines in calls])
    # All succeed: a client sends again what failed, and those runs will not come back.
    assert [outcome["success"] for outcome in outcomes] == [True] * 6
    assert messages(backend) == ["good", "kept", "fine", "too"]
    for index, named, counted in ((1, UNKNOWN, "1 of 2"), (2, UNKNOWN, "1 of 1"), (3, theirs, "1 of 1")):
        assert named in outcomes[index]["error"]
        assert f"{counted} lines were not stored" in outcomes[index]["error"]
    for index in (0, 4, 5):
        assert "error" not in outcomes[index]


@pytest.mark.parametrize(
    ("said", "stored"),
    [
        ("a\0b", "a\ufffdb"),
        ("\0", "\ufffd"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("\ud83d\ude00 whole", "\U0001f600 whole"),
        ("ü\n\x1b[31m", "ü\n\x1b[31m"),
        ("\\u0000", "\\u0000"),
        ("", ""),
    ],
)
def test_what_databases_cannot_hold_is_replaced(backend: Backend, flow_run_id: str, said: str, stored: str) -> None:
    info = {"deep": [{"text": said, said: 1, "number": 1.5}], "text": said}
    line = {"flow_run_id": flow_run_id, "message": said, "name": said, "info": info}
    assert backend.run("write_run_logs", logs=[line]) == {"success": True}
    (row,) = backend.rows(log)
    assert (row["message"], row["name"]) == (stored, stored)
    assert row["info"] == {"deep": [{"text": stored, stored: 1, "number": 1.5}], "text": stored}


def test_ten_thousand_lines_are_one_call(backend: Backend, flow_run_id: str) -> None:
    lines = [{"flow_run_id": flow_run_id, "message": "x" * 100, "level": "INFO"} for _ in range(10_000)]
    assert backend.run("write_run_logs", logs=lines) == {"success": True}
    assert backend.count(log) == 10_000
    assert backend.touched == {"log"}
