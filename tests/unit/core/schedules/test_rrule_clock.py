"""Clocks made of iCalendar recurrence rules."""

from datetime import UTC, datetime
from time import process_time

import pytest

from eparch.core.schedules import CANDIDATES_MAX, ScheduleError, next_events, parse_schedule
from tests.unit.core.schedules.documents import NEW_YORK, Document, date, keep, rrule, rrule_set, rule, schedule, starts

DAILY = "FREQ=DAILY"
NINE = "2018-03-01T09:00:00"


def test_a_tick_is_strictly_after_the_asked_instant() -> None:
    daily = schedule(rrule(DAILY, f"{NINE}+00:00"))
    assert starts(daily, "2018-03-10T09:00:00+00:00", 2) == ["2018-03-11 09:00", "2018-03-12 09:00"]
    assert starts(daily, "2018-03-10T08:59:59.999999+00:00", 1) == ["2018-03-10 09:00"]
    assert starts(daily, "2018-01-01T00:00:00+00:00", 1) == ["2018-03-01 09:00"]


def test_the_start_date_itself_may_tick_and_nothing_before_it() -> None:
    at = schedule(rrule(DAILY, f"{NINE}+00:00", start_date=date("2018-03-05T09:00:00")))
    assert starts(at, "2018-01-01T00:00:00+00:00", 1) == ["2018-03-05 09:00"]
    behind = schedule(rrule(DAILY, f"{NINE}+00:00", start_date=date("2018-03-05T09:00:00.000001")))
    assert starts(behind, "2018-01-01T00:00:00+00:00", 1) == ["2018-03-06 09:00"]


def test_the_end_date_itself_may_tick_and_nothing_after_it() -> None:
    clock = rrule(DAILY, f"{NINE}+00:00", end_date=date("2018-03-02T04:00:00", NEW_YORK))
    assert starts(schedule(clock), "2018-01-01T00:00:00+00:00", 9) == ["2018-03-01 09:00", "2018-03-02 09:00"]


def test_a_rule_keeps_the_offset_it_was_written_with() -> None:
    clock = rrule(DAILY, f"{NINE}-05:00")
    assert starts(schedule(clock), "2018-03-10T12:00:00+00:00", 2) == ["2018-03-10 14:00", "2018-03-11 14:00"]
    early = schedule(rrule("FREQ=WEEKLY;BYDAY=MO", "2018-03-01T23:00:00-05:00"), filters=[keep("is_weekday")])
    assert starts(early, "2018-03-10T00:00:00+00:00", 1) == ["2018-03-13 04:00"]


def test_a_rule_without_offset_is_utc_and_its_bounds_are_compared_by_wall_clock() -> None:
    bounds = {"start_date": date("2018-03-05T09:00:00", NEW_YORK), "end_date": date("2018-03-06T09:00:00", NEW_YORK)}
    assert starts(schedule(rrule(DAILY, NINE, **bounds)), "2018-01-01T00:00:00+00:00", 9) == [
        "2018-03-05 09:00",
        "2018-03-06 09:00",
    ]
    assert starts(schedule(rrule(DAILY, f"{NINE}+00:00", **bounds)), "2018-01-01T00:00:00+00:00", 9) == [
        "2018-03-06 09:00"
    ]


def test_the_asked_instant_is_compared_as_an_instant_also_for_rules_without_offset() -> None:
    assert starts(schedule(rrule(DAILY, NINE)), "2018-03-10T08:00:00-05:00", 1) == ["2018-03-11 09:00"]


def test_until_and_count_end_a_rule() -> None:
    until = rrule(DAILY, f"{NINE}-05:00", "2018-03-02T14:00:00+00:00")
    assert starts(schedule(until), "2018-01-01T00:00:00+00:00", 9) == ["2018-03-01 14:00", "2018-03-02 14:00"]
    for text in ("FREQ=DAILY;COUNT=2", "FREQ=DAILY;COUNT=2;BYHOUR=9", "FREQ=HOURLY;INTERVAL=24;COUNT=2"):
        counted = schedule(rrule(text, f"{NINE}+00:00"))
        assert starts(counted, "2018-03-01T09:00:00+00:00", 9) == ["2018-03-02 09:00"]
        assert starts(counted, "2018-03-02T09:00:00+00:00", 9) == []
    both = rrule("FREQ=DAILY;COUNT=9;BYHOUR=9", f"{NINE}+00:00", "2018-03-02T09:00:00+00:00")
    assert len(starts(schedule(both), "2018-01-01T00:00:00+00:00", 9)) == 2


def test_start_and_until_in_the_text_count_when_the_document_gives_none_apart() -> None:
    text = "DTSTART:20180301T090000\nRRULE:FREQ=DAILY;UNTIL=20180302T090000Z"
    source = {"type": "rrule", "rr": text, "_dtstart": None, "_until": None}
    clock: Document = {"type": "RRuleClock", "rrule_obj": source}
    assert starts(schedule(clock), "2018-01-01T00:00:00+00:00", 9) == ["2018-03-01 09:00", "2018-03-02 09:00"]


def test_the_text_alone_loses_to_start_and_until_apart() -> None:
    text = "DTSTART:20180101T000000\nRRULE:FREQ=DAILY;UNTIL=20180102T000000"
    source = {"type": "rrule", "rr": text, "_dtstart": f"{NINE}-05:00", "_until": "2018-03-02T09:00:00-05:00"}
    clock: Document = {"type": "RRuleClock", "rrule_obj": source}
    assert starts(schedule(clock), "2018-01-01T00:00:00+00:00", 9) == ["2018-03-01 14:00", "2018-03-02 14:00"]


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=WEEKLY;INTERVAL=3;BYDAY=MO,TH,SU;WKST=SU",
        "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
        "FREQ=WEEKLY;BYDAY=MO,FR;BYHOUR=1,2;BYSETPOS=4",
        "FREQ=WEEKLY;BYMONTHDAY=1,2;BYSETPOS=2",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2",
        "FREQ=DAILY;INTERVAL=3;BYHOUR=4,16;BYMINUTE=0,30",
        "FREQ=HOURLY;INTERVAL=5;BYDAY=SA;BYMINUTE=10,20",
        "FREQ=HOURLY;INTERVAL=5;BYMINUTE=10,20,30;BYSETPOS=1,-1",
        "FREQ=MINUTELY;INTERVAL=90;BYMONTH=5",
        "FREQ=SECONDLY;INTERVAL=45;BYHOUR=3;BYMINUTE=1,2",
        "FREQ=DAILY;BYHOUR=1,2;BYMINUTE=1,2;BYSETPOS=4,9",
        "FREQ=DAILY;BYEASTER=0,1",
        "FREQ=DAILY;BYMONTHDAY=-1",
        "FREQ=DAILY;BYYEARDAY=-1,100",
        "FREQ=DAILY;BYWEEKNO=20,-1;BYDAY=TU",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=6;BYDAY=MO",
    ],
)
def test_a_rule_entered_late_ticks_as_one_followed_from_its_start(text: str) -> None:
    from dateutil.rrule import rrulestr

    followed = rrulestr(f"RRULE:{text}", dtstart=datetime.fromisoformat(NINE))
    clock = schedule(rrule(text, f"{NINE}+00:00"))
    for after in ("2018-03-01T09:00:00", "2018-05-03T12:00:00", "2018-05-05T03:01:02", "2019-07-31T23:59:59.500000"):
        expected = followed.xafter(datetime.fromisoformat(after), count=12)
        found = next_events(parse_schedule(clock), datetime.fromisoformat(f"{after}+00:00"), 12)
        assert [event.start_time for event in found] == [wall.replace(tzinfo=UTC) for wall in expected]


def test_a_set_has_what_any_rule_or_date_has_and_no_exclusion() -> None:
    clock = rrule_set(
        [rule("FREQ=DAILY;COUNT=4", "2022-01-01T00:00:00"), rule("FREQ=DAILY;INTERVAL=2", "2022-01-01T00:00:00")],
        rdate=["2022-01-02T12:00:00", "2022-01-07T00:00:00"],
        exrule=[rule("FREQ=WEEKLY", "2022-01-03T00:00:00")],
        exdate=["2022-01-02T00:00:00", "2022-01-05T00:00:00"],
        start_date=date("2022-01-01T00:00:00"),
    )
    assert [start[8:] for start in starts(schedule(clock), "2021-01-01T00:00:00+00:00", 6)] == [
        "01 00:00",
        "02 12:00",
        "04 00:00",
        "07 00:00",
        "09 00:00",
        "11 00:00",
    ]


def test_members_of_a_set_may_have_different_offsets() -> None:
    clock = rrule_set(
        [rule(DAILY, f"{NINE}-05:00")], rdate=["2018-03-03T10:00:00"], exdate=["2018-03-02T15:00:00+01:00"]
    )
    assert starts(schedule(clock), "2018-03-01T15:00:00+00:00", 2) == ["2018-03-03 10:00", "2018-03-03 14:00"]


def test_a_set_of_dates_alone_ends_with_the_last() -> None:
    clock = schedule(rrule_set(rdate=["2022-02-01T00:00:00+00:00"]))
    assert starts(clock, "2022-01-01T00:00:00+00:00", 9) == ["2022-02-01 00:00"]


@pytest.mark.parametrize("excluding", ["FREQ=DAILY", "FREQ=MINUTELY"])
def test_a_set_that_excludes_everything_is_given_up(excluding: str) -> None:
    clock = rrule_set([rule("FREQ=DAILY", NINE)], exrule=[rule(excluding, NINE)])
    begin = process_time()
    assert starts(schedule(clock), "2019-01-01T00:00:00+00:00", 1) == []
    # Stepping through all minutes of 27 years takes half a minute.
    assert process_time() - begin < 3


def test_at_most_so_many_members_of_a_set_are_examined() -> None:
    for excluded_count, found in ((CANDIDATES_MAX - 1, ["2045-07-16 09:00"]), (CANDIDATES_MAX, [])):
        excluding = rule(f"FREQ=DAILY;COUNT={excluded_count}", NINE)
        clock = schedule(rrule_set([rule("FREQ=DAILY", NINE)], exrule=[excluding]))
        assert starts(clock, "2018-01-01T00:00:00+00:00", 1) == found


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;BYSECOND=30",
        "FREQ=HOURLY;COUNT=1000000000",
        "FREQ=DAILY;INTERVAL=7;BYMONTH=2",
        "FREQ=WEEKLY;BYDAY=MO,FR",
    ],
)
def test_rules_are_entered_at_the_asked_instant_not_followed_from_their_start(text: str) -> None:
    parsed = parse_schedule(schedule(rrule(text, "1800-01-01T00:00:00+00:00")))
    begin = process_time()
    assert len(next_events(parsed, datetime(2026, 1, 1, tzinfo=UTC), 10)) == 10
    # Following 225 years of the slowest of these rules, one event a week, takes 50 ms; of seconds, hours.
    assert process_time() - begin < 0.03


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FREQ=DAILY;INTERVAL=7;BYDAY=MO", "never occurs"),  # from a Thursday on
        ("FREQ=HOURLY;INTERVAL=168;BYDAY=MO", "never occurs"),
        ("FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30", "never occurs"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=-30", "never occurs"),
        ("FREQ=DAILY;BYEASTER=0;BYDAY=TU", "never occurs"),
        ("FREQ=DAILY;BYYEARDAY=1;BYMONTH=2", "never occurs"),
        ("FREQ=DAILY;BYWEEKNO=1;BYMONTH=6", "never occurs"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never occurs"),
        ("FREQ=MINUTELY;BYSETPOS=2,-2", "never occurs"),
        ("FREQ=WEEKLY;BYDAY=MO,FR;BYSETPOS=3", "never occurs"),
        ("FREQ=DAILY;BYHOUR=1,2;BYMINUTE=1,2;BYSETPOS=5", "never occurs"),
        ("FREQ=HOURLY;INTERVAL=24;BYHOUR=10", "generates an empty set"),
        ("FREQ=MINUTELY;INTERVAL=1440;BYHOUR=10", "never occurs"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0 is not a positive number"),
        ("FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1 is not a positive number"),
        ("FREQ=DAILY;COUNT=x", "COUNT=X is not a positive number"),
        ("FREQ=DAILY;BYHOUR=1;COUNT=100001", "COUNT=100001 is too large"),
        ("FREQ=DAILY;BYHOUR=25", "is not a recurrence rule"),
        ("FREQ=DAILY;BYMOON=1", "is not a recurrence rule"),
        ("FREQ=OFTEN", "is not a recurrence rule"),
        ("BYHOUR=9", "is not a recurrence rule"),
        ("FREQ=DAILY;FREQ=DAILY", "'FREQ=DAILY' is malformed or repeated"),
        ("FREQ", "'FREQ' is malformed or repeated"),
        ("FREQ=DAILY\nRRULE:FREQ=DAILY", "has 2 rules"),
        ("FREQ=DAILY\nEXDATE:20180301T090000", "'EXDATE' is not a line of a single rule"),
    ],
)
def test_a_rule_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(schedule(rrule(text, f"{NINE}+00:00")))
    assert caught.value.part == "clocks[0].rrule_obj.rr"
    assert problem in caught.value.problem


def test_a_rare_rule_is_not_taken_for_one_that_never_occurs() -> None:
    leap_monday = schedule(rrule("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO", f"{NINE}+00:00"))
    assert starts(leap_monday, "2018-01-01T00:00:00+00:00", 1) == ["2044-02-29 09:00"]


def test_what_is_refused_elsewhere_in_a_rule_is_named() -> None:
    sources: list[tuple[Document, str]] = [
        ({"type": "rrule", "rr": "RRULE:FREQ=DAILY"}, "_dtstart"),
        ({"type": "rrule", "rr": "RRULE:FREQ=DAILY", "_dtstart": "soon"}, "_dtstart"),
        ({"type": "rrule", "rr": "DTSTART:2018\nRRULE:FREQ=DAILY"}, "rr DTSTART"),
        ({"type": "rrule", "rr": "RRULE:FREQ=DAILY", "_dtstart": NINE, "_until": 5}, "_until"),
        ({"type": "rrule", "rr": "RRULE:FREQ=DAILY;UNTIL=NEVER", "_dtstart": NINE}, "rr UNTIL"),
        ({"type": "rrule", "rr": None, "_dtstart": NINE}, "rr"),
        ({"type": "rruleset"}, ""),
        ({"type": "rruleset", "_rdate": ["x"]}, "_rdate[0]"),
        ({"type": "rruleset", "_rrule": [{"rr": "FREQ=DAILY"}]}, "_rrule[0]._dtstart"),
        ({"type": "cron"}, "type"),
        ({}, "type"),
    ]
    for source, part in sources:
        with pytest.raises(ScheduleError) as caught:
            parse_schedule(schedule({"type": "RRuleClock", "rrule_obj": source}))
        assert caught.value.part == f"clocks[0].rrule_obj.{part}".rstrip("."), source
