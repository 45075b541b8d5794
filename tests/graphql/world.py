"""In charge of asking queries of a seeded database, the way the server does; not in charge of what is in it."""

import json
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from eparch.core.principals import Principal
from eparch.graphql.documents import Documents
from eparch.graphql.execute import Answer, answer
from eparch.graphql.limits import Limits
from tests.graphql.dataset import T1

DOCUMENTS = Documents()


@dataclass(frozen=True)
class World:
    """A database with rows, and a principal who asks."""

    engine: Engine
    limits: Limits = field(default_factory=Limits)
    principal: Principal = field(default_factory=lambda: Principal(T1))
    documents: Documents = DOCUMENTS

    @property
    def dialect(self) -> str:
        return self.engine.dialect.name

    def answer(self, query: str, variables: dict[str, Any] | None = None, operation: str | None = None) -> Answer:
        """Return what the table fields of a query give; raises RequestRefused."""
        loaded = self.documents.load(query, operation)
        coerced = loaded.variables(variables)
        prepared = loaded.prepare(coerced)
        with self.engine.begin() as connection:
            return answer(connection, prepared, loaded.literals, coerced, self.principal, self.limits)

    def ask(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the decoded data of a query that must not fail."""
        made = self.answer(query, variables)
        assert not made.errors, made.errors
        return {key: json.loads(part) for key, part in made.parts.items()}

    def error(self, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the one error of a query that must fail in a field."""
        made = self.answer(query, variables)
        assert len(made.errors) == 1, (made.errors, made.parts)
        return made.errors[0]
