"""Results are kept where they are told to be, under the names they are told to have, and are never half-written."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from eparch import Flow, FlowError, Parameter, Secret, get_logger, task
from eparch.results import (
    CompressedSerializer,
    FilesystemResult,
    JSONSerializer,
    LocalResult,
    PickleSerializer,
    PrefectResult,
    SecretResult,
)
from eparch.sdk.logs import without_secrets
from eparch.sdk.results.documents import result_document, result_of_document


@pytest.mark.parametrize("serializer", [PickleSerializer(), JSONSerializer(), CompressedSerializer(JSONSerializer())])
def test_a_result_says_how_it_was_written(tmp_path: Path, serializer: Any) -> None:
    kept = LocalResult(tmp_path, serializer=serializer).write({"a": [1, None]}, flow_run_id="r", task_slug="load-1")
    assert kept.location == f"r/load-1.{serializer.name}"
    again = result_of_document(json.loads(json.dumps(result_document(kept))))
    assert again is not None
    assert again.read().value == {"a": [1, None]}


@pytest.mark.parametrize(
    ("slug", "map_index", "name"),
    [
        ("load-1", None, "load-1"),
        ("load-1", 3, "load-1-3"),
        ("a/b [1]-1", -1, "a%2Fb%20%5B1%5D-1"),
        ("{x}-1", -1, "%7Bx%7D-1"),
    ],
)
def test_each_task_run_has_a_place_of_its_own(tmp_path: Path, slug: str, map_index: int | None, name: str) -> None:
    kept = LocalResult(tmp_path).write(1, flow_run_id="r", task_slug=slug, map_index=map_index)
    assert kept.location == f"r/{name}.pickle"
    assert (tmp_path / kept.location).is_file()


def test_a_template_that_cannot_be_filled_in_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"'{dya}\.csv' of a result cannot be filled in") as error:
        LocalResult(tmp_path, location="{dya}.csv").write(1, day="monday")
    assert "it may use day" in error.value.hint


def test_a_file_that_fails_to_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(FlowError, match="cannot be written: No space left on device"):
        LocalResult(tmp_path, location="a").write(1)
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_serialized_fails_the_task_by_name(tmp_path: Path) -> None:
    @task(result=LocalResult(tmp_path, serializer=JSONSerializer()), checkpoint=True)
    def load() -> object:
        return object()

    with Flow("f") as flow:
        made: Any = load()
    state = flow.run().result[made]
    assert state.is_failed()
    assert "A result of type object cannot be written as JSON" in state.message


def test_results_are_kept_for_those_who_ask_for_it_alone(tmp_path: Path) -> None:
    keeper = LocalResult(tmp_path, location="{task_name}")

    @task(result=keeper)
    def kept() -> int:
        return 1

    @task(checkpoint=True)
    def by_the_flow() -> int:
        return 2

    @task(result=keeper, checkpoint=False)
    def not_kept() -> int:
        return 3

    @task
    def never() -> int:
        return 4

    with Flow("f", result=keeper) as flow:
        for one in (kept, by_the_flow, not_kept, never):
            one()
    assert flow.run().is_successful()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["by_the_flow", "kept"]


def test_a_restart_takes_what_is_kept_instead_of_running_again(tmp_path: Path) -> None:
    ran: list[str] = []

    @task(result=LocalResult(tmp_path), checkpoint=True)
    def extract(day: str) -> list[int]:
        ran.append("extract")
        return [1, 2, 3]

    @task
    def load(rows: list[int]) -> int:
        ran.append("load")
        if len(ran) < 3:
            raise ConnectionError("the database is away")
        return sum(rows)

    with Flow("etl") as flow:
        rows: Any = extract(Parameter("day"))
        loaded: Any = load(rows)
    first = flow.run(day="monday")
    assert first.is_failed()
    documents = {made: state.serialize() for made, state in first.result.items() if state.is_successful()}
    # As after a restart of the machine: nothing but documents is left.
    restored = {made: type(first).deserialize(document) for made, document in documents.items()}
    second = flow.run(day="monday", task_states={made: state for made, state in restored.items() if made is rows})
    assert second.result[loaded].result == 6
    assert ran == ["extract", "load", "load"]


def test_a_kept_result_that_is_gone_fails_what_needs_it_and_says_why(tmp_path: Path) -> None:
    with Flow("f") as flow:
        first: Any = task(lambda: 1)()
        after: Any = task(lambda x: x)(first)
    gone = LocalResult(tmp_path, location="gone")
    state = flow.run(task_states={first: _kept_at(gone)})
    assert "The inputs of task '<lambda>' cannot be had" in state.result[after].message
    assert str(tmp_path / "gone") in state.result[after].message


def _kept_at(result: LocalResult) -> Any:
    from eparch.states import Success

    return Success(stored=result)


def test_secrets_are_found_in_order_and_never_kept_or_shown(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("EPARCH_SECRET_TOKEN", "environment-token")
    with Flow("f") as flow:
        made: Any = task(lambda: Secret("TOKEN").get())()
    assert flow.run().result[made].result == "environment-token"
    assert flow.run(context={"secrets": {"TOKEN": "context-token"}}).result[made].result == "context-token"
    assert without_secrets("environment-token and context-token") == "*** and ***"
    assert "token" not in json.dumps(SecretResult("NAME").write("environment-token").document())
    with pytest.raises(FlowError, match="no secret 'NOBODY'") as error:
        Secret("NOBODY").get()
    assert "EPARCH_SECRET_NOBODY" in error.value.hint
    get_logger("x").info("quiet")


def test_a_value_in_place_is_json() -> None:
    assert PrefectResult().write({"a": 1}).location == '{"a": 1}'
    with pytest.raises(FlowError, match="cannot be written as JSON"):
        PrefectResult().write(object())


def test_any_filesystem_will_do() -> None:
    kept = FilesystemResult("memory://results/deep", location="{task_name}/{map_index}").write(
        5, task_name="t", map_index=2
    )
    assert kept.location == "t/2"
    assert FilesystemResult("memory://results/deep").exists("t/2")
    again = result_of_document(result_document(kept))
    assert again is not None
    assert again.read().value == 5
