"""The Docker and the Kubernetes agent: real client libraries, simulated engines, real runs in processes."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from eparch import Flow
from eparch.run_configs import DockerRun, KubernetesRun, LocalRun, RunConfig, UniversalRun
from eparch.testing import TemporaryServer
from tests.agents.agents import Agents
from tests.agents.simulated_docker import Docker
from tests.agents.simulated_kubernetes import Kubernetes
from tests.sdk.server.rows import flow_run
from tests.server_process import EXECUTABLE
from tests.throwaway_servers import serving


@pytest.fixture(scope="session", params=["sqlite"])
def server(request: pytest.FixtureRequest) -> Iterator[TemporaryServer]:
    """What an agent asks of a server is tried on both databases by the local agent's tests."""
    with serving(request) as started:
        yield started


class Engine(Protocol):
    """What the tests need to know of either kind."""

    kind: str

    def options(self) -> list[str]: ...
    def environment(self) -> dict[str, str]: ...
    def run_config(self, image: str | None, env: dict[str, str]) -> RunConfig: ...
    def given(self) -> list[dict[str, str]]: ...
    def left(self) -> int: ...
    def lose(self) -> None: ...
    def lack_memory(self) -> None: ...


class DockerEngine:
    kind = "docker"

    def __init__(self, docker: Docker) -> None:
        self.simulation = docker

    def options(self) -> list[str]:
        return ["--docker-host", self.simulation.url]

    def environment(self) -> dict[str, str]:
        return {}

    def run_config(self, image: str | None, env: dict[str, str]) -> RunConfig:
        return DockerRun(image=image, env=env)

    def given(self) -> list[dict[str, str]]:
        every = [*self.simulation.containers.values(), *self.simulation.removed]
        return [dict(entry.split("=", 1) for entry in container.given["Env"]) for container in every]

    def left(self) -> int:
        return len(self.simulation.containers)

    def lose(self) -> None:
        with self.simulation.lock:
            (id_,) = self.simulation.containers
            container = self.simulation.containers.pop(id_)
            self.simulation.removed.append(container)
            assert container.process is not None
            container.process.send(signal.SIGKILL)

    def lack_memory(self) -> None:
        (container,) = self.simulation.containers.values()
        container.out_of_memory = True
        assert container.process is not None
        container.process.send(signal.SIGKILL)


class KubernetesEngine:
    kind = "kubernetes"

    def __init__(self, kubernetes: Kubernetes) -> None:
        self.simulation = kubernetes

    def options(self) -> list[str]:
        return ["--namespace", "flows"]

    def environment(self) -> dict[str, str]:
        return {"KUBECONFIG": str(self.simulation.kubeconfig())}

    def run_config(self, image: str | None, env: dict[str, str]) -> RunConfig:
        return KubernetesRun(image=image, env=env)

    def given(self) -> list[dict[str, str]]:
        every = [*self.simulation.jobs.values(), *self.simulation.deleted]
        return [{entry["name"]: entry["value"] for entry in job.container["env"]} for job in every]

    def left(self) -> int:
        return len(self.simulation.jobs)

    def lose(self) -> None:
        with self.simulation.lock:
            (name,) = self.simulation.jobs
            self.simulation._delete(name, 0)

    def lack_memory(self) -> None:
        (job,) = self.simulation.jobs.values()
        job.terminated_reason = "OOMKilled"
        assert job.process is not None
        job.process.send(signal.SIGKILL)


@pytest.fixture(params=["docker", "kubernetes"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    if request.param == "docker":
        with Docker(tmp_path / "engine") as docker:
            yield DockerEngine(docker)
    else:
        with Kubernetes(tmp_path / "engine") as kubernetes:
            yield KubernetesEngine(kubernetes)


class World:
    """An agent of one kind, its engine and its server."""

    def __init__(self, server: TemporaryServer, folder: Path, engine: Any) -> None:
        self.agents = Agents(server, folder)
        self.engine = engine

    @contextlib.contextmanager
    def started(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        environment = {
            **os.environ,
            **self.engine.environment(),
            "EPARCH_API_URL": self.agents.server.url,
            "EPARCH_LOGGING_LEVEL": "INFO",
        }
        command = [EXECUTABLE, "agent", "start", self.engine.kind, "--label", self.agents.folder.name]
        with self.agents.log.open("wb") as output:
            process = subprocess.Popen(
                [*command, *self.engine.options(), *options], env=environment, stdout=output, stderr=output
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def run(
        self, name: str, *, image: str | None = "flows:1", config: RunConfig | None = None, **parameters: Any
    ) -> str:
        flow: Flow = self.agents.flow(name)
        env = {"MARKS": str(self.agents.marks), "EPARCH_SECRET_PIN": "pin-of-the-run", "OWN": "of the run"}
        flow.run_config = config or self.engine.run_config(image, env)
        return self.agents.server.create_run(flow, **parameters)

    def said(self, row: dict[str, Any]) -> str:
        return "\n".join(line["message"] for line in row["logs"] if line["name"] == "eparch.agent")


@pytest.fixture
def world(server: TemporaryServer, tmp_path: Path, engine: Any) -> Iterator[World]:
    made = World(server, tmp_path, engine)
    with made.agents:
        yield made


def test_a_run_is_carried_out_in_its_container_which_is_removed(world: World) -> None:
    with world.started() as agent:
        run_id = world.run("obedient", word="there")
        row = world.agents.wait_for(run_id, "Success", "Failed")
        assert row["state"] == "Success", world.agents.log.read_text()
        assert [entry["state"] for entry in row["states"]] == ["Scheduled", "Submitted", "Running", "Success"]
        assert any(line["message"].startswith("told there") for line in row["logs"])
        world.agents.wait_until(lambda: world.engine.left() == 0)
        (given,) = world.engine.given()
        assert given["OWN"] == "of the run"
        assert given["EPARCH_FLOW_RUN_ID"] == run_id
        agent.send_signal(signal.SIGTERM)
        assert agent.wait(30) == 0


@pytest.mark.parametrize(
    ("how", "ending"), [("killed", "was killed by signal SIGKILL"), ("exits", "ended with exit code 7")]
)
def test_a_run_whose_container_dies_fails_and_says_what_it_died_of(world: World, how: str, ending: str) -> None:
    with world.started():
        row = world.agents.wait_for(world.run("naughty", how=how), "Failed", "Success")
    assert row["serialized_state"]["message"] == f"The process of the flow run {ending}."
    assert "printed first of the run" in world.said(row)
    assert "the secret is ***" in world.said(row)


def test_a_run_that_needs_too_much_memory_says_so(world: World) -> None:
    with world.started():
        run_id = world.run("naughty", how="endless")
        world.agents.wait_until(lambda: any(mark[0] == "endless" for mark in world.agents.marked()))
        world.engine.lack_memory()
        row = world.agents.wait_for(run_id, "Failed")
    assert "needed more memory than its container has" in row["serialized_state"]["message"]


def test_a_run_that_is_cancelled_ends_itself(world: World) -> None:
    with world.started("--grace", "60"):
        run_id = world.run("naughty", how="endless")
        world.agents.wait_until(lambda: any(mark[0] == "endless" for mark in world.agents.marked()))
        world.agents.server.client.change("cancel_flow_run", {"flow_run_id": run_id}, "state")
        row = world.agents.wait_for(run_id, "Cancelled", "Failed")
    assert row["serialized_state"]["message"] == "Flow run is cancelled: the task in progress was interrupted."


def test_a_run_that_does_not_listen_is_killed_in_its_container(world: World) -> None:
    with world.started("--grace", "0.5"):
        run_id = world.run("naughty", how="deaf")
        world.agents.wait_until(lambda: any(mark[0] == "deaf" for mark in world.agents.marked()))
        world.agents.server.client.change("cancel_flow_run", {"flow_run_id": run_id}, "state")
        row = world.agents.wait_for(run_id, "Cancelled", "Failed")
    assert "its process was" in row["serialized_state"]["message"]


def test_a_container_that_somebody_removes_is_told(world: World) -> None:
    with world.started():
        run_id = world.run("naughty", how="endless")
        world.agents.wait_until(lambda: any(mark[0] == "endless" for mark in world.agents.marked()))
        world.engine.lose()
        row = world.agents.wait_for(run_id, "Failed")
    assert "as somebody" in row["serialized_state"]["message"]


def test_an_engine_that_is_away_for_a_moment_loses_no_run(world: World) -> None:
    with world.started():
        run_id = world.run("naughty", how="endless")
        world.agents.wait_until(lambda: any(mark[0] == "endless" for mark in world.agents.marked()))
        simulation = world.engine.simulation
        asked = len(simulation.asked)
        simulation.is_away = True
        world.agents.wait_until(lambda: len(simulation.asked) > asked)
        simulation.is_away = False
        world.engine.lose()
        world.agents.wait_for(run_id, "Failed")
        row = world.agents.wait_for(world.run("obedient"), "Success", "Failed")
    assert row["state"] == "Success"


def test_a_run_without_an_image_takes_the_agents_or_fails_with_a_hint(world: World) -> None:
    bare = UniversalRun(env={"MARKS": str(world.agents.marks)})
    with world.started():
        row = world.agents.wait_for(world.run("obedient", config=bare), "Failed", "Success")
        assert "--image NAME" in row["serialized_state"]["message"]
    with world.started("--image", "flows:1"):
        row = world.agents.wait_for(world.run("obedient", config=bare), "Failed", "Success")
    assert row["state"] == "Success"


def test_a_run_that_wants_another_kind_of_agent_is_told(world: World) -> None:
    with world.started():
        row = world.agents.wait_for(world.run("obedient", config=LocalRun()), "Failed", "Success")
    assert "cannot start a LocalRun" in row["serialized_state"]["message"]


def test_no_more_runs_are_started_than_the_limit_says(world: World) -> None:
    with world.started("--limit", "1"):
        first = world.run("naughty", how="for a while")
        second = world.run("naughty", how="for a while")
        rows = [world.agents.wait_for(run_id, "Success", "Failed") for run_id in (first, second)]
    assert {row["state"] for row in rows} == {"Success"}
    starts, ends = [row["start_time"] for row in rows], [row["end_time"] for row in rows]
    assert max(starts) >= min(ends), "both ran at once"


# ---- What only one kind has ----


@pytest.fixture
def docker_world(server: TemporaryServer, tmp_path: Path) -> Iterator[tuple[World, Docker]]:
    with Docker(tmp_path / "engine") as docker:
        yield World(server, tmp_path, DockerEngine(docker)), docker


@pytest.fixture
def kubernetes_world(server: TemporaryServer, tmp_path: Path) -> Iterator[tuple[World, Kubernetes]]:
    with Kubernetes(tmp_path / "engine") as kubernetes:
        yield World(server, tmp_path, KubernetesEngine(kubernetes)), kubernetes


def test_docker_takes_an_image_that_is_here_when_none_can_be_pulled(docker_world: tuple[World, Docker]) -> None:
    world, docker = docker_world
    docker.images.add("local-only:2")
    with world.started():
        there = world.agents.wait_for(world.run("obedient", image="local-only:2"), "Failed", "Success")
        nowhere = world.agents.wait_for(world.run("obedient", image="registry.test/no/such:3"), "Failed", "Success")
    assert there["state"] == "Success"
    assert "can neither be pulled nor is it here: pull access denied" in nowhere["serialized_state"]["message"]


def test_docker_gets_what_the_run_config_and_the_agent_ask_for(docker_world: tuple[World, Docker]) -> None:
    world, docker = docker_world
    env = {"MARKS": str(world.agents.marks)}
    config = DockerRun(image="flows:1", env=env, ports=[8080], host_config={"mem_limit": "64m"})
    options = ["--volume", "/data:/data:ro", "--network", "one", "--network", "two", "--keep", "--env", "A=agent"]
    with world.started(*options):
        run_id = world.run("obedient", config=config)
        row = world.agents.wait_for(run_id, "Failed", "Success")
    assert row["state"] == "Success"
    (container,) = docker.containers.values()
    host = container.given["HostConfig"]
    assert host["Memory"] == 64 * 2**20
    assert host["Binds"] == ["/data:/data:ro"]
    assert host["PortBindings"] == {"8080/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    assert list(container.given["NetworkingConfig"]["EndpointsConfig"]) == ["one"]
    assert container.networks == ["two"]
    assert container.given["Labels"] == {"io.eparch.flow-run-id": run_id}
    (given,) = world.engine.given()
    assert given["A"] == "agent"
    assert given["EPARCH_API_URL"].startswith("http://host.docker.internal:")
    assert "EPARCH_HOME" not in given


def test_kubernetes_says_why_a_pod_waits_and_goes_on_when_it_can(kubernetes_world: tuple[World, Kubernetes]) -> None:
    world, kubernetes = kubernetes_world
    kubernetes.has_room = False
    with world.started():
        run_id = world.run("obedient")

        def has_said() -> bool:
            return "Insufficient memory" in world.said(flow_run(world.agents.server, run_id))

        world.agents.wait_until(has_said)
        (job,) = kubernetes.jobs.values()
        job.unschedulable = None
        kubernetes._start(job)
        row = world.agents.wait_for(run_id, "Success", "Failed")
    assert row["state"] == "Success"
    assert world.said(row).count("The pod of the flow run waits: Unschedulable.") == 1


def test_kubernetes_makes_jobs_from_templates(kubernetes_world: tuple[World, Kubernetes], tmp_path: Path) -> None:
    world, kubernetes = kubernetes_world
    template = tmp_path / "job.yaml"
    template.write_text("""
apiVersion: batch/v1
kind: Job
metadata: {annotations: {team: data}}
spec:
  activeDeadlineSeconds: 600
  template:
    spec:
      nodeSelector: {disk: fast}
      containers:
        - {name: side, image: side}
        - {name: flow, image: "flows:1", env: [{name: KEPT, value: "yes"}]}
""")
    config = KubernetesRun(env={"MARKS": str(world.agents.marks)}, cpu_limit=2, memory_request="1Gi")
    with world.started("--job-template", str(template), "--service-account", "runner", "--keep"):
        run_id = world.run("obedient", config=config)
        world.agents.wait_until(lambda: bool(kubernetes.jobs))
        (job,) = kubernetes.jobs.values()
        world.agents.server.client.change("cancel_flow_run", {"flow_run_id": run_id}, "state")
    document = job.document
    assert document["metadata"]["annotations"] == {"team": "data"}
    assert document["spec"]["activeDeadlineSeconds"] == 600
    assert document["spec"]["backoffLimit"] == 0
    pod = document["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"disk": "fast"}
    assert pod["serviceAccountName"] == "runner"
    side, flow = pod["containers"]
    assert side == {"name": "side", "image": "side"}
    assert flow["image"] == "flows:1"
    assert flow["resources"] == {"limits": {"cpu": "2"}, "requests": {"memory": "1Gi"}}
    assert {"name": "KEPT", "value": "yes"} in flow["env"]


# ---- Engines that are not there ----


@pytest.mark.parametrize(
    ("kind", "options", "told"),
    [
        ("docker", ["--docker-host", "tcp://127.0.0.1:1"], "The Docker engine does not answer"),
        ("kubernetes", ["--kube-context", "no-such"], "No Kubernetes cluster is configured"),
        ("docker", ["--limit", "0"], "--limit is 0"),
    ],
)
def test_an_engine_that_is_not_there_is_told_at_once(kind: str, options: list[str], told: str, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [EXECUTABLE, "agent", "start", kind, *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "hint:" in done.stderr
    assert "Traceback" not in done.stderr
