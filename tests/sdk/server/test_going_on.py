"""A run that is taken up again: from a failure, after an approval, at a later attempt, with what is kept."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from eparch import Flow, Parameter, task
from eparch.client.flow_runs import set_flow_run_state
from eparch.results import LocalResult
from eparch.sdk.engine.server_run import run_flow_run
from eparch.states import Failed, Running
from eparch.testing import TemporaryServer
from tests.sdk.server.rows import flow_run, task_runs


def test_a_failed_run_goes_on_from_where_it_failed(server: TemporaryServer, tmp_path: Path) -> None:
    log = tmp_path / "ran"
    mended = tmp_path / "mended"

    def note(word: str) -> None:
        with log.open("a") as file:
            file.write(word + "\n")

    @task
    def extract() -> list[int]:
        note("extract")
        return [1, 2, 3]

    @task
    def transform(x: int) -> int:
        note(f"transform {x}")
        if x == 2 and not mended.exists():
            raise ConnectionError("away")
        return 10 * x

    @task
    def load(xs: list[int]) -> int:
        note("load")
        return sum(xs)

    with Flow("etl", result=LocalResult(tmp_path / "results")) as flow:
        loaded: Any = load(transform.map(extract()))
    run_id = server.create_run(flow)
    assert isinstance(run_flow_run(run_id, client=server.client, flow=flow), Failed)
    mended.touch()
    restart(server, run_id)
    state = run_flow_run(run_id, client=server.client, flow=flow)
    assert state.result[loaded].result == 60
    assert log.read_text().split("\n")[:-1] == [
        "extract",
        "transform 1",
        "transform 2",
        "transform 3",
        "transform 2",
        "load",
    ]


def test_a_restart_does_again_what_it_needs_and_nobody_has_kept(server: TemporaryServer, tmp_path: Path) -> None:
    ran: list[str] = []
    mended: list[bool] = []

    @task(checkpoint=False)
    def fleeting(name: str) -> str:
        ran.append(name)
        return name

    @task
    def load(needed: str, numbers: list[int], day: str) -> tuple[str, list[int], str]:
        if not mended:
            raise ConnectionError("away")
        return needed, numbers, day

    @task
    def look(x: str) -> None:
        ran.append(f"looked at {x}")

    with Flow("fleeting", result=LocalResult(tmp_path / "results")) as flow:
        loaded: Any = load(fleeting("needed"), [1, 2, 3], Parameter("day", default="monday"))
        look(fleeting("not needed"))
    run_id = server.create_run(flow)
    assert isinstance(server.carry_out(run_id, flow), Failed)
    mended.append(True)
    restart(server, run_id)
    state = server.carry_out(run_id, flow)
    assert state.result[loaded].result == ("needed", [1, 2, 3], "monday")
    assert sorted(ran) == ["looked at not needed", "needed", "needed", "not needed"]


def restart(server: TemporaryServer, run_id: str) -> None:
    """Do what a restart from failed does: the failed runs become Pending, the flow run is due."""
    row = flow_run(server, run_id)
    failed = [one["id"] for one in row["task_runs"] if one["state"] in ("Failed", "TriggerFailed")]
    given = {"states": [{"task_run_id": one, "state": {"type": "Pending"}} for one in failed]}
    server.client.change("set_task_run_states", given, "states { status }")
    set_flow_run_state(server.client, run_id, {"type": "Scheduled"})


def test_what_is_kept_is_found_again_by_the_next_run(server: TemporaryServer) -> None:
    ran: list[int] = []

    @task(cache_for=timedelta(hours=1))
    def costly() -> int:
        ran.append(1)
        return 42

    with Flow("cached elsewhere") as flow:
        made: Any = costly()
    first, second = server.run(flow), server.run(flow)
    assert [state.result[made].result for state in (first, second)] == [42, 42]
    assert ran == [1]


def test_a_run_is_paused_and_goes_on_when_it_is_resumed(server: TemporaryServer) -> None:
    with Flow("release") as flow:
        deployed: Any = task(lambda: "deployed", name="deploy", trigger="manual_only")()
    run_id = server.create_run(flow)
    assert isinstance(run_flow_run(run_id, client=server.client, flow=flow), Running)
    row = flow_run(server, run_id)
    (paused,) = task_runs(row, "deploy-1")
    assert (row["state"], paused["state"]) == ("Running", "Paused")
    given = {"states": [{"task_run_id": paused["id"], "state": {"type": "Resume"}}]}
    server.client.change("set_task_run_states", given, "states { status }")
    state = run_flow_run(run_id, client=server.client, flow=flow)
    assert state.result[deployed].result == "deployed"
    assert flow_run(server, run_id)["state"] == "Success"


def test_a_far_retry_leaves_the_run_for_later(server: TemporaryServer) -> None:
    @task(max_retries=1, retry_delay=timedelta(hours=2))
    def later() -> None:
        raise ConnectionError

    with Flow("later") as flow:
        later()
    run_id = server.create_run(flow)
    assert isinstance(run_flow_run(run_id, client=server.client, flow=flow), Running)
    row = flow_run(server, run_id)
    assert (row["state"], task_runs(row, "later-1")[0]["state"]) == ("Running", "Retrying")
