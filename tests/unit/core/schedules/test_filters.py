"""What each filter accepts, and how filters are combined."""

import pytest

from eparch.core.schedules import ScheduleError, parse_schedule
from tests.unit.core.schedules.documents import (
    HOUR_S,
    NEW_YORK,
    Document,
    adjust,
    date,
    dates,
    interval,
    keep,
    schedule,
    starts,
)


def accepts(filter_: Document, *moments: str, tz: str = "UTC") -> list[bool]:
    """Tell which of some wall-clock times of a zone a filter accepts."""
    return [
        bool(starts(schedule(dates(date(moment, tz)), filters=[filter_]), "2000-01-01T00:00:00+00:00", 1))
        for moment in moments
    ]


def dates_of_year(start: tuple[int, int], end: tuple[int, int]) -> Document:
    return keep("between_dates", start_month=start[0], start_day=start[1], end_month=end[0], end_day=end[1])


def times(start: str, end: str) -> Document:
    return keep("between_times", start=f"//time:{start}", end=f"//time:{end}")


def test_weekdays_and_weekends() -> None:
    week = [f"2019-01-{day:02}T12:00:00" for day in range(7, 14)]  # from Monday
    assert accepts(keep("is_weekday"), *week) == [True] * 5 + [False] * 2
    assert accepts(keep("is_weekend"), *week) == [False] * 5 + [True] * 2
    for number in range(7):
        assert accepts(keep("is_day_of_week", day_of_week=number), *week) == [day == number for day in range(7)]


def test_the_day_is_that_of_the_clocks_zone() -> None:
    # Saturday 22:00 in New York is Sunday in UTC.
    assert accepts(keep("is_day_of_week", day_of_week=5), "2019-01-12T22:00:00", tz=NEW_YORK) == [True]


def test_month_ends_and_starts() -> None:
    days = ["2019-01-31", "2019-02-28", "2020-02-28", "2020-02-29", "2019-04-30", "2019-05-30", "2019-03-01"]
    moments = [f"{day}T23:59:59.999999" for day in days]
    assert accepts(keep("is_month_end"), *moments) == [True, True, False, True, True, False, False]
    assert accepts(keep("is_month_start"), *moments) == [False] * 6 + [True]


def test_at_time_is_exact_to_the_microsecond() -> None:
    at = keep("at_time", t="//time:10:30:00.000001")
    assert accepts(at, "2019-01-01T10:30:00.000001", "2019-01-01T10:30:00") == [True, False]
    assert accepts(keep("at_time", t="//time:10:30:00"), "2019-01-01T10:30:00", tz=NEW_YORK) == [True]


@pytest.mark.parametrize(
    ("start", "end", "accepted"),
    [
        ("05:00:00", "07:00:00", True),
        ("06:00:00", "07:00:00", True),
        ("05:00:00", "06:00:00", True),
        ("06:00:00", "06:00:00", True),
        ("06:00:00.000001", "07:00:00", False),
        ("05:00:00", "05:59:59", False),
        ("07:00:00", "05:00:00", False),
        ("07:00:00", "06:00:00", True),
        ("06:00:00", "05:00:00", True),
        ("23:00:00", "07:00:00", True),
    ],
)
def test_between_times_includes_both_ends_and_spans_midnight(start: str, end: str, accepted: bool) -> None:
    assert accepts(times(start, end), "2019-01-01T06:00:00") == [accepted]


@pytest.mark.parametrize(
    ("start", "end", "accepted"),
    [
        ((5, 31), (6, 2), True),
        ((6, 1), (6, 1), True),
        ((6, 1), (6, 2), True),
        ((6, 2), (5, 31), False),
        ((11, 1), (7, 1), True),
        ((11, 1), (6, 1), True),
        ((7, 1), (5, 31), False),
        # Within one month there is no turn of the year.
        ((6, 2), (6, 1), False),
    ],
)
def test_between_dates_includes_both_ends_and_spans_the_turn_of_the_year(
    start: tuple[int, int], end: tuple[int, int], accepted: bool
) -> None:
    assert accepts(dates_of_year(start, end), "2019-06-01T00:00:00") == [accepted]


def test_on_date_ignores_the_year() -> None:
    assert accepts(
        keep("on_date", month=3, day=4), "2019-03-04T05:06:07", "2020-03-04T00:00:00", "2019-03-05T00:00:00"
    ) == [
        True,
        True,
        False,
    ]


def test_on_datetime_compares_instants() -> None:
    for dt in ("2019-01-01T05:00:00+00:00", "2019-01-01T07:00:00+02:00", "2019-01-01T05:00:00"):
        on = keep("on_datetime", dt=f"//datetime:{dt}")
        assert accepts(on, "2019-01-01T00:00:00", tz=NEW_YORK) == [True], dt
        assert accepts(on, "2019-01-01T05:00:00", tz=NEW_YORK) == [False], dt


def test_on_datetime_accepts_an_instant_in_a_repeated_hour() -> None:
    on = keep("on_datetime", dt="//datetime:2018-11-04T06:30:00+00:00")
    assert accepts(on, "2018-11-04T01:30:00", tz=NEW_YORK) == [True]


def test_between_datetimes_compares_instants_and_includes_both_ends() -> None:
    between = keep(
        "between_datetimes", start="//datetime:2019-01-01T05:00:00+00:00", end="//datetime:2019-01-01T08:00:00+02:00"
    )
    assert accepts(between, *(f"2019-01-01T0{hour}:00:00" for hour in (4, 5, 6, 7))) == [False, True, True, False]
    assert accepts(between, "2019-01-01T00:00:00", "2019-01-01T02:00:00", tz=NEW_YORK) == [True, False]


def test_all_filters_any_or_filter_and_no_not_filter() -> None:
    clock = interval(6 * HOUR_S)
    document = schedule(
        clock,
        filters=[keep("is_weekday"), keep("on_date", month=1, day=3)],
        or_filters=[keep("at_time", t="//time:06:00:00"), times("12:00:00", "23:00:00")],
        not_filters=[keep("at_time", t="//time:18:00:00"), keep("is_month_start")],
    )
    assert starts(document, "2019-01-01T00:00:00+00:00", 2) == ["2019-01-03 06:00", "2019-01-03 12:00"]
    # Each group alone, then what it leaves over.
    assert starts(
        schedule(clock, or_filters=[keep("is_weekend"), keep("is_month_start")]), "2019-01-01T12:00:00+00:00", 2
    ) == [
        "2019-01-01 18:00",
        "2019-01-05 00:00",
    ]
    assert starts(schedule(clock, not_filters=[keep("is_weekday")]), "2019-01-01T00:00:00+00:00", 1) == [
        "2019-01-05 00:00"
    ]


@pytest.mark.parametrize(
    ("group", "reference", "part", "said"),
    [
        ("filters", keep("is_weekda"), "filters[0].fn", "did you mean 'prefect.schedules.filters.is_weekday'?"),
        ("or_filters", keep("import_me"), "or_filters[0].fn", "is not a known function"),
        ("not_filters", adjust("next_weekday"), "not_filters[0].fn", "is not a known function"),
        ("adjustments", keep("is_weekday"), "adjustments[0].fn", "is not a known function"),
        ("filters", {"fn": "os.system", "kwargs": {"command": "true"}}, "filters[0].fn", "is not a known function"),
        ("filters", {"kwargs": {}}, "filters[0].fn", "nothing is not a string"),
        (
            "filters",
            keep("is_weekday", day=1),
            "filters[0].kwargs",
            "'day' not known to this function; give no arguments",
        ),
        ("filters", keep("on_date", month=1, day=1, year=1), "filters[0].kwargs", "give day, month"),
        ("filters", keep("at_time"), "filters[0].kwargs", "'t' is missing"),
        ("filters", keep("at_time", t="10:30:00"), "filters[0].kwargs.t", "give '//time:...'"),
        ("filters", keep("at_time", t="//time:25:00"), "filters[0].kwargs.t", "is not a time of day"),
        ("filters", keep("at_time", t="//time:10:00:00+01:00"), "filters[0].kwargs.t", "without offset"),
        ("filters", keep("on_datetime", dt="//datetime:today"), "filters[0].kwargs.dt", "is not a date and time"),
        ("filters", keep("on_date", month=13, day=1), "filters[0].kwargs.month", "from 1 to 12"),
        ("filters", keep("is_day_of_week", day_of_week=7), "filters[0].kwargs.day_of_week", "from 0 to 6"),
        ("filters", keep("is_day_of_week", day_of_week=True), "filters[0].kwargs.day_of_week", "not a whole number"),
        ("filters", {"fn": "prefect.schedules.filters.is_weekday", "kwargs": []}, "filters[0].kwargs", "not an object"),
        ("filters", ["is_weekday"], "filters", "not an object"),
        ("filters", {}, "filters", "is not a list"),
    ],
)
def test_a_function_reference_is_refused(group: str, reference: object, part: str, said: str) -> None:
    given = reference if reference == {} else [reference]
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(schedule(interval(HOUR_S), **{group: given}))
    assert caught.value.part.startswith(part)
    assert said in str(caught.value)


def test_functions_without_arguments_may_leave_them_out() -> None:
    for kwargs in ({}, {"kwargs": None}):
        reference = {"fn": "prefect.schedules.filters.is_weekend", **kwargs}
        assert starts(schedule(interval(HOUR_S), filters=[reference]), "2019-01-01T00:00:00+00:00", 1) == [
            "2019-01-05 00:00"
        ]
