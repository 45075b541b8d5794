"""Which server, and with what key.

In charge of the address, the key and where they come from: the environment first, then the chosen profile in
`$EPARCH_HOME/profiles.toml`, then the defaults; not in charge of the server's own settings.

    active = "prod"

    [profiles.prod]
    api_url = "https://eparch.example.org"
    api_key = "..."
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from eparch.core.errors import ConfigurationError

DEFAULT_URL: Final = "http://127.0.0.1:4200"
_KEYS: Final = ("api_url", "api_key", "tenant_id")


@dataclass(frozen=True, slots=True)
class Profile:
    """A server and how to speak to it.

    Attributes:
        name: the profile's name; None where everything is from the environment or a default.
        tenant_id: which tenant, for keys that belong to several.
    """

    name: str | None
    api_url: str
    api_key: str | None = None
    tenant_id: str | None = None

    def __repr__(self) -> str:
        # The key does not belong into logs.
        return f"<Profile: {self.name or 'default'} at {self.api_url}>"


def profiles_path(environment: Mapping[str, str] | None = None) -> Path:
    """Return where profiles are kept."""
    variables = os.environ if environment is None else environment
    return Path(variables.get("EPARCH_HOME") or Path.home() / ".eparch") / "profiles.toml"


def current_profile(name: str | None = None, environment: Mapping[str, str] | None = None) -> Profile:
    """Return the profile that is in effect: the one named, or by EPARCH_PROFILE, or the active one.

    Raises:
        ConfigurationError: there is no such profile, or the file cannot be read.

    Example:
        >>> current_profile(environment={"EPARCH_API_URL": "http://127.0.0.1:4300", "EPARCH_HOME": "/nowhere"})
        <Profile: default at http://127.0.0.1:4300>
    """
    variables = os.environ if environment is None else environment
    path = profiles_path(variables)
    known = read_profiles(path)
    chosen = name or variables.get("EPARCH_PROFILE") or known["active"]
    stored: dict[str, str] = {}
    if chosen is not None:
        if chosen not in known["profiles"]:
            close = get_close_matches(chosen, known["profiles"], 1)
            hint = f"did you mean {close[0]!r}?" if close else f"make it: eparch profile create {chosen}"
            raise ConfigurationError(f"There is no profile {chosen!r} in {path}.", hint=hint)
        stored = known["profiles"][chosen]
    found = {key: variables.get(f"EPARCH_{key.upper()}") or stored.get(key) for key in _KEYS}
    return Profile(chosen, (found["api_url"] or DEFAULT_URL).rstrip("/"), found["api_key"], found["tenant_id"])


def read_profiles(path: Path) -> dict[str, Any]:
    """Return what is in the file: `active` (a name or None) and `profiles`, by name.

    Raises:
        ConfigurationError: it cannot be read, or holds something else.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {"active": None, "profiles": {}}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"The profiles in {path} cannot be read: {error}.") from None
    profiles = found.get("profiles", {})
    for name, profile in profiles.items():
        for key in profile:
            if key not in _KEYS:
                raise ConfigurationError(
                    f"Profile {name!r} in {path} has the unknown key {key!r}.", hint=f"keys are {', '.join(_KEYS)}"
                )
    return {"active": found.get("active"), "profiles": profiles}


def write_profiles(path: Path, active: str | None, profiles: Mapping[str, Mapping[str, str]]) -> None:
    """Write all profiles, readable by their owner alone."""
    lines = [] if active is None else [f"active = {_quoted(active)}", ""]
    for name, profile in sorted(profiles.items()):
        lines.append(f"[profiles.{_quoted(name)}]")
        lines += [f"{key} = {_quoted(profile[key])}" for key in _KEYS if profile.get(key)]
        lines.append("")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".new")
    unfinished.touch(mode=0o600)
    unfinished.write_text("\n".join(lines), encoding="utf-8")
    os.replace(unfinished, path)


def _quoted(text: str) -> str:
    # A TOML basic string is a JSON string, but for the characters that JSON leaves as they are.
    import json

    return json.dumps(text)
