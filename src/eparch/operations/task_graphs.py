"""The tasks and edges of a flow.

In charge of storing them, together with their flow or in later batches; not in charge of reading their documents
(`core.flow_documents`) nor of walking the graph.

Prefect's clients register a flow in parts: the flow without tasks and edges, then tasks and edges in batches of 500,
with repeats when an answer was lost. So both mutations may be repeated, and every batch also adds to the stored
document, which in the end is what the client would have sent in one piece.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Text, Update, bindparam, cast, select, update

from eparch.core.errors import NotFound
from eparch.core.flow_documents import (
    EdgeDocument,
    FlowDocument,
    TaskDocument,
    TaskRole,
    check_acyclic,
    check_ends,
    edge_identity,
    read_edges,
    read_tasks,
    reference_slugs,
    task_roles,
    with_members_appended,
)
from eparch.core.principals import Principal
from eparch.database.bulk import insert_rows, is_one_of, listed
from eparch.database.tables import edge, flow, task
from eparch.database.transactions import Transaction
from eparch.database.types import Json, Timestamp
from eparch.operations.identity import new_id
from eparch.operations.registry import Input, Payload, operation

EdgeIdentity = tuple[str, str, str]


@operation("create:flow")
def register_tasks(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Add tasks to a registered flow; those whose slugs it has already stay as they are."""
    flow_id, serialized = given["flow_id"], given["serialized_tasks"]
    document = _locked_document(tx, principal, flow_id)
    tasks = read_tasks(serialized)
    known = _ids_by_slug(tx, flow_id, tasks)
    new = {slug: read for slug, read in tasks.items() if slug not in known}
    if new:
        roles = task_roles(new, {}, reference_slugs(document))
        insert_rows(tx, task, _task_rows(principal.tenant_id, flow_id, new, roles, now))
    sources = {item["slug"]: item for item in reversed(serialized)}
    _append(tx, flow_id, document, "tasks", [sources[slug] for slug in new], now)
    return {"success": True}


@operation("create:flow")
def register_edges(tx: Transaction, principal: Principal, given: Input, now: datetime) -> Payload:
    """Add edges to a registered flow; those with the same tasks and key as one that it has stay as they are."""
    flow_id, serialized = given["flow_id"], given["serialized_edges"]
    document = _locked_document(tx, principal, flow_id)
    edges = read_edges(serialized)
    ids = _ids_by_slug(tx, flow_id, {slug for identity in edges for slug in identity[:2]})
    check_ends(edges, ids)
    known = _known_edges(tx, flow_id, {ids[downstream] for _, downstream, _ in edges})
    new = {
        identity: read
        for identity, read in edges.items()
        if (ids[identity[0]], ids[identity[1]], identity[2]) not in known
    }
    if new:
        check_acyclic([*((row.upstream, row.downstream) for row in tx.rows(_ALL_EDGES, {"flow": flow_id})), *new])
        insert_rows(tx, edge, _edge_rows(principal.tenant_id, flow_id, new, ids, now))
        _update_roles(tx, new, ids, now, are_references_named=bool(reference_slugs(document)))
    sources = {edge_identity(item): item for item in reversed(serialized)}
    _append(tx, flow_id, document, "edges", [sources[identity] for identity in new], now)
    return {"success": True}


def insert_graph(tx: Transaction, tenant_id: str, flow_id: str, document: FlowDocument, now: datetime) -> None:
    """Insert the tasks and edges of a new flow."""
    roles = task_roles(document.tasks, document.edges, document.reference_slugs)
    rows = _task_rows(tenant_id, flow_id, document.tasks, roles, now)
    insert_rows(tx, task, rows)
    ids = {row["slug"]: row["id"] for row in rows}
    insert_rows(tx, edge, _edge_rows(tenant_id, flow_id, document.edges, ids, now))


def _locked_document(tx: Transaction, principal: Principal, flow_id: str) -> bytes:
    """Return the stored text of a flow, locked against other batches."""
    row = tx.row(_DOCUMENT, {"flow": flow_id, "tenant": principal.tenant_id})
    if row is None:
        raise NotFound(f"Invalid flow ID {flow_id}: there is no such flow.")
    return (row.document or "{}").encode()


def _append(
    tx: Transaction, flow_id: str, document: bytes, member: str, items: Sequence[object], now: datetime
) -> None:
    grown = with_members_appended(document, member, items)
    if grown != document:
        tx.execute(_GROW, {"flow": flow_id, "now": now, "document": msgspec.Raw(grown)})


def _ids_by_slug(tx: Transaction, flow_id: str, slugs: Iterable[str]) -> dict[str, str]:
    return {row.slug: row.id for row in tx.rows(_IDS_BY_SLUG, {"flow": flow_id, "slugs": listed(slugs)})}


def _known_edges(tx: Transaction, flow_id: str, downstream_ids: Iterable[str]) -> set[EdgeIdentity]:
    """Return upstream id, downstream id and key of the edges that lead to tasks."""
    rows = tx.rows(_EDGES_TO, {"flow": flow_id, "ids": listed(downstream_ids)})
    return {(row.upstream_task_id, row.downstream_task_id, row.key or "") for row in rows}


def _update_roles(
    tx: Transaction,
    new: Mapping[EdgeIdentity, EdgeDocument],
    ids: Mapping[str, str],
    now: datetime,
    *,
    are_references_named: bool,
) -> None:
    """Change what new edges change of the tasks that they join."""
    upstream = listed({ids[identity[0]] for identity in new})
    downstream = listed({ids[identity[1]] for identity in new})
    mapped = {ids[identity[1]] for identity, read in new.items() if read.mapped}
    tx.execute(_NO_ROOT, {"ids": downstream, "now": now})
    tx.execute(_NO_TERMINAL, {"ids": upstream, "now": now})
    if not are_references_named:
        tx.execute(_NO_REFERENCE, {"ids": upstream, "now": now})
    if mapped:
        tx.execute(_MAPPED, {"ids": listed(mapped), "now": now})


def _task_rows(
    tenant_id: str, flow_id: str, tasks: Mapping[str, TaskDocument], roles: Mapping[str, TaskRole], now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id(),
            "created": now,
            "updated": now,
            "tenant_id": tenant_id,
            "flow_id": flow_id,
            "name": read.name,
            "slug": slug,
            "description": read.description,
            "type": read.type,
            "trigger": read.trigger_name,
            "cache_key": read.cache_key,
            "max_retries": read.max_retries,
            "retry_delay": read.retry_delay_s,
            "tags": read.tags or [],
            "mapped": roles[slug].is_mapped,
            "auto_generated": bool(read.auto_generated),
            "is_root_task": roles[slug].is_root,
            "is_terminal_task": roles[slug].is_terminal,
            "is_reference_task": roles[slug].is_reference,
        }
        for slug, read in tasks.items()
    ]


def _edge_rows(
    tenant_id: str, flow_id: str, edges: Mapping[EdgeIdentity, EdgeDocument], ids: Mapping[str, str], now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "id": new_id(),
            "created": now,
            "updated": now,
            "tenant_id": tenant_id,
            "flow_id": flow_id,
            "upstream_task_id": ids[upstream],
            "downstream_task_id": ids[downstream],
            "key": read.key,
            "mapped": bool(read.mapped),
        }
        for (upstream, downstream, _), read in edges.items()
    ]


_NOW = bindparam("now", type_=Timestamp())

# The text as it stands: reading a large document into objects takes ten times as long.
_DOCUMENT: Final = (
    select(cast(flow.c.serialized_flow, Text).label("document"))
    .where(flow.c.id == bindparam("flow"), flow.c.tenant_id == bindparam("tenant"))
    .with_for_update(key_share=True)
)
_GROW: Final = (
    update(flow)
    .where(flow.c.id == bindparam("flow"))
    .values(serialized_flow=bindparam("document", type_=Json()), updated=_NOW)
)
_IDS_BY_SLUG: Final = select(task.c.id, task.c.slug).where(
    task.c.flow_id == bindparam("flow"), is_one_of(task.c.slug, "slugs")
)
_UPSTREAM, _DOWNSTREAM = task.alias("upstream"), task.alias("downstream")
_ALL_EDGES: Final = (
    select(_UPSTREAM.c.slug.label("upstream"), _DOWNSTREAM.c.slug.label("downstream"))
    .select_from(edge)
    .join(_UPSTREAM, _UPSTREAM.c.id == edge.c.upstream_task_id)
    .join(_DOWNSTREAM, _DOWNSTREAM.c.id == edge.c.downstream_task_id)
    .where(edge.c.flow_id == bindparam("flow"))
)
_EDGES_TO: Final = select(edge.c.upstream_task_id, edge.c.downstream_task_id, edge.c.key).where(
    edge.c.flow_id == bindparam("flow"), is_one_of(edge.c.downstream_task_id, "ids")
)


def _change(column: ColumnElement[bool], value: bool) -> Update:
    """Set a flag of those of some tasks that do not have it yet."""
    return (
        update(task).where(is_one_of(task.c.id, "ids"), column.is_(not value)).values({column: value, "updated": _NOW})
    )


_NO_ROOT: Final = _change(task.c.is_root_task, False)
_NO_TERMINAL: Final = _change(task.c.is_terminal_task, False)
_NO_REFERENCE: Final = _change(task.c.is_reference_task, False)
_MAPPED: Final = _change(task.c.mapped, True)
