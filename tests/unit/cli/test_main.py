"""The command line: what goes where, exit codes, help, and what is imported for it."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from eparch.cli.commands import COMMANDS, GROUPS, Command
from eparch.cli.main import main
from eparch.version import __version__

EPARCH = Path(sys.executable).parent / "eparch"


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith("EPARCH_")]:
        monkeypatch.delenv(variable)
    monkeypatch.setenv("EPARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.mark.parametrize("words", [["--version"], ["-V"], ["version"]])
def test_the_version_goes_to_stdout(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert capsys.readouterr() == (f"eparch {__version__}\n", "")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_help_lists_every_command_and_group(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert err == ""
    commands = [(c.words, c.purpose) for c in COMMANDS if " " not in c.words]
    for first, purpose in [*commands, *((words, about) for words, about in GROUPS.items() if " " not in words)]:
        assert any(line.split(maxsplit=1) == [first, purpose] for line in out.splitlines()), first


def test_every_group_has_commands_and_every_long_command_a_group() -> None:
    words = [command.words.split() for command in COMMANDS]
    assert {" ".join(one[:size]) for one in words for size in range(1, len(one))} == set(GROUPS)


@pytest.mark.parametrize("words", [["db"], ["db", "--help"]])
def test_help_on_a_group_lists_its_commands(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: eparch db COMMAND\n")
    assert [line.split()[0] for line in out.split("Commands:\n")[1].split("\n\n")[0].splitlines()] == [
        "upgrade",
        "current",
        "check",
        "size",
        "backup",
        "move",
        "compact",
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.words)
def test_help_on_each_command_shows_its_docstring(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    module, _, name = command.target.partition(":")
    docstring = getattr(import_module(module), name).__doc__
    assert main([*command.words.split(), "--help"]) == 0
    out = capsys.readouterr().out
    usage, empty, first = out.splitlines()[:3]
    assert usage.startswith(f"Usage: eparch {command.words} ")
    assert usage.endswith(" [OPTIONS]")
    assert (empty, first) == ("", docstring.splitlines()[0])


def test_usage_says_what_is_required_and_what_may_repeat(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["register", "--help"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: eparch register PATHS... --project VALUE [OPTIONS]\n")
    assert "--force  " in out, "a switch takes no value"
    assert main(["profile", "show", "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: eparch profile show [NAME] [OPTIONS]\n")


def test_help_on_a_setting_says_its_kind_default_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "start", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    assert (
        "--port VALUE Port to listen on; 0 takes a free one. "
        "[a whole number from 0 to 65535; default 4200; EPARCH_PORT]" in words
    )
    assert "--allow-unauthenticated, --no-allow-unauthenticated Serve" in words


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        ("vresion", "Unknown command 'vresion'.", "did you mean eparch version?"),
        ("server strat", "Unknown command 'strat'.", "did you mean eparch server start?"),
        ("xyz", "Unknown command 'xyz'.", "see eparch --help"),
        ("--verbose", "Unknown option '--verbose'.", "see eparch --help"),
        ("config --prot 5", "Unknown option: --prot. Did you mean --port?", "see eparch config --help"),
        ("config --port", "Parameter --port requires an argument.", "see eparch config --help"),
        ("config everything", "Unexpected argument 'everything'.", "see eparch config --help"),
        ("config --log-level loud", "--log-level is 'loud', but must be one of debug, info, warning, error.", "--log"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_a_hint(
    words: str, message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    first, second = err.splitlines()
    assert first == f"error: {message}"
    assert second.startswith(f"hint: {hint}")


def test_a_wrong_variable_is_a_wrong_call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EPARCH_PROT", "1")
    assert main(["config"]) == 2
    err = capsys.readouterr().err
    assert err == (
        "error: The environment variable EPARCH_PROT is unknown.\n"
        "hint: did you mean EPARCH_PORT? docs/reference/settings.md and eparch server start --help list them all\n"
    )


def test_config_prints_values_and_origins_with_passwords_masked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EPARCH_DATABASE_URL", "postgresql://eparch:secret@db/eparch")
    assert main(["config", "--port", "5"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    lines = {line.split()[0]: line.split(maxsplit=2)[1:] for line in out.splitlines()}
    assert lines["port"] == ["5", "flag --port"]
    assert lines["database_url"] == ["postgresql://eparch:***@db/eparch", "environment EPARCH_DATABASE_URL"]
    assert lines["home"] == [str(tmp_path / "home"), "environment EPARCH_HOME"]


def test_an_open_address_without_authentication_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["server", "start", "--host", "0.0.0.0"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: '0.0.0.0' is open to other machines, and without authentication")
    assert "--allow-unauthenticated" in err.splitlines()[1]


def test_a_home_that_cannot_be_made_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EPARCH_HOME", str(tmp_path / "file" / "home"))
    assert main(["db", "upgrade", "--config", str(empty_config(tmp_path))]) == 1
    assert f"error: The folder {tmp_path}/file/home cannot be made: Not a directory." in capsys.readouterr().err


def test_a_traceback_is_shown_only_on_demand(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "--port", "x"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    monkeypatch.setenv("EPARCH_DEBUG", "1")
    assert main(["config", "--port", "x"]) == 2
    err = capsys.readouterr().err
    assert "Traceback" in err
    assert "error: --port is 'x'" in err


def test_a_reader_that_goes_away_is_no_traceback() -> None:
    program = f"set -o pipefail; {EPARCH} config | true"
    for _ in range(3):
        done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
        assert (done.stderr, done.returncode) in {("", 0), ("", 1)}


@pytest.mark.parametrize("words", ["--version", "--help", "server --help", "xyz"])
def test_quick_answers_import_no_library(words: str) -> None:
    heavy = imported_for(words) & {"cyclopts", "rich", "sqlalchemy", "starlette", "msgspec", "eparch.server.settings"}
    assert heavy == set()


@pytest.mark.parametrize("words", ["server start --help", "db upgrade --help", "config"])
def test_help_on_a_command_and_config_import_no_server(words: str) -> None:
    heavy = {"rich.console", "sqlalchemy", "starlette", "uvicorn", "graphql", "eparch.server.run", "eparch.database"}
    assert imported_for(words) & heavy == set()


def imported_for(words: str) -> set[str]:
    """Return the modules that a call of the program has imported by its end."""
    program = f"import sys; from eparch.cli.main import main; main({words.split()!r}); print(*sys.modules, sep=chr(10))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines())


def empty_config(folder: Path) -> Path:
    path = folder / "empty.toml"
    path.touch()
    return path
