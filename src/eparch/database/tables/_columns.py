"""The columns and constraints that many tables share."""

from enum import StrEnum
from typing import Any, Final

from sqlalchemy import CheckConstraint, Column, ColumnElement, ForeignKey, MetaData, Table, literal_column
from sqlalchemy.sql.schema import SchemaItem

from eparch.core.states import CONCRETE
from eparch.database.types import Json, Timestamp, Uuid, Words

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def entity(name: str, *items: SchemaItem, has_tenant: bool = True) -> Table:
    """Return a table with an id, the instants of its making and last change, and its tenant."""
    return Table(
        name,
        METADATA,
        Column("id", Uuid, primary_key=True),
        Column("created", Timestamp, nullable=False),
        Column("updated", Timestamp, nullable=False),
        *([reference("tenant_id", "tenant")] if has_tenant else []),
        *items,
    )


def reference(name: str, table: str, *, nullable: bool = False, ondelete: str = "CASCADE") -> Column[Any]:
    """Return a column that refers to the id of `table`."""
    return Column(name, Uuid, ForeignKey(f"{table}.id", ondelete=ondelete), nullable=nullable)


def document(name: str, *, nullable: bool = False) -> Column[Any]:
    """Return a column that holds JSON."""
    return Column(name, Json, nullable=nullable)


def words(name: str, *, nullable: bool = True) -> Column[Any]:
    """Return a column that holds text."""
    return Column(name, Words, nullable=nullable)


def choice(name: str, choices: type[StrEnum], default: StrEnum) -> Column[Any]:
    """Return a column that holds one of a few words."""
    listed = ", ".join(f"'{member}'" for member in choices)
    constraint = CheckConstraint(f"{name} IN ({listed})", name=name)
    return Column(name, Words, constraint, nullable=False, server_default=str(default))


def instant(name: str, *, nullable: bool = True) -> Column[Any]:
    """Return a column that holds a point in time."""
    return Column(name, Timestamp, nullable=nullable)


def known_state(column: str = "state") -> CheckConstraint:
    """Return the rule that `column` names a state of the table in `core.states`, or is NULL."""
    return CheckConstraint(f"{column} IN ({quoted(CONCRETE)})", name="state")


def is_held() -> ColumnElement[Any]:
    """Return the condition that a flow run is held until something lets it through, word for word as in its index."""
    return literal_column("flow_run.state = 'Scheduled' AND flow_run.held_by IS NOT NULL")


def in_states(table: Table, names: frozenset[str]) -> ColumnElement[Any]:
    """Return the condition that a row is in one of some states, word for word as a partial index has it.

    SQLite recognises the index by these words: they are written out and not bound, and without the `= 1` that
    SQLAlchemy adds to what it knows to be a Boolean.
    """
    return literal_column(f"{table.name}.state IN ({quoted(names)})")


def quoted(names: frozenset[str]) -> str:
    """Return state names as a list of SQL literals, in a stable order."""
    return ", ".join(f"'{name}'" for name in sorted(names))
