"""From a GraphQL request to its answer.

In charge of carrying out what a prepared operation asks for: reads of tables in one snapshot, mutations one after the
other, and of what an answer looks like when some of it fails; not in charge of HTTP (`http`, `sockets`), of documents
and SQL (`graphql`) nor of what operations do (`operations`).
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from eparch.core.errors import EparchError, Forbidden, Overloaded, Unavailable
from eparch.core.principals import Principal
from eparch.database.readers import Readers
from eparch.graphql import execute
from eparch.graphql.documents import Documents, Loaded
from eparch.graphql.faults import ErrorDict, RequestRefused, describe
from eparch.graphql.introspection import introspect
from eparch.graphql.limits import Limits
from eparch.graphql.prepared import FunctionRoot, NameRoot, Prepared, TableRoot, tables_of
from eparch.server.bus import Bus
from eparch.server.changes import Changes
from eparch.server.resolvers import Resolvers
from eparch.server.settings import Settings

logger: Final = logging.getLogger("eparch.api")

_ENCODER: Final = msgspec.json.Encoder()
_RETRIED: Final = frozenset({Overloaded.code, Unavailable.code})

# Waits until the client has gone away; for answers that take long by design.
Gone = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A status of HTTP and a body of JSON."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription that is ready to be asked again and again.

    Attributes:
        tables: those whose change can change the answer.
        answer: asks once.
    """

    tables: frozenset[str]
    answer: Callable[[Principal], Awaitable[Answer]]


class Api:
    """Answers GraphQL requests."""

    def __init__(
        self, settings: Settings, readers: Readers, changes: Changes, bus: Bus, *, clock: Callable[[], datetime]
    ) -> None:
        self._limits = Limits(
            depth_max=settings.query_depth_max, cost_max=settings.query_cost_max, rows_max=settings.rows_max
        )
        self._documents = Documents(self._limits)
        self._readers = readers
        self._resolvers = Resolvers(readers, changes, bus, clock=clock)

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
        may_write: bool = True,
        gone: Gone | None = None,
    ) -> Answer:
        """Answer one request. Nothing that a client sends makes this raise.

        Args:
            may_write: False where a mutation must be refused: a GET, or a web page of another origin.
            gone: see `Gone`; None where nobody can tell.
        """
        try:
            loaded = self._documents.load(text, operation_name)
            if loaded.kind == "subscription":
                raise RequestRefused([describe(_NO_SUBSCRIPTION)])
            if loaded.kind == "mutation" and not may_write:
                return Answer(403, error_body(_NO_WRITING))
            values = loaded.variables(variables)
            prepared = loaded.prepare(values)
        except RequestRefused as refused:
            return Answer(400, _ENCODER.encode({"errors": refused.errors}))
        if loaded.kind == "mutation":
            return await self._mutate(loaded, prepared, values, principal, gone)
        return await self._query(loaded, prepared, values, principal)

    def prepare_socket_operation(
        self, text: str, variables: dict[str, Any], operation_name: str | None
    ) -> Subscription | Callable[[Principal], Awaitable[Answer]]:
        """Return what a message of a WebSocket asks for: a subscription to follow, or an operation to carry out once.

        Raises:
            SocketRefused: the document or its variables are not acceptable.
        """
        try:
            loaded = self._documents.load(text, operation_name)
            values = loaded.variables(variables)
            prepared = loaded.prepare(values)
        except RequestRefused as refused:
            raise SocketRefused(refused.errors) from None

        def query(principal: Principal) -> Awaitable[Answer]:
            return self._query(loaded, prepared, values, principal)

        def mutate(principal: Principal) -> Awaitable[Answer]:
            return self._mutate(loaded, prepared, values, principal, None)

        if loaded.kind == "subscription":
            return Subscription(tables_of(prepared), query)
        return mutate if loaded.kind == "mutation" else query

    async def _mutate(
        self, loaded: Loaded, prepared: Prepared, values: Mapping[str, Any], principal: Principal, gone: Gone | None
    ) -> Answer:
        parts = _Parts()
        for root in prepared.roots:
            if isinstance(root, FunctionRoot):
                await self._call(parts, root, loaded, values, principal, gone)
            elif isinstance(root, NameRoot):
                parts.add(root.key, _ENCODER.encode(root.value))
        return parts.answer()

    async def _query(
        self, loaded: Loaded, prepared: Prepared, values: Mapping[str, Any], principal: Principal
    ) -> Answer:
        parts = _Parts()
        found = execute.Answer()
        if any(isinstance(root, TableRoot) for root in prepared.roots):
            try:
                found = await self._readers.run(
                    lambda connection: execute.answer(
                        connection, prepared, loaded.literals, values, principal, self._limits
                    )
                )
            except EparchError as error:
                # Not even a transaction could be begun.
                found = execute.Answer(errors=[describe(error)], is_lost=True)
        parts.take_errors(found.errors, is_lost=found.is_lost)
        introspected, errors = introspect(loaded, prepared, values)
        parts.take_errors(errors, is_lost=False)
        for root in prepared.roots:
            match root:
                case TableRoot():
                    parts.add(root.key, found.parts.get(root.key, b"null"))
                case FunctionRoot():
                    await self._call(parts, root, loaded, values, principal, None)
                case NameRoot():
                    parts.add(root.key, _ENCODER.encode(root.value))
                case _:
                    parts.add(root.key, introspected.get(root.key, b"null"))
        return parts.answer()

    async def _call(
        self,
        parts: "_Parts",
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
            parts.fail(root.key, _UNFORESEEN, is_nullable=root.is_nullable)


class SocketRefused(EparchError):
    """A document that came over a WebSocket is refused.

    Attributes:
        errors: ready for the answer.
    """

    code = "BAD_USER_INPUT"

    def __init__(self, errors: Sequence[ErrorDict]) -> None:
        super().__init__("; ".join(str(error["message"]) for error in errors))
        self.errors = errors


class _Parts:
    """The answer as it grows: one part for each root field, in their order."""

    __slots__ = ("_errors", "_is_lost", "_parts")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._errors: list[ErrorDict] = []
        self._is_lost = False

    def add(self, key: str, value: bytes) -> None:
        self._parts.append(b'"%b":%b' % (key.encode(), value))

    def take_errors(self, errors: Sequence[ErrorDict], *, is_lost: bool) -> None:
        self._errors.extend(errors)
        self._is_lost = self._is_lost or is_lost

    def fail(self, key: str, error: EparchError, *, is_nullable: bool) -> None:
        self._errors.append(describe(error, [key]))
        if is_nullable:
            self.add(key, b"null")
        else:
            # A field that may not be null takes everything around it with it.
            self._is_lost = True

    def answer(self) -> Answer:
        data = b"null" if self._is_lost else b"{%b}" % b",".join(self._parts)
        if not self._errors:
            return Answer(200, b'{"data":%b}' % data)
        # Clients repeat a request that is answered with 503, which is safe where nothing at all was done.
        codes = {error["extensions"]["code"] for error in self._errors}
        status = 503 if codes <= _RETRIED and len(self._errors) >= len(self._parts) else 200
        return Answer(status, b'{"errors":%b,"data":%b}' % (_ENCODER.encode(self._errors), data))


def error_body(error: EparchError) -> bytes:
    """Return the body of an answer that is nothing but an error."""
    return b'{"errors":%b}' % errors_json(error)


def errors_json(error: EparchError) -> bytes:
    """Return the errors of a failure as a JSON list."""
    return _ENCODER.encode(error.errors if isinstance(error, SocketRefused) else [describe(error)])


_NO_WRITING: Final = Forbidden(
    "A mutation must come in a POST from this server's own pages or from a program.",
    hint="add the page's origin to allowed_origins if it is yours",
)
_NO_SUBSCRIPTION: Final = EparchError(
    "A subscription needs a WebSocket.", hint="connect with the protocol graphql-transport-ws"
)
_UNFORESEEN: Final = EparchError("The server failed to carry this out.", hint="its log says why")
