"""States: the classes are the table of states, and their documents are those that Prefect 1.x reads and writes."""

import datetime
import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from eparch import FlowError, states
from eparch.core import states as table
from eparch.results import LocalResult, PrefectResult
from eparch.sdk.states import CLASSES
from eparch.signals import FAIL, LOOP, RETRY, SKIP

SAMPLES = json.loads((Path(__file__).parent / "samples/states.json").read_text())


def test_there_is_a_class_for_each_state_of_the_table() -> None:
    assert set(CLASSES) == table.CONCRETE


@pytest.mark.parametrize("name", sorted(table.CONCRETE))
def test_a_class_is_below_its_parent_and_has_its_colour(name: str) -> None:
    row, cls = table.STATES[name], CLASSES[name]
    assert cls.__mro__[1].__name__ == row.parent
    assert cls.color == row.color
    assert cls.families >= {name, row.parent, "State"}


@pytest.mark.parametrize("name", sorted(table.CONCRETE))
def test_the_questions_are_answered_by_the_table(name: str) -> None:
    state = CLASSES[name]()
    assert state.is_pending() == (name in table.PENDING)
    assert state.is_scheduled() == (name in table.QUEUEABLE)
    assert state.is_running() == (name in table.RUNNING)
    assert state.is_finished() == (name in table.FINISHED)
    assert state.is_successful() == (name in table.SUCCESSFUL)
    assert state.is_failed() == (name in table.FAILED)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_state_of_prefect_is_read_and_written_back(name: str) -> None:
    document: dict[str, Any] = SAMPLES[name]
    state = states.State.deserialize(document)
    assert type(state).__name__ == document["type"]
    written = state.serialize()
    for key in ("type", "message", "run_count", "loop_count", "n_map_states", "hashed_inputs", "cached_parameters"):
        assert written.get(key) == document.get(key), key
    if "start_time" in document:
        assert instant(written["start_time"]) == instant(document["start_time"])
    for key in ("type", "location", "dir", "bucket"):
        # A value that was kept nowhere, and one that was known beforehand, are no results to somebody else.
        if document.get("_result", {}).get("location") and key in document["_result"]:
            assert written["_result"].get(key) == document["_result"][key], key
    assert ("_result" in written) == ("_result" in document)
    inner = document.get("state")
    assert (written["state"]["type"] if inner else None) == (inner["type"] if inner else None)


def instant(text: str | None) -> datetime.datetime | None:
    return None if text is None else datetime.datetime.fromisoformat(text)


def test_an_unknown_type_is_refused_by_name() -> None:
    with pytest.raises(FlowError, match="'Dancing' is not a type of state"):
        states.State.deserialize({"type": "Dancing"})


def test_a_minimal_document_is_enough() -> None:
    assert states.State.deserialize({"type": "Pending"}) == states.Pending()
    paused = states.State.deserialize({"type": "Paused", "start_time": None})
    assert isinstance(paused, states.Paused)
    assert paused.start_time is None


def test_meta_states_do_not_nest() -> None:
    running = states.Running("busy")
    queued = states.Queued(state=states.Submitted(state=running))
    assert queued.state is running


def test_a_value_never_travels_in_a_state() -> None:
    document = states.Success("done", result="top secret").serialize()
    assert "top secret" not in json.dumps(document)
    assert document["_result"] == {"type": "Result", "location": None}


def test_a_result_is_read_from_where_it_is_kept_when_it_is_asked_for(tmp_path: Path) -> None:
    kept = LocalResult(tmp_path, location="a.pickle").write({"rows": 3})
    state = states.State.deserialize(states.Success(stored=kept).serialize())
    (tmp_path / "a.pickle").rename(tmp_path / "b.pickle")
    with pytest.raises(FlowError, match="cannot be read"):
        _ = state.result
    (tmp_path / "b.pickle").rename(tmp_path / "a.pickle")
    assert state.result == {"rows": 3}


def test_none_can_be_a_kept_result() -> None:
    state = states.State.deserialize(states.Success(stored=PrefectResult().write(None)).serialize())
    assert state.result is None


@pytest.mark.parametrize("state", [cls("m") for cls in CLASSES.values()], ids=repr)
def test_states_can_be_pickled(state: states.State) -> None:
    copy = pickle.loads(pickle.dumps(state))
    assert (type(copy), copy.message) == (type(state), "m")


@pytest.mark.parametrize(
    "signal", [SKIP("s"), FAIL("f", result=3), LOOP("l", result=[1]), RETRY("r"), SKIP("s", result=None)], ids=repr
)
def test_signals_can_be_pickled(signal: SKIP) -> None:
    copy = pickle.loads(pickle.dumps(signal))
    assert (type(copy), str(copy), type(copy.state)) == (type(signal), str(signal), type(signal.state))
    own = signal.state.result is signal
    assert copy.state.result is copy if own else copy.state.result == signal.state.result


def test_signals_are_not_swallowed_by_except_exception() -> None:
    assert not issubclass(SKIP, Exception)
    assert issubclass(SKIP, BaseException)
