"""Settings: precedence, wrong names and values, secrets."""

from pathlib import Path

import pytest

from eparch.core.errors import ConfigurationError
from eparch.server.setting_values import SettingError, as_text, masked
from eparch.server.settings import Settings, refuse_exposure, resolve, rows


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def configure(home: Path, text: str) -> dict[str, str]:
    """Write the configuration file of `home` and return an environment that points there."""
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(text)
    return {"EPARCH_HOME": str(home)}


def test_defaults_live_in_the_home_folder(home: Path) -> None:
    resolved = resolve({}, {"EPARCH_HOME": str(home)})
    assert resolved.settings.database_url == f"sqlite:///{home}/eparch.sqlite"
    assert resolved.settings.config == home / "config.toml"
    assert (resolved.settings.host, resolved.settings.port) == ("127.0.0.1", 4200)
    assert resolved.origins["port"] == "default"
    assert resolved.origins["home"] == "environment EPARCH_HOME"


def test_a_flag_wins_over_the_environment_over_the_file_over_the_default(home: Path) -> None:
    environment = configure(home, "port = 1\nreaders = 2\nwriters = 3\n")
    resolved = resolve({"port": "11", "host": None}, environment | {"EPARCH_PORT": "12", "EPARCH_READERS": "13"})
    settings, origins = resolved.settings, resolved.origins
    assert (settings.port, settings.readers, settings.writers, settings.batch_max) == (11, 13, 3, 256)
    assert [origins[name] for name in ("port", "readers", "writers", "batch_max")] == [
        "flag --port",
        "environment EPARCH_READERS",
        f"file {home}/config.toml",
        "default",
    ]


def test_a_home_given_as_a_flag_moves_the_file_and_the_database(home: Path, tmp_path: Path) -> None:
    configure(home, "port = 5")
    settings = resolve({"home": str(home)}, {"EPARCH_HOME": str(tmp_path)}).settings
    assert (settings.port, settings.database_url) == (5, f"sqlite:///{home}/eparch.sqlite")


def test_the_file_can_be_elsewhere_but_then_must_exist(tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    with pytest.raises(SettingError, match=f"{other} does not exist"):
        resolve({}, {"EPARCH_CONFIG": str(other)})
    other.write_text("port = 5")
    assert resolve({}, {"EPARCH_CONFIG": str(other)}).settings.port == 5


@pytest.mark.parametrize(
    ("variable", "text", "expected"),
    [
        ("EPARCH_ALLOW_UNAUTHENTICATED", "Yes", True),
        ("EPARCH_ALLOW_UNAUTHENTICATED", "0", False),
        ("EPARCH_ALLOWED_ORIGINS", "https://a, https://b", ("https://a", "https://b")),
        ("EPARCH_ALLOWED_ORIGINS", "", ()),
        ("EPARCH_SHUTDOWN_GRACE_S", "2.5", 2.5),
        ("EPARCH_LOG_FORMAT", "json", "json"),
        ("EPARCH_PORT", "0", 0),
    ],
)
def test_text_becomes_the_type_of_the_setting(home: Path, variable: str, text: str, expected: object) -> None:
    settings = resolve({}, {"EPARCH_HOME": str(home), variable: text}).settings
    assert getattr(settings, variable.removeprefix("EPARCH_").lower()) == expected


@pytest.mark.parametrize(
    ("toml", "name", "expected"),
    [
        ("allowed_origins = ['https://a']", "allowed_origins", ("https://a",)),
        ("services_enabled = false", "services_enabled", False),
        ("scheduler_interval_s = 5", "scheduler_interval_s", 5.0),
    ],
)
def test_toml_values_keep_their_type(home: Path, toml: str, name: str, expected: object) -> None:
    assert getattr(resolve({}, configure(home, toml)).settings, name) == expected


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("EPARCH_PORT", "abc", "EPARCH_PORT is 'abc', but must be a whole number from 0 to 65535."),
        ("EPARCH_PORT", "65536", "EPARCH_PORT is '65536', but must be a whole number from 0 to 65535."),
        ("EPARCH_PORT", "", "EPARCH_PORT is '', but must be a whole number from 0 to 65535."),
        ("EPARCH_PORT", "80.0", "EPARCH_PORT is '80.0', but must be a whole number from 0 to 65535."),
        ("EPARCH_SHUTDOWN_GRACE_S", "nan", "EPARCH_SHUTDOWN_GRACE_S is 'nan', but must be a number of at least 0."),
        ("EPARCH_SHUTDOWN_GRACE_S", "inf", "EPARCH_SHUTDOWN_GRACE_S is 'inf', but must be a number of at least 0."),
        ("EPARCH_SERVICES_ENABLED", "maybe", "EPARCH_SERVICES_ENABLED is 'maybe', but must be true or false."),
        ("EPARCH_HOST", " ", "EPARCH_HOST is ' ', but must be text that is not empty."),
        ("EPARCH_HOME", "~nobody-of-that-name/x", "EPARCH_HOME is '~nobody-of-that-name/x', but must be a path."),
        ("EPARCH_LOG_FORMAT", "xml", "EPARCH_LOG_FORMAT is 'xml', but must be one of auto, text, json."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(home: Path, variable: str, text: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        resolve({}, {"EPARCH_HOME": str(home), variable: text})
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("port = '4200x'", "port in {file} is '4200x', but must be a whole number from 0 to 65535."),
        ("port = true", "port in {file} is True, but must be a whole number from 0 to 65535."),
        ("port = 4200.5", "port in {file} is 4200.5, but must be a whole number from 0 to 65535."),
        ("services_enabled = 1", "services_enabled in {file} is 1, but must be true or false."),
        ("allowed_origins = [1]", "allowed_origins in {file} is [1], but must be a list, with commas between."),
        ("host = 1", "host in {file} is 1, but must be text that is not empty."),
        ("[server]\nport = 1", "The key 'server' in {file} is unknown."),
        ("home = '/x'", "The key 'home' in {file} is unknown."),
    ],
)
def test_a_wrong_line_of_the_file_is_named(home: Path, toml: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        resolve({}, configure(home, toml))
    assert caught.value.message == message.format(file=home / "config.toml")


def test_a_file_that_is_not_toml_is_named(home: Path) -> None:
    with pytest.raises(SettingError, match=r"config\.toml cannot be read: .*line 1"):
        resolve({}, configure(home, "port: 1"))


def test_unknown_names_are_refused_with_the_one_that_was_meant(home: Path) -> None:
    with pytest.raises(SettingError, match="variable EPARCH_DATABASE is unknown") as caught:
        resolve({}, {"EPARCH_DATABASE": "x"})
    lists = "docs/reference/settings.md and eparch server start --help list them all"
    assert caught.value.hint == f"did you mean EPARCH_DATABASE_URL? {lists}"
    with pytest.raises(SettingError) as caught:
        resolve({}, {"EPARCH_HEARTBEAT": "1"})
    assert caught.value.hint.startswith("did you mean EPARCH_HEARTBEAT_LEASE_S or EPARCH_HEARTBEAT_SETTLE_S or ")
    with pytest.raises(SettingError) as caught:
        resolve({}, {"EPARCH_FOO": "x"})
    assert caught.value.hint == lists
    with pytest.raises(SettingError, match=r"key 'prot' in .* is unknown") as caught:
        resolve({}, configure(home, "prot = 1"))
    assert caught.value.hint.startswith("did you mean port?")


def test_a_variable_in_lower_case_is_unknown(home: Path) -> None:
    with pytest.raises(SettingError, match="variable EPARCH_port is unknown"):
        resolve({}, {"EPARCH_HOME": str(home), "EPARCH_port": "1"})


def test_variables_that_are_not_ours_are_left_alone(home: Path) -> None:
    resolve({}, {"EPARCH_HOME": str(home), "EPARCH_DEBUG": "1", "EPARCHY": "1", "PORT": "abc"})


def test_secrets_of_flows_are_left_alone_and_settings_that_begin_like_them_are_not(home: Path) -> None:
    environment = {"EPARCH_HOME": str(home), "EPARCH_SECRET_TOKEN": "t", "EPARCH_SECRET_KEEPER_INTERVAL_S": "5"}
    assert resolve({}, environment).settings.secret_keeper_interval_s == 5


def test_close_choices_are_suggested(home: Path) -> None:
    with pytest.raises(SettingError) as caught:
        resolve({"log_level": "warn"}, {"EPARCH_HOME": str(home)})
    assert caught.value.hint == "did you mean warning?"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:secret@h:5432/d", "postgresql://u:***@h:5432/d"),
        ("postgresql://u:p@ss:w/rd#@h/d", "postgresql://u:***@h/d"),
        ("postgresql://:secret@h/d", "postgresql://:***@h/d"),
        ("postgresql://u@h/d?password=secret&a=1", "postgresql://u@h/d?password=***&a=1"),
        ("postgresql://u@h/d?sslpassword=secret", "postgresql://u@h/d?sslpassword=***"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("sqlite:////a/b.sqlite", "sqlite:////a/b.sqlite"),
    ],
)
def test_passwords_in_addresses_are_masked(url: str, shown: str) -> None:
    assert masked(url) == as_text(url) == shown


def test_settings_can_be_logged_without_their_secrets(home: Path) -> None:
    resolved = resolve({"database_url": "postgresql://u:hunter2@h/d"}, {"EPARCH_HOME": str(home)})
    assert "hunter2" not in repr(resolved)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_no_permission(host: str, home: Path) -> None:
    refuse_exposure(resolve({"host": host}, {"EPARCH_HOME": str(home)}).settings)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.org", "localhost.example.org"])
def test_other_addresses_must_be_allowed(host: str, home: Path) -> None:
    environment = {"EPARCH_HOME": str(home), "EPARCH_HOST": host}
    with pytest.raises(ConfigurationError, match="without authentication") as caught:
        refuse_exposure(resolve({}, environment).settings)
    assert "--allow-unauthenticated" in caught.value.hint
    refuse_exposure(resolve({"allow_unauthenticated": True}, environment).settings)


def test_every_default_is_a_value_that_its_setting_takes(home: Path) -> None:
    settings = resolve({}, {"EPARCH_HOME": str(home)}).settings
    again = resolve({row.name: text_of(settings, row.name) for row in rows() if row.name != "config"}, {})
    assert again.settings == settings


def text_of(settings: Settings, name: str) -> str:
    return as_text(getattr(settings, name))
