"""Documents that are short and would take long: each is refused before that, and says why."""

import pytest

from eparch.graphql.documents import Documents
from eparch.graphql.faults import VALIDATION_FAILED, RequestRefused
from eparch.graphql.limits import Limits

# 40 fields that each lead to 40 fields that ...: 64,000 in the third round.
FAN = " ".join(
    f"fragment F{level} on flow {{ "
    + " ".join(f"a{index}: flow_group {{ flows {{ ...F{level + 1} }} }}" for index in range(40))
    + " }"
    for level in range(1, 4)
)
SPREADS = " ".join(f"fragment S{index} on Query {{ a: tenant {{ id }} }}" for index in range(60))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{" + "a: tenant { id } " * 1500 + "}", "'a' stands 1500 times"),
        ("{" + " ".join(f"...S{index}" for index in range(60)) + "} " + SPREADS, "'a' stands 60 times"),
        ("{ ...A } fragment A on Query {" + "tenant { id } " * 51 + "}", "'tenant' stands 51 times"),
        ("{ hello } fragment A on Query {" + "tenant { id } " * 51 + "}", "'tenant' stands 51 times"),
        ("{ flow { ...F1 } } " + FAN + " fragment F4 on flow { id }", "more than 20000 fields"),
        ("{ hello" + " ... { hello }" * 51 + "}", "'hello' stands 52 times"),
    ],
)
def test_what_would_be_compared_or_written_out_too_often_is_refused(text: str, told: str) -> None:
    with pytest.raises(RequestRefused, match=told) as refused:
        Documents().load(text)
    assert [error["extensions"]["code"] for error in refused.value.errors] == [VALIDATION_FAILED]


def test_fragments_count_towards_the_size_too() -> None:
    with pytest.raises(RequestRefused, match="more than 10 fields"):
        Documents(Limits(fields_max=10)).load(
            "{ ...A ...A ...A ...A ...A ...A ...A ...A ...A ...A ...A } " + "fragment A on Query { hello }"
        )


@pytest.mark.parametrize(
    "text",
    [
        "mutation {"
        + " ".join(f'm{i}: delete_flow(input: {{flow_id: "{i}"}}) {{ success error }}' for i in range(1000))
        + "}",
        "{" + " ".join(f"a{index}: tenant {{ id }}" for index in range(1000)) + "}",
        "{" + "tenant { id } " * 50 + "}",
    ],
)
def test_many_fields_with_names_of_their_own_are_fine(text: str) -> None:
    Documents().load(text)


@pytest.mark.parametrize(
    "text",
    [
        "{ ...A } fragment A on Query { hello ...B } fragment B on Query { ...A }",
        "{ flow { ...A } } fragment A on flow { project { flows { ...A } } }",
        "{ flow { ...A } } fragment A on flow { "
        + " ".join(f"a{i}: project {{ flows {{ ...A }} }}" for i in range(30))
        + " }",
    ],
)
def test_fragments_within_themselves_are_refused(text: str) -> None:
    with pytest.raises(RequestRefused, match=r"within itself|more than 20000 fields"):
        Documents().load(text)
