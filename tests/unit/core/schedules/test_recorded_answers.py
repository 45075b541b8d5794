"""Schedules mean here what they mean to the clients.

The answers in recorded_answers.json were given by the published prefect 1.4.1 (croniter 1.3.5, pendulum 2.1.2) when
asked for the next 8 events of documents made at random, on days without daylight-saving changes.
"""

import json
from datetime import datetime
from pathlib import Path

from eparch.core.schedules import next_events, parse_schedule

HERE = Path(__file__).parent


def test_events_are_those_that_the_published_client_foretold() -> None:
    answers = json.loads((HERE / "recorded_answers.json").read_text())
    assert len(answers) > 100
    for answer in answers:
        events = next_events(parse_schedule(answer["document"]), datetime.fromisoformat(answer["after"]), 8)
        found = [
            [event.start_time, event.parameter_defaults, None if event.labels is None else list(event.labels)]
            for event in events
        ]
        foretold = [[datetime.fromisoformat(start), *payload] for start, *payload in answer["events"]]
        assert found == foretold, answer


def test_a_document_with_every_kind_of_clock_filter_and_adjustment_is_read() -> None:
    document = json.loads((HERE / "full_schedule.json").read_text())
    schedule = parse_schedule(document)
    assert [type(clock).__name__ for clock in schedule.clocks] == [clock["type"] for clock in document["clocks"]]
    assert [clock.labels for clock in schedule.clocks] == [("x",), *[None] * 6]
    assert [dict(clock.parameter_defaults) for clock in schedule.clocks] == [{"p": 3}, *[{}] * 6]
    for part in ("filters", "or_filters", "not_filters", "adjustments"):
        assert len(getattr(schedule, part)) == len(document[part])


def test_each_clock_of_that_document_ticks() -> None:
    document = json.loads((HERE / "full_schedule.json").read_text())
    after = datetime.fromisoformat("2022-01-01T12:00:00+00:00")
    firsts = [next_events(parse_schedule({"clocks": [clock]}), after, 1) for clock in document["clocks"]]
    assert [first[0].start_time.strftime("%Y-%m-%d %H:%M") if first else None for first in firsts] == [
        "2022-01-01 12:05",  # every five minutes
        "2022-01-02 00:00",  # daily from the default anchor
        "2022-01-03 08:00",  # 09:00 in Paris on Monday to Friday
        "2022-01-01 12:05",  # every five minutes
        "2029-01-01 05:00",  # dates
        "2022-01-02 09:00",  # daily at nine
        "2022-01-03 00:00",  # three days but the second
    ]
