"""An operation that is ready to be answered.

In charge of the record that planning hands to execution: the root fields in order and what each needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from graphql import FieldNode

from eparch.graphql.arguments import Evaluate
from eparch.graphql.plan import Plan
from eparch.graphql.projection import Project
from eparch.graphql.statements import Statement, statement

OperationKind: TypeAlias = Literal["query", "mutation", "subscription"]


@dataclass(frozen=True, slots=True, eq=False)
class TableRoot:
    """A root field that one SQL statement answers.

    Attributes:
        is_nullable: whether null may stand in its place when it fails.
        statements: by dialect and limit of rows; filled when first needed.
    """

    key: str
    name: str
    plan: Plan
    is_nullable: bool
    statements: dict[tuple[str, int], Statement] = field(default_factory=dict)

    def statement(self, dialect: str, rows_max: int) -> Statement:
        """Return the statement for a dialect."""
        made = self.statements.get((dialect, rows_max))
        if made is None:
            made = self.statements[dialect, rows_max] = statement(self.plan.read, dialect, rows_max)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class FunctionRoot:
    """A root field that a Python function answers.

    Attributes:
        arguments: `(literals, variables) -> dict`; raises BadInput.
        project: `payload -> JSON-ready`.
    """

    key: str
    name: str
    arguments: Evaluate
    project: Project
    is_nullable: bool


@dataclass(frozen=True, slots=True, eq=False)
class NameRoot:
    """`__typename` of the root."""

    key: str
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class IntrospectionRoot:
    """`__schema` or `__type`."""

    key: str
    nodes: Sequence[FieldNode]


Root: TypeAlias = TableRoot | FunctionRoot | NameRoot | IntrospectionRoot


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """The root fields of an operation in the order of the document, and the objects that it reads from tables."""

    kind: OperationKind
    roots: tuple[Root, ...]
    objects: frozenset[str]


def tables_of(prepared: Prepared) -> frozenset[str]:
    """Return the tables whose change can change the answer."""
    return frozenset(table for name in prepared.objects for table in _TABLES.get(name, (name,)))


# What an object reads beside the table of its name: columns that live elsewhere, and the edges that are walked.
_TABLES: dict[str, tuple[str, ...]] = {
    "flow": ("flow", "flow_group"),
    "flow_run": ("flow_run", "flow_run_heartbeat"),
    "task_run": ("task_run", "task_run_heartbeat"),
    "task_tag_limit": ("task_concurrency_limit",),
    "utility_traversal": ("task", "edge"),
}
