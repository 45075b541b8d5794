"""Serialized flows, as clients register them.

In charge of reading the few members that the server needs; not in charge of storing them (`operations.registration`).

Reading is lenient where clients differ: unknown members are ignored here and kept in the stored document, missing lists
are empty, and a task may be named by its slug or by an object with one. A member of the wrong type is an error that
says where it is.
"""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Annotated, Any, Final, TypeVar

import msgspec

from eparch.core.errors import BadInput
from eparch.core.json_text import decoded

# A flow of 50,000 tasks has 30 MB. A gzip of 64 kB can hold as much, so that the limit on requests does not help.
DOCUMENT_BYTES_MAX: Final = 64_000_000
_CIRCLE_SHOWN_MAX: Final = 8

_CORE_VERSION_MIN: Final = (0, 6, 1)
_VERSION: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_GZIP: Final = 31

_T = TypeVar("_T")
Object = dict[str, Any]


_Slug = Annotated[str, msgspec.Meta(min_length=1)]
_Count = Annotated[int, msgspec.Meta(ge=0, lt=2**31)]
_Seconds = Annotated[int, msgspec.Meta(ge=0, lt=2**53)] | Annotated[float, msgspec.Meta(ge=0, lt=2**53)]


class _Named(msgspec.Struct, frozen=True):
    slug: str


class _Function(msgspec.Struct, frozen=True):
    fn: str


class TaskDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A task of a serialized flow; durations in seconds."""

    slug: _Slug
    name: str | None = None
    type: str | None = None
    description: str | None = None
    trigger: str | _Function | None = None
    cache_key: str | None = None
    max_retries: _Count | None = None
    retry_delay: _Seconds | None = None
    tags: list[str] | None = None
    auto_generated: bool | None = None

    @property
    def trigger_name(self) -> str | None:
        """The qualified name of the trigger function."""
        return self.trigger.fn if isinstance(self.trigger, _Function) else self.trigger

    @property
    def retry_delay_s(self) -> int | None:
        """Whole seconds between two attempts."""
        return None if self.retry_delay is None else round(self.retry_delay)


class EdgeDocument(msgspec.Struct, frozen=True, kw_only=True):
    """An edge of a serialized flow."""

    upstream_task: str | _Named
    downstream_task: str | _Named
    key: str | None = None
    mapped: bool | None = None

    @property
    def identity(self) -> tuple[str, str, str]:
        """Upstream slug, downstream slug and key: two edges with the same are one. No key is the empty one."""
        return _slug(self.upstream_task), _slug(self.downstream_task), self.key or ""


class _ReferenceTasks(msgspec.Struct, frozen=True):
    reference_tasks: list[str | _Named] | None = None


class _FlowMembers(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    version: str | None = msgspec.field(name="__version__", default=None)
    schedule: Object | None = None
    parameters: list[Object] | Object | None = None
    run_config: Object | None = None
    storage: Object | None = None
    environment: Object | None = None
    tasks: list[Object] | None = None
    edges: list[Object] | None = None
    reference_tasks: list[str | _Named] | None = None


@dataclass(frozen=True, slots=True)
class FlowDocument:
    """What the server needs of a serialized flow.

    Attributes:
        core_version: version of the library that made it.
        schedule, parameters, run_config, storage, environment: as they stand in the document.
        tasks, edges: by slug and by identity, in the order of the document.
    """

    name: str
    core_version: str | None
    schedule: Object | None
    parameters: list[Object] | Object | None
    run_config: Object | None
    storage: Object | None
    environment: Object | None
    tasks: dict[str, TaskDocument]
    edges: dict[tuple[str, str, str], EdgeDocument]
    reference_slugs: frozenset[str]


@dataclass(frozen=True, slots=True)
class TaskRole:
    """What the edges of a flow make of a task."""

    is_mapped: bool
    is_root: bool
    is_terminal: bool
    is_reference: bool


def read_flow(document: object) -> FlowDocument:
    """Read a serialized flow.

    Raises:
        BadInput: it is not an object, a member has the wrong type, two different tasks share a slug, an edge joins
            tasks that the flow does not have, the edges form a cycle, or the library that built it is older than
            0.6.1.
    """
    members = _converted(document, _FlowMembers, "serialized flow")
    _check_version(members.version)
    tasks = read_tasks(members.tasks or [])
    edges = read_edges(members.edges or [])
    check_ends(edges, tasks)
    check_acyclic(edges)
    return FlowDocument(
        name=members.name,
        core_version=members.version,
        schedule=members.schedule,
        parameters=members.parameters,
        run_config=members.run_config,
        storage=members.storage,
        environment=members.environment,
        tasks=tasks,
        edges=edges,
        reference_slugs=frozenset(_slug(task) for task in members.reference_tasks or []),
    )


def reference_slugs(document: bytes) -> frozenset[str]:
    """Return the slugs that a serialized flow, given as JSON text, names as its reference tasks."""
    members = msgspec.json.decode(document, type=_ReferenceTasks)
    return frozenset(_slug(task) for task in members.reference_tasks or [])


def read_tasks(documents: object) -> dict[str, TaskDocument]:
    """Read a list of serialized tasks, by slug.

    Raises:
        BadInput: a member has the wrong type, or two different tasks share a slug.
    """
    tasks: dict[str, TaskDocument] = {}
    for task in _converted(documents, list[TaskDocument], "tasks"):
        if tasks.setdefault(task.slug, task) != task:
            raise BadInput(f"Two different tasks have the slug {task.slug!r}.", hint="slugs are unique within a flow")
    return tasks


def read_edges(documents: object) -> dict[tuple[str, str, str], EdgeDocument]:
    """Read a list of serialized edges, by identity; of edges with the same identity the first counts.

    Raises:
        BadInput: a member has the wrong type.
    """
    edges: dict[tuple[str, str, str], EdgeDocument] = {}
    for edge in _converted(documents, list[EdgeDocument], "edges"):
        edges.setdefault(edge.identity, edge)
    return edges


def edge_identity(document: object) -> tuple[str, str, str]:
    """Return the identity of one serialized edge.

    Raises:
        BadInput: a member has the wrong type.
    """
    return _converted(document, EdgeDocument, "edge").identity


def check_ends(edges: Iterable[tuple[str, str, str]], slugs: Iterable[str]) -> None:
    """Do nothing, or raise.

    Raises:
        BadInput: an edge names a task that is not among `slugs`.
    """
    known = set(slugs)
    unknown = sorted({slug for upstream, downstream, _ in edges for slug in (upstream, downstream)} - known)
    if unknown:
        raise BadInput(
            f"Edges reference tasks that do not exist: {', '.join(map(repr, unknown[:10]))}.",
            hint="register the tasks before the edges",
            detail={"slugs": unknown[:100]},
        )


def check_acyclic(edges: Iterable[tuple[str, ...]]) -> None:
    """Do nothing, or raise.

    Args:
        edges: upstream slug and downstream slug first.
    Raises:
        BadInput: tasks wait for each other in a circle, so that none of them could ever run.
    """
    upstream_of: dict[str, set[str]] = {}
    for upstream, downstream, *_ in edges:
        upstream_of.setdefault(downstream, set()).add(upstream)
    try:
        TopologicalSorter(upstream_of).prepare()
    except CycleError as error:
        circle = [str(slug) for slug in error.args[1]]
        shown = " -> ".join(circle if len(circle) <= _CIRCLE_SHOWN_MAX else [*circle[:_CIRCLE_SHOWN_MAX], "..."])
        raise BadInput(
            f"The edges form a cycle: {shown}.",
            hint="a flow is a graph without cycles; remove one of these edges",
            detail={"slugs": circle[:100]},
        ) from None


def task_roles(
    slugs: Iterable[str], edges: Mapping[tuple[str, str, str], EdgeDocument], reference_slugs: frozenset[str]
) -> dict[str, TaskRole]:
    """Return the role of each task. Where a flow names no reference tasks, its terminal tasks are."""
    downstream = {identity[1] for identity in edges}
    upstream = {identity[0] for identity in edges}
    mapped = {identity[1] for identity, edge in edges.items() if edge.mapped}
    return {
        slug: TaskRole(
            is_mapped=slug in mapped,
            is_root=slug not in downstream,
            is_terminal=slug not in upstream,
            is_reference=slug in reference_slugs if reference_slugs else slug not in upstream,
        )
        for slug in slugs
    }


def decompressed(text: str, *, bytes_max: int = DOCUMENT_BYTES_MAX) -> object:
    """Return the JSON value that a client has sent as base64 of gzip of JSON.

    Raises:
        BadInput: it is not that, or it holds more than `bytes_max` bytes of JSON. No more than that is unpacked.
    """
    try:
        packed = base64.b64decode(text, validate=True)
        unpacked = _gunzipped(packed, bytes_max)
        return decoded(unpacked)
    except (binascii.Error, ValueError, zlib.error, msgspec.DecodeError) as error:
        raise BadInput(
            f"Unable to decompress the serialized flow: {error}.", hint="send base64 of gzip of its JSON text"
        ) from None


def with_members_appended(document: bytes, member: str, items: Sequence[object]) -> bytes:
    """Return the JSON text of an object with `items` added to the end of the list under `member`, which is there then.

    The rest of the text is copied and not read into objects: a flow of 5,000 tasks has 3 MB.
    """
    members = msgspec.json.decode(document, type=dict[str, msgspec.Raw])
    present = bytes(members.get(member, b"")).strip()
    is_list = present.startswith(b"[")
    if is_list and not items:
        return document
    added = msgspec.json.encode(items)
    if is_list and present[1:-1].strip():
        added = present[:-1] + b"," + added[1:]
    return msgspec.json.encode({**members, member: msgspec.Raw(added)})


def _gunzipped(packed: bytes, bytes_max: int) -> bytes:
    unpacked = bytearray()
    while packed:
        member = zlib.decompressobj(_GZIP)
        unpacked += member.decompress(packed, bytes_max - len(unpacked) + 1)
        if len(unpacked) > bytes_max:
            raise BadInput(f"Unable to decompress the serialized flow: it holds more than {bytes_max} bytes.")
        if not member.eof:
            raise ValueError("the data end too early")
        packed = member.unused_data
    return bytes(unpacked)


def _converted(document: object, wanted: type[_T], what: str) -> _T:
    try:
        return msgspec.convert(document, wanted)
    except msgspec.ValidationError as error:
        raise BadInput(f"The {what} cannot be read: {str(error).replace('`$', f'`{what}')}.") from None


def _check_version(version: str | None) -> None:
    parts = _VERSION.match(version or "")
    if parts and tuple(int(part or 0) for part in parts.groups()) < _CORE_VERSION_MIN:
        raise BadInput(
            f"Servers require new flows to be built with version 0.6.1 or later; this one was with {version}.",
            hint="register the flow again with a newer library",
        )


def _slug(task: str | _Named) -> str:
    return task if isinstance(task, str) else task.slug
