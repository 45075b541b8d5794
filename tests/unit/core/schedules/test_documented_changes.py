"""The table of daylight-saving changes in docs/schedules.md is what the clocks do."""

import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from eparch.core.schedules import next_events, parse_schedule
from tests.unit.core.schedules.documents import HOUR_S, NEW_YORK, Document, cron, interval, schedule

PAGE = Path(__file__).parents[4] / "docs/schedules.md"
ZONE = ZoneInfo(NEW_YORK)
DAYS = (datetime(2018, 3, 11, tzinfo=ZONE), datetime(2018, 11, 4, tzinfo=ZONE))


def clock(text: str) -> Document:
    if found := re.fullmatch(r"cron `(.+)`", text):
        return cron(found[1], "2018-01-01T00:00:00", NEW_YORK)
    found = re.fullmatch(r"interval (\d+) h(?: from (.+))?", text)
    assert found is not None, text
    return interval(int(found[1]) * HOUR_S, f"2018-01-01T{found[2] or '00:00'}:00", NEW_YORK)


def events_of(day: datetime, document: Document) -> list[str]:
    events = next_events(parse_schedule(document), day - timedelta(microseconds=1), 4)
    local = [event.start_time.astimezone(ZONE) for event in events]
    return [start.strftime("%H:%M %Z") for start in local if start.date() == day.date()]


def test_the_table_of_changes_is_right() -> None:
    rows = re.findall(r"^\| ((?:cron|interval) .+?) \| (.+?) \| (.+?) \|$", PAGE.read_text(), flags=re.MULTILINE)
    assert len(rows) == 9
    for text, *cells in rows:
        for day, cell in zip(DAYS, cells, strict=True):
            assert ", ".join(events_of(day, schedule(clock(text)))) == cell, text
