"""In charge of random data and random questions about it, for property tests: what Hypothesis draws from.

Questions are drawn from the catalog, so that whatever is added there is asked about. Operands are drawn from the data
as often as at random, so that conditions meet rows; each is written as a literal or sent as a variable.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from eparch.core.instants import timestamp_text
from eparch.graphql.catalog import OBJECTS, Column, Object
from eparch.graphql.sdl import AGGREGATES, columns_for
from tests.graphql.dataset import T1, T2, row

Rows = dict[str, list[dict[str, Any]]]

_STATES: Final = ("Scheduled", "Running", "Success", "Failed", "Cached")

# What PostgreSQL can store as text: no NUL, no halves of surrogate pairs.
_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6) | st.sampled_from(
    ["a", "A", "ab", "aB", "%", "_", "\\", "", "*[", "é", "É", '"', "\x1f"]
)
_integers = st.integers(-3, 3) | st.integers(-(2**31), 2**31 - 1)
_YEARS: Final = {"min_value": datetime(1900, 1, 1), "max_value": datetime(2100, 1, 1)}  # noqa: DTZ001
_instants = st.datetimes(timezones=st.just(UTC), **_YEARS) | st.builds(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds), st.integers(0, 5)
)
_present = st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6, width=32) | _texts
_documents = st.recursive(
    st.none() | _present,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_values = _present | st.lists(_documents, max_size=3) | st.dictionaries(_texts, _documents, max_size=3)


@st.composite
def worlds(draw: st.DrawFn) -> Rows:
    """Draw rows of projects, flow groups, flows, agents and flow runs of two tenants."""
    made: Rows = {"tenant": [], "project": [], "flow_group": [], "flow": [], "agent": [], "flow_run": []}
    for tenant, slug in ((T1, "one"), (T2, "two")):
        made["tenant"].append({"id": tenant, **_stamps(draw), "name": slug, "slug": slug, "info": None, "settings": {}})
    tenants = st.sampled_from([T1, T1, T1, T1, T1, T2])
    for number in range(draw(st.integers(1, 3))):
        project = {"id": row("project", number), **_stamps(draw), "tenant_id": draw(tenants), "name": str(number)}
        made["project"].append({**project, "description": draw(st.none() | _texts)})
        group = {"id": row("flow_group", number), **_stamps(draw), "tenant_id": draw(tenants), "name": str(number)}
        group |= {"labels": draw(st.none() | st.lists(_texts, max_size=3)), "settings": draw(_values)}
        made["flow_group"].append(group | {"default_parameters": {}, "description": draw(st.none() | _texts)})
    for number in range(draw(st.integers(1, 4))):
        flow = {"id": row("flow", number), **_stamps(draw), "tenant_id": draw(tenants), "version": number}
        flow |= {f"{key}_id": draw(st.sampled_from(made[key]))["id"] for key in ("project", "flow_group")}
        flow |= {"name": draw(_texts), "version_group_id": draw(_texts), "archived": draw(st.booleans())}
        flow |= {"is_schedule_active": draw(st.booleans()), "parameters": draw(st.none() | _documents)}
        made["flow"].append(flow | {"settings": {}, "description": draw(st.none() | _texts)})
    made["agent"].append(
        {"id": row("agent", 1), **_stamps(draw), "tenant_id": T1, "labels": draw(_values), "fingerprint": "x"}
        | {"name": draw(st.none() | _texts)}
    )
    for number in range(draw(st.integers(0, 8))):
        run = {"id": row("flow_run", number), **_stamps(draw), "tenant_id": draw(tenants)}
        run |= {"flow_id": draw(st.sampled_from(made["flow"]))["id"], "name": draw(st.none() | _texts)}
        run |= {
            "agent_id": draw(st.sampled_from([None, row("agent", 1)])),
            "labels": draw(st.lists(_texts, max_size=3)),
        }
        run |= {"parameters": draw(st.none() | _documents), "scheduled_start_time": draw(_instants)}
        run |= {"auto_scheduled": draw(st.booleans()), "times_resurrected": draw(_integers), "has_task_runs": False}
        run |= {"priority": draw(_integers)}
        run |= {"version": draw(_integers), "state": draw(st.none() | st.sampled_from(_STATES))}
        run |= {"start_time": draw(st.none() | _instants), "state_message": draw(st.none() | _texts)}
        made["flow_run"].append(run)
    return made


def _stamps(draw: st.DrawFn) -> dict[str, Any]:
    return {"created": draw(_instants), "updated": draw(_instants)}


@dataclass
class Question:
    """A query in the making."""

    rows: Rows
    draw: st.DrawFn
    variables: dict[str, Any] = field(default_factory=dict)
    declared: list[str] = field(default_factory=list)

    def value(self, value: Any, scalar: str) -> str:
        """Return an operand as it stands in the query: a literal, or a variable."""
        if "jsonb" in scalar or self.draw(st.booleans()):
            name = f"v{len(self.variables)}"
            self.variables[name] = value
            self.declared.append(f"${name}: {scalar}")
            return f"${name}"
        return literal(value)


def literal(value: Any) -> str:
    """Return a value as a GraphQL literal."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return json.dumps(value)


@st.composite
def questions(draw: st.DrawFn, rows: Rows) -> tuple[str, dict[str, Any]]:
    """Draw a query over the drawn rows and its variables."""
    question = Question(rows, draw)
    entry = OBJECTS[draw(st.sampled_from(["flow_run", "flow", "project", "flow_group", "agent", "tenant"]))]
    body = _read(question, entry, depth=0)
    declared = f"({', '.join(question.declared)})" if question.declared else ""
    return f"query{declared} {{ {body} }}", question.variables


def _read(question: Question, entry: Object, depth: int, name: str | None = None) -> str:
    draw = question.draw
    name = name or entry.name
    arguments = _arguments(question, entry)
    if draw(st.integers(0, 3)) == 0:
        return f"{name}_aggregate{arguments} {{ {_figures(draw, entry)} nodes {{ id }} }}"
    return f"{name}{arguments} {{ {_selection(question, entry, depth)} }}"


def _selection(question: Question, entry: Object, depth: int) -> str:
    draw = question.draw
    fields = draw(st.lists(st.sampled_from(sorted(entry.columns)), min_size=1, max_size=6, unique=True))
    known = [link for link in entry.relationships.values() if link.target in question.rows]
    if depth < 2 and known and draw(st.booleans()):
        link = draw(st.sampled_from(known))
        target = OBJECTS[link.target]
        if link.is_list:
            fields.append(_read(question, target, depth + 1, link.name))
        else:
            fields.append(f"{link.name} {{ {_selection(question, target, depth + 1)} }}")
    return " ".join(fields)


def _figures(draw: st.DrawFn, entry: Object) -> str:
    chosen = ["count"]
    for function in draw(st.lists(st.sampled_from(sorted(AGGREGATES)), max_size=4, unique=True)):
        columns = [column.name for column in columns_for(function, entry)]
        if columns:
            chosen.append(
                f"{function} {{ {' '.join(draw(st.lists(st.sampled_from(columns), min_size=1, unique=True)))} }}"
            )
    columns = draw(st.lists(st.sampled_from(sorted(entry.columns)), max_size=2, unique=True))
    if columns:
        distinct = ", distinct: true" if draw(st.booleans()) else ""
        chosen.append(f"some: count(columns: [{', '.join(columns)}]{distinct})")
    return f"aggregate {{ {' '.join(chosen)} }}"


def _arguments(question: Question, entry: Object) -> str:
    draw = question.draw
    parts = []
    if draw(st.booleans()):
        parts.append(f"where: {condition(question, entry, 0)}")
    distinct = (
        draw(st.lists(st.sampled_from(sorted(entry.columns)), max_size=2, unique=True)) if draw(st.booleans()) else []
    )
    keys = [f"{{{name}: {_direction(draw)}}}" for name in distinct]
    if distinct:
        parts.append(f"distinct_on: [{', '.join(distinct)}]")
    if not distinct or draw(st.booleans()):
        keys += [_order(question, entry, 0) for _ in range(draw(st.integers(0, 2)))]
        if keys:
            parts.append(f"order_by: [{', '.join(keys)}]")
    parts += paging(question)
    return f"({', '.join(parts)})" if parts else ""


def paging(question: Question) -> list[str]:
    """Draw a limit and an offset, or one of them, or none."""
    draw = question.draw
    names = [name for name in ("limit", "offset") if draw(st.integers(0, 2)) == 0]
    return [f"{name}: {question.value(draw(st.integers(0, 3)), 'Int')}" for name in names]


def _direction(draw: st.DrawFn) -> str:
    directions = ("asc", "desc", "asc_nulls_first", "asc_nulls_last", "desc_nulls_first", "desc_nulls_last")
    return draw(st.sampled_from(directions))


def _order(question: Question, entry: Object, depth: int) -> str:
    draw = question.draw
    known = [link for link in entry.relationships.values() if link.target in question.rows]
    if depth < 2 and known and draw(st.integers(0, 2)) == 0:
        link = draw(st.sampled_from(known))
        if not link.is_list:
            return f"{{{link.name}: {_order(question, OBJECTS[link.target], depth + 1)}}}"
        function = draw(st.sampled_from(["count", *sorted(AGGREGATES)]))
        columns = [] if function == "count" else [one.name for one in columns_for(function, OBJECTS[link.target])]
        if not columns:
            return f"{{{link.name}_aggregate: {{count: {_direction(draw)}}}}}"
        return f"{{{link.name}_aggregate: {{{function}: {{{draw(st.sampled_from(columns))}: {_direction(draw)}}}}}}}"
    return f"{{{draw(st.sampled_from(sorted(entry.columns)))}: {_direction(draw)}}}"


def condition(question: Question, entry: Object, depth: int, *, is_plain: bool = False) -> str:
    """Draw a `where` for an object.

    Args:
        is_plain: leave out documents and patterns other than LIKE, which the reference evaluator does not know.
    """
    draw = question.draw
    columns = [name for name, column in entry.columns.items() if not (is_plain and column.scalar == "jsonb")]
    links = [link.name for link in entry.relationships.values() if link.target in question.rows]
    deeper = ["_and", "_or", "_not", *links] if depth < 3 else []
    parts = []
    for name in draw(st.lists(st.sampled_from(columns + deeper * 2), max_size=2, unique=True)):
        if name in ("_and", "_or"):
            items = [condition(question, entry, depth + 1, is_plain=is_plain) for _ in range(draw(st.integers(0, 3)))]
            parts.append(f"{name}: [{', '.join(items)}]")
        elif name in entry.columns:
            parts.append(f"{name}: {_comparison(question, entry, entry.columns[name], is_plain=is_plain)}")
        else:
            inner = entry if name == "_not" else OBJECTS[entry.relationships[name].target]
            parts.append(f"{name}: {condition(question, inner, depth + 1, is_plain=is_plain)}")
    return "{" + ", ".join(parts) + "}"


def _comparison(question: Question, entry: Object, column: Column, *, is_plain: bool) -> str:
    draw = question.draw
    operators = ["_eq", "_neq", "_gt", "_gte", "_lt", "_lte", "_in", "_nin", "_is_null"]
    if column.scalar == "String":
        operators += ["_like", "_nlike", "_ilike", "_nilike"]
        operators += [] if is_plain else ["_similar", "_nsimilar", "_regex", "_iregex", "_nregex", "_niregex"]
    if column.scalar == "jsonb":
        # How documents are ordered depends on the collation of the whole database, so only equality is compared.
        operators = ["_eq", "_neq", "_in", "_nin", "_is_null", "_contains", "_contained_in", "_has_key"]
        operators += ["_has_keys_any", "_has_keys_all"]
    operator = draw(st.sampled_from(operators))
    if operator == "_is_null":
        return f"{{_is_null: {question.value(draw(st.booleans() | st.none()), 'Boolean')}}}"
    scalar, one = column.scalar, _operand(question, entry, column)
    if operator in ("_has_key", "_has_keys_any", "_has_keys_all"):
        scalar, one = "String", _texts
    elif "like" in operator or "similar" in operator or "regex" in operator:
        one = _patterns(operator)
    if operator in ("_in", "_nin", "_has_keys_any", "_has_keys_all"):
        return f"{{{operator}: {question.value(draw(st.lists(one, max_size=3)), f'[{scalar}!]')}}}"
    return f"{{{operator}: {question.value(draw(one | st.none()), scalar)}}}"


def _operand(question: Question, entry: Object, column: Column) -> st.SearchStrategy[Any]:
    """Return values of a column that there are, and others."""
    present = [one.get(column.name) for one in question.rows.get(entry.name, ())]
    present = [timestamp_text(one) if isinstance(one, datetime) else one for one in present if one is not None]
    others: dict[str, st.SearchStrategy[Any]] = {
        "uuid": st.sampled_from([T1, row("flow", 0), row("flow_run", 1), "none"]),
        "String": _texts,
        "Int": _integers,
        "Boolean": st.booleans(),
        "timestamptz": _instants.map(timestamp_text),
        "jsonb": _values,
        "interval": _integers,
    }
    return st.sampled_from(present) | others[column.scalar] if present else others[column.scalar]


def _patterns(operator: str) -> st.SearchStrategy[str]:
    letters = st.sampled_from(["a", "A", "b", "é", "1", " ", "%", "_"])
    if "like" in operator:
        letters |= st.sampled_from(["%", "_", "\\%", "\\_", "\\\\", "*", "[", "?"])
    elif "similar" in operator:
        letters |= st.sampled_from(["%", "_", "(a|b)", "[ab]", "[^a]", "a+", "b*", ".", "\\%"])
    else:
        letters = st.sampled_from(
            ["a", "A", "b", "é", ".", "^", "$", "(a|b)", "[ab]", "[^a-c]", "[[:alpha:]]", "\\d", "a*"]
        )
    return st.lists(letters, max_size=4).map("".join)
