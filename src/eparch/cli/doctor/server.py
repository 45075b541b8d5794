"""In charge of the server that is spoken to: does it answer, take the key, fit this version, tell the same time."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from eparch.cli.connection import Api
from eparch.cli.doctor.finding import Finding, ok, problem, warning
from eparch.cli.output import duration
from eparch.client.errors import ClientError
from eparch.core.instants import parse_instant
from eparch.version import __version__

_TIMEOUT_S: Final = 10.0
_SKEW_S_WARNING: Final = 2.0
_SKEW_S_PROBLEM: Final = 60.0


def findings(api: Api) -> Iterator[Finding]:
    """Look at the server; what comes after a problem is left out."""
    profile = f", profile {api.profile.name}" if api.profile.name else ""
    try:
        report, taken_s = _health(api.url)
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        hint = "start one: eparch server start; or say where it is: eparch profile set --api-url URL"
        yield problem("server", f"None answers at {api.url}{profile}: {reason}.", hint)
        return
    if report is None:
        yield problem("server", f"What answers at {api.url}{profile} is no Eparch server.", "check EPARCH_API_URL")
        return
    yield ok("server", f"{api.url}{profile} answers within {duration(taken_s)}.")
    yield _version(str(report.get("version", "unknown")))
    database = report.get("database") or {}
    if database.get("status") != "ok":
        yield problem("server's database", str(database.get("message", "failing")), str(database.get("hint") or ""))
    yield from _services(report.get("services") or {})
    told = parse_instant(str(report.get("time", "")))
    if told is not None:
        yield _clock(told, taken_s, datetime.now(UTC))
    try:
        api.ask("query { api { version } project(limit: 1) { id } }")
    except ClientError as error:
        yield problem("key", error.message, error.hint)
        return
    yield ok(
        "key", "The server takes the API key." if api.client.api_key else "None is set, and the server wants none."
    )


def _health(url: str) -> tuple[dict[str, Any] | None, float]:
    """Return what /health says, None where it is something else, and how many seconds it took.

    Raises:
        OSError: nobody answers.
    """
    begun = time.monotonic()
    request = urllib.request.Request(f"{url}/health", headers={"User-Agent": f"eparch/{__version__}"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:  # noqa: S310 - Client has checked it
            body = response.read()
    except urllib.error.HTTPError as error:
        # An unready server says why.
        body = error.read()
    taken_s = time.monotonic() - begun
    try:
        report = json.loads(body)
    except ValueError:
        return None, taken_s
    is_ours = isinstance(report, dict) and "version" in report and "database" in report
    return (report if is_ours else None), taken_s


def _version(version: str) -> Finding:
    if version == __version__:
        return ok("version", f"The server is of this version, {version}.")
    told = f"The server is of version {version}, this program of {__version__}."
    ours, theirs = __version__.split(".")[:2], version.split(".")[:2]
    hint = "use the same version on both sides"
    return warning("version", told, hint) if ours == theirs else problem("version", told, hint)


def _services(services: dict[str, Any]) -> Iterator[Finding]:
    failing = {name: one for name, one in services.items() if one.get("status") != "ok"}
    for name, one in failing.items():
        hint = "look at the server's log; it tries again by itself"
        yield problem("services", f"{name} has failed {one.get('failures')} times in a row: {one.get('error')}", hint)
    if not services:
        yield warning(
            "services", "The server that answered runs none: no schedule starts there.", "one server must have them on"
        )
    elif not failing:
        yield ok("services", f"{', '.join(sorted(services))} run.")


def _clock(server: datetime, taken_s: float, now: datetime) -> Finding:
    """Compare the clocks; the server told its time at some moment of the `taken_s` seconds up to now."""
    skew_s = max(abs((now - server).total_seconds()) - taken_s, 0.0)
    if skew_s < _SKEW_S_WARNING:
        return ok("clock", "The server's and this machine's agree.")
    told = f"The server's and this machine's are {duration(skew_s)} apart."
    hint = "set both by NTP: late runs, caches and heartbeats are judged by the server's"
    return problem("clock", told, hint) if skew_s >= _SKEW_S_PROBLEM else warning("clock", told, hint)
