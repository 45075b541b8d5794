"""In charge of what answers must look like: the selected keys and no others, each with a value of its kind.

Not in charge of which rows there are, nor of what the values are. The kinds are what published clients rely on: an id
is a UUID in lower case, an instant has an offset, a state is an object with a known type.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from graphql import FieldNode, OperationDefinitionNode, OperationType, SelectionSetNode, parse

# Raises AssertionError if the value is not of the kind.
Kind = Callable[[Any], None]

STATE_TYPES = frozenset(
    """Pending Scheduled Paused Resume Retrying Submitted Queued ClientFailed Running Cancelling Finished Looped Success
    Cached Mapped Skipped Cancelled Failed TimedOut TriggerFailed ValidationFailed""".split()  # noqa: SIM905
)
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00")


def check_answer(document: str, data: Any) -> None:
    """Check `data` against the only operation of `document`.

    Raises:
        AssertionError: a key is missing, superfluous or out of order, or a value is not of its kind.
    """
    (operation,) = parse(document).definitions
    assert isinstance(operation, OperationDefinitionNode)
    roots = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    assert list(data) == [root.name.value for root in roots]
    for root in roots:
        name, value = root.name.value, data[root.name.value]
        if operation.operation is OperationType.MUTATION:
            _check_object(name, "mutation", root.selection_set, value)
        elif name in _SCALAR_ROOTS:
            _SCALAR_ROOTS[name](value)
        elif name.endswith("_by_pk") or name in _OBJECT_ROOTS:
            if value is not None:
                _check_object(name, name.removesuffix("_by_pk"), root.selection_set, value)
        else:
            assert isinstance(value, list), f"{name} is not a list: {value!r}"
            for row in value:
                _check_object(name, name, root.selection_set, row)


def _check_object(where: str, kind: str, selection: SelectionSetNode | None, value: Any) -> None:
    assert isinstance(value, dict), f"{where} is not an object: {value!r}"
    assert selection is not None
    fields = [node for node in selection.selections if isinstance(node, FieldNode)]
    assert list(value) == [field.name.value for field in fields], f"the keys of {where} are {list(value)}"
    for field in fields:
        name = field.name.value
        found, path = value[name], f"{where}.{name}"
        if field.selection_set is None:
            try:
                _COLUMNS[kind][name](found)
            except AssertionError as error:
                raise AssertionError(f"{path}: {error}") from None
            continue
        related, many = _RELATIONS[kind][name]
        if many:
            assert isinstance(found, list), f"{path} is not a list: {found!r}"
        for row in found if many else [found]:
            _check_object(path, related, field.selection_set, row)


def is_id(value: Any) -> None:
    assert isinstance(value, str), f"not an id: {value!r}"
    assert str(UUID(value)) == value, f"not an id: {value!r}"


def is_instant(value: Any) -> None:
    assert isinstance(value, str), f"not an instant: {value!r}"
    assert _INSTANT.fullmatch(value), f"not an instant in the one form that also sorts as text: {value!r}"
    datetime.fromisoformat(value)


def is_state(value: Any) -> None:
    assert isinstance(value, dict), f"not a state: {value!r}"
    assert value["type"] in STATE_TYPES
    assert value.get("_result", {}) is not None, "_result is null, which the published client cannot read"


def _instance(*types: type) -> Kind:
    def check(value: Any) -> None:
        assert type(value) in types, f"not {' or '.join(t.__name__ for t in types)}: {value!r}"

    return check


def _nullable(kind: Kind) -> Kind:
    def check(value: Any) -> None:
        if value is not None:
            kind(value)

    return check


def _list_of(kind: Kind) -> Kind:
    def check(value: Any) -> None:
        assert isinstance(value, list), f"not a list: {value!r}"
        for item in value:
            kind(item)

    return check


def _one_of(*values: str) -> Kind:
    def check(value: Any) -> None:
        assert value in values, f"not one of {values}: {value!r}"

    return check


_text, _integer, _flag, _object = _instance(str), _instance(int), _instance(bool), _instance(dict)
_texts = _list_of(_text)
_state_type = _one_of(*STATE_TYPES)

_RUN: dict[str, Kind] = {
    "id": is_id,
    "name": _nullable(_text),
    "version": _integer,
    "state": _state_type,
    "serialized_state": is_state,
    "created": is_instant,
    "updated": is_instant,
    "start_time": _nullable(is_instant),
    "end_time": _nullable(is_instant),
    "state_start_time": _nullable(is_instant),
    "flow_id": is_id,
    "flow_run_id": is_id,
    "task_id": is_id,
    "parameters": _object,
    "context": _object,
    "labels": _texts,
    "run_config": _nullable(_object),
    "scheduled_start_time": is_instant,
    "auto_scheduled": _flag,
    "map_index": _integer,
}
_COLUMNS: dict[str, dict[str, Kind]] = {
    "tenant": {"id": is_id, "name": _text, "slug": _text},
    "project": {"id": is_id, "name": _text, "created": is_instant, "description": _nullable(_text)},
    "flow": {
        "id": is_id,
        "flow_group_id": is_id,
        "name": _text,
        "version": _integer,
        "created": is_instant,
        "description": _nullable(_text),
        "archived": _flag,
        "core_version": _nullable(_text),
        "parameters": _list_of(_object),
        "storage": _object,
        "environment": _nullable(_object),
        "run_config": _nullable(_object),
        "settings": _object,
        "serialized_flow": _object,
    },
    "flow_group": {"labels": _nullable(_texts)},
    "task": {
        "id": is_id,
        "name": _text,
        "slug": _text,
        "created": is_instant,
        "description": _nullable(_text),
        "type": _text,
        "max_retries": _integer,
        "retry_delay": _nullable(_text),
        "mapped": _flag,
    },
    "flow_run": _RUN,
    "task_run": _RUN,
    "flow_run_state": {
        "timestamp": is_instant,
        "created": is_instant,
        "state": _state_type,
        "start_time": _nullable(is_instant),
        "serialized_state": is_state,
    },
    "log": {"timestamp": is_instant, "level": _text, "message": _text, "info": lambda _: None},
    "agent": {"id": is_id, "name": _nullable(_text), "labels": _texts, "last_queried": _nullable(is_instant)},
    "task_tag_limit": {"limit": _integer},
    "key_value": {"id": is_id, "key": _text, "value": lambda _: None},
    "aggregate": {"count": _integer},
    "mutation": {
        "id": is_id,
        "success": _flag,
        "state": _state_type,
        "version": _integer,
        "serialized_state": is_state,
        "flow_run_ids": _list_of(is_id),
    },
    "written_state": {"id": is_id, "status": _one_of("SUCCESS", "QUEUED"), "message": _nullable(_text)},
    "get_task_run_info": {"serialized_state": is_state},
}
_RELATIONS: dict[str, dict[str, tuple[str, bool]]] = {
    "project": {"flows_aggregate": ("flows_aggregate", False)},
    "flows_aggregate": {"aggregate": ("aggregate", False)},
    "flow": {"project": ("project", False), "flow_group": ("flow_group", False), "tasks": ("task", True)},
    "task": {"flow": ("flow", False)},
    "flow_run": {
        "flow": ("flow", False),
        "task_runs": ("task_run", True),
        "states": ("flow_run_state", True),
        "logs": ("log", True),
    },
    "task_run": {"task": ("task", False), "flow_run": ("flow_run", False)},
    "mutation": {"states": ("written_state", True)},
}
_SCALAR_ROOTS: dict[str, Kind] = {"hello": _text, "secret_names": _texts, "secret_value": lambda _: None}
_OBJECT_ROOTS = frozenset({"get_task_run_info"})
