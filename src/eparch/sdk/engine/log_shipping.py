"""Log lines of a run, on their way to the server.

In charge of what a log record becomes; not in charge of sending it (`eparch.client.reporter`).
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from eparch.client.reporter import Reporter
from eparch.core.instants import timestamp_text
from eparch.sdk.context import context
from eparch.sdk.logs import ROOT, HidingFormatter, wanted_level

# What servers take in one line, less what is around the text.
_CHARACTERS_MAX: Final = 999_000
_CUT: Final = " [cut: the line was longer]"


class LogShipper(logging.Handler):
    """Sends log lines to the server, each with the task run that it belongs to."""

    def __init__(self, reporter: Reporter, places: dict[str, str]) -> None:
        super().__init__()
        self._reporter = reporter
        # By slug the id of the task: tasks know themselves by slug.
        self._task_ids = places
        self.setFormatter(HidingFormatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send a line; whatever goes wrong with it must not touch the run."""
        try:
            message = self.format(record)
            if len(message) > _CHARACTERS_MAX:
                message = message[:_CHARACTERS_MAX] + _CUT
            line = {
                "message": message,
                "level": record.levelname,
                "name": record.name,
                "timestamp": timestamp_text(datetime.fromtimestamp(record.created, UTC)),
            }
            slug, index = _place(record)
            if slug in self._task_ids:
                line["place"] = (self._task_ids[slug], -1 if index is None else index)  # type: ignore[assignment]
            self._reporter.log(line)
        except Exception:
            self.handleError(record)


@contextmanager
def shipping(reporter: Reporter, task_ids: dict[str, str]) -> Iterator[None]:
    """Send what is logged inside the block."""
    shipper = LogShipper(reporter, task_ids)
    root = logging.getLogger(ROOT)
    before = root.level
    root.addHandler(shipper)
    if root.getEffectiveLevel() > wanted_level():
        root.setLevel(wanted_level())
    try:
        yield
    finally:
        root.removeHandler(shipper)
        root.setLevel(before)


def _place(record: logging.LogRecord) -> tuple[str | None, int | None]:
    """Return slug and map index of the task whose line this is: from the record, if it comes from another process."""
    if hasattr(record, "task_slug"):
        return record.task_slug, getattr(record, "map_index", None)
    return context.get("task_slug"), context.get("map_index")
