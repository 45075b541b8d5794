"""What tasks leave on the server beside their results: artifacts, key-value pairs; and what never: secrets."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from eparch import Flow, Parameter, Secret, get_logger, task
from eparch.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    delete_artifact,
    update_progress_artifact,
)
from eparch.client.errors import NotJSON, Refused
from eparch.executors import LocalExecutor, ProcessExecutor, ThreadExecutor
from eparch.key_values import (
    KeyNotFound,
    delete_key_value,
    get_key_value,
    list_keys,
    read_key_value,
    set_key_value,
)
from eparch.sdk.secrets import PrefectSecret
from eparch.testing import TemporaryServer
from tests.sdk.server.rows import flow_run

EXECUTORS = pytest.mark.parametrize(
    "executor", [LocalExecutor(), ThreadExecutor(2), ProcessExecutor(2)], ids=["local", "threads", "processes"]
)


@EXECUTORS
def test_artifacts_are_left_with_their_task_runs(server: TemporaryServer, executor: Any) -> None:
    @task
    def leave(x: int) -> None:
        create_link_artifact(f"https://example.org/{x}")
        create_table_artifact([{"x": x}])
        progress = create_progress_artifact(0, "begun")
        update_progress_artifact(progress, 100)
        delete_artifact(create_markdown_artifact("a draft"))

    with Flow("leaves things") as flow:
        leave.map([1, 2])
    run_id = server.create_run(flow)
    state = server.carry_out(run_id, flow)
    assert state.is_successful(), [s.map_states for s in state.result.values() if s.is_mapped()]
    query = """query($id: uuid!) { task_run_artifact(
      where: {task_run: {flow_run_id: {_eq: $id}}}, order_by: [{kind: asc}]) { kind data task_run { map_index } } }"""
    rows = server.client.ask(query, {"id": run_id})["task_run_artifact"]
    for index in range(2):
        mine = [(row["kind"], row["data"]) for row in rows if row["task_run"]["map_index"] == index]
        assert mine == [
            ("link", {"link": f"https://example.org/{index + 1}"}),
            ("progress", {"progress": 100}),
            ("table", {"table": [{"x": index + 1}]}),
        ]


def test_an_artifact_that_cannot_be_is_refused(server: TemporaryServer) -> None:
    @task
    def leave(how: str) -> None:
        if how == "no json":
            create_table_artifact([{"x": object()}])
        if how == "too far":
            create_progress_artifact(101)
        if how == "gone":
            delete_artifact("00000000-0000-0000-0000-000000000000")

    with Flow("leaves nothing") as flow:
        left: Any = leave.map(["no json", "too far", "gone"])
    errors = [str(state.result) for state in server.run(flow).result[left].map_states]
    assert errors[0].startswith("What is to be sent to the server is no JSON")
    assert errors[1] == "Progress goes from 0 to 100 percent; 101 is outside."
    assert errors[2] == "There is no artifact 00000000-0000-0000-0000-000000000000."


@EXECUTORS
def test_key_value_pairs_are_kept_between_runs(server: TemporaryServer, executor: Any) -> None:
    key = f"count of {executor!r}"

    @task
    def count() -> int:
        counted: int = get_key_value(key, default=0) + 1
        set_key_value(key, counted)
        return counted

    with Flow("counts", executor=executor) as flow:
        counted: Any = count()
    assert [server.run(flow).result[counted].result for _ in range(3)] == [1, 2, 3]


def test_pairs_are_read_listed_and_deleted(server: TemporaryServer) -> None:
    with server.in_effect():
        set_key_value("alpha", {"a": [1, None]})
        assert get_key_value("alpha") == {"a": [1, None]}
        seen = read_key_value("alpha")
        set_key_value("alpha", 2, expected_version=seen.version)
        with pytest.raises(Refused, match="version 1 was expected, and its version is 2") as error:
            set_key_value("alpha", 3, expected_version=seen.version)
        assert error.value.error_code == "CONFLICT"
        assert "alpha" in list_keys()
        with pytest.raises(KeyNotFound, match="no value for the key 'alfa'") as missing:
            get_key_value("alfa")
        assert missing.value.hint == "did you mean 'alpha'?"
        with pytest.raises(NotJSON):
            set_key_value("alpha", float("nan"))
        with pytest.raises(Refused, match="exceeds the limit"):
            set_key_value("alpha", "x" * 20_000)
        assert delete_key_value("alpha")
        with pytest.raises(KeyNotFound):
            delete_key_value("alpha")


@EXECUTORS
def test_a_secret_is_in_no_log_and_no_state(
    server: TemporaryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, executor: Any
) -> None:
    # What one test has hidden stays hidden in this process, so each has secrets of its own.
    first, second = (f"{word}-secret-{uuid4().hex}" for word in ("first", "second"))
    monkeypatch.setenv("EPARCH_SECRET_TOKEN", first)
    monkeypatch.setenv("EPARCH_SECRET_OTHER", second)

    @task(log_prints=True)
    def use(token: str) -> None:
        get_logger().info("logs %s", token)
        print("prints", token)
        raise ValueError(f"fails with {token}")

    @task(log_prints=True)
    def ask() -> None:
        print("asked for", Secret("OTHER").get())
        raise ValueError(f"fails with {Secret('OTHER').get()}")

    with Flow("secretive", executor=executor) as flow:
        use(PrefectSecret("TOKEN"))
        ask()
        use(Parameter("word", default="no secret at all"))
    run_id = server.create_run(flow)
    assert server.carry_out(run_id, flow).is_failed()
    row = flow_run(server, run_id)
    assert len([line for line in row["logs"] if line["message"] in ("logs ***", "prints ***")]) == 2
    assert any(line["message"] == "asked for ***" for line in row["logs"])
    assert any(line["message"] == "prints no secret at all" for line in row["logs"])
    assert first not in str(row)
    assert second not in str(row)


@EXECUTORS
def test_a_secret_comes_from_the_server(server: TemporaryServer, executor: Any) -> None:
    name, value = f"from-the-server-{uuid4().hex}", f"value-{uuid4().hex}"
    server.client.change("set_secret", {"name": name, "value": value}, "success")

    @task
    def use(token: str) -> int:
        get_logger().info("logs %s", token)
        return len(token)

    @task
    def ask() -> int:
        return len(Secret(name).get())

    with Flow("takes a secret", executor=executor) as flow:
        used: Any = use(PrefectSecret(name))
        asked: Any = ask()
        missing = PrefectSecret("there is none")()
    run_id = server.create_run(flow)
    state = server.carry_out(run_id, flow)
    assert [state.result[one].result for one in (used, asked)] == [len(value)] * 2
    message = state.result[missing].message
    assert message is not None
    assert message.count("There is no secret 'there is none'") == 1
    row = flow_run(server, run_id)
    assert any(line["message"] == "logs ***" for line in row["logs"])
    assert value not in str(row)
