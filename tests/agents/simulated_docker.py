"""The parts of the Docker Engine API that the Docker agent uses; containers are processes of this machine.

In charge of the API, as https://docs.docker.com/reference/api/engine/ has it; not in charge of processes (`simulated`).
"""

import signal
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.agents.simulated import Process, Simulation


@dataclass(slots=True)
class Container:
    """A container."""

    id: str
    given: dict[str, Any]
    process: Process | None = None
    networks: list[str] = field(default_factory=list)
    out_of_memory: bool = False


class Docker(Simulation):
    """A Docker engine.

    Attributes:
        images: that are here.
        registry: images that can be pulled.
        containers: by id; those that were removed stay in `removed`.
    """

    def __init__(self, folder: Path) -> None:
        self.images: set[str] = set()
        self.registry: set[str] = {"flows:1"}
        self.containers: dict[str, Container] = {}
        self.removed: list[Container] = []
        super().__init__(folder)

    @property
    def url(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def processes(self) -> list[Process]:
        every = [*self.containers.values(), *self.removed]
        return [container.process for container in every if container.process is not None]

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        parts = path.strip("/").split("/")
        if parts[0].startswith("v1."):
            parts = parts[1:]
        match method, parts:
            case "GET", ["version"]:
                return 200, {"ApiVersion": "1.47", "MinAPIVersion": "1.24", "Version": "27.0.0"}
            case "GET", ["_ping"]:
                return 200, b"OK"
            case "POST", ["images", "create"]:
                name = f"{query['fromImage']}:{query['tag']}"
                if name not in self.registry:
                    return 404, {"message": f"pull access denied for {name}"}
                self.images.add(name)
                return 200, {"status": f"Downloaded {name}"}
            case "GET", ["images", *name, "json"]:
                shown = "/".join(name)
                return (200, {"Id": shown}) if shown in self.images else (404, {"message": f"No such image: {shown}"})
            case "POST", ["containers", "create"]:
                return self._create(body)
            case "POST", ["networks", name, "connect"]:
                self.containers[body["Container"]].networks.append(name)
                return 200, None
            case _, ["containers", id_, *_] if id_ not in self.containers:
                return 404, {"message": f"No such container: {id_}"}
            case "POST", ["containers", id_, "start"]:
                self._start(self.containers[id_])
                return 204, None
            case "GET", ["containers", id_, "json"]:
                return 200, self._shown(self.containers[id_])
            case "GET", ["containers", id_, "logs"]:
                return 200, self._log(self.containers[id_], int(query["tail"]))
            case "POST", ["containers", id_, "kill"]:
                process = self.containers[id_].process
                assert process is not None
                if process.code() is not None:
                    return 409, {"message": "is not running"}
                process.send(signal.Signals[query["signal"]])
                return 204, None
            case "DELETE", ["containers", id_]:
                self.removed.append(self.containers.pop(id_))
                return 204, None
        raise AssertionError(f"the agent asks for {method} {path}")

    def _create(self, body: dict[str, Any]) -> tuple[int, Any]:
        if body["Image"] not in self.images:
            return 404, {"message": f"No such image: {body['Image']}"}
        id_ = uuid4().hex * 2
        self.containers[id_] = Container(id_, body)
        return 201, {"Id": id_, "Warnings": []}

    def _start(self, container: Container) -> None:
        environment = dict(entry.split("=", 1) for entry in container.given["Env"])
        # What the engine's name server does for a container.
        for entry in container.given["HostConfig"].get("ExtraHosts") or ():
            if entry == "host.docker.internal:host-gateway":
                environment = {n: v.replace("host.docker.internal", "127.0.0.1") for n, v in environment.items()}
        container.process = Process(container.given["Cmd"], environment, self.folder / f"{container.id[:12]}.log")

    def _shown(self, container: Container) -> dict[str, Any]:
        code = None if container.process is None else container.process.code()
        status = "created" if container.process is None else "running" if code is None else "exited"
        state = {"Status": status, "ExitCode": code or 0, "OOMKilled": container.out_of_memory, "Error": ""}
        return {"Id": container.id, "State": state, "Config": {"Tty": False}}

    def _log(self, container: Container, tail: int) -> bytes:
        assert container.process is not None
        lines = container.process.log.read_bytes().splitlines(keepends=True)[-tail:]
        # Each piece has a header: the stream, three zeros, and the length.
        return b"".join(struct.pack(">BxxxL", 1, len(line)) + line for line in lines)
