"""The web UI as the server serves it: from a build, from a wheel, and where there is no build."""

import gzip
import stat
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from shutil import copytree, ignore_patterns

import httpx
import pytest

from eparch.server.origins import Origins
from eparch.server.pages import FOLDER, Pages, Reply
from tests import server_process
from tests.server.conftest import running
from tests.server.wire import ask, exchange, request
from tests.server_process import ServerProcess

ROOT = Path(__file__).resolve().parent.parent.parent
BROWSER = {b"accept": b"text/html,application/xhtml+xml,*/*;q=0.8", b"host": b"localhost:4200"}
SCRIPT = b"document.title = 'loaded';" * 200


def stand_in(folder: Path) -> Path:
    """Put into `folder` what a build of the UI looks like, and return it."""
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(b'<!doctype html><script type="module" src="/assets/app-1a2b.js"></script>')
    (folder / "assets/app-1a2b.js").write_bytes(SCRIPT)
    (folder / "assets/app-1a2b.js.br").write_bytes(b"as brotli")
    (folder / "assets/app-1a2b.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (folder / "icon.svg").write_bytes(b"<svg/>")
    return folder


@pytest.fixture
def build(tmp_path: Path) -> Path:
    return stand_in(tmp_path / "static")


@pytest.fixture
def pages(build: Path) -> Pages:
    return Pages(Origins([], is_loopback=True), build)


def served(pages: Pages, path: str, headers: Mapping[bytes, bytes] = BROWSER, **more: str) -> Reply:
    told = {name.replace("_", "-").encode(): value.encode() for name, value in more.items()}
    reply = pages.reply(path, {**headers, **told})
    assert reply is not None, path
    return reply


# ---- which addresses ----


@pytest.mark.parametrize("path", ["/", "/graphql", "/flow-runs/0192", "/runs/", "/a/b/c.d", "/index.html"])
def test_every_address_of_the_ui_is_the_same_page(pages: Pages, build: Path, path: str) -> None:
    reply = served(pages, path)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.body == (build / "index.html").read_bytes()


@pytest.mark.parametrize("path", ["/assets/app-0000.js", "/flows", "/icon.png"])
def test_what_is_no_page_and_no_file_is_not_there(pages: Pages, path: str) -> None:
    assert pages.reply(path, {b"accept": b"*/*"}) is None
    assert pages.reply(path, {}) is None


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/assets/../../secret.txt", "//secret.txt", "/..%2fsecret.txt", "/assets/..\\..\\secret.txt"],
)
def test_nothing_outside_the_build_is_served(pages: Pages, build: Path, path: str) -> None:
    (build.parent / "secret.txt").write_text("the secret")
    assert pages.reply(path, {}) is None
    assert b"the secret" not in served(pages, path).body
    assert pages.reply(f"/{build.parent / 'secret.txt'}", {}) is None


# ---- how long, in which coding ----


def test_hashed_files_are_kept_for_ever_and_the_others_are_asked_for_again(pages: Pages) -> None:
    assert served(pages, "/assets/app-1a2b.js").headers["cache-control"] == "public, max-age=31536000, immutable"
    assert served(pages, "/icon.svg").headers["cache-control"] == "no-cache"
    assert served(pages, "/").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    ("accepted", "coding", "body"),
    [
        ("gzip, deflate, br", "br", b"as brotli"),
        ("gzip", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("br;q=0, gzip", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("*, br;q=0", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("*", "br", b"as brotli"),
        ("identity", None, SCRIPT),
        ("", None, SCRIPT),
        ("brotli, xgzip", None, SCRIPT),
    ],
)
def test_a_file_comes_in_the_best_coding_that_is_taken(
    pages: Pages, accepted: str, coding: str | None, body: bytes
) -> None:
    reply = served(pages, "/assets/app-1a2b.js", accept_encoding=accepted)
    assert (reply.headers.get("content-encoding"), reply.body) == (coding, body)
    assert reply.headers["vary"] == "accept-encoding"
    assert reply.headers["content-type"] == "text/javascript; charset=utf-8"


def test_what_a_browser_has_is_not_sent_again(pages: Pages, build: Path) -> None:
    tag = served(pages, "/").headers["etag"]
    again = served(pages, "/", if_none_match=f'"other", W/{tag}')
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert served(pages, "/", if_none_match='"other"').status == 200
    # Two forms of one file are two sequences of bytes.
    packed = served(pages, "/assets/app-1a2b.js", accept_encoding="br").headers["etag"]
    assert packed != served(pages, "/assets/app-1a2b.js").headers["etag"]


def test_a_new_build_is_served_without_a_restart(pages: Pages, build: Path) -> None:
    served(pages, "/")
    (build / "index.html").unlink()
    (build / "index.html").write_bytes(b"<!doctype html>newer")
    assert served(pages, "/").body == b"<!doctype html>newer"


# ---- what pages may do ----


@pytest.mark.parametrize("path", ["/", "/assets/app-1a2b.js", "/icon.svg"])
def test_only_the_servers_own_scripts_may_run(pages: Pages, path: str) -> None:
    headers = served(pages, path).headers
    policy = dict(directive.split(" ", 1) for directive in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"


def test_a_name_that_was_made_to_lead_here_is_told(pages: Pages, build: Path) -> None:
    for path in ("/", "/assets/app-1a2b.js"):
        reply = served(pages, path, host="evil.example<script>")
        assert reply.status == 403
        assert b"allowed_origins" in reply.body
        assert b"<script>" not in reply.body
    open_to_all = Pages(Origins([], is_loopback=False), build)
    assert served(open_to_all, "/", host="eparch.example").status == 200


def test_a_missing_build_is_told(tmp_path: Path) -> None:
    reply = served(Pages(Origins([], is_loopback=True), tmp_path / "static"), "/flows")
    assert reply.status == 503
    assert b"make ui" in reply.body


# ---- through a real server ----


def test_the_page_and_the_api_share_an_address(server: ServerProcess) -> None:
    is_built = (FOLDER / "index.html").exists()
    for path in ("/", "/flows?project=x"):
        response = exchange(server.port, request("GET", path, accept="text/html"))
        assert response.status == (200 if is_built else 503)
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        assert "script-src 'self'" in response.headers["content-security-policy"]
    assert ask(server.port, "{ hello }", accept="text/html").json() == {"data": {"hello": "👋"}}
    assert httpx.head(f"{server.url}/flows", headers={"accept": "text/html"}).content == b""
    assert exchange(server.port, request("GET", "/health", accept="text/html")).json()["status"] == "ok"
    assert exchange(server.port, request("POST", "/flows", accept="text/html")).codes == ["NOT_FOUND"]
    assert exchange(server.port, request("GET", "/flows")).codes == ["NOT_FOUND"]


def test_an_installed_wheel_serves_the_ui(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, wheels, installed = tmp_path / "source", tmp_path / "wheels", tmp_path / "installed"
    copytree(ROOT / "src", source / "src", ignore=ignore_patterns("__pycache__", "static"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        (source / name).write_bytes((ROOT / name).read_bytes())
    stand_in(source / "src/eparch/server/static")
    # Git ignores the build, and what git ignores is not packed unless it is named.
    (source / ".git").mkdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(next(wheels.iterdir())) as wheel:
        wheel.extractall(installed)

    program = installed / "start"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(installed)!r})\n"
        "from eparch.cli.main import main\nsys.exit(main())\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(server_process, "EXECUTABLE", str(program))
    with running(f"sqlite:///{tmp_path / 'x.sqlite'}", tmp_path) as server:
        response = httpx.get(f"{server.url}/runs", headers={"accept": "text/html"})
        assert response.text == (source / "src/eparch/server/static/index.html").read_text()
        assert httpx.get(f"{server.url}/assets/app-1a2b.js").content == SCRIPT
