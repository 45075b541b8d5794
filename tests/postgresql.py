"""In charge of a throw-away PostgreSQL server: finding or installing its programs, starting it and stopping it.

Not in charge of what is in it (tests/databases.py). Used by the fixtures, and from a shell:

    python tests/postgresql.py install      # get the programs if this machine has none
    python tests/postgresql.py where        # print the folder of the programs

A server runs under a keeper: a small process that starts it, waits until the pytest process that asked for it ends or
says stop, then stops the server by its pid and removes its files. So a pytest that is killed leaves nothing behind.
"""

import argparse
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
PACKAGED = ROOT / ".cache" / "postgresql"  # where `install` puts the programs that come from PyPI
INSTALL_HINT = "install PostgreSQL's server (Debian: apt-get install postgresql), or run: make postgresql"

_USER = "eparch"
_START_S_MAX = 60.0
_STOP_S_MAX = 20.0
_OWNER_CHECK_S = 0.5

# Ordinary tests throw their data away, so nothing waits for a disk. Tests that kill things use a durable server.
_COMMON = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "max_connections": "200"}
_VOLATILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


class MissingPostgreSQL(Exception):
    """This machine has no PostgreSQL server programs; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: its port on 127.0.0.1, the pids of its keeper and of itself, and the folder of its files."""

    port: int
    keeper_pid: int
    pid: int
    folder: str

    def url(self, database: str) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{database}"

    def dump(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> "Server":
        return cls(**json.loads(text))


def find_programs() -> Path:
    """Return the folder that holds `initdb` and `postgres`: PATH, then Debian's, then the one from PyPI.

    Raises:
        MissingPostgreSQL: there is none.
    """
    on_path = shutil.which("postgres")
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_version_of, reverse=True)
    candidates += sorted(PACKAGED.glob("*/pginstall*/bin"), reverse=True)
    for folder in candidates:
        if os.access(folder / "initdb", os.X_OK) and os.access(folder / "postgres", os.X_OK):
            return folder
    raise MissingPostgreSQL(f"no PostgreSQL server programs found; {INSTALL_HINT}")


def install_programs() -> Path:
    """Return the folder of the programs, after getting them from Debian (as root) or from PyPI when there are none."""
    try:
        return find_programs()
    except MissingPostgreSQL:
        pass
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("installing Debian's postgresql package", file=sys.stderr)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "postgresql"]):
            if subprocess.run(command, env=environment, stdout=sys.stderr).returncode != 0:
                print(f"{' '.join(command)} failed; trying PyPI's package", file=sys.stderr)
                break
        else:
            return find_programs()
    uv = Path(sys.executable).parent / "uv"
    lock = ROOT / "requirements-postgresql.lock"
    command = [str(uv), "pip", "install", "--quiet", "--python", sys.executable, "--target", str(PACKAGED)]
    subprocess.run([*command, "--no-deps", "--require-hashes", "-r", str(lock)])
    return find_programs()  # uv has said on stderr what went wrong, if it did


def start(*, owner_pid: int, durable: bool = False) -> Server:
    """Start a server that lives until `stop`, or until the process `owner_pid` has ended.

    Args:
        owner_pid: the process for which the server runs.
        durable: commits reach the disk, as in production; otherwise nothing waits for it.
    Raises:
        MissingPostgreSQL: there are no server programs.
        RuntimeError: the server did not start; the message has the end of its log.
    """
    find_programs()
    command = [sys.executable, str(Path(__file__).resolve()), "keep", "--owner-pid", str(owner_pid)]
    # The keeper outlives this call, and a Ctrl-C at the terminal must not reach it before the tests have ended.
    keeper = subprocess.Popen([*command, *(["--durable"] if durable else [])], stdout=subprocess.PIPE, process_group=0)
    _keepers.append(keeper)
    assert keeper.stdout is not None
    with keeper.stdout as answers:
        line = answers.readline()
    if not line:
        raise RuntimeError("the keeper of the test server ended without an answer; its message is on stderr")
    if "error" in json.loads(line):
        raise RuntimeError(json.loads(line)["error"])
    return Server.load(line.decode())


def stop(server: Server) -> None:
    """Stop the server and remove its files; done when this returns."""
    try:
        os.kill(server.keeper_pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    deadline = time.monotonic() + _STOP_S_MAX
    while Path(server.folder).exists() and time.monotonic() < deadline:
        time.sleep(0.01)


# Held so that a keeper that still runs is not reported as a forgotten child.
_keepers: list[subprocess.Popen[bytes]] = []


def _version_of(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in folder.parent.name.split(".") if part.isdigit())


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _keep(owner_pid: int, durable: bool) -> int:
    """Run one server until the owner ends or SIGTERM comes; answer on stdout with one line of JSON."""
    owner = psutil.Process(owner_pid)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    folder = Path(tempfile.mkdtemp(prefix="eparch-postgresql-"))
    server: subprocess.Popen[bytes] | None = None
    try:
        try:
            server, port = _launch(folder, durable)
        except Exception as error:
            print(json.dumps({"error": f"PostgreSQL did not start: {error}"}), flush=True)
            return 1
        print(Server(port, os.getpid(), server.pid, str(folder)).dump(), flush=True)
        while not stopping.wait(_OWNER_CHECK_S) and _is_alive(owner):
            pass
        return 0
    finally:
        if server is not None and server.poll() is None:
            # Immediate shutdown: the data is thrown away in the next line.
            server.send_signal(signal.SIGQUIT)
            server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _launch(folder: Path, durable: bool) -> tuple[subprocess.Popen[bytes], int]:
    """Make a cluster in `folder`, start a server on it and return it once it answers."""
    programs = find_programs()
    account = _unprivileged_account()
    if account is not None:
        # initdb and postgres refuse root, and another user may not be able to look into our checkout.
        if programs.is_relative_to(PACKAGED):
            shutil.copytree(PACKAGED, folder / "programs", symlinks=True)
            programs = folder / "programs" / programs.relative_to(PACKAGED)
        os.chown(folder, account.pw_uid, account.pw_gid)
    data, log = folder / "data", folder / "log"
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "LC_ALL": "C", "TZ": "UTC"}

    def run(*command: str) -> subprocess.Popen[bytes]:
        with log.open("ab") as output:
            return subprocess.Popen(
                command,
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                process_group=0,
            )

    initdb = run(
        str(programs / "initdb"), "-D", str(data), "-U", _USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"
    )
    if initdb.wait() != 0:
        raise RuntimeError(_end_of(log))
    settings = _COMMON | (_DURABLE if durable else _VOLATILE)
    for _ in range(5):  # another process may take the free port before the server binds it
        port = _free_port()
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        server = run(str(programs / "postgres"), "-D", str(data), "-p", str(port), *options)
        if _answers(server, port, data / "postmaster.pid"):
            return server, port
        server.kill()
        server.wait()
    raise RuntimeError(_end_of(log))


def _unprivileged_account() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    accounts = {account.pw_name: account for account in pwd.getpwall()}
    return accounts.get("postgres") or accounts["nobody"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(server: subprocess.Popen[bytes], port: int, pid_file: Path) -> bool:
    """Wait until the server says that it is ready (the last line of its pid file); False when it ended instead."""
    deadline = time.monotonic() + _START_S_MAX
    while server.poll() is None and time.monotonic() < deadline:
        lines = pid_file.read_text().splitlines() if pid_file.exists() else []
        if len(lines) >= 8 and lines[7].strip() == "ready":
            return True
        time.sleep(0.02)
    return False


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]


def _main() -> int:
    parser = argparse.ArgumentParser(description="A throw-away PostgreSQL server for tests.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("install", help="get the server's programs if this machine has none")
    commands.add_parser("where", help="print the folder of the server's programs")
    keep = commands.add_parser("keep", help="run a server until its owner ends (used by the tests)")
    keep.add_argument("--owner-pid", type=int, required=True)
    keep.add_argument("--durable", action="store_true")
    arguments = parser.parse_args()
    if arguments.command == "keep":
        return _keep(arguments.owner_pid, arguments.durable)
    try:
        print(install_programs() if arguments.command == "install" else find_programs())
    except MissingPostgreSQL as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main())
