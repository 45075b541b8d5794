"""Where keys come from, and when they are read anew."""

import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from eparch.core.errors import BadInput, ConfigurationError, SecretUnreadable
from eparch.operations.sealing import Key
from eparch.operations.secrets import VALUE_BYTES_MAX
from eparch.server.keys import make_file, read_file, write_file
from eparch.server.settings import Settings, resolve
from eparch.server.vault import Vault

TENANT = "00000000-0000-4000-8000-00000000000a"


def settings(home: Path, **given: str) -> Settings:
    return resolve(
        {}, {"EPARCH_HOME": str(home), **{f"EPARCH_{name.upper()}": value for name, value in given.items()}}
    ).settings


def unlocked(home: Path, *, has_secrets: bool = False, **given: str) -> Vault:
    vault = Vault(settings(home, **given))
    vault.unlock(has_secrets=has_secrets)
    return vault


def test_the_first_start_makes_a_key_for_its_owner_alone(tmp_path: Path) -> None:
    vault = unlocked(tmp_path / "home")
    path = tmp_path / "home" / "encryption.keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["encryption.keys"]
    sealed = vault.seal(TENANT, "NAME", {"a": 1})
    assert unlocked(tmp_path / "home", has_secrets=True).open(TENANT, "NAME", sealed) == {"a": 1}


def test_no_key_is_made_that_the_secrets_in_the_database_would_not_know(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    vault = unlocked(tmp_path, has_secrets=True)
    assert not (tmp_path / "encryption.keys").exists()
    assert "does not exist: they cannot be read" in caplog.text
    with pytest.raises(ConfigurationError, match="no encryption key"):
        vault.seal(TENANT, "NAME", 1)


def test_a_place_that_cannot_be_written_only_costs_the_secrets(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    vault = unlocked(tmp_path, encryption_keys_file=str(tmp_path / "file" / "keys"))
    assert "no secrets can be kept" in caplog.text
    with pytest.raises(ConfigurationError, match="no encryption key"):
        vault.seal(TENANT, "NAME", 1)


def test_servers_that_start_at_once_make_one_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    with ThreadPoolExecutor(8) as pool:
        made = {keyring.ids for keyring in pool.map(lambda _: make_file(path), range(16))}
    assert made == {read_file(path).ids}
    assert os.listdir(tmp_path) == ["keys"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "encryption.keys"
    make_file(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match=f"open to others than its owner: its mode is {mode:04o}") as caught:
        unlocked(tmp_path)
    assert f"chmod 600 {path}" in caught.value.hint


def test_a_file_without_a_key_or_with_a_wrong_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "encryption.keys"
    path.touch(0o600)
    with pytest.raises(ConfigurationError, match=f"{path} holds no key"):
        unlocked(tmp_path)
    path.write_text("# a comment\n\nnot a key  # another\n")
    with pytest.raises(ConfigurationError, match=f"Line 3 of {path} is no encryption key") as caught:
        unlocked(tmp_path)
    assert "not a key" not in caught.value.message


def test_keys_can_come_from_the_environment_and_are_shown_nowhere(tmp_path: Path) -> None:
    old, new = Key.new(), Key.new()
    sealed = unlocked(tmp_path, encryption_keys=old.text()).seal(TENANT, "NAME", "value")
    vault = unlocked(tmp_path, encryption_keys=f"{new.text()}, {old.text()}")
    assert vault.open(TENANT, "NAME", sealed) == "value"
    assert vault.seal(TENANT, "NAME", "value").key_id == new.id
    assert not (tmp_path / "encryption.keys").exists()
    assert old.text() not in repr(settings(tmp_path, encryption_keys=old.text()))
    with pytest.raises(ConfigurationError, match=r"An entry of encryption_keys \(number 2\)") as caught:
        unlocked(tmp_path, encryption_keys=f"{new.text()},hunter2")
    assert "hunter2" not in caught.value.message


def test_keys_can_come_from_a_command_that_is_asked_again_for_a_key_that_is_missing(tmp_path: Path) -> None:
    old, new = Key.new(), Key.new()
    source = tmp_path / "source"
    source.write_text(f"{old.text()}\n")
    command = f"{sys.executable} -c 'print(open(\"{source}\").read())'"
    now = 100.0
    vault = Vault(settings(tmp_path, encryption_keys_command=command), monotonic=lambda: now)
    vault.unlock(has_secrets=True)
    source.write_text(f"{new.text()}\n{old.text()}\n")
    sealed = unlocked(tmp_path, encryption_keys_command=command).seal(TENANT, "NAME", "value")
    assert sealed.key_id == new.id
    with pytest.raises(SecretUnreadable):
        vault.open(TENANT, "NAME", sealed)
    now += 10.0
    assert vault.open(TENANT, "NAME", sealed) == "value"


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("false", "it ended with the code 1"),
        ("true", "it printed nothing"),
        ("/no/such/program", "No such file"),
        ("'", "it is no command"),
        ("echo hunter2", "Line 1 of the output of encryption_keys_command is no encryption key"),
    ],
)
def test_a_command_that_gives_no_key_is_refused_with_the_reason(tmp_path: Path, command: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason) as caught:
        unlocked(tmp_path, encryption_keys_command=command)
    assert "hunter2" not in caught.value.message + caught.value.hint


def test_a_change_of_the_file_is_seen_at_once_and_a_bad_one_changes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "encryption.keys"
    vault = unlocked(tmp_path)
    before = vault.seal(TENANT, "NAME", 1)
    new = Key.new()
    write_file(path, [new, *read_file(path).keys])
    after = vault.seal(TENANT, "NAME", 2)
    assert after.key_id == new.id
    assert [vault.open(TENANT, "NAME", sealed) for sealed in (before, after)] == [1, 2]
    path.write_text("nonsense\n")
    assert vault.open(TENANT, "NAME", after) == 2
    assert "so the ones before stay in use" in caplog.text
    path.unlink()
    assert vault.open(TENANT, "NAME", before) == 1


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("", 1, "1 to 255 characters; this one has 0"),
        ("x" * 256, 1, "this one has 256"),
        ("NAME", None, "'NAME' cannot be null"),
        ("NAME", "x" * VALUE_BYTES_MAX, f"{VALUE_BYTES_MAX + 2} bytes, at most {VALUE_BYTES_MAX}"),
    ],
)
def test_what_cannot_be_a_secret_is_refused(tmp_path: Path, name: str, value: Any, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        unlocked(tmp_path).seal(TENANT, name, value)
