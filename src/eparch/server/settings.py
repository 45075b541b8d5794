"""In charge of what can be set: one table of settings, and where each value came from.

A value comes from, first to last: a flag of the command line, an `EPARCH_*` variable of the environment, the TOML file
(`$EPARCH_HOME/config.toml`, or the one that `EPARCH_CONFIG` names), the default below. Unknown names and values of the
wrong type are errors. Not in charge of what a single value
may be (`setting_values`) nor of acting on it.

To add a setting, add a field to `Settings`: its flag, variable, key, check, help and documentation follow.
"""

import ipaddress
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, Literal, get_type_hints

from eparch.core.errors import ConfigurationError
from eparch.server.setting_values import SettingError, as_text, convert, describe

PREFIX: Final = "EPARCH_"

OTHER_VARIABLES: Final[dict[str, str]] = {
    "EPARCH_DEBUG": "1 shows the traceback of an error on the command line",
    "EPARCH_API_URL": "the server that flows, agents and the command line speak to",
    "EPARCH_API_KEY": "the key they show it",
    "EPARCH_TENANT_ID": "the tenant, for a key that belongs to several",
    "EPARCH_PROFILE": "the profile that says all three",
    "EPARCH_FLOW_RUN_ID": "the flow run that a process carries out; set by its agent",
    "EPARCH_LOGGING_LEVEL": "the least level of log lines of flows that are shown and sent",
}
"""Variables with our prefix that are not settings of the server, and what they are for."""

SECRET_PREFIX: Final = "EPARCH_SECRET_"  # noqa: S105 - a name, no secret
"""Variables that begin like this are secrets of flows, whose names the server does not know."""


def setting(
    default: object,
    purpose: str,
    *,
    least: float | None = None,
    most: float | None = None,
    shown_default: str = "",
    is_secret: bool = False,
    is_key: bool = False,
) -> Any:
    """Return a dataclass field for one row of the table.

    Args:
        default: the value, or a function from the home folder to the value.
        purpose: one sentence for the help and the documentation.
        least, most: bounds of a number, both included.
        shown_default: what the documentation says of a default that depends on the machine.
        is_secret: the value may hold a password, so `repr` leaves it out and no log can show it.
        is_key: the whole value is secret, so it is never printed either, and there is no flag: every user of a machine
            can read command lines.
    """
    metadata = {"default": default, "purpose": purpose, "least": least, "most": most, "shown_default": shown_default}
    return field(metadata={**metadata, "is_key": is_key}, repr=not (is_secret or is_key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The table of settings; an instance holds the value of each."""

    home: Path = setting(
        lambda home: home, "Folder of the database and the configuration file.", shown_default="~/.eparch"
    )
    config: Path = setting(
        lambda home: home / "config.toml", "The configuration file.", shown_default="$EPARCH_HOME/config.toml"
    )

    host: str = setting("127.0.0.1", "Address to listen on.")
    port: int = setting(4200, "Port to listen on; 0 takes a free one.", least=0, most=65535)
    allow_unauthenticated: bool = setting(
        False, "Serve without authentication on an address that other machines can reach."
    )
    allowed_origins: tuple[str, ...] = setting(
        (), "Web origins, beside the server's own, whose pages may call the API, such as https://ops.example.org."
    )
    body_bytes_max: int = setting(16 * 1024 * 1024, "Largest request body.", least=1024)
    workers: int = setting(
        1, "Processes that serve the address together; more than one needs PostgreSQL.", least=1, most=256
    )
    shutdown_grace_s: float = setting(30.0, "How long open requests may take to end after a stop signal.", least=0)

    database_url: str = setting(
        lambda home: f"sqlite:///{home / 'eparch.sqlite'}",
        "The database: sqlite:////absolute/path or postgresql://user:password@host:5432/name.",
        shown_default="sqlite:///$EPARCH_HOME/eparch.sqlite",
        is_secret=True,
    )
    encryption_keys: tuple[str, ...] = setting(
        (),
        "Keys of secrets, each 32 bytes in base64; the first encrypts, all of them decrypt. Instead of the file.",
        is_key=True,
    )
    encryption_keys_command: str | None = setting(
        None, "A command that prints such keys, one a line. Instead of the file."
    )
    encryption_keys_file: Path = setting(
        lambda home: home / "encryption.keys",
        "The file of such keys, one a line; made at the first start.",
        shown_default="$EPARCH_HOME/encryption.keys",
    )
    database_statement_timeout_s: float = setting(
        120.0, "When PostgreSQL ends a statement that takes too long; 0 never.", least=0
    )
    database_answer_timeout_s: float = setting(
        15.0, "A PostgreSQL that answers nobody for about so long is taken for hung, and calls fail.", least=0.1
    )
    readers: int = setting(4, "Threads that answer queries.", least=1, most=256)
    writers: int = setting(2, "Threads that write on PostgreSQL; SQLite always has one.", least=1, most=256)
    batch_max: int = setting(256, "Most mutations that share one transaction.", least=1, most=10_000)

    query_depth_max: int = setting(7, "Deepest field of a query; a root field has depth 0.", least=1)
    query_cost_max: int = setting(100_000_000, "Largest estimated number of rows that one query reads.", least=1)
    rows_max: int = setting(100_000, "Most rows of one list of an answer.", least=1)

    services_enabled: bool = setting(True, "Run the scheduler and the other services in this process.")
    scheduler_interval_s: float = setting(60.0, "Time between the starts of two passes of the scheduler.", least=0.1)
    runs_ahead: int = setting(10, "Runs that the scheduler creates ahead of time for each flow.", least=1, most=1000)
    secret_keeper_interval_s: float = setting(
        60.0, "Time between two looks for secrets that are to be encrypted with the first key.", least=0.1
    )
    lazarus_interval_s: float = setting(60.0, "Time between the starts of two passes of Lazarus.", least=0.1)
    zombie_killer_interval_s: float = setting(
        60.0, "Time between the starts of two passes of the zombie killer.", least=0.1
    )
    retention_interval_s: float = setting(
        600.0,
        "Time between the starts of two passes of retention, which deletes what is old.",
        least=0.1,
    )
    heartbeat_timeout_s: float = setting(
        600.0, "A run without a sign of life for so long is taken for lost; clients beat every 30 s.", least=1
    )
    heartbeat_lease_s: float = setting(
        60.0,
        "The same, if that is sooner, for a run whose client says how often it beats, as agents and the SDK do; never"
        " before two beats were missed.",
        least=1,
    )
    heartbeat_settle_s: float = setting(
        120.0, "How long heartbeats may arrive, after a time without any server, before silence is judged.", least=0
    )
    resurrection_attempts_max: int = setting(
        3, "How often Lazarus schedules a lost flow run anew before it fails.", least=0, most=1000
    )
    left_task_runs_grace_s: float = setting(
        600.0, "How long task runs may be unfinished after the end of their flow run before they are closed.", least=0
    )

    metrics_access: Literal["local", "all"] = setting(
        "local", "Who may read /metrics: programs on this machine, or all that reach the server."
    )
    traces_endpoint: str = setting(
        "off", "Where traces go, an address of OTLP over HTTP such as http://127.0.0.1:4318; off sends none."
    )
    traces_sampled_share: float = setting(1.0, "Share of requests that are traced.", least=0, most=1)
    access_log: bool = setting(False, "Write a log line for each request.")
    log_format: Literal["auto", "text", "json"] = setting(
        "auto", "How log lines are written; auto is text on a terminal, JSON elsewhere."
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting(
        "info", "Least severe log lines that are written."
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, for those who print it."""

    name: str
    kind: str
    default: str
    purpose: str
    is_switch: bool
    is_key: bool

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    @property
    def flag(self) -> str:
        return "--" + self.name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Settings, and for each name where its value came from ("default", "flag --port", ...)."""

    settings: Settings
    origins: Mapping[str, str]


def rows() -> list[Row]:
    """Return the table, in the order of `Settings`."""
    return [
        Row(
            name=row.name,
            kind=describe(_TYPES[row.name], (row.metadata["least"], row.metadata["most"])),
            default=row.metadata["shown_default"] or as_text(row.metadata["default"]),
            purpose=row.metadata["purpose"],
            is_switch=_TYPES[row.name] is bool,
            is_key=row.metadata["is_key"],
        )
        for row in fields(Settings)
    ]


def resolve(flags: Mapping[str, object] | None = None, environment: Mapping[str, str] | None = None) -> Resolved:
    """Return the settings of this process.

    Args:
        flags: values given on the command line, by name; None means not given.
        environment: defaults to that of the process.
    Raises:
        SettingError: a name is unknown, a value cannot be used, or the file cannot be read.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    variables = _variables(os.environ if environment is None else environment)
    home = _first_of("home", given, variables) or (Path.home() / ".eparch", "default")
    config = _first_of("config", given, variables) or (home[0] / "config.toml", "default")
    found = _read_file(config[0], must_exist=config[1] != "default")

    values: dict[str, Any] = {"home": home[0], "config": config[0]}
    origins: dict[str, str] = {"home": home[1], "config": config[1]}
    for row in fields(Settings)[2:]:
        chosen = _first_of(row.name, given, variables)
        if chosen is None and row.name in found:
            chosen = (_convert(row, found[row.name], f"{row.name} in {config[0]}"), f"file {config[0]}")
        if chosen is None:
            default = row.metadata["default"]
            chosen = (default(home[0]) if callable(default) else default, "default")
        values[row.name], origins[row.name] = chosen
    return Resolved(Settings(**values), origins)


def refuse_exposure(settings: Settings) -> None:
    """Refuse to serve other machines without authentication, unless told so.

    Raises:
        ConfigurationError: `host` is not a loopback address and `allow_unauthenticated` is false.
    """
    if not settings.allow_unauthenticated and not is_loopback(settings.host):
        raise ConfigurationError(
            f"{settings.host!r} is open to other machines, and without authentication the server only serves its own.",
            hint="use --host 127.0.0.1, or add --allow-unauthenticated if everyone who reaches it may do everything",
        )


def unknown_variables(environment: Iterable[str]) -> Iterator[SettingError]:
    """Return an error for each variable that has our prefix and means nothing to us."""
    known = [*(PREFIX + name.upper() for name in _ROWS), *OTHER_VARIABLES]
    for variable in environment:
        if variable.startswith(PREFIX) and not variable.startswith(SECRET_PREFIX) and variable not in known:
            yield SettingError(f"The environment variable {variable} is unknown.", hint=_hint(variable, known))


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a server that listens on `host`."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


_NEAREST_MAX: Final = 3
_TYPES: Final[Mapping[str, Any]] = get_type_hints(Settings)
_ROWS: Final[Mapping[str, Field[Any]]] = {row.name: row for row in fields(Settings)}


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings in the environment by name; the unknown ones are an error."""
    for error in unknown_variables(environment):
        raise error
    known = {PREFIX + name.upper(): name for name in _ROWS}
    return {
        known[variable]: value
        for variable, value in environment.items()
        if variable in known and variable not in OTHER_VARIABLES
    }


def _read_file(path: Path, *, must_exist: bool) -> dict[str, Any]:
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if must_exist:
            raise SettingError(
                f"The configuration file {path} does not exist.", hint="create it or unset EPARCH_CONFIG"
            ) from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"The configuration file {path} cannot be read: {error}.") from None
    # The file cannot say where it is itself, nor move the home in which it was found.
    known = [name for name in _ROWS if name not in {"home", "config"}]
    for key in found:
        if key not in known:
            raise SettingError(f"The key {key!r} in {path} is unknown.", hint=_hint(key, known))
    return found


def _convert(row: Field[Any], value: object, label: str) -> Any:
    bounds = row.metadata["least"], row.metadata["most"]
    return convert(_TYPES[row.name], value, label=label, bounds=bounds, purpose=row.metadata["purpose"])


def _first_of(name: str, flags: Mapping[str, object], variables: Mapping[str, str]) -> tuple[Any, str] | None:
    """Return the value of the flag or of the variable, and which it was; None when there is neither."""
    for given, label in ((flags, "--" + name.replace("_", "-")), (variables, PREFIX + name.upper())):
        if name in given:
            origin = f"flag {label}" if given is flags else f"environment {label}"
            return _convert(_ROWS[name], given[name], label), origin
    return None


def _hint(name: str, known: list[str]) -> str:
    # What all of them begin with makes none of them alike.
    close = get_close_matches(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=_NEAREST_MAX)
    prefix = PREFIX if name.startswith(PREFIX) else ""
    suggestion = f"did you mean {' or '.join(prefix + one for one in close)}? " if close else ""
    return f"{suggestion}docs/reference/settings.md and eparch server start --help list them all"
