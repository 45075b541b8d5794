"""The web UI's files.

In charge of what a browser gets: the page at every address that may be one of the UI's, its assets, how long they are
kept, in which coding, and what they may do; not in charge of what is in them (the folder `ui`, from which they are
built) nor of who may call the API (`origins`).

Requests never name a path of the file system: all files are read once, and a request looks its path up among them.
"""

import hashlib
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Final

from eparch.server.codings import takes
from eparch.server.origins import Origins

logger: Final = logging.getLogger("eparch.pages")

FOLDER: Final = Path(__file__).parent / "static"
"""Where the build of the UI is put, in a checkout and in a wheel."""

_INDEX: Final = "index.html"
# Names in this folder hold a digest of the content, so that what a name stands for never changes.
_HASHED: Final = "assets/"
# What a build may put beside a file, best first.
_CODINGS: Final = (("br", ".br"), ("gzip", ".gz"))
_FOREVER: Final = "public, max-age=31536000, immutable"
_CHECKED: Final = "no-cache"

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
}

# Styles may be inline: the editors put their own into the page. Why there is no nonce: docs/decisions/0006.
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_SECURITY: Final = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Reply:
    """What to answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class _File:
    """A file of the build: its bytes by coding, `""` for as it is, each with its tag."""

    media_type: str
    is_hashed: bool
    forms: Mapping[str, tuple[bytes, str]]


class Pages:
    """Answers what browsers ask for beside the API. Any thread may use it.

    Args:
        origins: knows by which names the server may be called.
        folder: the build.
    """

    def __init__(self, origins: Origins, folder: Path = FOLDER) -> None:
        self._origins = origins
        self._folder = folder
        self._lock = threading.Lock()
        self._stamp: object = None
        self._files: Mapping[str, _File] = {}

    def reply(self, path: str, headers: Mapping[bytes, bytes]) -> Reply | None:
        """Return the answer to a GET or HEAD of `path`; None where this is nothing of the UI's.

        A path that names no file is one of the UI's own addresses if a page is asked for. Whether there is such a page,
        the UI says.
        """
        files = self._current()
        file = files.get(path.removeprefix("/"))
        is_page = file is None and wants_page(headers)
        if file is None and not is_page:
            return None
        host = headers[b"host"].decode("latin-1") if b"host" in headers else None
        if host is not None and not self._origins.knows(host):
            return _misled(host)
        file = files.get(_INDEX) if is_page else file
        return _notice(503, "The web UI has not been built", _NOT_BUILT) if file is None else _served(file, headers)

    def _current(self) -> Mapping[str, _File]:
        """Return the files. A new build, whose page is a new file, is read anew."""
        try:
            status = (self._folder / _INDEX).stat()
            stamp: object = (status.st_ino, status.st_mtime_ns, status.st_size)
        except FileNotFoundError:
            stamp = "none"
        if stamp != self._stamp:
            with self._lock:
                if stamp != self._stamp:
                    self._files = {} if stamp == "none" else _read(self._folder)
                    self._stamp = stamp
        return self._files


def wants_page(headers: Mapping[bytes, bytes]) -> bool:
    """Return whether what asks is a browser that would show a page."""
    return b"text/html" in headers.get(b"accept", b"")


def _read(folder: Path) -> dict[str, _File]:
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    suffixes = {suffix for _, suffix in _CODINGS}
    files = {}
    for name, path in paths.items():
        if path.suffix in suffixes:
            continue
        content = path.read_bytes()
        # Each form is another sequence of bytes, so it has a tag of its own.
        digest = hashlib.sha256(content).hexdigest()[:20]
        forms = {"": (content, f'"{digest}"')}
        for coding, suffix in _CODINGS:
            packed = paths.get(name + suffix)
            if packed is not None:
                forms[coding] = (packed.read_bytes(), f'"{digest}-{coding}"')
        media_type = _TYPES.get(path.suffix, "application/octet-stream")
        files[name] = _File(media_type, name.startswith(_HASHED), forms)
    logger.debug("Read %d files of the web UI from %s.", len(files), folder)
    return files


def _served(file: _File, headers: Mapping[bytes, bytes]) -> Reply:
    accepted = headers.get(b"accept-encoding", b"")
    coding = next(
        (coding for coding, _ in _CODINGS if coding in file.forms and takes(accepted, coding.encode())),
        "",
    )
    body, tag = file.forms[coding]
    told = {**_SECURITY, "cache-control": _FOREVER if file.is_hashed else _CHECKED, "etag": tag}
    if len(file.forms) > 1:
        told["vary"] = "accept-encoding"
    if _has(headers.get(b"if-none-match", b""), tag):
        return Reply(304, told, b"")
    if coding:
        told["content-encoding"] = coding
    return Reply(200, {**told, "content-type": file.media_type}, body)


def _has(if_none_match: bytes, tag: str) -> bool:
    tags = [each.strip().removeprefix(b"W/") for each in if_none_match.split(b",")]
    return tag.encode() in tags or b"*" in tags


_NOT_BUILT: Final = (
    "Eparch is running, and this address serves its GraphQL API: send it a POST. To build the web UI, run <code>make ui"
    "</code> in the checkout that this server was started from, and load this page again. A wheel of Eparch brings the "
    'built UI along. How the server is: <a href="/health">/health</a>.'
)


def _misled(host: str) -> Reply:
    name = escape(host)
    text = (
        f"It only listens on this machine and is not known as <code>{name}</code>. Call it localhost, or add "
        f"<code>http://{name}</code> to <code>allowed_origins</code> if the name is yours."
    )
    return _notice(403, "This server does not know that name", text)


def _notice(status: int, title: str, text: str) -> Reply:
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title} · Eparch</title>'
        '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
        "<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}</style>"
        f"<h1>{title}</h1><p>{text}</p></html>"
    )
    headers = {**_SECURITY, "cache-control": "no-store", "content-type": _TYPES[".html"]}
    return Reply(status, headers, page.encode())
