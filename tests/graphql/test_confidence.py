"""The value of a secret stays in no cache and in no error, however it was sent."""

import gc
from types import FunctionType, ModuleType
from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.graphql.documents import Documents
from eparch.graphql.faults import RequestRefused
from eparch.graphql.prepared import FunctionRoot

VALUE = "hunter2-hunter2"
WORD = "hunter2_hunter2"
INPUT = "mutation ($input: set_secret_input!) { set_secret(input: $input) { success } }"


def arguments(text: str, variables: dict[str, Any] | None = None) -> Any:
    loaded = Documents().load(text)
    values = loaded.variables(variables)
    (root,) = loaded.prepare(values).roots
    assert isinstance(root, FunctionRoot)
    return root.arguments(loaded.literals, values)


def is_reachable_from(start: object, text: str) -> bool:
    """Return whether a str that holds `text` can be reached from an object."""
    seen, waiting = set(), [start]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and text in one:
            return True
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        # What a function holds itself; its globals lead to every module, this one too.
        waiting += (one.__closure__ or ()) if isinstance(one, FunctionType) else gc.get_referents(one)
    return False


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        (f'mutation {{ set_secret(input: {{name: "N", value: "\\"{VALUE}\\""}}) {{ success }} }}', None),
        (f'mutation {{ set_secret(input: {{name: "N", value: ["{VALUE}"]}}) {{ success }} }}', None),
        (f'mutation {{ a: set_secret(input: {{name: "N", value: {{{WORD}: 1}}}}) {{ success }} }}', None),
        (INPUT, {"input": {"name": "N", "value": VALUE}}),
        (f'mutation ($v: JSON! = ["{VALUE}"]) {{ set_secret(input: {{name: "N", value: $v}}) {{ success }} }}', None),
    ],
)
def test_what_is_loaded_is_kept_nowhere(text: str, variables: dict[str, Any] | None) -> None:
    documents = Documents()
    loaded = documents.load(text)
    values = loaded.variables(variables)
    (root,) = loaded.prepare(values).roots
    assert isinstance(root, FunctionRoot)
    given = root.arguments(loaded.literals, values)["input"]
    hidden = VALUE if VALUE in str(given) else WORD
    assert hidden in str(given)
    del loaded, values, root, given
    caches = (documents._by_text, documents._by_shape)
    assert [cache.cache_info().currsize for cache in caches] == [0, 0]
    assert not is_reachable_from(documents, hidden)


def test_a_look_for_what_is_kept_finds_it() -> None:
    documents = Documents()
    documents.load(f'{{ flow(where: {{name: {{_eq: "{VALUE}"}}}}) {{ id }} }}')
    assert is_reachable_from(documents, VALUE)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        # The value in the place of something else, in quotes or without.
        (f'mutation {{ set_secret(input: {{name: 1, value: "{VALUE}"}}) {{ success }} }}', None),
        (f'mutation {{ set_secret(input: "{VALUE}") {{ success }} }}', None),
        (f'mutation {{ set_secret(input: {{name: "N", value: "{VALUE}"}}) {{ success }} }}', None),
        (f"mutation {{ set_secret(input: {{name: {VALUE}, value: 1}}) {{ success }} }}", None),
        (f'mutation {{ set_secret(input: {{name: "N", value: 1, valu: "{VALUE}"}}) {{ success }} }}', None),
        (f'mutation {{ set_secret(input: {{name: "N", value: 1}} "{VALUE}") {{ success }} }}', None),
        (f'mutation {{ set_secret(input: {{name: "N", value: "{VALUE}}}) {{ success }} }}', None),
        (f'mutation {{ set_secret(value: "{VALUE}") {{ success }} }}', None),
        (INPUT, {"input": VALUE}),
        (INPUT, {"input": [VALUE]}),
        (INPUT, {"input": {"name": {"value": VALUE}}}),
        (INPUT, {"input": {"name": "N", VALUE: 1}}),
        (INPUT.replace("set_secret_input!", "Int!"), {"input": VALUE}),
        (
            INPUT.replace("($input:", "($n: Int!, $input:").replace(
                "{ success }", "{ success } x: set_schedule_active(input: {flow_id: $n}) { success }"
            ),
            {"n": VALUE},
        ),
    ],
)
def test_no_error_shows_what_came(text: str, variables: dict[str, Any] | None) -> None:
    with pytest.raises((RequestRefused, BadInput)) as caught:
        arguments(text, variables)
    errors = caught.value.errors if isinstance(caught.value, RequestRefused) else [caught.value.message]
    assert errors
    assert VALUE not in str(errors)
    assert VALUE.split("-")[0] not in str(errors)
    assert caught.value.__context__ is None or caught.value.__suppress_context__


def test_an_error_still_says_where_it_is() -> None:
    with pytest.raises(RequestRefused) as caught:
        arguments(INPUT, {"input": {"name": 7, "value": VALUE}})
    (error,) = caught.value.errors
    assert error["message"].startswith('Variable "$input".name: what came is not shown')
    with pytest.raises(RequestRefused) as caught:
        arguments('mutation { set_secret(input: {name: "N", value: "\\"v\\"", other: 1}) { success } }')
    (error,) = caught.value.errors
    assert error["locations"] == [{"line": 1, "column": 58}]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "send the value as a variable" in error["extensions"]["hint"]
