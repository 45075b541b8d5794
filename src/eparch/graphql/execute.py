"""Running the reads of one operation.

In charge of permissions and of errors of single fields; not in charge of drivers nor of transactions: the
connection must be in one that reads one snapshot, as those of `database.readers` are.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy.engine import Connection

from eparch.core.errors import BadInput, EparchError, Forbidden, Unavailable
from eparch.core.principals import Principal
from eparch.database.rows import ValueRefused, first_row
from eparch.graphql.catalog import OBJECTS
from eparch.graphql.faults import DataException, ErrorDict, describe
from eparch.graphql.limits import DEFAULT_LIMITS, Limits
from eparch.graphql.operands import Literals, Variables
from eparch.graphql.patterns import BAD_REGEX
from eparch.graphql.plan import Walk
from eparch.graphql.prepared import Prepared, TableRoot
from eparch.graphql.statements import bind
from eparch.graphql.traversal import reached_tasks

_TOO_DEEP: Final = "The fields and conditions nest deeper than the database can read."
# What SQLite says of a statement that its parser has no room for.
_TOO_NESTED: Final = ("parser stack overflow", "Expression tree is too large")


@dataclass(slots=True)
class Answer:
    """What the table root fields of an operation gave.

    Attributes:
        parts: JSON by response key; `null` for a field that failed.
        errors: ready for the answer.
        is_lost: a field failed that must not be null, so that `data` as a whole is null.
    """

    parts: dict[str, bytes] = field(default_factory=dict)
    errors: list[ErrorDict] = field(default_factory=list)
    is_lost: bool = False


def answer(
    connection: Connection,
    prepared: Prepared,
    literals: Literals,
    variables: Variables,
    principal: Principal,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer:
    """Return the JSON of all root fields of an operation that are read from tables, each by one statement.

    Args:
        connection: within a transaction.
        principal: whose tenant every table is filtered by.
    """
    made = Answer()
    for root in prepared.roots:
        if isinstance(root, TableRoot):
            try:
                made.parts[root.key] = read(connection, root, literals, variables, principal, limits)
            except EparchError as error:
                made.errors.append(describe(error, [root.key]))
                made.parts[root.key] = b"null"
                made.is_lost = made.is_lost or not root.is_nullable
                if isinstance(error, Unavailable):
                    break
    return made


def read(
    connection: Connection,
    root: TableRoot,
    literals: Literals,
    variables: Variables,
    principal: Principal,
    limits: Limits = DEFAULT_LIMITS,
) -> bytes:
    """Return the JSON of one root field.

    Raises:
        Forbidden: the principal may not read one of the objects.
        DataException: an operand is not what its column's type takes.
        BadInput: the answer has more rows than are allowed.
    """
    plan = root.plan
    for name in sorted(plan.objects):
        permission = OBJECTS[name].permission
        if not principal.can(permission):
            raise Forbidden(f"Unauthorized: reading {name} needs the permission {permission!r}.")
    dialect = connection.dialect.name
    try:
        made = root.statement(dialect, limits.rows_max)
    except RecursionError:
        raise BadInput(_TOO_DEEP) from None

    def walk(asked: Walk) -> Any:
        starts = asked.start_ids(literals, variables) if asked.start_ids else None
        depth = asked.depth_limit(literals, variables) if asked.depth_limit else None
        return reached_tasks(connection, asked.name, starts, depth, principal.tenant_id)

    parameters = bind(plan, made, literals, variables, principal.tenant_id, walk)
    try:
        row = first_row(connection, made.text, parameters)
    except ValueRefused as refused:
        raise DataException(BAD_REGEX if refused.is_pattern else refused.reason) from None
    except EparchError as error:
        if any(sign in error.message for sign in _TOO_NESTED):
            raise BadInput(_TOO_DEEP, hint="Ask for less depth, or in several operations.") from None
        raise
    if row is None:
        return b"null"  # `_by_pk` without such a row
    cell, *count = row
    if count and int(count[0]) > limits.rows_max:
        raise BadInput(
            f"The answer has more than {limits.rows_max} rows.", hint="Ask for fewer with `limit`, page with `offset`."
        )
    return bytes(cell)
