"""What a new flow run gets where its maker says nothing: labels, run config, parameters.

In charge of which of flow, flow group and maker has the last word; not in charge of reading or writing any of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from eparch.core.errors import BadInput

Document: TypeAlias = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FlowDefaults:
    """What a flow and its group say about new runs, as their columns hold it.

    Attributes:
        parameters: the flow's parameters: a list of objects with `name`, `required`, `default`. Anything else is none.
        environment: what flows of old clients have in place of a run config.
        group_labels: None is "not set"; an empty list is "none", and hides the labels of the flow.
    """

    parameters: object = None
    run_config: Document | None = None
    environment: Document | None = None
    group_labels: Sequence[str] | None = None
    group_run_config: Document | None = None
    group_parameters: Document | None = None


def run_labels(flow: FlowDefaults, labels: Sequence[str] | None, run_config: Document | None) -> list[str]:
    """Return the labels of a new run, sorted, each once.

    The first source that is there decides, even if it has no labels: a run config without any means a run without any.

    Args:
        labels: what the maker of the run gives; None is nothing, an empty list is "none".
        run_config: likewise.
    """
    if labels is not None:
        return sorted(set(labels))
    if run_config is not None:
        return _labels_within(run_config)
    if flow.group_labels is not None:
        return sorted(set(flow.group_labels))
    for document in (flow.group_run_config, flow.run_config, flow.environment):
        if document is not None:
            return _labels_within(document)
    return []


def run_config_of_run(flow: FlowDefaults, run_config: Document | None) -> Document | None:
    """Return the run config of a new run: its maker's, else its flow group's, else its flow's."""
    for document in (run_config, flow.group_run_config, flow.run_config):
        if document is not None:
            return document
    return None


def run_parameters(flow: FlowDefaults, given: Document | None) -> dict[str, object]:
    """Return the parameters of a new run: the flow's defaults, under its group's, under those that its maker gives.

    A name that the flow does not know is kept; a default of null counts as none.

    Raises:
        BadInput: required parameters have no value.
    """
    merged = {**_defaults(flow), **(given or {})}
    missing = sorted(_required(flow) - merged.keys())
    if missing:
        raise BadInput(
            f"Required parameters were not supplied: {{{', '.join(missing)}}}.",
            hint="give them with the run, as defaults of the flow group, or in the clocks of the schedule",
            detail={"parameters": missing},
        )
    return merged


def refuse_unknown_parameters(flow: FlowDefaults, given: Document) -> None:
    """Do nothing, or say that a flow has no parameter of a name that is given.

    Not for single runs: clients of old may give any name with those.

    Raises:
        BadInput: it has none of this name.
    """
    known = [name for name, _ in _named(flow)]
    for name in given:
        if isinstance(flow.parameters, list) and name not in known:
            close = get_close_matches(name, known, 1)
            raise BadInput(
                f"The flow has no parameter {name!r}.",
                hint=f"did you mean {close[0]!r}?" if close else f"its parameters: {', '.join(known) or 'none'}",
                detail={"parameter": name},
            )


def unfilled_parameters(flow: FlowDefaults) -> frozenset[str]:
    """Return the names of required parameters that have no default: each clock of a schedule must give them."""
    return _required(flow) - _defaults(flow).keys()


def _defaults(flow: FlowDefaults) -> dict[str, object]:
    defaults = {name: parameter["default"] for name, parameter in _named(flow) if parameter.get("default") is not None}
    return {**defaults, **(flow.group_parameters or {})}


def _required(flow: FlowDefaults) -> frozenset[str]:
    return frozenset(name for name, parameter in _named(flow) if parameter.get("required") is True)


def _named(flow: FlowDefaults) -> list[tuple[str, Document]]:
    if not isinstance(flow.parameters, list):
        return []
    named = [(parameter.get("name"), parameter) for parameter in flow.parameters if isinstance(parameter, Mapping)]
    return [(name, parameter) for name, parameter in named if isinstance(name, str)]


def _labels_within(document: Document) -> list[str]:
    labels = document.get("labels")
    return sorted({label for label in labels if isinstance(label, str)}) if isinstance(labels, list) else []
