"""What the server writes about itself.

In charge of the form of log lines: text on a terminal, one JSON object a line elsewhere; not in charge of the logs of
flows, which are rows in the database.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from eparch.server.exchanges import request_id

_OWN: Final = frozenset(
    {*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName", "color_message", "request"}
)


def configure(form: Literal["auto", "text", "json"], level: str) -> None:
    """Send all log lines to standard error in one form."""
    is_text = form == "text" or (form == "auto" and sys.stderr.isatty())
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_TEXT) if is_text else Json())
    handler.addFilter(_tell_request)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Its access log is one line for each of thousands of requests a second; ours says what matters.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # It tells of every WebSocket, and with a traceback of every client that sends bytes where text belongs.
    logging.getLogger("uvicorn.error").setLevel(max(logging.WARNING, root.level))
    logging.getLogger("uvicorn.error").filters[:] = [_shorten]


_TEXT: Final = "%(asctime)s %(levelname)-7s %(name)s  %(message)s%(request)s"


def _tell_request(record: logging.LogRecord) -> bool:
    """Add to a line which request it is about; the lines of other threads are about none."""
    found = request_id()
    record.request = f"  [{found}]" if found else ""
    if found:
        record.request_id = found
    return True


def _shorten(record: logging.LogRecord) -> bool:
    if record.msg == "Invalid UTF-8 sequence received from client.":
        record.levelno, record.levelname, record.exc_info = logging.WARNING, "WARNING", None
    return True


class Json(logging.Formatter):
    """One JSON object a line: time, level, logger, message, further values, and the traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in record.__dict__.items() if name not in _OWN},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        try:
            return msgspec.json.encode(line, enc_hook=str).decode()
        except (UnicodeEncodeError, TypeError, RecursionError):
            # Half a surrogate pair in a name of a file, a key that is no text: a line must not be lost for them.
            shown = {name: f"{value}".encode(errors="backslashreplace").decode() for name, value in line.items()}
            return msgspec.json.encode(shown).decode()
