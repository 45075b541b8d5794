"""In charge of `eparch profile`: the servers that one person speaks to; not in charge of the file's form."""

import getpass
import sys
from typing import Annotated, Any, Final

from cyclopts import Parameter

from eparch.cli.delete import Yes, confirm
from eparch.cli.dispatch import UsageError
from eparch.cli.output import Column, Output, print_json, print_rows, say
from eparch.cli.references import close_to
from eparch.client.errors import ClientError
from eparch.client.profiles import DEFAULT_URL, current_profile, profiles_path, read_profiles, write_profiles
from eparch.client.transport import Transport
from eparch.core.errors import ConfigurationError, Conflict, NotFound

Name = Annotated[str, Parameter(help="The profile's name.")]
Url = Annotated[
    str | None, Parameter(name="--api-url", help="The server's address, such as https://eparch.example.org.")
]
Key = Annotated[
    bool,
    Parameter(
        name="--api-key", help="Ask for the API key, or read it from stdin: never from the command line.", negative=""
    ),
]
Tenant = Annotated[str | None, Parameter(name="--tenant-id", help="The tenant, for a key that belongs to several.")]

_SHOWN_CHARACTERS: Final = 4
_KEY_CHARACTERS_MIN: Final = 12
_COLUMNS: Final = (
    Column("NAME", lambda row: row["name"]),
    Column("ACTIVE", lambda row: "yes" if row["is_active"] else ""),
    Column("ADDRESS", lambda row: row["api_url"]),
    Column("KEY", lambda row: row["api_key"] or "none"),
)


def list_(*, output: Output = "table") -> None:
    """List profiles; the active one is used unless EPARCH_PROFILE or --profile names another."""
    known = read_profiles(profiles_path())
    active = current_profile().name if known["profiles"] else None
    rows = [
        {
            "name": name,
            "is_active": name == active,
            "api_url": stored.get("api_url") or DEFAULT_URL,
            "api_key": _masked(stored.get("api_key")),
            "tenant_id": stored.get("tenant_id"),
        }
        for name, stored in sorted(known["profiles"].items())
    ]
    print_rows(
        rows, _COLUMNS, output, nothing="There are no profiles; make one: eparch profile create NAME --api-url URL"
    )


def show(
    name: Annotated[str | None, Parameter(help="The profile's name; the one in effect by default.")] = None,
    /,
    *,
    output: Output = "table",
) -> None:
    """Show what is in effect: the profile, and the variables of the environment that win."""
    found = current_profile(name)
    row = {
        "name": found.name,
        "api_url": found.api_url,
        "api_key": _masked(found.api_key),
        "tenant_id": found.tenant_id,
        "file": str(profiles_path()),
    }
    if output == "json":
        return print_json(row)
    for key, value in row.items():
        print(f"{key:<10} {'none' if value is None else value}")
    return None


def create(name: Name, /, *, api_url: Url = None, api_key: Key = False, tenant_id: Tenant = None) -> None:
    """Make a profile; the first one is active at once."""
    path = profiles_path()
    known = read_profiles(path)
    if name in known["profiles"]:
        raise Conflict(f"There is a profile {name!r} already.", hint=f"change it: eparch profile set {name}")
    known["profiles"][name] = _changed({}, api_url, tenant_id, asks_key=api_key)
    known["active"] = known["active"] or name
    write_profiles(path, known["active"], known["profiles"])
    in_effect = " and active" if known["active"] == name else f"; use it: eparch profile use {name}"
    say(f"Profile {name} is made{in_effect}.")


def set_(
    name: Annotated[str | None, Parameter(help="The profile's name; the active one by default.")] = None,
    /,
    *,
    api_url: Url = None,
    api_key: Key = False,
    tenant_id: Tenant = None,
) -> None:
    """Change a profile: its address, its key, its tenant."""
    path = profiles_path()
    known = read_profiles(path)
    chosen = name or known["active"]
    if chosen is None:
        raise ConfigurationError("There is no profile to change.", hint="make one: eparch profile create NAME")
    known["profiles"][chosen] = _changed(_found(known, chosen), api_url, tenant_id, asks_key=api_key)
    write_profiles(path, known["active"], known["profiles"])
    say(f"Profile {chosen} is changed.")


def use(name: Name, /) -> None:
    """Use a profile from now on."""
    path = profiles_path()
    known = read_profiles(path)
    _found(known, name)
    write_profiles(path, name, known["profiles"])
    in_effect = current_profile()
    say(f"Profile {name} is active: {known['profiles'][name].get('api_url') or DEFAULT_URL}")
    if in_effect.name != name or in_effect.api_url != (known["profiles"][name].get("api_url") or DEFAULT_URL):
        say(f"warning: variables of the environment win; in effect is {in_effect.api_url}")


def delete(name: Name, /, *, yes: Yes = False) -> None:
    """Delete a profile with the key in it."""
    path = profiles_path()
    known = read_profiles(path)
    _found(known, name)
    confirm(f"Delete profile {name!r}?", yes=yes)
    del known["profiles"][name]
    write_profiles(path, None if known["active"] == name else known["active"], known["profiles"])
    say(f"Profile {name} is deleted.")


def secret_from_person(prompt: str) -> str:
    """Return a secret: typed without being shown, or read from stdin where that is no terminal.

    Raises:
        ConfigurationError: there is nothing.
    """
    value = getpass.getpass(f"{prompt}: ", stream=sys.stderr) if sys.stdin.isatty() else sys.stdin.read()
    value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ConfigurationError(f"{prompt}: nothing was given.", hint="type it at the prompt, or send it to stdin")
    return value


def _found(known: dict[str, Any], name: str) -> dict[str, str]:
    if name not in known["profiles"]:
        hint = close_to(name, known["profiles"], f"make it: eparch profile create {name}")
        raise NotFound(f"There is no profile {name!r}.", hint=hint)
    stored: dict[str, str] = known["profiles"][name]
    return stored


def _changed(stored: dict[str, str], api_url: str | None, tenant_id: str | None, *, asks_key: bool) -> dict[str, str]:
    found = dict(stored)
    if api_url is not None:
        try:
            Transport(api_url)
        except ClientError as error:
            raise UsageError(error.message, hint=error.hint) from error
        found["api_url"] = api_url.rstrip("/")
    if tenant_id is not None:
        found["tenant_id"] = tenant_id
    if asks_key:
        found["api_key"] = secret_from_person("API key").strip()
    return found


def _masked(key: str | None) -> str | None:
    if not key:
        return None
    return f"{key[:_SHOWN_CHARACTERS]}***" if len(key) >= _KEY_CHARACTERS_MIN else "***"
