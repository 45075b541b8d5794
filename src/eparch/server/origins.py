"""Which web pages may use the API.

In charge of what the Origin and Host headers say about the page behind a request; not in charge of who is calling
(`authentication`).

A browser sends any page's requests to this server, with the address of that page as their origin. Other pages may not
change anything, and cannot read answers, because these do not name their origin. One page can read answers all the
same: one whose own name was made to lead here after it was loaded ("DNS rebinding"). Its origin equals the host it
asks for, so a server that only listens on loopback also looks at the name of the host.
"""

import ipaddress
from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit


class Page(Enum):
    """What kind of page is behind a request."""

    NONE = "no page: a program, or an address typed in"
    OWN = "a page of this server"
    ALLOWED = "a page that was allowed by name"
    FOREIGN = "a page that may not change anything"
    MISLED = "a page, or a reader, that knows this server by a name that is not its own"


class Origins:
    """Judges requests.

    Args:
        allowed: origins, such as `https://ops.example.org`, whose pages may do everything; `*` allows all.
        is_loopback: whether only this machine can reach the server, so that it has no name but localhost.
    """

    def __init__(self, allowed: Iterable[str], *, is_loopback: bool) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)
        self._allowed_hosts = frozenset(urlsplit(origin).netloc for origin in self._allowed)
        self._is_loopback = is_loopback
        self.page = lru_cache(1024)(self._page)

    def knows(self, host: str | None) -> bool:
        """Return whether the server may be called by the name in a Host header."""
        if not self._is_loopback or host is None or host.lower() in self._allowed_hosts:
            return True
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name == "localhost" or name.endswith(".localhost") or _is_address(name)

    def _page(self, origin: str | None, host: str | None) -> Page:
        if origin is None:
            return Page.NONE
        if "*" in self._allowed or origin.lower() in self._allowed:
            return Page.ALLOWED
        if not host or _authority(origin) != host.lower():
            return Page.FOREIGN
        return Page.OWN if self.knows(host) else Page.MISLED


_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def _authority(origin: str) -> str | None:
    """Return host and port of an origin as a browser writes them in the Host header; None for `null` and the like."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return None
    return parts.netloc.removesuffix(_DEFAULT_PORTS.get(parts.scheme, "")) or None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
