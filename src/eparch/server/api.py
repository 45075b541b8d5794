"""From a GraphQL request to its answer.

In charge of carrying out what a prepared operation asks for: reads of tables in one snapshot, mutations one after the
other, and of what an answer looks like when some of it fails; not in charge of HTTP (`http`, `sockets`), of documents
and SQL (`graphql`) nor of what operations do (`operations`).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from eparch.core.errors import BadInput, EparchError
from eparch.core.principals import Principal
from eparch.database.readers import Readers
from eparch.graphql import execute
from eparch.graphql.documents import Documents, Loaded
from eparch.graphql.faults import RequestRefused, describe
from eparch.graphql.introspection import introspect
from eparch.graphql.limits import Limits
from eparch.graphql.prepared import FunctionRoot, NameRoot, Prepared, TableRoot, tables_of
from eparch.operations.registry import OPERATIONS
from eparch.server.answers import UNFORESEEN, Answer, Parts, errors_body
from eparch.server.bus import Bus
from eparch.server.changes import Changes
from eparch.server.exchanges import CURRENT
from eparch.server.resolvers import SEALED, Resolvers
from eparch.server.settings import Settings
from eparch.server.subscriptions import Subscription
from eparch.server.traces import NO_TRACER, Tracer
from eparch.server.vault import Vault

logger: Final = logging.getLogger("eparch.api")

_ENCODER: Final = msgspec.json.Encoder()

# A longer document may take so long to parse that it would hold up the event loop.
_THREAD_CHARACTERS_MIN: Final = 20_000

# Waits until the client has gone away; for answers that take long by design.
Gone = Callable[[], Awaitable[object]]


class Api:
    """Answers GraphQL requests."""

    def __init__(
        self,
        settings: Settings,
        readers: Readers,
        changes: Changes,
        bus: Bus,
        vault: Vault,
        *,
        clock: Callable[[], datetime],
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self._tracer = tracer
        self._limits = Limits(
            depth_max=settings.query_depth_max, cost_max=settings.query_cost_max, rows_max=settings.rows_max
        )
        self._documents = Documents(self._limits)
        self._plans_found = self._plans_made = 0
        self._readers = readers
        self._resolvers = Resolvers(readers, changes, bus, vault, clock=clock, tracer=tracer)

    def stop_waiting(self) -> None:
        """Answer long-polls now, with what there is."""
        self._resolvers.stop_waiting()

    async def answer(
        self,
        text: str,
        variables: dict[str, Any],
        operation_name: str | None,
        principal: Principal,
        *,
        refuse_mutation: EparchError | None = None,
        gone: Gone | None = None,
    ) -> Answer:
        """Answer one request. Nothing else that a client sends makes this raise.

        Args:
            refuse_mutation: raised if this is a mutation: it came in a GET, or from a web page of another origin.
            gone: see `Gone`; None where nobody can tell.
        """
        try:
            loaded = await self._load(text, operation_name)
            if loaded.kind == "subscription":
                raise RequestRefused([describe(_NO_SUBSCRIPTION)])
            if loaded.kind == "mutation" and refuse_mutation is not None:
                raise refuse_mutation
            values = loaded.variables(variables)
            prepared = self._prepared(loaded, values, principal)
        except RequestRefused as refused:
            return Answer(400, errors_body(refused.errors))
        if loaded.kind == "mutation":
            return await self._mutate(loaded, prepared, values, principal, gone)
        return await self._query(loaded, prepared, values, principal)

    async def prepare(
        self,
        text: str,
        variables: dict[str, Any],
        operation_name: str | None,
        principal: Principal,
        *,
        gone: Gone,
        is_followed: bool = False,
    ) -> Subscription | Callable[[], Awaitable[Answer]]:
        """Return what a message of a WebSocket asks for: a subscription to follow, or an operation to carry out once.

        Args:
            gone: see `Gone`.
            is_followed: whether to follow a query too. A subscription has one root field; a query has many, which are
                then answered together.
        Raises:
            RequestRefused: the document or its variables are not acceptable.
            BadInput: a mutation or the value of a secret is to be followed.
        """
        loaded = await self._load(text, operation_name)
        values = loaded.variables(variables)
        prepared = self._prepared(loaded, values, principal)

        def query() -> Awaitable[Answer]:
            return self._query(loaded, prepared, values, principal)

        def mutate() -> Awaitable[Answer]:
            return self._mutate(loaded, prepared, values, principal, gone)

        if loaded.kind == "mutation" and is_followed:
            raise _NO_FOLLOWED_MUTATION
        if is_followed and any(isinstance(root, FunctionRoot) and root.name in SEALED for root in prepared.roots):
            raise _NO_FOLLOWED_SECRET
        if loaded.kind == "subscription" or is_followed:
            return Subscription(tables_of(prepared) | _tables_of_functions(prepared), query)
        return mutate if loaded.kind == "mutation" else query

    @property
    def long_polls(self) -> int:
        """How many agents wait for runs."""
        return self._resolvers.long_polls

    @property
    def cache_figures(self) -> dict[tuple[str, ...], int]:
        """How often a document, its shape and its plan were at hand, and how often not."""
        plans: dict[tuple[str, ...], int] = {("plan", "hit"): self._plans_found, ("plan", "miss"): self._plans_made}
        return self._documents.cache_figures | plans

    def _prepared(self, loaded: Loaded, values: Mapping[str, Any], principal: Principal) -> Prepared:
        made = loaded.operation.plans_made
        prepared = loaded.prepare(values)
        if loaded.operation.plans_made == made:
            self._plans_found += 1
        else:
            self._plans_made += 1
        if (exchange := CURRENT.get()) and exchange.kind != "socket":
            exchange.kind = loaded.kind
            exchange.operation = loaded.operation.name or (prepared.roots[0].key if prepared.roots else "")
            exchange.tenant_id = principal.tenant_id
        return prepared

    async def _load(self, text: str, operation_name: str | None) -> Loaded:
        if len(text) < _THREAD_CHARACTERS_MIN:
            return self._documents.load(text, operation_name)
        return await asyncio.to_thread(self._documents.load, text, operation_name)

    async def _mutate(
        self, loaded: Loaded, prepared: Prepared, values: Mapping[str, Any], principal: Principal, gone: Gone | None
    ) -> Answer:
        parts = Parts(is_read=False)
        for root in prepared.roots:
            if isinstance(root, FunctionRoot):
                await self._call(parts, root, loaded, values, principal, gone)
            elif isinstance(root, NameRoot):
                parts.add_name(root.key, root.value)
        return parts.answer()

    async def _query(
        self, loaded: Loaded, prepared: Prepared, values: Mapping[str, Any], principal: Principal
    ) -> Answer:
        parts = Parts(is_read=True)
        found = await self._read(loaded, prepared, values, principal)
        parts.fail_with(found.errors, is_lost=found.is_lost)
        failed = {error["path"][0] for error in found.errors if "path" in error}
        introspected, errors = introspect(loaded, prepared, values)
        parts.fail_with(errors, is_lost=False)
        for root in prepared.roots:
            match root:
                case TableRoot() if root.key in failed or root.key not in found.parts:
                    parts.add_null(root.key)
                case TableRoot():
                    parts.add(root.key, found.parts[root.key])
                case FunctionRoot():
                    await self._call(parts, root, loaded, values, principal, None)
                case NameRoot():
                    parts.add_name(root.key, root.value)
                case _:
                    parts.add(root.key, introspected.get(root.key, b"null"))
        return parts.answer()

    async def _read(
        self, loaded: Loaded, prepared: Prepared, values: Mapping[str, Any], principal: Principal
    ) -> execute.Answer:
        """Return what the tables give, for all root fields in one snapshot."""
        if not any(isinstance(root, TableRoot) for root in prepared.roots):
            return execute.Answer()
        try:
            with self._tracer.span("read", eparch__objects=",".join(sorted(prepared.objects))):
                return await self._readers.run(
                    lambda connection: execute.answer(
                        connection, prepared, loaded.literals, values, principal, self._limits
                    )
                )
        except EparchError as error:
            # Not even a transaction could be begun.
            return execute.Answer(errors=[describe(error)], is_lost=True)
        except Exception:
            logger.exception("A read failed in a way that nobody foresaw.")
            return execute.Answer(errors=[describe(UNFORESEEN)], is_lost=True)

    async def _call(
        self,
        parts: Parts,
        root: FunctionRoot,
        loaded: Loaded,
        values: Mapping[str, Any],
        principal: Principal,
        gone: Gone | None,
    ) -> None:
        try:
            arguments = root.arguments(loaded.literals, values)
            payload = await self._resolvers.resolve(root.name, arguments, principal, gone)
            parts.add(root.key, _ENCODER.encode(root.project(payload)))
        except EparchError as error:
            parts.fail(root.key, error, is_nullable=root.is_nullable)
        except Exception:
            logger.exception("The root field %s failed in a way that nobody foresaw.", root.name)
            parts.fail(root.key, UNFORESEEN, is_nullable=root.is_nullable)


def _tables_of_functions(prepared: Prepared) -> frozenset[str]:
    names = [root.name for root in prepared.roots if isinstance(root, FunctionRoot)]
    return frozenset().union(*(OPERATIONS[name].tables for name in names if name in OPERATIONS))


_NO_FOLLOWED_MUTATION: Final = BadInput("A mutation cannot be followed.", hint="send it without extensions.follow")
_NO_FOLLOWED_SECRET: Final = BadInput(
    "The value of a secret cannot be followed.",
    hint="follow `secret { name updated }` and ask for the value when it changes",
)
_NO_SUBSCRIPTION: Final = BadInput(
    "A subscription needs a WebSocket.", hint="connect with the protocol graphql-transport-ws"
)
