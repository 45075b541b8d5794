"""Keys of scheduled runs: stable for ever, equal only for events that mean the same run."""

from datetime import UTC, datetime

import pytest

from eparch.core.schedules import auto_schedule_key

START = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)
PLAIN = "auto-scheduled:2026-11-22T17:30:00+00:00"


def test_a_plain_event_has_its_start_as_key() -> None:
    assert auto_schedule_key(START, {}, None) == PLAIN
    assert (
        auto_schedule_key(START.replace(microsecond=5), {}, None) == "auto-scheduled:2026-11-22T17:30:00.000005+00:00"
    )
    assert auto_schedule_key(datetime.fromisoformat("2026-11-22T12:30:00-05:00"), {}, None) == PLAIN


def test_keys_never_change() -> None:
    # They are stored: another key for the same event would start its run a second time.
    assert auto_schedule_key(START, {}, []) == (
        f"{PLAIN}:b32eca588f3f8785b293488a2c63a6539f3c2352c24617e4332b16ba317f680e"
    )
    assert auto_schedule_key(START, {"ü": [1, 1.5, None, {"b": True, "a": "x"}]}, ["b", "a"]) == (
        f"{PLAIN}:8633e21faf2dc3d7142cd5959127348f8f8d28a1902f624a4ec6b3cf6b46d26c"
    )


def test_the_order_of_keys_and_of_labels_does_not_count() -> None:
    first = auto_schedule_key(START, {"a": 1, "b": {"c": 2, "d": 3}}, ["x", "y", "x"])
    assert first == auto_schedule_key(START, {"b": {"d": 3, "c": 2}, "a": 1}, ("y", "x"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (({"x": 12}, None), ({"x": 21}, None)),  # the same characters
        (({"x": 1, "y": 2}, None), ({"x": 2, "y": 1}, None)),
        (({"x": [1, 2]}, None), ({"x": [2, 1]}, None)),
        (({"x": 1}, None), ({"x": "1"}, None)),
        (({"x": 1}, None), ({"x": True}, None)),
        (({"x": 1}, None), ({"x": 1}, [])),
        (({"x": 1}, ["a"]), ({"x": 1}, ["b"])),
        (({}, ["ab"]), ({}, ["a", "b"])),
        (({}, []), ({}, None)),
    ],
)
def test_events_that_mean_different_runs_have_different_keys(
    first: tuple[dict[str, object], list[str] | None], second: tuple[dict[str, object], list[str] | None]
) -> None:
    assert auto_schedule_key(START, *first) != auto_schedule_key(START, *second)
