"""What answers a root field that is not a table.

In charge of finding the operation, of the permission it needs, and of waiting for runs on behalf of agents; not in
charge of what operations do.
"""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.engine import Connection

import eparch.operations.catalogue  # noqa: F401 - registers every operation
from eparch.core.errors import BadInput
from eparch.core.principals import Principal
from eparch.core.states import STATES, state_hierarchy
from eparch.database.readers import Readers
from eparch.database.transactions import Transaction
from eparch.operations.queue import next_due
from eparch.operations.registry import OPERATIONS, Input, Operation
from eparch.operations.run_kinds import FLOW_RUN, TASK_RUN
from eparch.operations.slot_lines import stop_listening
from eparch.operations.slots import slot_event
from eparch.operations.states import ONLY_AT
from eparch.operations.tenancy import tenant_of
from eparch.server.bus import Bus, Listener
from eparch.server.changes import Changes
from eparch.server.exchanges import CURRENT
from eparch.server.traces import NO_TRACER, Tracer
from eparch.server.vault import Vault
from eparch.version import __version__

WAIT_S_MAX: Final = 60.0
# The instant at which a run becomes due is not to be missed by a hair.
_PAUSE_S: Final = 0.01

# What takes or gives the value of a secret.
SEALED: Final = frozenset({"set_secret", "secret_value"})

_REFERENCE: Final = {
    "state_hierarchy": state_hierarchy(),
    "state_info": {name: {"color": state.color, "meaning": state.meaning} for name, state in STATES.items()},
}


class Resolvers:
    """Answers root fields that are not tables.

    Attributes:
        long_polls: how many agents wait for runs.
    """

    def __init__(
        self,
        readers: Readers,
        changes: Changes,
        bus: Bus,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._tracer = tracer
        self._readers = readers
        self._changes = changes
        self._bus = bus
        self._vault = vault
        self._clock = clock
        self._is_stopping = False
        self.long_polls = 0

    def stop_waiting(self) -> None:
        """Let long-polls come to their end; the caller wakes them."""
        self._is_stopping = True

    async def resolve(self, name: str, arguments: Mapping[str, Any], principal: Principal, gone: Any) -> Any:
        """Return the payload of a root field.

        Raises:
            EparchError: it cannot be had, or the principal may not have it.
        """
        operation = OPERATIONS.get(name)
        if operation is None:
            return _STATIC[name]()
        if operation.permission is not None:
            principal.require(operation.permission)
        with self._tracer.span("read" if operation.is_read else "write", eparch__operation=name):
            return await self._carry_out(operation, arguments.get("input", arguments), principal, gone)

    async def _carry_out(self, operation: Operation, given: Input, principal: Principal, gone: Any) -> Any:
        if operation.name in SEALED:
            return await self._seal_or_open(operation, principal, given)
        if operation.is_read:
            return await self._readers.run(lambda connection: self._read(connection, operation, principal, given))
        if given.get("wait_s"):
            wait = self._claim if operation.name == "claim_flow_runs" else self._wait_for_slot
            return await wait(operation, principal, given, gone)
        return await self._changes.execute(operation, principal, given)

    def _read(self, connection: Connection, operation: Operation, principal: Principal, given: Input) -> Any:
        assert operation.single is not None
        return operation.single(Transaction(connection), principal, given, self._clock())

    async def _seal_or_open(self, operation: Operation, principal: Principal, given: Input) -> Any:
        """Set or read a secret: its value never leaves this method but as an answer. Keys may have to be read."""
        tenant_id, name = principal.tenant_id, given["name"]
        if not operation.is_read:
            sealed = await asyncio.to_thread(self._vault.seal, tenant_id, name, given["value"])
            return await self._changes.execute(operation, principal, {"name": name, "sealed": sealed})
        sealed = await self._readers.run(lambda connection: self._read(connection, operation, principal, given))
        return await asyncio.to_thread(self._vault.open, tenant_id, name, sealed)

    async def _claim(self, operation: Operation, principal: Principal, given: Input, gone: Any) -> Any:
        """Claim runs; while there are none, wait until one becomes due, the time is up, or the agent goes away."""
        wait_s = given["wait_s"]
        if not 0 <= wait_s <= WAIT_S_MAX:
            raise BadInput(f"wait_s is {wait_s}: it is from 0 to {WAIT_S_MAX:.0f} seconds.")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait_s
        tenant_id = tenant_of(principal, given)
        prefetch = timedelta(seconds=given.get("prefetch_s") or 0)
        leaving = None if gone is None else asyncio.ensure_future(gone())
        if exchange := CURRENT.get():
            exchange.kind = "long_poll"
        self.long_polls += 1
        try:
            with self._bus.listening({"queue"}) as listener:
                while True:
                    # What was due then and was not claimed waits for a slot, and an event tells of that.
                    asked = self._clock()
                    payload = await self._changes.execute(operation, principal, given)
                    left_s = deadline - loop.time()
                    if payload["flow_runs"] or left_s <= 0 or self._is_stopping:
                        return payload
                    due = await self._readers.run(_next_due_after(asked, tenant_id, given.get("labels"), prefetch))
                    if due is not None:
                        ahead_s = (due - self._clock()).total_seconds()
                        left_s = min(left_s, max(ahead_s, _PAUSE_S))
                    if await _left_while_waiting(listener, left_s, leaving):
                        return payload
        finally:
            self.long_polls -= 1
            if leaving is not None:
                leaving.cancel()

    async def _wait_for_slot(self, operation: Operation, principal: Principal, given: Input, gone: Any) -> Any:
        """Change the state of a run; while it finds no slot, wait for its turn, the end of the time, or the client's.

        Each further attempt holds only for the run as this call has left it: whoever changes it meanwhile, wins.
        """
        kind = FLOW_RUN if operation.name == "set_flow_run_states" else TASK_RUN
        loop = asyncio.get_running_loop()
        deadline = loop.time() + given["wait_s"]
        run_ids = [item[kind.run_id] for item in given["states"]]
        leaving = None if gone is None else asyncio.ensure_future(gone())
        if exchange := CURRENT.get():
            exchange.kind = "long_poll"
        self.long_polls += 1
        try:
            with self._bus.listening(slot_event(run_id) for run_id in run_ids) as listener:
                while True:
                    payload = await self._changes.execute(operation, principal, given)
                    (became,) = payload["states"]
                    left_s = deadline - loop.time()
                    if became["status"] != "QUEUED" or not given["wait_s"]:
                        return payload
                    if left_s <= 0 or self._is_stopping or await _left_while_waiting(listener, left_s, leaving):
                        # Nobody listens any more: its turn passes to the next.
                        break
                    left_s = max(0.0, deadline - loop.time())
                    (item,) = given["states"]
                    again = {key: item[key] for key in (kind.run_id, "state")}
                    given = {"states": [{**again, ONLY_AT: became["version"]}], "wait_s": left_s}
            await self._changes.perform(lambda tx, now: stop_listening(tx, kind, run_ids, now))
            return payload
        finally:
            self.long_polls -= 1
            if leaving is not None:
                leaving.cancel()


def _next_due_after(
    instant: datetime, tenant_id: str, labels: Sequence[str] | None, prefetch: timedelta
) -> Callable[[Connection], datetime | None]:
    return lambda connection: next_due(Transaction(connection), tenant_id, labels, instant, prefetch)


async def _left_while_waiting(listener: Listener, timeout_s: float, leaving: "asyncio.Future[None] | None") -> bool:
    """Wait for news or for the time to be up; return True if the client went away meanwhile."""
    news = asyncio.ensure_future(listener.wait(timeout_s))
    try:
        waited: list[asyncio.Future[Any]] = [news] if leaving is None else [news, leaving]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        news.cancel()
    return leaving is not None and leaving.done()


def reference_text() -> str:
    """Return `reference_data` as JSON text: the web UI is built with it."""
    return json.dumps(_REFERENCE, indent=2) + "\n"


def _hello() -> str:
    return "👋"


def _api() -> dict[str, Any]:
    return {
        "backend": "SERVER",
        "mode": "normal",
        "version": __version__,
        "core_version": None,
        "release_timestamp": None,
    }


def _reference_data() -> dict[str, Any]:
    return _REFERENCE


_STATIC: Final[dict[str, Callable[[], Any]]] = {"hello": _hello, "api": _api, "reference_data": _reference_data}
