"""Who has the last word on the labels, the run config and the parameters of a new run."""

from typing import Any

import pytest

from eparch.core.errors import BadInput
from eparch.core.run_defaults import FlowDefaults, run_config_of_run, run_labels, run_parameters, unfilled_parameters


def config(*labels: str) -> dict[str, object]:
    return {"type": "UniversalRun", "labels": list(labels)}


EVERYWHERE = {
    "environment": config("environment"),
    "run_config": config("flow"),
    "group_run_config": config("group config"),
    "group_labels": ["group"],
}


@pytest.mark.parametrize(
    ("labels", "run_config", "flow", "expected"),
    [
        (["given"], config("given config"), EVERYWHERE, ["given"]),
        ([], config("given config"), EVERYWHERE, []),
        (None, config("given config"), EVERYWHERE, ["given config"]),
        (None, {"type": "UniversalRun"}, EVERYWHERE, []),
        (None, {"type": "UniversalRun", "labels": None}, EVERYWHERE, []),
        (None, None, EVERYWHERE, ["group"]),
        (None, None, {**EVERYWHERE, "group_labels": []}, []),
        (None, None, {**EVERYWHERE, "group_labels": None}, ["group config"]),
        (None, None, {**EVERYWHERE, "group_labels": None, "group_run_config": {"type": "LocalRun"}}, []),
        (None, None, {"environment": config("environment"), "run_config": config("flow")}, ["flow"]),
        (None, None, {"environment": config("environment"), "run_config": {"type": "LocalRun"}}, []),
        (None, None, {"environment": config("environment")}, ["environment"]),
        (None, None, {"environment": {"labels": None}}, []),
        (None, None, {"environment": {}}, []),
        (None, None, {}, []),
        (["given"], None, {}, ["given"]),
    ],
)
def test_the_first_source_of_labels_that_is_there_decides(
    labels: list[str] | None, run_config: dict[str, object] | None, flow: dict[str, Any], expected: list[str]
) -> None:
    assert run_labels(FlowDefaults(**flow), labels, run_config) == expected


@pytest.mark.parametrize("place", ["given", "given config", "group", "group config", "flow"])
def test_labels_are_sorted_and_each_is_there_once(place: str) -> None:
    labels = ["zebra", "ant", "zebra", "Bee"]
    flow = FlowDefaults(
        group_labels=labels if place == "group" else None,
        group_run_config={"labels": labels} if place == "group config" else None,
        run_config={"labels": labels} if place == "flow" else None,
    )
    given = labels if place == "given" else None
    given_config = {"labels": labels} if place == "given config" else None
    assert run_labels(flow, given, given_config) == ["Bee", "ant", "zebra"]


@pytest.mark.parametrize(
    ("given", "group", "flow", "expected"),
    [
        (config("a"), config("b"), config("c"), config("a")),
        ({}, config("b"), config("c"), {}),
        (None, config("b"), config("c"), config("b")),
        (None, None, config("c"), config("c")),
        (None, None, None, None),
    ],
)
def test_the_first_run_config_that_is_there_decides(given: Any, group: Any, flow: Any, expected: Any) -> None:
    assert run_config_of_run(FlowDefaults(run_config=flow, group_run_config=group), given) == expected


def parameter(name: str, default: object = None, *, required: bool = False) -> dict[str, object]:
    return {"name": name, "slug": name, "required": required, "default": default, "type": "Parameter"}


@pytest.mark.parametrize("default", [0, 0.0, False, "", [], {}, 1, "x", [1], {"a": 1}])
def test_every_default_but_null_is_kept(default: object) -> None:
    parameters = run_parameters(FlowDefaults(parameters=[parameter("x", default), parameter("y", None)]), None)
    assert parameters == {"x": default}
    assert type(parameters["x"]) is type(default)


def test_given_parameters_lie_over_the_groups_and_those_over_the_flows() -> None:
    flow = FlowDefaults(
        parameters=[parameter("a", "flow"), parameter("b", "flow"), parameter("c", "flow")],
        group_parameters={"b": "group", "c": "group", "d": "group"},
    )
    assert run_parameters(flow, {"c": "given", "unknown": "given"}) == {
        "a": "flow",
        "b": "group",
        "c": "given",
        "d": "group",
        "unknown": "given",
    }


def test_a_missing_required_parameter_is_named() -> None:
    flow = FlowDefaults(parameters=[parameter("y", required=True), parameter("x", required=True), parameter("z")])
    with pytest.raises(BadInput, match=r"Required parameters were not supplied: \{x, y\}"):
        run_parameters(flow, {"z": 1})


@pytest.mark.parametrize("value", [0, "", None, False])
def test_a_required_parameter_may_be_given_any_value(value: object) -> None:
    flow = FlowDefaults(parameters=[parameter("x", required=True)])
    assert run_parameters(flow, {"x": value}) == {"x": value}
    assert run_parameters(FlowDefaults(flow.parameters, group_parameters={"x": value}), None) == {"x": value}


@pytest.mark.parametrize("parameters", [None, {}, [], [None, 1, {}, {"name": 3}]])
def test_a_flow_may_have_no_parameters(parameters: object) -> None:
    assert run_parameters(FlowDefaults(parameters=parameters), {"x": 1}) == {"x": 1}


def test_what_the_clocks_must_give_is_what_nobody_else_does() -> None:
    flow = FlowDefaults(
        parameters=[
            parameter("a", required=True),
            parameter("b", required=True),
            parameter("c", 0, required=True),
            parameter("d"),
        ],
        group_parameters={"b": None},
    )
    assert unfilled_parameters(flow) == {"a"}
