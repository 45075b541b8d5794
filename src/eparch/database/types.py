"""Column types that look the same to Python on SQLite and on PostgreSQL.

In charge of how ids, instants and documents are stored; not in charge of how they are shown (`graphql.emit`).

| type      | Python            | PostgreSQL  | SQLite                                                        |
|-----------|-------------------|-------------|---------------------------------------------------------------|
| Uuid      | str, hyphenated   | uuid        | text, lower-case                                              |
| Timestamp | aware datetime    | timestamptz | text `2026-01-31T06:00:00.000000+00:00`: sorts as it reads    |
| Json      | any JSON value    | json        | text, compact                                                 |
| Words     | str               | text, C     | text, binary order                                            |

`json` and not `jsonb`: a document comes back exactly as it was sent, and reading one costs no re-rendering; the few
filters that look inside cast it. Text has the C collation, so that both databases sort alike.
"""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Dialect, String, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from eparch.core.instants import timestamp_text


def encode_json(value: object) -> str:
    """Return a JSON-ready value as compact JSON text."""
    return msgspec.json.encode(value).decode()


class Uuid(TypeDecorator[str]):
    """An id: a lower-case hyphenated string in Python."""

    impl = String(36)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.UUID(as_uuid=False) if native else String(36))


class Timestamp(TypeDecorator[datetime]):
    """An instant: an aware datetime in Python, always UTC."""

    impl = String(32)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.TIMESTAMP(timezone=True) if native else String(32))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        if value is None:
            return None
        assert value.tzinfo is not None, f"naive datetime {value!r}"
        return value if dialect.name == "postgresql" else timestamp_text(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        # PostgreSQL hands out datetimes in the session's zone; SQLite hands out our own text.
        return (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON document, kept as the text it was written as. Python's None is SQL's NULL."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(_PostgresJson() if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else encode_json(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        # Always text: connections to PostgreSQL are told not to decode (`database.engines`).
        return None if value is None else msgspec.json.decode(value)


class _PostgresJson(UserDefinedType[str]):
    """PostgreSQL's `json`, bound as ready text: `Json` has encoded it already.

    SQLAlchemy's own type would not do: the driver's dialect replaces it by one that encodes once more.
    """

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_options: Any) -> str:
        return "JSON"


class Words(TypeDecorator[str]):
    """Text of any length, in the order of its code points on both databases."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        # As it is: the driver's dialect would make VARCHAR of it.
        return Text(collation="C") if dialect.name == "postgresql" else Text()
