"""In charge of agents as processes of their own, and of flows that do what flows should not."""

import contextlib
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from eparch import Flow
from eparch.sdk.storage.loading import flow_of_file
from eparch.storage import Local
from eparch.testing import TemporaryServer
from tests.sdk.server.rows import flow_run
from tests.started_processes import end_processes_of

WAIT_S_MAX = 90.0

SCRIPT = textwrap.dedent(
    """
    import os, sys, time
    from datetime import timedelta
    from eparch import Flow, Parameter, context, get_logger, task

    @task
    def tell(word):
        get_logger().info("told %s %s", word, os.getcwd())
        print("printed", word, os.environ.get("OWN"), flush=True)
        with open(os.environ["MARKS"], "a") as file:
            file.write(f"{word} {os.getpid()} {os.getppid()}\\n")
        return word

    @task
    def misbehave(how):
        print("the secret is", os.environ.get("EPARCH_SECRET_PIN"), flush=True)
        with open(os.environ["MARKS"], "a") as file:
            file.write(f"{how} {os.getpid()} {os.getppid()}\\n")
        if how == "killed":
            os.kill(os.getpid(), 9)
        if how == "exits":
            os._exit(7)
        if how == "endless":
            while True:
                time.sleep(0.01)
        if how == "stubborn":
            while True:
                try:
                    time.sleep(0.01)
                except KeyboardInterrupt:
                    pass
        if how == "deaf":
            import signal
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                try:
                    time.sleep(0.01)
                except BaseException:
                    pass
        if how == "for a while":
            time.sleep(1.5)
        return how

    @task
    def count(x):
        with open(os.environ["MARKS"], "a") as file:
            file.write(f"{x} {os.getpid()} {os.getppid()}\\n")
        get_logger().info("counted %d", x)
        time.sleep(0.02)
        return x

    # The first half, then it waits for somebody to be ready, then the second.
    @task(max_retries=1, retry_delay=timedelta(seconds=0))
    def wait(xs):
        while not os.path.exists(os.environ["MARKS"] + "-ready"):
            time.sleep(0.01)
        return xs

    with Flow("patient") as patient:
        half = wait(count.map(list(range(50))))
        count.map(list(range(50, 100)), upstream_tasks=[half])
    @task(trigger="manual_only")
    def deploy(word):
        return tell.run("deployed")

    @task(max_retries=1, retry_delay=timedelta(hours=2))
    def later():
        tell.run(f"attempt{context.task_run_count}")
        if context.task_run_count == 1:
            raise ConnectionError("away")

    with Flow("approved") as approved:
        deploy(tell("asked"))
    # Its process lives on for a while when the approval is asked for.
    with Flow("lingering") as lingering:
        said = tell("asked")
        deploy(said)
        wait(said)
    with Flow("later") as much_later:
        later()
    with Flow("obedient") as obedient:
        tell(Parameter("word", default="nothing"))
    with Flow("naughty") as naughty:
        misbehave(Parameter("how"), upstream_tasks=[tell("first")])
    """
)


class Agents:
    """Agents as processes of their own, on one server."""

    def __init__(self, server: TemporaryServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.marks = folder / "marks"
        self.script = folder / "flows.py"
        self.script.write_text(SCRIPT)
        self.log = folder / "agent.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End what runs on: a flow run outlives an agent that was killed."""
        end_processes_of(self.folder)

    def flow(self, name: str) -> Flow:
        flow = flow_of_file(self.script, name)
        flow.storage = Local(path=self.script, add_default_labels=False, labels=[self.folder.name])
        return flow

    def run(self, name: str, **parameters: Any) -> str:
        return self.server.create_run(self.flow(name), **parameters)

    @contextlib.contextmanager
    def started(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        environment = {
            **os.environ,
            "EPARCH_API_URL": self.server.url,
            "EPARCH_LOGGING_LEVEL": "INFO",
            "MARKS": str(self.marks),
            "EPARCH_SECRET_PIN": "pin-of-the-agent",
        }
        labels = ["--no-hostname-label", "--label", self.folder.name]
        with self.log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "eparch.agents", "local", *labels, *options],
                env=environment,
                cwd=self.folder,
                stdout=output,
                stderr=output,
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()

    def wait_for(self, run_id: str, *states: str) -> dict[str, Any]:
        until = time.monotonic() + WAIT_S_MAX
        while (row := flow_run(self.server, run_id))["state"] not in states:
            assert time.monotonic() < until, f"still {row['state']}; the agent says:\n{self.log.read_text()[-3000:]}"
            time.sleep(0.02)
        return row

    def be_ready(self) -> None:
        """Let the second half of the patient flow begin."""
        Path(f"{self.marks}-ready").touch()

    def marked(self) -> list[list[str]]:
        return [line.split(" ") for line in self.marks.read_text().splitlines()] if self.marks.exists() else []

    def wait_until(self, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + WAIT_S_MAX
        while not condition():
            assert time.monotonic() < until, self.log.read_text()[-3000:]
            time.sleep(0.02)
