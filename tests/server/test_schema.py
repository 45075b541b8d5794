"""The schema and the operations say the same."""

import pytest
from graphql import GraphQLNonNull

import eparch.operations.catalogue  # noqa: F401 - registers every operation
from eparch.database.tables import METADATA
from eparch.graphql.planner import is_table_field
from eparch.graphql.schema import schema
from eparch.operations.registry import OPERATIONS, operation

# Answered from nothing but the program itself.
STATIC = {"hello", "api", "reference_data"}


def test_every_mutation_of_the_schema_has_an_operation_and_the_other_way_round() -> None:
    mutation = schema().mutation_type
    assert mutation is not None
    assert set(mutation.fields) == {name for name, operation in OPERATIONS.items() if not operation.is_read}


def test_every_query_that_is_no_table_has_an_operation_that_only_reads() -> None:
    query = schema().query_type
    assert query is not None
    functions = {name for name in query.fields if not is_table_field(name)}
    assert functions - STATIC == {name for name, operation in OPERATIONS.items() if operation.is_read}


def test_every_mutation_takes_one_input_named_after_it() -> None:
    mutation = schema().mutation_type
    assert mutation is not None
    for name, field in mutation.fields.items():
        assert {key: str(argument.type) for key, argument in field.args.items()} == {"input": f"{name}_input!"}


def test_a_mutation_that_fails_does_not_take_the_answers_of_others_with_it() -> None:
    mutation = schema().mutation_type
    assert mutation is not None
    assert [name for name, field in mutation.fields.items() if isinstance(field.type, GraphQLNonNull)] == []


def test_every_read_says_what_it_looks_at() -> None:
    """Otherwise whoever follows it would not hear of changes."""
    with pytest.raises(AssertionError, match="a read says which tables"):
        operation("read:run", is_read=True)
    known = set(METADATA.tables)
    assert [each.name for each in OPERATIONS.values() if not each.tables <= known] == []
