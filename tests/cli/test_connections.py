"""Profiles, and servers that cannot be spoken to: each is one clear message."""

import stat
from pathlib import Path

import pytest

from eparch.testing import TemporaryServer
from tests.cli.program import Program
from tests.gateways import gateway

KEY = "sk-0123456789abcdef"


@pytest.fixture
def alone(tmp_path: Path) -> Program:
    """The program, without an address in its environment."""
    return Program(tmp_path)


def test_a_server_that_is_not_there(alone: Program) -> None:
    done = alone("get", "flows", EPARCH_API_URL="http://127.0.0.1:1")
    assert (done.code, done.out) == (1, "")
    assert done.error == "error: No server answers at http://127.0.0.1:1: Connection refused."
    assert done.hint == "hint: start one: eparch server start; or say where it is: EPARCH_API_URL"


def test_an_address_that_is_none(alone: Program) -> None:
    done = alone("get", "flows", EPARCH_API_URL="localhost:4200")
    assert done.error == "error: 'localhost:4200' is no address of a server."


def test_a_misspelt_variable_is_told_and_the_command_goes_on(alone: Program, server: TemporaryServer) -> None:
    done = alone(
        "get", "flows", "--output", "json", EPARCH_API_URL=server.url, EPARCH_API_KEI="k", EPARCH_SECRET_PIN="1"
    )
    assert (done.code, done.out) == (0, "[]\n")
    assert "warning: The environment variable EPARCH_API_KEI is unknown.\nhint: did you mean EPARCH_API_KEY" in done.err
    assert "EPARCH_SECRET_PIN" not in done.err


def test_a_wrong_key(alone: Program, server: TemporaryServer) -> None:
    with gateway(server.url, key=KEY) as address:
        done = alone("get", "flows", EPARCH_API_URL=address, EPARCH_API_KEY="wrong")
        assert done.code == 1
        assert done.error == f"error: The server at {address} refuses the API key (HTTP 401)."
        assert alone("get", "flows", EPARCH_API_URL=address, EPARCH_API_KEY=KEY).code == 0


def test_an_older_server(alone: Program, server: TemporaryServer) -> None:
    # The server answers as it does to a field that it does not have.
    with gateway(server.url, renamed=(b"last_queried", b"field_of_tomorrow")) as address:
        done = alone("get", "agents", EPARCH_API_URL=address)
    assert done.code == 1
    assert done.error.startswith(f"error: The server at {address} does not know this: ")
    assert "field_of_tomorrow" in done.error
    assert done.hint == "hint: upgrade the server to this version"


def test_profiles_hold_address_and_key(alone: Program, server: TemporaryServer) -> None:
    assert "There are no profiles" in alone("profile", "list").err
    with gateway(server.url, key=KEY) as address:
        alone.ok("profile", "create", "prod", "--api-url", address, "--api-key", stdin=f"{KEY}\n")
        alone.ok("profile", "create", "local", "--api-url", server.url)
        alone.ok("get", "flows")
        path = alone.folder / "home" / "profiles.toml"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        listed = alone.ok("profile", "list")
        assert KEY not in listed
        assert "sk-0***" in listed
        assert [(row["name"], row["is_active"]) for row in alone.json("profile", "list")] == [
            ("local", False),
            ("prod", True),
        ]
        alone.ok("profile", "set", "prod", "--api-key", stdin="another key, a wrong one")
        assert "refuses the API key" in alone("get", "flows").error
        alone.ok("get", "flows", "--profile", "local")
        alone.ok("profile", "use", "local")
        alone.ok("get", "flows")


def test_the_environment_wins_over_profiles(alone: Program) -> None:
    alone.ok("profile", "create", "prod", "--api-url", "https://eparch.example.org/")
    assert alone.json("profile", "show")["api_url"] == "https://eparch.example.org"
    done = alone("profile", "show", EPARCH_API_URL="http://127.0.0.1:4300")
    assert "http://127.0.0.1:4300" in done.out
    assert "variables of the environment win" in alone("profile", "use", "prod", EPARCH_API_URL="http://h:1").err
    assert alone("profile", "show", EPARCH_PROFILE="prd").hint == "hint: did you mean 'prod'?"


def test_wrong_calls_of_profile(alone: Program) -> None:
    alone.ok("profile", "create", "prod")
    assert alone("profile", "create", "prod").hint == "hint: change it: eparch profile set prod"
    assert alone("profile", "use", "prd").hint == "hint: did you mean 'prod'?"
    assert "is no address of a server" in alone("profile", "set", "--api-url", "eparch.example.org").error
    assert alone("profile", "set", "--api-key").error == "error: API key: nothing was given."
    assert alone("profile", "delete", "prod").code == 2
    alone.ok("profile", "delete", "prod", "--yes")
    assert alone.json("profile", "list") == []
    assert alone("profile", "set", "--api-url", "http://h").error == "error: There is no profile to change."


def test_a_home_that_cannot_be_made_is_named(alone: Program) -> None:
    # In /proc nobody makes a folder, not even root.
    done = alone("profile", "create", "prod", "--api-url", "http://127.0.0.1:1", EPARCH_HOME="/proc/home")
    assert (done.code, done.out) == (1, "")
    assert done.error == "error: /proc/home: No such file or directory."
    assert done.hint == "hint: see that it can be read and written, and that its disk has room"
