"""In charge of random operations made from the schema: valid ones, and ones that are nearly valid.

Not in charge of what the answers must be (test_fuzz.py). Ids are drawn from a `Pool` of things that exist, so that
operations meet each other's rows; variables and literals are both used, because they take different ways.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
)
from hypothesis import strategies as st

from eparch.core.states import STATES

UNKNOWN = "00000000-0000-4000-8000-0000000000ff"

# How long an operation may wait, and what ends the world that the others need, are not left to chance.
FIXED: Mapping[str, Any] = {"wait_s": 0, "confirm": False}

_DEPTH_MAX = 3
# How often something is spoilt. Hypothesis likes to draw the ends of a range, so that its own draws spoil nearly all.
_SPOILT = 0.03
_WRONG_TYPE = 0.01
_NULL = 0.03


@dataclass
class Pool:
    """Ids of things that exist, by the name of the field that takes them."""

    ids: dict[str, list[str]] = field(default_factory=dict)

    def of(self, name: str) -> Sequence[str]:
        """Return ids that fit a field, or ids of anything where none is known to fit."""
        return self.ids.get(name) or [one for ids in self.ids.values() for one in ids] or [UNKNOWN]


@dataclass(frozen=True, slots=True)
class Document:
    """An operation as a client sends it."""

    query: str
    variables: Mapping[str, Any]


# Half-way between what people write and what breaks things.
TEXTS = st.sampled_from(["", "x", "é🚀", "a\0b", "%", "_", "'", '"', "\\", "$.a[0]", "1", "null", "{}", " "]) | st.text(
    st.characters(categories=None), max_size=12
)
NUMBERS = st.sampled_from([0, 1, -1, 2, 10, 2**31 - 1, -(2**31), 2**31, 2**63, 1.5, -0.0, 1e300]) | st.integers()
INSTANTS = st.sampled_from(
    ["2026-03-02T12:00:00+00:00", "2026-03-02", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "never", "now"]
)
DURATIONS = st.sampled_from(["00:00:01", "1 day 02:00:00", "-1 year", "x", 5, 1.5, "9" * 30])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
STATE = st.fixed_dictionaries(
    {"type": st.sampled_from([*STATES, "Nonsense", ""])},
    optional={
        "message": st.none() | TEXTS,
        "start_time": INSTANTS,
        "_result": JSON,
        "context": JSON,
        "cached_inputs": JSON,
        "state": st.just({"type": "Scheduled"}) | JSON,
        "run_count": NUMBERS,
    },
)
TASK = st.fixed_dictionaries({"slug": st.sampled_from(["a", "b", "c"])}, optional={"name": TEXTS, "tags": JSON})
FLOW = st.fixed_dictionaries(
    {"name": TEXTS, "tasks": st.lists(TASK, max_size=3)},
    optional={"edges": JSON, "parameters": JSON, "schedule": JSON, "run_config": JSON, "storage": JSON},
)
# JSON that means something where it is put.
MEANT: Mapping[str, st.SearchStrategy[Any]] = {
    "state": STATE,
    "serialized_flow": FLOW,
    "serialized_tasks": st.lists(TASK, max_size=3),
    "parameters": st.dictionaries(TEXTS, JSON, max_size=3),
    "settings": st.dictionaries(TEXTS, JSON, max_size=3),
}


class Operations:
    """Random operations on a schema."""

    def __init__(self, schema: GraphQLSchema, pool: Pool) -> None:
        self._schema = schema
        self._pool = pool
        self._random = Random()

    def documents(self) -> st.SearchStrategy[Document]:
        """Return a strategy of operations: mostly with one root field, some of them spoilt."""
        return st.composite(self._document)()

    def _document(self, draw: st.DrawFn) -> Document:
        self._random = draw(st.randoms(use_true_random=True))
        kind = self._random.choice(["query", "mutation", "mutation"])
        parent = self._schema.mutation_type if kind == "mutation" else self._schema.query_type
        assert parent is not None
        names = self._random.choices(sorted(parent.fields), k=self._random.choice([1, 1, 2, 3]))
        written, declared, variables = [], [], dict[str, Any]()
        for index, name in enumerate(names):
            arguments = []
            for key, argument in parent.fields[name].args.items():
                if not (isinstance(argument.type, GraphQLNonNull) or draw(st.booleans())):
                    continue
                value = self._value(draw, argument.type, key, 0)
                if draw(st.booleans()):
                    variable = f"v{index}_{key}"
                    declared.append(f"${variable}: {argument.type}")
                    variables[variable] = value
                    arguments.append(f"{key}: ${variable}")
                else:
                    arguments.append(f"{key}: {literal(value, argument.type)}")
            shown = f"({', '.join(arguments)})" if arguments else ""
            written.append(f"r{index}: {name}{shown}{self._selection(draw, parent.fields[name], 0)}")
        head = f"{kind} ({', '.join(declared)})" if declared else kind
        return Document(self._spoilt(draw, f"{head} {{ {' '.join(written)} }}"), variables)

    def _spoilt(self, draw: st.DrawFn, text: str) -> str:
        if self._random.random() > _SPOILT:
            return text
        at = self._random.randint(0, len(text))
        return (
            text[:at]
            + draw(st.sampled_from(["", "}", "{", '"', "$", "...", "@skip(if: true)", "\0", "_"]))
            + text[at + 1 :]
        )

    def _selection(self, draw: st.DrawFn, of: GraphQLField, depth: int) -> str:
        wanted: GraphQLOutputType = get_named_type(of.type)
        if not isinstance(wanted, GraphQLObjectType):
            return ""
        leaves = sorted(name for name, inner in wanted.fields.items() if not _is_object(inner))
        branches = sorted(name for name, inner in wanted.fields.items() if _is_object(inner))
        chosen = draw(st.lists(st.sampled_from(leaves), max_size=3, unique=True)) if leaves else []
        parts = ["__typename", *chosen]
        if branches and depth < _DEPTH_MAX and draw(st.booleans()):
            name = draw(st.sampled_from(branches))
            inner = wanted.fields[name]
            limit = "(limit: 2)" if "limit" in inner.args else ""
            parts.append(f"{name}{limit}{self._selection(draw, inner, depth + 1)}")
        return f" {{ {' '.join(parts)} }}"

    def _value(
        self, draw: st.DrawFn, wanted: GraphQLInputType, name: str, depth: int, *, is_needed: bool = False
    ) -> Any:
        if self._random.random() < _WRONG_TYPE:
            return draw(JSON)
        if isinstance(wanted, GraphQLNonNull):
            is_missing = self._random.random() < _WRONG_TYPE
            return None if is_missing else self._value(draw, wanted.of_type, name, depth, is_needed=True)
        if not is_needed and self._random.random() < _NULL:
            return None
        if name in FIXED:
            return FIXED[name]
        if isinstance(wanted, GraphQLList):
            count = draw(st.integers(0, 2)) if depth < _DEPTH_MAX else 0
            return [self._value(draw, wanted.of_type, name, depth + 1) for _ in range(count)]
        if isinstance(wanted, GraphQLEnumType):
            return draw(st.sampled_from(sorted(wanted.values)))
        if isinstance(wanted, GraphQLInputObjectType):
            return self._object(draw, wanted, depth)
        return draw(self._scalar(wanted.name, name))

    def _object(self, draw: st.DrawFn, wanted: GraphQLInputObjectType, depth: int) -> dict[str, Any]:
        needed = [key for key, member in wanted.fields.items() if isinstance(member.type, GraphQLNonNull)]
        others = sorted(set(wanted.fields) - set(needed))
        more = 8 if depth == 0 and wanted.name.endswith("_input") else 2
        if others and depth <= _DEPTH_MAX:
            needed += draw(st.lists(st.sampled_from(others), max_size=more, unique=True))
        # A member that is fixed is always given, as its default may be another.
        needed += [key for key in FIXED if key in wanted.fields and key not in needed]
        return {key: self._value(draw, wanted.fields[key].type, key, depth + 1) for key in needed}

    def _scalar(self, scalar: str, name: str) -> st.SearchStrategy[Any]:
        match scalar:
            case "UUID" | "uuid":
                known = self._pool.of(name)
                return st.sampled_from([*known, *known, *known, UNKNOWN, UNKNOWN, "x"])
            case "_uuid":
                return st.sampled_from(["{" + one + "}" for one in self._pool.of(name)] + ["{}", "x", "{x}"])
            case "JSON" | "jsonb":
                return MEANT.get(name, JSON)
            case "DateTime" | "timestamptz":
                return INSTANTS
            case "interval":
                return DURATIONS
            case "Int" | "Float":
                return NUMBERS
            case "Boolean":
                return st.booleans()
            case _:
                return TEXTS


def literal(value: Any, wanted: GraphQLInputType | None) -> str:
    """Return a value as it is written in a document."""
    bare = wanted.of_type if isinstance(wanted, GraphQLNonNull) else wanted
    if isinstance(bare, GraphQLEnumType) and isinstance(value, str):
        return value
    inner = bare.of_type if isinstance(bare, GraphQLList) else bare
    if isinstance(value, list):
        return "[" + ", ".join(literal(one, inner) for one in value) + "]"
    if isinstance(value, dict):
        if not isinstance(inner, GraphQLInputObjectType):
            return literal(json.dumps(value), None)  # the JSON scalar, as older clients write it
        return "{" + ", ".join(f"{key}: {literal(one, _type_of(inner, key))}" for key, one in value.items()) + "}"
    return json.dumps(value)


def _type_of(wanted: GraphQLInputObjectType, key: str) -> GraphQLInputType | None:
    return wanted.fields[key].type if key in wanted.fields else None


def _is_object(inner: GraphQLField) -> bool:
    return isinstance(get_named_type(inner.type), GraphQLObjectType)
