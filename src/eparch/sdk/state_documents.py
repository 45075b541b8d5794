"""States as JSON documents, as the API stores them and as Prefect 1.x clients read them.

In charge of the keys of a state's document; not in charge of the meaning of a state (`states`) nor of the keys of a
result inside it (`results.documents`). A value never travels in a state: only where it is kept does.
"""

from datetime import datetime
from typing import Any, Final

from eparch.core.instants import parse_instant, timestamp_text
from eparch.sdk import states
from eparch.sdk.errors import FlowError
from eparch.sdk.format import FORMAT_VERSION
from eparch.sdk.results.documents import result_document, result_of_document

# What each state has beyond the common keys. Instants and nested states are told by the second member.
_PLAIN: Final = None
_INSTANT: Final = "instant"
_STATE: Final = "state"
_EXTRA: Final[tuple[tuple[type[states.State], tuple[tuple[str, str | None], ...]], ...]] = (
    (states.Scheduled, (("start_time", _INSTANT),)),
    (states.Retrying, (("run_count", _PLAIN),)),
    (states._MetaState, (("state", _STATE),)),
    (states.Queued, (("start_time", _INSTANT),)),
    (states.Looped, (("loop_count", _PLAIN),)),
    (
        states.Cached,
        (("cached_parameters", _PLAIN), ("cached_result_expiration", _INSTANT), ("hashed_inputs", _PLAIN)),
    ),
    (states.Mapped, (("n_map_states", _PLAIN),)),
)
_EXTRA_BY_CLASS: Final = {
    cls: tuple(field for base, fields in _EXTRA if issubclass(cls, base) for field in fields)
    for cls in states.CLASSES.values()
}
_WITHOUT_RESULT: Final[dict[str, Any]] = {"type": "NoResultType"}


def state_document(state: states.State) -> dict[str, Any]:
    """Return a state as a JSON-ready document.

    Example:
        >>> from eparch.sdk.states import Retrying
        >>> document = state_document(Retrying("again", run_count=2))
        >>> document["type"], document["run_count"], document["_result"]
        ('Retrying', 2, {'type': 'NoResultType'})
    """
    document: dict[str, Any] = {
        "type": type(state).__name__,
        "message": state.message,
        "context": state.context or {},
        "__version__": FORMAT_VERSION,
    }
    # The children of a mapped run tell their own results.
    if not isinstance(state, states.Mapped):
        document["_result"] = _result(state)
    for name, kind in _EXTRA_BY_CLASS[type(state)]:
        value = getattr(state, name)
        if kind is _INSTANT and value is not None:
            value = timestamp_text(value)
        elif kind is _STATE and value is not None:
            value = state_document(value)
        document[name] = value
    return document


def state_of_document(document: dict[str, Any]) -> states.State:
    """Return the state that a document describes; what it does not know in it is left out.

    Raises:
        FlowError: the type is unknown.
    """
    name = document.get("type")
    cls = states.CLASSES.get(name) if isinstance(name, str) else None
    if cls is None:
        raise FlowError(f"{name!r} is not a type of state.", hint=f"one of {', '.join(sorted(states.CLASSES))}")
    given: dict[str, Any] = {}
    for field, kind in _EXTRA_BY_CLASS[cls]:
        value = document.get(field)
        if kind is _INSTANT:
            value = _instant(value)
        elif kind is _STATE and value is not None:
            value = state_of_document(value)
        given[field] = value
    if cls is not states.Mapped:
        stored = result_of_document(document.get("_result"))
        # The error that a failure has left is in its message.
        given["stored"] = stored if stored is None or stored.location or issubclass(cls, states.Success) else None
    return cls(document.get("message"), context=document.get("context"), **given)


def _result(state: states.State) -> dict[str, Any]:
    if state.stored is not None:
        return result_document(state.stored)
    # Only what was left by a task is said to be a result that is not kept anywhere.
    if isinstance(state, states.Finished) and state._value is not None:
        return {"type": "Result", "location": None}
    return _WITHOUT_RESULT


def _instant(value: object) -> datetime | None:
    return parse_instant(value) if isinstance(value, str) else None
