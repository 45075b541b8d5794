"""Failures as GraphQL shows them.

In charge of the shape of an error in an answer and of the codes that only this API has; not in charge of the codes that
all of Eparch has (`core.errors`) nor of HTTP.
"""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, TypeAlias

from graphql.error import GraphQLError

from eparch.core.errors import BadInput, EparchError

PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"

ErrorDict: TypeAlias = dict[str, Any]


class RequestRefused(Exception):
    """The request was not executed: an answer without `data`, HTTP 400.

    Attributes:
        errors: ready for the answer; at least one.
    """

    def __init__(self, errors: Sequence[ErrorDict]) -> None:
        super().__init__("; ".join(str(error["message"]) for error in errors))
        self.errors = list(errors)


class DataException(BadInput):
    """An operand cannot be read as the type of its column."""

    code: ClassVar[str] = "data-exception"


def refuse(code: str, message: str, *, hint: str = "", locations: Sequence[Any] | None = None) -> RequestRefused:
    """Return a refusal with one error."""
    return RequestRefused([error_dict(code, message, hint=hint, locations=locations)])


def refuse_all(code: str, errors: Iterable[GraphQLError]) -> RequestRefused:
    """Return a refusal with the errors that graphql-core has found."""
    return RequestRefused([error_dict(code, error.message, locations=error.locations) for error in errors])


def describe(error: EparchError, path: Sequence[str | int] = ()) -> ErrorDict:
    """Return a failure of Eparch as an error of the field at `path`."""
    return error_dict(error.code, error.message, hint=error.hint, path=path, detail=error.detail)


def error_dict(
    code: str,
    message: str,
    *,
    hint: str = "",
    locations: Sequence[Any] | None = None,
    path: Sequence[str | int] = (),
    detail: dict[str, object] | None = None,
) -> ErrorDict:
    """Return one entry of `errors`. Keys without a value are left out: old clients trip over nulls."""
    made: ErrorDict = {"message": message}
    if locations:
        made["locations"] = [{"line": place.line, "column": place.column} for place in locations]
    if path:
        made["path"] = list(path)
    made["extensions"] = {**(detail or {}), "code": code, **({"hint": hint} if hint else {})}
    return made
