"""The rules of `core.concurrency`, each named for what it promises."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eparch.core.concurrency import (
    Limit,
    Room,
    Waiter,
    checked_name,
    checked_priority,
    checked_slots,
    full_reason,
    must_renew,
    place_in_line,
    queued,
    state_tags,
    to_wake,
)
from eparch.core.errors import BadInput
from eparch.core.states import CONCRETE, RUNNING
from eparch.core.transitions import NewState

NOW = datetime(2026, 1, 31, 6, 0, tzinfo=UTC)


def waiter(run_id: str, priority: int = 0, waited_s: float = 0.0) -> Waiter:
    return Waiter(run_id, priority, NOW - timedelta(seconds=waited_s))


def room(slots: int, held: int, *line: Waiter) -> Room:
    made = Room(Limit("limit", "db", slots), held)
    for one in line:
        made = made.joined(one)
    return made


waiters = st.builds(Waiter, st.sampled_from("abcdefgh"), st.integers(-1, 1), st.datetimes(timezones=st.just(UTC)))
lines = st.lists(waiters, unique_by=lambda one: one.run_id, max_size=8)


@pytest.mark.parametrize("state", sorted(CONCRETE))
def test_a_slot_is_held_while_a_run_is_carried_out_and_from_submission_on_where_the_limit_says_so(state: str) -> None:
    assert Limit("l", "db", 1).is_held_in(state) == (state in RUNNING)
    assert Limit("l", "gpu", 1, counts_submitted=True).is_held_in(state) == (state in RUNNING or state == "Submitted")


@given(st.integers(0, 5), st.integers(0, 7), lines, waiters)
def test_a_room_is_open_while_more_slots_are_free_than_are_due_to_those_ahead(
    slots: int, held: int, line: list[Waiter], asker: Waiter
) -> None:
    ahead = [one for one in line if one.run_id != asker.run_id and one.turn < asker.turn]
    assert room(slots, held, *line).is_open_to(asker) == (len(ahead) < slots - held)


def test_a_limit_of_zero_is_open_to_nobody() -> None:
    assert not room(0, 0).is_open_to(waiter("a", priority=9))


def test_a_limit_that_was_lowered_opens_only_when_enough_have_left() -> None:
    lowered = room(1, 3)
    assert lowered.free == 0
    assert not lowered.left().left().is_open_to(waiter("a"))
    assert lowered.left().left().left().is_open_to(waiter("a"))


def test_the_higher_priority_comes_first_and_then_who_has_waited_longer() -> None:
    line = room(0, 0, waiter("new", 1), waiter("old", 0, 50), waiter("older", 0, 90), waiter("first", 1, 5)).line
    assert [one.run_id for one in line] == ["first", "new", "older", "old"]
    assert [place_in_line(one, line) for one in line] == [1, 2, 3, 4]


@given(lines, st.integers(0, 4), st.integers(0, 4))
def test_each_slot_that_becomes_free_wakes_one(line: list[Waiter], held: int, left: int) -> None:
    before = room(4, held, *line)
    after = before
    for _ in range(min(left, held)):
        after = after.left()
    woken = to_wake(before, after, ())
    assert woken == [one.run_id for one in before.line[before.free : after.free]]


def test_a_slot_that_was_not_taken_by_the_first_passes_on_to_the_next() -> None:
    before = room(1, 0, waiter("a", 0, 3), waiter("b", 0, 2), waiter("c", 0, 1))
    # The first has asked, found another limit full and stands in the line of that one now.
    assert to_wake(before, before.without("a"), {"a"}) == ["b"]
    # It was cancelled meanwhile.
    assert to_wake(before, before.without("a"), ()) == ["b"]
    # It has taken the slot.
    assert to_wake(before, before.without("a").taken(), {"a"}) == []


def test_one_that_was_turned_down_is_woken_by_a_slot_that_the_same_batch_frees() -> None:
    before = room(1, 1)
    assert to_wake(before, before.joined(waiter("a")).left(), {"a"}) == ["a"]


def test_nobody_stands_twice_in_a_line() -> None:
    line = room(1, 1, waiter("a", 0, 5), waiter("b")).joined(waiter("a", 3)).line
    assert [(one.run_id, one.priority) for one in line] == [("a", 3), ("b", 0)]


def test_a_queued_state_wraps_the_state_that_the_run_is_taken_up_from() -> None:
    scheduled = {"type": "Scheduled", "start_time": "2026-01-31T06:00:00+00:00"}
    submitted = {"type": "Submitted", "state": scheduled}
    asked = NewState("Running", {"type": "Running", "context": {"tags": ["db"]}}, None, None)
    for previous in (scheduled, submitted, {"type": "Queued", "state": submitted}):
        new = queued(previous, asked, "Waiting.", NOW)
        assert (new.name, new.document["state"], new.message) == ("Queued", scheduled, "Waiting.")
        assert new.start_time == NOW + timedelta(minutes=10)
        assert new.document["start_time"] == "2026-01-31T06:10:00.000000+00:00"
        assert new.document["context"] == {"tags": ["db"]}
    assert queued({"type": "Submitted"}, asked, "Waiting.", NOW).document["state"] is None


@pytest.mark.parametrize(
    ("state", "left_s", "expected"),
    [
        *(("Pending", None, True), ("Running", 600, True)),
        *(("Queued", 600, False), ("Queued", 300, False), ("Queued", 299, True), ("Queued", -5, True)),
    ],
)
def test_a_queued_run_gets_a_new_state_after_half_of_its_time(state: str, left_s: float | None, expected: bool) -> None:
    start_time = None if left_s is None else NOW + timedelta(seconds=left_s)
    assert must_renew(state, start_time, NOW) is expected


def test_the_reason_names_each_full_limit_with_its_slots() -> None:
    other = Room(Limit("other", "gpu", 0), 1)
    assert (
        full_reason([room(2, 2)]) == "Waiting for a free slot of the concurrency limit 'db' (2 of 2 slots are taken)."
    )
    assert "limits 'db' (2 of 2 slots are taken), 'gpu' (1 of 0 slots are taken)" in full_reason([room(2, 2), other])


@pytest.mark.parametrize(
    ("document", "tags"),
    [
        ({}, None),
        ({"context": None}, None),
        ({"context": {"tags": None}}, None),
        ({"context": {"tags": []}}, frozenset()),
        ({"context": {"tags": ["db", "io"]}}, frozenset({"db", "io"})),
    ],
)
def test_tags_are_those_that_the_state_names(document: dict[str, object], tags: frozenset[str] | None) -> None:
    assert state_tags(document) == tags


def test_wrong_input_is_refused_with_its_value() -> None:
    with pytest.raises(BadInput, match="limit of -1 for 'db'"):
        checked_slots(-1, "db")
    with pytest.raises(BadInput, match="needs the tag"):
        checked_name("", "tag")
    with pytest.raises(BadInput, match="priority of 1000001"):
        checked_priority(1_000_001)
    assert (checked_slots(0, "db"), checked_priority(-1_000_000), checked_name("x", "tag")) == (0, -1_000_000, "x")
