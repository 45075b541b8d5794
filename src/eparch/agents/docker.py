"""The Docker agent: runs become containers.

In charge of starting containers and of what becomes of them; not in charge of what runs in them (`containers`).
"""

import contextlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Final

from eparch.agents.agent import Agent, Claimed
from eparch.agents.containers import (
    HOST_OF_CONTAINERS,
    command_of,
    environment_of,
    image_of,
    seen_from_container,
)
from eparch.agents.handle import Handle, described
from eparch.agents.supervision import STEP_S
from eparch.client.client import Client
from eparch.core.errors import ConfigurationError

RUN_LABEL: Final = "io.eparch.flow-run-id"
_LINES_MAX: Final = 50
_GONE: Final = 137

_logger: Final = logging.getLogger("eparch.agent")


class ContainerHandle(Handle):
    """A run in a container."""

    beats_itself = True

    def __init__(self, api: Any, container_id: str, *, is_own: bool, is_kept: bool) -> None:
        self.is_own = is_own
        self.id = container_id
        self._api = api
        self._is_kept = is_kept
        self._ending: str | None = None

    def poll(self) -> int | None:
        """Return the exit code of the container; None while it runs.

        Raises:
            docker.errors.APIError, requests.RequestException: the engine does not answer.
        """
        from docker.errors import NotFound

        try:
            state = self._api.inspect_container(self.id)["State"]
        except NotFound:
            self._ending = "ended as somebody removed its container"
            return _GONE
        if state["Status"] not in ("exited", "dead"):
            return None
        if state.get("OOMKilled"):
            self._ending = "was killed, as it needed more memory than its container has"
        elif state.get("Error"):
            self._ending = f"could not be started: {state['Error']}"
        return int(state["ExitCode"])

    def terminate(self) -> None:
        """Send SIGTERM to the container."""
        self._kill("SIGTERM")

    def kill(self) -> None:
        """Send SIGKILL to the container."""
        self._kill("SIGKILL")

    def last_lines(self) -> list[str]:
        """Return the end of the container's log."""
        from docker.errors import APIError

        try:
            text: bytes = self._api.logs(self.id, tail=_LINES_MAX)
        except APIError as error:
            _logger.warning("The log of container %s cannot be read: %s", self.id[:12], error)
            return []
        return text.decode(errors="replace").splitlines()

    def ending(self, code: int) -> str:
        """Return how it ended, in words."""
        # A shell, and so the engine, tells a signal as 128 and its number.
        return self._ending or described(128 - code if 128 < code < 160 else code)

    def close(self) -> None:
        """Remove the container, unless it is to be kept."""
        from docker.errors import APIError

        if not self._is_kept:
            try:
                self._api.remove_container(self.id, v=True)
            except APIError as error:
                if error.status_code != 404:
                    _logger.warning("Container %s cannot be removed: %s", self.id[:12], error)

    def _kill(self, name: str) -> None:
        from docker.errors import APIError

        # It may have ended meanwhile.
        with contextlib.suppress(APIError):
            self._api.kill(self.id, signal=name)


class DockerAgent(Agent):
    """Start runs as containers of a Docker engine.

    Args:
        image: for flows that name none.
        base_url: of the engine; by default what `DOCKER_HOST` and its companions say.
        volumes: folders that containers see, as `/on/this/machine:/in/the/container[:ro]`.
        networks: that containers are connected to.
        pulls: whether an image is pulled before each run; one that is here already will do if it cannot be.
        keeps: whether containers are kept after their end.

    Raises:
        ConfigurationError: the engine does not answer, or the docker package is missing.
    """

    kind = "DockerAgent"
    run_configs: ClassVar[frozenset[str]] = frozenset({"UniversalRun", "DockerRun"})
    look_s = 2.0

    def __init__(
        self,
        name: str = "agent",
        labels: Iterable[str] = (),
        *,
        limit: int | None = None,
        env: Mapping[str, str] | None = None,
        image: str | None = None,
        base_url: str | None = None,
        volumes: Iterable[str] = (),
        networks: Sequence[str] = (),
        pulls: bool = True,
        keeps: bool = False,
        grace_s: float = STEP_S,
        client: Client | None = None,
    ) -> None:
        super().__init__(name, labels, limit=limit, env=env, grace_s=grace_s, client=client)
        self.image = image
        self.volumes = list(volumes)
        self.networks = list(networks)
        self.pulls = pulls
        self.keeps = keeps
        self._api = _engine(base_url)

    def start(self, run: Claimed) -> ContainerHandle:
        """Create and start a container.

        Raises:
            ValueError: no image is named.
            docker.errors.DockerException: the engine refuses, in its words.
        """
        image = image_of(run, self.image)
        if self.pulls:
            self._pull(image)
        api_url = seen_from_container(self.client.api_url)
        wanted = {
            "extra_hosts": {HOST_OF_CONTAINERS: "host-gateway"},
            "binds": self.volumes or None,
            "port_bindings": {port: port for port in run.run_config.get("ports") or ()} or None,
            **(run.run_config.get("host_config") or {}),
        }
        networking = None
        if self.networks:
            first = {self.networks[0]: self._api.create_endpoint_config()}
            networking = self._api.create_networking_config(first)
        made = self._api.create_container(
            image,
            command_of(run),
            environment=environment_of(self, run, api_url),
            labels={RUN_LABEL: run.id},
            ports=list(run.run_config.get("ports") or ()) or None,
            host_config=self._api.create_host_config(**{name: value for name, value in wanted.items() if value}),
            networking_config=networking,
        )
        for network in self.networks[1:]:
            self._api.connect_container_to_network(made["Id"], network)
        self._api.start(made["Id"])
        return ContainerHandle(self._api, made["Id"], is_own=run.is_own, is_kept=self.keeps)

    def release(self) -> None:
        """Close the connection to the engine."""
        self._api.close()

    def _pull(self, image: str) -> None:
        from docker.errors import APIError, ImageNotFound
        from docker.utils import parse_repository_tag

        repository, tag = parse_repository_tag(image)
        try:
            self._api.pull(repository, tag=tag or "latest")
        except APIError as error:
            try:
                self._api.inspect_image(image)
            except ImageNotFound:
                raise ValueError(
                    f"The image {image} can neither be pulled nor is it here: {error.explanation}"
                ) from error
            _logger.info("The image %s could not be pulled; the one that is here is taken.", image)


def _engine(base_url: str | None) -> Any:
    try:
        import docker
    except ImportError:
        raise ConfigurationError("The Docker agent needs a package.", hint="pip install 'eparch[docker]'") from None
    try:
        api = docker.APIClient(base_url=base_url) if base_url else docker.from_env().api
        api.ping()
    except docker.errors.DockerException as error:
        raise ConfigurationError(
            f"The Docker engine does not answer: {error}", hint="start it, or name another one with --docker-host URL"
        ) from None
    return api
