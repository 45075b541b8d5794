"""Logging of flows and tasks, through Python's own `logging`.

In charge of loggers, of what tasks print, of showing logs on a terminal and of keeping secrets out of them; not in
charge of sending them to the server (`engine.log_shipping`).
"""

import io
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TextIO

from eparch.sdk.context import context

ROOT: Final = "eparch"
_FORMAT: Final = "%(asctime)s %(levelname)-7s %(name)s | %(message)s"
_HIDDEN: Final = "***"
# Shorter texts would be found everywhere, and then everything is hidden.
_SECRET_CHARACTERS_MIN: Final = 4

_secrets: set[str] = set()


def get_logger(name: str | None = None) -> logging.Logger:
    """Return a logger whose lines belong to the task or flow that is running.

    Args:
        name: a part of the logger's name; by default that of the running task.

    Example:
        >>> get_logger("loading").name
        'eparch.loading'
    """
    own = name if name is not None else context.get("task_name") or context.get("flow_name")
    return logging.getLogger(f"{ROOT}.{own}" if own else ROOT)


def hide(secret: Any) -> None:
    """Show this secret, and every text inside it, as `***` in all logs from now on."""
    if isinstance(secret, str):
        if len(secret) >= _SECRET_CHARACTERS_MIN:
            _secrets.add(secret)
    elif isinstance(secret, dict):
        for member in secret.values():
            hide(member)
    elif isinstance(secret, list | tuple | set):
        for member in secret:
            hide(member)


def without_secrets(text: str) -> str:
    """Return a text with `***` for each secret in it.

    Example:
        >>> hide("hunter2!")
        >>> without_secrets("the password is hunter2!")
        'the password is ***'
    """
    # Longest first: one secret may be part of another.
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


class HidingFormatter(logging.Formatter):
    """A formatter that hides secrets, in messages and tracebacks alike."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return without_secrets(super().format(record)) if _secrets else super().format(record)


def show_on_terminal() -> None:
    """Write logs to standard error, unless the program has set up logging itself.

    The level is `EPARCH_LOGGING_LEVEL`, by default INFO.
    """
    root = logging.getLogger(ROOT)
    if root.handlers or logging.getLogger().handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(HidingFormatter(_FORMAT))
    root.addHandler(handler)
    root.setLevel(wanted_level())


def wanted_level() -> int:
    """Return the level that `EPARCH_LOGGING_LEVEL` names; INFO where it names none, or one that there is not."""
    level = logging.getLevelName(os.environ.get("EPARCH_LOGGING_LEVEL", "INFO").upper())
    return level if isinstance(level, int) else logging.INFO


_print_target: ContextVar["_Lines | None"] = ContextVar("eparch_prints", default=None)


class _Lines:
    """Turns pieces of text into log lines."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._rest = ""

    def write(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._logger.info("%s", line)

    def close(self) -> None:
        if self._rest:
            self._logger.info("%s", self._rest)
        self._rest = ""


class _Router(io.TextIOBase):
    """Standard output, but for the tasks whose prints go to their logs; each thread may run another task."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str, /) -> int:
        target = _print_target.get()
        if target is None:
            return self.stream.write(text)
        target.write(text)
        return len(text)

    def flush(self) -> None:
        self.stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


_router_lock = threading.Lock()
_router_users = 0


@contextmanager
def prints_logged(logger: logging.Logger) -> Iterator[None]:
    """Send what is printed inside the block, in this thread, to a logger, line by line.

    Example:
        >>> with prints_logged(get_logger("shown")):
        ...     print("this is a log line")
    """
    lines = _Lines(logger)
    _install_router()
    token = _print_target.set(lines)
    try:
        yield
    finally:
        _print_target.reset(token)
        _remove_router()
        lines.close()


def _install_router() -> None:
    global _router_users
    with _router_lock:
        _router_users += 1
        if not isinstance(sys.stdout, _Router):
            sys.stdout = _Router(sys.stdout)


def _remove_router() -> None:
    global _router_users
    with _router_lock:
        _router_users -= 1
        if not _router_users and isinstance(sys.stdout, _Router):
            sys.stdout = sys.stdout.stream


def record_document(record: logging.LogRecord) -> dict[str, Any]:
    """Return a log record as a dictionary that can be sent to another process: with its text, without its objects."""
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    return {
        "name": record.name,
        "levelno": record.levelno,
        "levelname": record.levelname,
        "msg": without_secrets(record.getMessage()),
        "created": record.created,
        "exc_text": None if record.exc_text is None else without_secrets(record.exc_text),
        "task_slug": context.get("task_slug"),
        "map_index": context.get("map_index"),
    }


def handle_elsewhere(document: dict[str, Any]) -> None:
    """Handle a log record of another process as if it were from here."""
    logger = logging.getLogger(document["name"])
    if logger.isEnabledFor(document["levelno"]):
        logger.handle(logging.makeLogRecord(document))
