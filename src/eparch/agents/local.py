"""The local agent: runs become processes of its machine.

In charge of choosing how a process is started: warm, cold, or with Prefect's own command; not in charge of the process
itself.
"""

import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from eparch.agents.agent import Agent, Claimed, hostname, run_environment
from eparch.agents.cold import start_own, start_program
from eparch.agents.guests import COMMAND, prefect_environment
from eparch.agents.processes import RunProcess
from eparch.agents.supervision import STEP_S
from eparch.agents.warm import Nursery
from eparch.client.client import Client


class LocalAgent(Agent):
    """Start runs as processes of this machine.

    Args:
        labels: besides the name of this machine, which flows in its files have for a label.
        is_warm: whether runs are copies of a process that has everything loaded.
        prefect_python: the interpreter of a virtual environment with Prefect 1.x, to start flows that it registered.
        grace_s: see `Agent`.
    """

    kind = "LocalAgent"
    run_configs: ClassVar[frozenset[str]] = frozenset({"UniversalRun", "LocalRun"})

    def __init__(
        self,
        name: str = "agent",
        labels: Iterable[str] = (),
        *,
        limit: int | None = None,
        env: Mapping[str, str] | None = None,
        is_warm: bool = True,
        hostname_label: bool = True,
        prefect_python: str | None = None,
        grace_s: float = STEP_S,
        client: Client | None = None,
    ) -> None:
        own = [hostname()] if hostname_label else []
        super().__init__(name, [*labels, *own], limit=limit, env=env, grace_s=grace_s, client=client)
        self.prefect_python = prefect_python
        self._nursery: Nursery | None = None
        if is_warm and hasattr(os, "fork"):
            self._nursery = Nursery()
            self._nursery.start()

    def start(self, run: Claimed) -> RunProcess:
        """Start a run as a process.

        Raises:
            OSError: the process cannot be started.
            ValueError: it is a run of Prefect's library, and no interpreter for that is named.
        """
        environment = {**os.environ, **run_environment(self, run)}
        folder = run.run_config.get("working_dir")
        if run.is_own:
            return self._started(run, environment, folder)
        return self._started_by_prefect(run, environment, folder)

    def release(self) -> None:
        """End the process that is copied."""
        if self._nursery is not None:
            self._nursery.close()

    def _started(self, run: Claimed, environment: dict[str, str], folder: str | None) -> RunProcess:
        # What an interpreter reads from its environment it reads when it starts.
        is_copied = self._nursery is not None and not any(name.startswith("PYTHON") for name in (*run.env, *self.env))
        if is_copied and self._nursery is not None:
            return self._nursery.copy(run.id, environment, folder)
        return start_own(run.id, environment, folder)

    def _started_by_prefect(self, run: Claimed, environment: dict[str, str], folder: str | None) -> RunProcess:
        if self.prefect_python is None:
            raise ValueError(
                f"Flow {run.flow_name!r} was registered by Prefect's library; start the agent with the interpreter "
                "that has it: --prefect-python PATH"
            )
        environment |= prefect_environment(self, run, self.client.api_url)
        words: list[Any] = [self.prefect_python, *COMMAND]
        process = start_program(words, environment, folder)
        process.is_own = False
        return process
