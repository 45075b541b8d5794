"""Walks over the edges of flows: which tasks come after or before others, and how far away they are.

In charge of `utility_downstream_tasks` and `utility_upstream_tasks`; not in charge of what is shown of the tasks.

A task's depth is the length of the longest path to it. A recursive query finds it by visiting each task once for every
length of a path to it. Here each task is visited once, in topological order, and carries the set of its path lengths as
the bits of a number: the work is one step for each edge, also where 10,000 tasks are joined in every possible way.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from eparch.core.errors import BadInput
from eparch.core.ids import parse_uuid
from eparch.database import tables
from eparch.graphql.catalog import TRAVERSALS
from eparch.graphql.variables import shown

_DEPTH_MAX: Final = 50

_starts = (
    select(tables.task.c.id, tables.task.c.flow_id)
    .where(tables.task.c.id.in_(bindparam("ids", expanding=True)))
    .where(tables.task.c.tenant_id == bindparam("tenant"))
)
_edges = (
    select(tables.edge.c.upstream_task_id, tables.edge.c.downstream_task_id)
    .where(tables.edge.c.flow_id.in_(bindparam("ids", expanding=True)))
    .where(tables.edge.c.tenant_id == bindparam("tenant"))
)


def reached_tasks(
    connection: Connection, name: str, start_ids: Any, depth_limit: Any, tenant_id: str
) -> list[tuple[str, int]]:
    """Return the tasks that a walk reaches with their depths, the tasks that it starts from among them.

    Args:
        name: of the traversal in the catalog.
        start_ids: PostgreSQL's notation of an array, `{id1,id2}`; ids of no task are passed over.
        depth_limit: how many edges a path may have; None for as many as there may ever be.
    Raises:
        BadInput: `start_ids` is not such a text.
    """
    ids = parse_array(start_ids)
    limit = _DEPTH_MAX if depth_limit is None else max(0, min(depth_limit, _DEPTH_MAX))
    starts = connection.execute(_starts, {"ids": ids, "tenant": tenant_id}).all() if ids else []
    if not starts:
        return []
    flows = sorted({flow_id for _, flow_id in starts})
    is_downstream = TRAVERSALS[name].near == "upstream_task_id"
    following: dict[str, set[str]] = defaultdict(set)
    for upstream, downstream in connection.execute(_edges, {"ids": flows, "tenant": tenant_id}):
        if is_downstream:
            following[upstream].add(downstream)
        else:
            following[downstream].add(upstream)
    return sorted(longest_depths([task_id for task_id, _ in starts], following, limit).items())


def parse_array(text: Any) -> list[str]:
    """Return the ids in PostgreSQL's notation of an array."""
    if text is None:
        return []
    stripped = text.strip() if isinstance(text, str) else ""
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise BadInput(f"{shown(text)} is no array of ids.", hint="Write it like {id1,id2}.")
    items = [item.strip().strip('"') for item in stripped[1:-1].split(",") if item.strip()]
    parsed = [parse_uuid(item) for item in items]
    for item, id_ in zip(items, parsed, strict=True):
        if id_ is None:
            raise BadInput(f"{shown(item)} is no id.", hint="Write the array like {id1,id2}.")
    return sorted({id_ for id_ in parsed if id_ is not None})


def longest_depths(starts: Iterable[str], following: dict[str, set[str]], limit: int) -> dict[str, int]:
    """Return for each task that can be reached in at most `limit` steps the length of the longest such path.

    Args:
        starts: tasks at depth 0.
        following: for each task those one step further.
    """
    lengths: dict[str, int] = dict.fromkeys(starts, 1)  # bit n: there is a path of n steps
    waiting = _edges_into(lengths, following)
    mask = (1 << (limit + 1)) - 1
    ready = deque(task for task in lengths if not waiting.get(task))
    done = 0
    while ready:
        task = ready.popleft()
        done += 1
        further = lengths.get(task, 0) << 1 & mask
        for other in following.get(task, ()):
            lengths[other] = lengths.get(other, 0) | further
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    if done < len(waiting.keys() | lengths.keys()):
        lengths = _lengths_in_circles(starts, following, limit)
    return {task: bits.bit_length() - 1 for task, bits in lengths.items() if bits}


def _edges_into(starts: Iterable[str], following: dict[str, set[str]]) -> dict[str, int]:
    """Return how many edges lead into each task, counting only edges between tasks that can be reached."""
    counts: dict[str, int] = defaultdict(int)
    seen, stack = set(starts), list(starts)
    while stack:
        for other in following.get(stack.pop(), ()):
            counts[other] += 1
            if other not in seen:
                seen.add(other)
                stack.append(other)
    return counts


def _lengths_in_circles(starts: Iterable[str], following: dict[str, set[str]], limit: int) -> dict[str, int]:
    """Do the same where edges form a circle, which no flow should have: step by step, up to the limit."""
    lengths: dict[str, int] = {}
    frontier = set(starts)
    for depth in range(limit + 1):
        for task in frontier:
            lengths[task] = lengths.get(task, 0) | 1 << depth
        frontier = {other for task in frontier for other in following.get(task, ())}
    return lengths
