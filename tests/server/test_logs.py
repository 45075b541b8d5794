"""What the server writes about itself: text on a terminal, one JSON object a line elsewhere."""

import json
import logging
import os
import pty
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from eparch.server.logs import Json
from tests.server.conftest import StartServer
from tests.server.wire import Wire, ask
from tests.server_process import EXECUTABLE, free_port


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_file_gets_one_json_object_a_line(start_server: StartServer) -> None:
    with start_server() as server:
        with Wire(server.port) as wire:
            wire.send(b"hello\r\n\r\n")
            wire.receive()
        assert ask(server.port, "{ hello }").status == 200
        server.stop()
    lines = lines_of(server.log)
    for line in lines:
        assert {"time", "level", "logger", "message"} <= set(line)
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
        assert line["level"] in {"info", "warning"}
    (ready,) = [line for line in lines if "address" in line]
    assert ready["address"] == server.url
    assert lines[-1]["message"] == "Eparch has stopped."


def test_requests_and_connections_are_not_logged(start_server: StartServer) -> None:
    with start_server() as server:
        before = server.log.read_text()
        for _ in range(20):
            ask(server.port, "{ hello }")
            ask(server.port, "{ nothing }")
        assert server.log.read_text() == before


def test_text_can_be_asked_for(start_server: StartServer) -> None:
    with start_server("--log-format", "text") as server:
        pass
    assert " INFO    eparch.server  Eparch" in server.log.read_text()


def test_lines_below_the_level_are_left_out(start_server: StartServer) -> None:
    with start_server("--log-level", "error") as server:
        ask(server.port, "{ hello }")
    assert server.log.read_text() == ""


def test_a_terminal_gets_text(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    command = [EXECUTABLE, "server", "start", "--port", str(free_port())]
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    written = b""
    try:
        while b"is ready at" not in written:
            written += os.read(controller, 65536)
    finally:
        process.terminate()
        process.wait(30)
        os.close(controller)
    assert process.returncode == 0
    assert b" INFO    eparch.server  Eparch" in written
    assert b'{"time"' not in written


# ---- single lines ----


def record(message: str, *arguments: object, error: BaseException | None = None, **extra: object) -> logging.LogRecord:
    made = logging.getLogger("a").makeRecord(
        "a", logging.ERROR, "x.py", 1, message, arguments, None if error is None else (type(error), error, None)
    )
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("line\nbreak \u2028", "line\nbreak \u2028"),
        ("half \ud800", "half \\ud800"),
        ("nul \0", "nul \0"),
        ("🚀", "🚀"),
    ],
)
def test_a_message_of_any_characters_is_one_line(value: str, shown: str) -> None:
    line = Json().format(record("%s", value))
    assert len(line.splitlines()) == 1 or "\u2028" in line
    assert "\n" not in line
    assert json.loads(line)["message"] == shown


@pytest.mark.parametrize(
    "value", [Path("x"), ValueError("x"), object, {1: "a"}, {(1, 2): 3}, {"a": "\ud800"}, float("nan")]
)
def test_a_further_value_of_any_type_is_shown_somehow(value: object) -> None:
    line = json.loads(Json().format(record("m", value=value)))
    assert (line["message"], "value" in line) == ("m", True)


def test_a_value_within_itself_is_shown_somehow() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert json.loads(Json().format(record("m", value=endless)))["value"] == "[[...]]"


def test_a_failure_comes_with_its_traceback() -> None:
    try:
        raise ValueError("half \ud800")
    except ValueError:
        line = json.loads(Json().format(logging.getLogger("a").makeRecord("a", 40, "x", 1, "m", (), sys.exc_info())))
    assert line["level"] == "error"
    assert "Traceback" in line["traceback"]
    assert "ValueError: half" in line["traceback"]
